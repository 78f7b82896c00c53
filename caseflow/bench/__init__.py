"""Measuring acts and sweeps next to the database’s own speed."""
