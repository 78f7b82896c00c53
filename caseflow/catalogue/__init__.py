"""Policies, measures, calls and workflows: read from files, checked, loaded, asked."""
