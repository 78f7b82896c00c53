"""Titles (称号、认定): who has which, and whether a recognition is the first of its kind.

首次: no earlier title of the same kind, for the same thing, at the same or a higher level; a lower
one before makes it an upgrade. A title follows its holder's successors. Source: 手册§4.7.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.overlap.matters import Matter, matter_key, normalised

Rank = Literal["first", "upgrade", "again", "lower"]

LEVELS: Final[dict[str, str]] = {"national": "国家级", "provincial": "省级", "city": "市级"}
"""The levels of a title, the highest first; the names are those of the fact `title_level`."""
PER: Final = ("object", "holder")
"""What a kind of title is given to: a product, case or filing of its holder, or the holder."""
KIND: Final = r"[0-9A-Z一-鿿()\-/]{2,40}"
"""How a kind of title is written, so that it can stand in the key of a matter."""
LONGEST_THING: Final = 30
_STRANGE: Final = re.compile(r"[^0-9A-Z一-鿿()\-/.]")
_ORDER: Final = tuple(LEVELS)


@dataclass(frozen=True)
class Title:
    """One recognition: who, what for (`thing`, empty where the holder itself is), where written."""

    holder: str
    thing: str
    level: str
    issued_on: date
    document_no: str

    @property
    def place(self) -> tuple[date, int, str]:
        """Return what orders titles in time; of one day the higher level counts as the earlier."""
        return self.issued_on, _ORDER.index(self.level), self.document_no


@dataclass(frozen=True)
class Standing:
    """How a title stands to those before it, and the one that decides that, None for a first."""

    rank: Rank
    earlier: Title | None = None


def thing_of(text: str | None) -> str:
    """Return the name of an object as it stands in keys: half-width capitals, nothing else.

    A long name is cut and ends in a hash of the whole, so that two of them never become one.
    """
    name = _STRANGE.sub("", normalised(text or ""))
    if len(name) <= LONGEST_THING:
        return name
    return f"{name[:LONGEST_THING]}-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"


def standing(title: Title, others: Iterable[Title]) -> Standing:
    """Return how `title` stands to the other titles of its kind; later ones do not count.

    The same document is the same recognition, whoever imported it.
    """
    before = [
        each
        for each in others
        if (each.holder, each.thing) == (title.holder, title.thing)
        and each.document_no != title.document_no
        and each.place < title.place
    ]
    if not before:
        return Standing("first")
    best = min(before, key=lambda each: (_ORDER.index(each.level), each.place))
    mine, theirs = _ORDER.index(title.level), _ORDER.index(best.level)
    if theirs == mine:
        return Standing("again", best)
    return Standing("lower" if theirs < mine else "upgrade", best)


def last_successor(code: str, successors: Mapping[str, str]) -> str:
    """Return who holds today what `code` was given: the end of its chain of successors.

    Raises:
        InvalidInput: the chain comes back to where it was.
    """
    seen = {code}
    while code in successors:
        code = successors[code]
        if code in seen:
            raise InvalidInput(f"承继关系成环：{code}。", fields={"successor": code})
        seen.add(code)
    return code


def matter_of(
    matter_kind: str, title: Mapping[str, Any], *, object_no: str | None = None
) -> Matter | None:
    """Return the matter (事项) of a title, None where nothing that was told can be its key.

    `title` has kind, level, issued_on and thing; a `model_filing` is known by its number.
    """
    if matter_kind == "title":
        words = (title["kind"], LEVELS[title["level"]], str(title["issued_on"].year))
        typed = ":".join((*words, *filter(None, (title["thing"],))))
    else:
        typed = object_no or title["thing"]
    try:
        return Matter(matter_kind, matter_key(matter_kind, typed, str))
    except InvalidInput:
        return None
