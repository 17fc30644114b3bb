"""A whole fleet under virtual time: every listener one by one, in arrays. Pure, and seeded."""
