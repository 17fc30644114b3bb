"""Behaviour: the whole core under virtual time, seeded; no sockets, no sleeping."""
