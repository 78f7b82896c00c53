"""Playing measures and the demo’s story on the virtual clock."""
