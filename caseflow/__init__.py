"""caseflow runs municipal support policies from the published clause to the paid yuan."""

__version__ = "0.1.0"
