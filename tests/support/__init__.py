"""What tests of several kinds share: programs on this machine, ports, a browser."""
