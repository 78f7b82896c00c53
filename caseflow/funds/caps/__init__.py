"""Ceilings (上限) as counters: what each beneficiary was promised and paid, and what is left."""
