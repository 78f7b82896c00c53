"""Cases and the versions they pin: what another version would change, and moving a case to it."""
