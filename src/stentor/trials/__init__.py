"""Real listeners before real edges on this machine, at several sizes: what a rehearsal measures."""
