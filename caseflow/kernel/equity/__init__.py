"""拨投股: what an agreement fixes, what it converts into, how it ends, and where the money is."""
