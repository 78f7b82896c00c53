"""What a public list never shows: numbers of papers, telephones and accounts (手册§5.8)."""

import re
from typing import Final

MASK: Final = "＊＊＊"
_NUMBERS: Final = re.compile(
    r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|1[3-9]\d{9}|\d{12,19})(?![0-9A-Za-z])"
)
"""A resident's identity number, a mobile telephone, a bank account; never a credit code."""


def masked(text: str) -> str:
    """Return `text` with every identity, telephone and account number made unreadable."""
    return _NUMBERS.sub(MASK, text)
