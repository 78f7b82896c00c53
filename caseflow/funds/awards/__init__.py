"""The ledger of awards (享受台账): who was given what for which matter, by whichever system."""
