"""What moves many cases: sweeps, publicity (公示), the life of policies and calls."""
