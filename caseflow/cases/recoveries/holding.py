"""The hold that stops payments to a case while a recovery of it runs."""

from typing import Final

HOLD: Final = "clawback_open"
