"""What a room is, who may do what in it, and what its audience is told. Pure."""
