"""The case (办件) and act(): the one way a case moves."""
