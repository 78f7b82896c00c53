"""Checks of many cases: a whole call at once, and lists that other offices send (名单导入)."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any, Final, Literal

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from caseflow.cases.checks.service import (
    RECORDERS,
    Checking,
    CheckLine,
    run_checks,
)
from caseflow.cases.checks.vetoes import note_vetoes
from caseflow.cases.models import Case
from caseflow.cases.queries import visible_cases
from caseflow.cases.service import Cases
from caseflow.catalogue.models import Call
from caseflow.documents.service import receive_file
from caseflow.funds.sheets import read_table
from caseflow.identity.identifiers import check_uscc
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.checks import KINDS, RESULTS
from caseflow.kernel.errors import CaseflowError, InvalidInput, NotAllowed, NotFound
from caseflow.reviews.checks.models import Check
from caseflow.reviews.checks.queries import answered
from caseflow.reviews.checks.service import Finding, Recorder, Snapshot, Subject, record_check
from caseflow.reviews.checks.sources import query_id

HEADINGS: Final = ("统一社会信用代码", "单位名称", "核查类别", "结果", "查询时间", "说明")
USCC, NAME, KIND, RESULT, QUERIED, NOTE = HEADINGS
KIND_WORDS: Final = {**{kind.title: name for name, kind in KINDS.items()}, **{k: k for k in KINDS}}
RESULT_WORDS: Final = {**{word: name for name, word in RESULTS.items()}, **{r: r for r in RESULTS}}
WRITTEN: Final = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:[ T]([0-9]{1,2}):([0-9]{2})(?::[0-9]{2})?)?"
)
DAY: Final = timedelta(days=1)
Outcome = Literal["recorded", "already", "refused"]


@dataclass(frozen=True)
class CaseChecked:
    """What became of one case of a call; `refused` is why nothing could be checked."""

    case: str
    number: str
    applicant_title: str
    lines: tuple[CheckLine, ...]
    refused: str | None


@dataclass(frozen=True)
class CallChecked:
    """What became of a call: case by case, and how many kinds came to which status."""

    call: str
    cases: tuple[CaseChecked, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class ImportedCheck:
    """What became of one row; `row` counts the rows below the headings from 1."""

    row: int
    uscc: str
    result: Outcome
    check: str | None
    message: str


@dataclass(frozen=True)
class CheckImport:
    """What became of a list, row by row; nothing is kept of a dry run. `held` cases met a veto."""

    source: str
    dry_run: bool
    sha256: str | None
    recorded: int
    already: int
    refused: int
    held: int
    rows: tuple[ImportedCheck, ...]


def check_call(
    cases: Cases,
    actor: Actor,
    call: str,
    checking: Checking,
    *,
    at: datetime,
    on_case: Callable[[int, int], None] = lambda _done, _all: None,
) -> CallChecked:
    """Check every open case of a call that the actor sees; each alone, so it can be run again.

    `on_case` is told how many of how many are done. What was answered today is not asked again.

    Raises:
        NotFound: no such call, or no case of it that the actor may see.
    """
    with cases.database.session() as session:
        listed = _open_cases(session, actor, call)
    found = []
    for done, (case, number, applicant) in enumerate(listed, start=1):
        found.append(_checked(cases, actor, (case, number, applicant), checking, at))
        on_case(done, len(listed))
    return CallChecked(call, tuple(found), _counted(found))


def _open_cases(session: Session, actor: Actor, call: str) -> list[tuple[str, str, str]]:
    call_id = session.scalar(select(Call.id).where(Call.public_id == call))
    query = (
        select(Case.public_id, Case.number, Organisation.title)
        .join(Organisation, Organisation.id == Case.applicant_id)
        .where(Case.call_id == call_id, Case.outcome.is_(None), Case.submitted_at.is_not(None))
        .where(visible_cases(actor))
        .order_by(Case.id)
    )
    rows = [(row.public_id, row.number, row.title) for row in session.execute(query)]
    if call_id is None or not rows:
        raise NotFound(f"没有申报通知 {call!r}，或其中没有您可见的在办办件。")
    return rows


def _checked(
    cases: Cases, actor: Actor, listed: tuple[str, str, str], checking: Checking, at: datetime
) -> CaseChecked:
    try:
        lines = run_checks(cases, actor, listed[0], checking, at=at)
    except CaseflowError as error:
        return CaseChecked(*listed, (), error.message)
    return CaseChecked(*listed, lines, None)


def _counted(found: Iterable[CaseChecked]) -> dict[str, int]:
    counts = dict.fromkeys(("recorded", "already", "unanswered", "no_source", "refused"), 0)
    for each in found:
        counts["refused"] += each.refused is not None
        for line in each.lines:
            counts[line.status] += 1
    return counts


@dataclass(frozen=True)
class CheckList:
    """A file of findings, from the source that answers for it."""

    source: str
    name: str
    content: bytes
    dry_run: bool = False


def import_checks(cases: Cases, actor: Actor, told: CheckList, *, at: datetime) -> CheckImport:
    """Record a list of findings about enterprises; each row alone, the same row once.

    The file itself is the evidence, kept under its hash.

    Raises:
        NotAllowed: not in a seat that checks. NotFound: no source of that name sends files.
        InvalidInput: the file cannot be read, or a heading is missing.
    """
    if not any(each.role in RECORDERS for each in actor.assignments):
        raise NotAllowed("导入核查结果由经办、复核、会办部门或财政办理，您不在该席位。")
    cases.office.sources.files_of(told.source)
    rows = read_table(told.content, HEADINGS, name=told.name)
    snapshot = None if told.dry_run else _stored(cases, told)
    desk = _Desk(cases, actor, told.source, at, snapshot)
    results = tuple(desk.row(number, row) for number, row in enumerate(rows, start=1))
    counts = dict.fromkeys(("recorded", "already", "refused"), 0)
    for each in results:
        counts[each.result] += 1
    held = 0 if told.dry_run else note_vetoes(cases, desk.made, at)
    sha256 = snapshot.sha256 if snapshot else None
    return CheckImport(
        told.source, dry_run=told.dry_run, sha256=sha256, held=held, rows=results, **counts
    )


def _stored(cases: Cases, told: CheckList) -> Snapshot:
    limit = max(len(told.content), 1)
    received = receive_file(cases.office.files, BytesIO(told.content), name=told.name, limit=limit)
    stored = received.stored
    return Snapshot(stored.sha256, stored.size, received.name, received.media_type)


class _Desk:
    """Takes in a list, one transaction a row; without a snapshot nothing is kept."""

    def __init__(
        self, cases: Cases, actor: Actor, source: str, at: datetime, snapshot: Snapshot | None
    ) -> None:
        self.cases, self.actor, self.source, self.at = cases, actor, source, at
        self.snapshot = snapshot
        self.made: list[Check] = []

    def row(self, number: int, row: Mapping[str, Any]) -> ImportedCheck:
        code = str(row[USCC] or "")
        try:
            outcome, check, message = self._done(code, row)
        except CaseflowError as error:
            return ImportedCheck(number, code, "refused", None, error.message)
        return ImportedCheck(number, code, outcome, check, message)

    def _done(self, code: str, row: Mapping[str, Any]) -> tuple[Outcome, str | None, str]:
        finding = self._finding(code, row)
        with self.cases.database.session() as session:
            subject = _subject(session, self.actor, check_uscc(code), row[NAME])
            known = answered(session, finding.source, str(finding.query_id))
            if known is not None:
                return "already", known.public_id, "此前已登记，未重复登记"
            snapshot = self.snapshot or Snapshot("0" * 64, 1, "dry-run", "text/plain")
            by = Recorder(self.actor.id, self.at, self.cases.ids, self.cases.office.signer)
            check = record_check(session, finding, snapshot, subject=Subject(subject.id), by=by)
            words = f"{KINDS[check.kind].title}：{RESULTS[check.result]}"
            if self.snapshot is None:
                session.rollback()
                return "recorded", None, words
            session.expunge(check)
        self.made.append(check)
        return "recorded", check.public_id, words

    def _finding(self, code: str, row: Mapping[str, Any]) -> Finding:
        kind, result = KIND_WORDS.get(row[KIND] or ""), RESULT_WORDS.get(row[RESULT] or "")
        if kind is None or KINDS[kind].of_case:
            usable = "、".join(each.title for each in KINDS.values() if not each.of_case)
            raise InvalidInput(f"{KIND}须为：{usable}。")
        if result is None:
            raise InvalidInput(f"{RESULT}须为：{'、'.join(RESULTS.values())}。")
        source = self.cases.office.sources.by_file(self.source, kind)
        queried_at = _instant(row[QUERIED], self.at)
        return Finding(
            kind,
            result,
            source.title,
            queried_at,
            str(row[NOTE] or ""),
            valid_days=source.valid_days,
            query_id=query_id(source.name, kind, code, result, str(row[QUERIED])),
        )


def _subject(session: Session, actor: Actor, code: str, name: Any) -> Organisation:
    """Return the applicant of that code and name, one whose cases the actor sees.

    Raises:
        NotFound: there is none. InvalidInput: the name is another's.
    """
    seen = exists().where(Case.applicant_id == Organisation.id, visible_cases(actor))
    query = select(Organisation).where(Organisation.uscc == code, seen)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"没有统一社会信用代码为 {code} 且您可见其办件的申报主体。")
    if found.title != name:
        raise InvalidInput(f"{NAME}“{name}”与登记的“{found.title}”不一致。")
    return found


def _instant(value: Any, at: datetime) -> datetime:
    """Return the instant of a query; of a day alone its last one that is not yet to come."""
    if isinstance(value, date):
        value = value.isoformat()
    written = WRITTEN.fullmatch(str(value or ""))
    try:
        year, month, day, hour, minute = (int(each or 0) for each in written.groups())  # type: ignore[union-attr]
        found = datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)
    except (AttributeError, ValueError) as error:
        message = f"{QUERIED}须如 2026-11-20 或 2026-11-20 09:30，不是 {value!r:.40}"
        raise InvalidInput(f"{message}。") from error
    if written is not None and written.group(4) is None and found <= at:
        return min(found + DAY - timedelta(seconds=1), at)
    return found
