"""Checkpoints: signed roots of one Merkle tree over all events, to be kept elsewhere."""
