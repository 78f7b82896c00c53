"""Parameters of measures: what a bureau settles, from which day, by which document."""
