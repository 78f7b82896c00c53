"""The pure heart: no database, no clock, no disk, no randomness."""
