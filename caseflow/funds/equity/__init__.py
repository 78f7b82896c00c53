"""拨投股: agreements, cap tables, conversions, exits, losses, and the ledger of the pool."""
