"""Delegation (代理): who stands in for whom, when, in which roles and for which measures."""
