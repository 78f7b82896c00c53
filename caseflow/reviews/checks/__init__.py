"""Checks (核查) of applicants: results with source, time, operator, evidence and validity."""
