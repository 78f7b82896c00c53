"""Ceilings as counters: which a case draws on, what they leave, and what an act takes of them."""
