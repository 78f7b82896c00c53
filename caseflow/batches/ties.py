"""Importing ties (关联关系) from a workbook or CSV: each row alone, the same row once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.cases.service import Cases
from caseflow.documents.service import store_file
from caseflow.funds.sheets import read_table
from caseflow.identity.identifiers import IDENTITY_TYPES, Identity
from caseflow.identity.queries import Actor
from caseflow.identity.registering import Desk
from caseflow.identity.ties.models import Tie
from caseflow.identity.ties.service import End, NewTie, end_tie, record_tie, refuse_others, tie_of
from caseflow.kernel.errors import CaseflowError, InvalidInput
from caseflow.kernel.ties import KINDS, read_percent

HEADINGS: Final = (
    "关系", "持有方", "持有方代码", "证件类型", "证件号码", "被持有方", "被持有方代码", "持股比例",
    "起始日", "终止日",
)  # fmt: skip
"""The columns of a list, each there once; of a person the document stands for the code."""
KIND, HOLDER, HOLDER_CODE, DOCUMENT, NUMBER, HELD, HELD_CODE, PERCENT, FROM, TO = HEADINGS
KIND_WORDS: Final = {**{title: name for name, title in KINDS.items()}, **{k: k for k in KINDS}}
DOCUMENT_WORDS: Final = {
    **{t: n for n, t in IDENTITY_TYPES.items()},
    **{n: n for n in IDENTITY_TYPES},
}
DAY: Final = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
SIGNS: Final = ("%", "％")
Outcome = Literal["recorded", "ended", "already", "refused"]
OUTCOMES: Final[dict[str, str]] = {
    "recorded": "已登记", "ended": "已终止", "already": "此前已登记", "refused": "未登记",
}  # fmt: skip


@dataclass(frozen=True)
class TieList:
    """A file of ties, and what is said of all of them: where they were found."""

    source: str
    name: str
    content: bytes
    dry_run: bool = False


@dataclass(frozen=True)
class ImportedTie:
    """What became of one row; `row` counts the rows below the headings from 1."""

    row: int
    kind: str
    holder_title: str
    held_title: str
    result: Outcome
    tie: str | None
    message: str


@dataclass(frozen=True)
class TieImport:
    """What became of a list, row by row; nothing is kept of a dry run."""

    source: str
    dry_run: bool
    sha256: str | None
    counts: Mapping[str, int]
    rows: tuple[ImportedTie, ...]


def import_ties(
    cases: Cases, actor: Actor, told: TieList, *, at: datetime,
    step: Callable[[str], None] = lambda _row: None,
) -> TieImport:  # fmt: skip
    """Record a list of ties; a row that is known and now has its last day ends the tie.

    The file is kept under its hash. `step` is told of each row that is done.

    Raises:
        NotAllowed: not in a seat that records. InvalidInput: the file cannot be read, or a heading
            is missing.
    """
    refuse_others(actor)
    rows = read_table(told.content, HEADINGS, name=told.name)
    sha256 = None
    if not told.dry_run:
        stored = store_file(cases.office.files, BytesIO(told.content), limit=len(told.content))
        sha256 = stored.sha256
    desk = Desk(at, cases.office.signer, cases.ids)
    results = []
    for number, row in enumerate(rows, start=1):
        results.append(_imported(cases, actor, told, number, row, desk=desk, sha256=sha256))
        step(str(number))
    counts = dict.fromkeys(OUTCOMES, 0)
    for each in results:
        counts[each.result] += 1
    return TieImport(told.source, told.dry_run, sha256, counts, tuple(results))


def _imported(
    cases: Cases, actor: Actor, told: TieList, number: int, row: Mapping[str, Any], *, desk: Desk,
    sha256: str | None,
) -> ImportedTie:  # fmt: skip
    """Return what became of a row, in a transaction of its own."""
    said = (number, str(row[KIND] or ""), str(row[HOLDER] or ""), str(row[HELD] or ""))
    try:
        with cases.database.session() as session:
            wanted = _wanted(row, told.source, sha256)
            outcome, tie, message = _done(session, actor, wanted, desk)
            if told.dry_run:
                session.rollback()
                return ImportedTie(*said, outcome, None, message)
    except CaseflowError as error:
        return ImportedTie(*said, "refused", None, error.message)
    return ImportedTie(*said, outcome, tie, message)


def _done(session: Session, actor: Actor, wanted: NewTie, desk: Desk) -> tuple[Outcome, str, str]:
    known = _known(session, tie_of(session, wanted, actor, desk))
    if known is None:
        return "recorded", record_tie(session, wanted, actor, desk).public_id, ""
    if known.valid_to is None and wanted.valid_to is not None:
        row = end_tie(session, known.public_id, wanted.valid_to, actor, desk)
        return "ended", row.public_id, f"终止于 {wanted.valid_to}"
    if known.valid_to != wanted.valid_to:
        raise InvalidInput(f"此前登记的终止日为 {known.valid_to or '无'}，与本行不一致。")
    return "already", known.public_id, "此前已登记，未重复登记"


def _known(session: Session, row: Tie) -> Tie | None:
    """Return the tie that stands on record with the same ends, kind, share and first day."""
    query = select(Tie).where(
        Tie.kind == row.kind, Tie.holder == row.holder, Tie.held == row.held,
        Tie.valid_from == row.valid_from, Tie.percent.is_not_distinct_from(row.percent),
        Tie.struck_at.is_(None),
    )  # fmt: skip
    return session.scalars(query).one_or_none()


def _wanted(row: Mapping[str, Any], source: str, sha256: str | None) -> NewTie:
    kind = KIND_WORDS.get(str(row[KIND] or ""))
    if kind is None:
        raise InvalidInput(f"{KIND}须为：{'、'.join(KINDS.values())}。")
    first = _day(row[FROM], FROM)
    if first is None:
        raise InvalidInput(f"{FROM}须填写。")
    holder = End(str(row[HOLDER] or ""), _code(row[HOLDER_CODE]), _identity(row))
    held = End(str(row[HELD] or ""), _code(row[HELD_CODE]))
    return NewTie(
        kind, holder, held, source, first, _day(row[TO], TO), _percent(row[PERCENT]), sha256
    )


def _code(value: Any) -> str | None:
    return None if value is None else str(value)


def _identity(row: Mapping[str, Any]) -> Identity | None:
    if row[NUMBER] is None and row[DOCUMENT] is None:
        return None
    kind = DOCUMENT_WORDS.get(str(row[DOCUMENT] or ""))
    if kind is None or row[NUMBER] is None:
        raise InvalidInput(f"{DOCUMENT}须为：{'、'.join(IDENTITY_TYPES.values())}，并填{NUMBER}。")
    return Identity(kind, str(row[NUMBER]))


def _percent(value: Any) -> Decimal | None:
    """Return a share in percent.

    A cell that shows 100% may hold the number 1: so what is not above 1 must have its sign.
    """
    if value is None:
        return None
    text = str(value)
    found = read_percent(text)
    if found <= 1 and not text.endswith(SIGNS):
        raise InvalidInput(f"{PERCENT} {text} 不大于 1，须写百分号，如 0.5%、100%。")
    return found


def _day(value: Any, heading: str) -> date | None:
    if value is None or isinstance(value, date):
        return value
    written = DAY.fullmatch(str(value))
    try:
        return date(*map(int, written.groups() if written else (0, 0, 0)))
    except ValueError as error:
        raise InvalidInput(f"{heading}须如 2026-10-12，不是 {value!r:.40}。") from error
