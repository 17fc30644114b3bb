"""Real listeners on real sockets, for tests and benchmarks. Against loopback only."""
