"""A listener as a player would be, which checks all that it hears."""
