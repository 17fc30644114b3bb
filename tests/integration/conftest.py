"""Integration: real sockets, processes, codecs and players; nothing under test is mocked."""
