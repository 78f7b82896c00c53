"""Facts for formal documents, without a database."""

from datetime import date
from typing import Any

from caseflow.documents.letters.kinds import LetterKind
from caseflow.documents.letters.words import FACTS, ITEMS, Block, blocks_of

DATED_ON = date(2026, 11, 18)
LISTS: dict[str, Any] = {
    "items": ["补充用量日志"],
    **{
        name: [{key: 100 if key == "fen" else "某" for key in keys}] for name, keys in ITEMS.items()
    },
}


def facts() -> dict[str, Any]:
    """Return a value for every fact."""
    plain = {name: "某" for name in FACTS if not name.endswith(("_fen", "_on"))}
    amounts = {name: 1_000_000 for name in FACTS if name.endswith("_fen")}
    days = {name: "2026-11-18" for name in FACTS if name.endswith("_on")}
    return {**plain, **amounts, **days, **LISTS, "provisional": True}


def shown(kind: LetterKind) -> list[Block]:
    """Return the blocks of a kind with every fact; those with none must be possible as well."""
    blocks_of(kind.text, {})
    return blocks_of(kind.text, facts())
