"""Supports as they were read, as the claims that the rules of overlap compare."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from caseflow.kernel.overlap.clashes import Claim, Decided
from caseflow.kernel.overlap.matters import Commit, Matter


def holder_of(uscc: str | None, identity_number: str | None, commit: Commit) -> str:
    """Return the key of who is supported: the credit code, or a commitment to a person's number."""
    return uscc or commit(identity_number or "")


def matter_of(data: Mapping[str, Any]) -> Matter:
    """Return a stored matter; days as ISO text or dates."""
    return Matter(
        data["kind"], data["key"], _day(data["from"]), _day(data["to"]), data["items"] or {}
    )


def claims_of(rows: Iterable[Mapping[str, Any]]) -> list[Claim]:
    """Return the claims of rows that have one matter each; those of one id are one claim."""
    heads: dict[str, dict[str, Any]] = {}
    matters: dict[str, list[Matter]] = {}
    for row in rows:
        heads[row["id"]] = {name: value for name, value in row.items() if name != "matter"}
        matters.setdefault(row["id"], []).append(matter_of(row["matter"]))
    return [Claim(**head, matters=frozenset(matters[name])) for name, head in heads.items()]


def decisions_of(rows: Iterable[Any]) -> dict[str, Decided]:
    """Return the last decision on each other support, by its public id."""
    return {other: Decided(treatment, fen) for other, treatment, fen in rows}


def _day(value: date | str | None) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value
