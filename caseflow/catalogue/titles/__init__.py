"""Lists of titles (称号、认定): which document recognised whom, and what became of each row."""
