"""Recoveries (追缴) as cases: opening them, what their acts write, their ledger (追缴台账)."""
