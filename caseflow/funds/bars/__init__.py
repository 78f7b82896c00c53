"""Bars from applying (禁止申报): placed by a decision to recover, lifted with a reason."""
