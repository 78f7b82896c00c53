"""Public ids: random names for rows, which say nothing about their number or their order."""

import random
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH: Final = 22
"""62^22 is over 2^130: two that meet by chance need about 2^65 of them."""
DRAWN: Final = 32
"""Bytes drawn for one id. Those of `UNFAIR` would favour some letters; about one is left out."""
UNFAIR: Final = bytes(range(256 - 256 % len(ALPHABET), 256))
LETTERS: Final = bytes(ord(ALPHABET[each % len(ALPHABET)]) for each in range(256))


class PublicIds:
    """A source of public ids: the system's randomness, or a seeded one for rehearsals and tests."""

    def __init__(self, source: random.Random | None = None) -> None:
        self._source = random.SystemRandom() if source is None else source

    def new(self) -> str:
        """Return the next id: `LENGTH` letters and digits, safe in a URL without quoting."""
        drawn = b""
        while len(drawn) < LENGTH:
            drawn += self._source.randbytes(DRAWN).translate(LETTERS, UNFAIR)
        return drawn[:LENGTH].decode("ascii")
