"""Experts (专家): the pool, draws, panels, score sheets, and the places of a shortlist."""
