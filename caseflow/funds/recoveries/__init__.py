"""Recoveries (追缴): what was decided, and what came back to which share."""
