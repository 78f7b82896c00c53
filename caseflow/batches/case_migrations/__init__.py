"""Moving the running cases of a measure to its new version: proposed, approved, case by case."""
