"""Experts at work on cases: drawing a panel, what a panel says, ranking a call."""
