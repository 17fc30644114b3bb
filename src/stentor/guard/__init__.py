"""The guard: the privileged helper that tells the kernel whom to drop, and nothing else."""
