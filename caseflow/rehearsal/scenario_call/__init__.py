"""A whole scenario call (优秀示范应用场景评选) played by strangers: HTTP and nothing else."""
