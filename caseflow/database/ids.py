"""Public ids: random names for rows, which say nothing about their number or their order."""

import random
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH: Final = 22
"""62^22 is over 2^130: two that meet by chance need about 2^65 of them."""


class PublicIds:
    """A source of public ids: the system's randomness, or a seeded one for rehearsals and tests."""

    def __init__(self, source: random.Random | None = None) -> None:
        self._source = random.SystemRandom() if source is None else source

    def new(self) -> str:
        """Return the next id: `LENGTH` letters and digits, safe in a URL without quoting."""
        return "".join(self._source.choices(ALPHABET, k=LENGTH))
