"""Importing a list of titles from a workbook or CSV: kept whole, its file by hash, row by row."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any, Final

from sqlalchemy.orm import Session

from caseflow.batches.title_survey import Finding, survey
from caseflow.cases.service import Cases
from caseflow.catalogue.titles.models import FAULTS, TitleList
from caseflow.catalogue.titles.queries import RESULTS, Served, known_kinds, serving
from caseflow.catalogue.titles.service import (
    HANDLER,
    Document,
    Hand,
    Line,
    ListFile,
    mark_duplicates,
    read_row,
    record_list,
    refuse_unreadable,
)
from caseflow.documents.service import store_file
from caseflow.funds.sheets import read_table
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.kernel.titles import LEVELS

HEADINGS: Final[dict[str, str]] = {
    "统一社会信用代码": "uscc", "单位名称": "name", "对象": "object", "编号": "object_no",
    "等次": "grade", "有效期至": "valid_to",
}  # fmt: skip
"""The columns of a list, each there once; others (序号, 备注 …) are left alone."""
DAY: Final = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")
NO_RESULT: Final = "recorded"


@dataclass(frozen=True)
class ListSource:
    """What is said of a list beside its file."""

    document_no: str
    issued_by: str
    kind: str
    level: str
    issued_on: date
    valid_to: date | None = None


@dataclass(frozen=True)
class ImportedRow:
    """What a row is, under one measure where it is a title; `matched`: it is due a case."""

    line: int
    uscc: str
    name: str
    measure: str | None
    result: str
    result_title: str
    message: str


@dataclass(frozen=True)
class ImportReport:
    """What became of a file; `title_list` is None of a dry run, `already` says it was known."""

    title_list: str | None
    already: bool
    dry_run: bool
    file_sha256: str
    counts: dict[str, int]
    rows: tuple[ImportedRow, ...]


def import_titles(
    cases: Cases, actor: Actor, source: ListSource, content: bytes, at: datetime, *, name: str,
    dry_run: bool = False,
) -> ImportReport:  # fmt: skip
    """Record a list and say of each row what matching it would come to; a dry run keeps nothing.

    The same document with the same file again is the same list.

    Raises:
        NotAllowed: not a handler of a bureau that leads a measure for such titles.
        InvalidInput: an unknown kind, unreadable file, headings, days. Conflict: see `record_list`.
    """
    table = read_table(content, tuple(HEADINGS), name=name)
    with cases.database.session() as session:
        bureau = _bureau(session, actor, source)
        document = Document(**vars(source), per=bureau.per)
        refuse_unreadable(document, len(table), at)
        rows = [read_row(_line(number, row), document) for number, row in enumerate(table, 1)]
        mark_duplicates(rows)
        file = ListFile(name, hashlib.sha256(content).hexdigest())
        hand = Hand(actor, at, cases.office.signer)
        found, is_new = record_list(
            session, document, file, rows, hand, organisation_id=bureau.lead_bureau, ids=cases.ids
        )
        report = _report(found, rows, list(survey(session, found, at)), is_new=is_new)
        if dry_run:
            session.rollback()
            return _dry(report)
        store_file(cases.office.files, BytesIO(content), limit=len(content))
    return report


def _dry(report: ImportReport) -> ImportReport:
    return ImportReport(
        None, report.already, dry_run=True, file_sha256=report.file_sha256, counts=report.counts,
        rows=report.rows,
    )  # fmt: skip


def _bureau(session: Session, actor: Actor, source: ListSource) -> Served:
    """Return a measure for such titles whose lead bureau the actor handles for."""
    if source.level not in LEVELS or source.kind not in known_kinds(session):
        known = "、".join(known_kinds(session))
        reason = f"没有条款奖励“{source.kind:.40}”；可用：{known}"
        raise InvalidInput(f"{reason}。", fields={"kind": reason})
    found = serving(session, source.kind, source.level)
    mine = [each for each in found if actor.holds(each.lead_bureau, HANDLER)]
    if not mine:
        led = "、".join(each.measure.code for each in found) or "无"
        raise NotAllowed(
            f"导入{LEVELS[source.level]}“{source.kind}”名单须由有关条款（{led}）牵头部门经办办理，"
            "您不在该席位。"
        )
    return mine[0]


def _line(number: int, row: Mapping[str, Any]) -> Line:
    told = {field: _text(row[title]) for title, field in HEADINGS.items() if field != "valid_to"}
    valid_to, fault = _day(row["有效期至"])
    return Line(
        number, told["uscc"] or "", told["name"] or "", told["object"], told["object_no"],
        told["grade"], valid_to, fault,
    )  # fmt: skip


def _text(value: Any) -> str | None:
    return None if value is None else " ".join(str(value).split())


def _day(value: Any) -> tuple[date | None, str | None]:
    if value is None or isinstance(value, date):
        return value, None
    written = DAY.fullmatch(str(value))
    try:
        return date(*map(int, written.groups() if written else (0, 0, 0))), None
    except ValueError:
        return None, f"有效期至须如 2029-12-31，不是 {value!r:.40}"


def _report(
    found: TitleList, rows: list[dict[str, Any]], findings: list[Finding], *, is_new: bool
) -> ImportReport:
    by_line: dict[int, list[Finding]] = {}
    for each in findings:
        by_line.setdefault(each.line, []).append(each)
    told = tuple(line for row in rows for line in _told(row, by_line.get(row["line"], [])))
    return ImportReport(
        title_list=found.public_id, already=not is_new, dry_run=False,
        file_sha256=found.file_sha256, counts=dict(Counter(each.result for each in told)),
        rows=told,
    )  # fmt: skip


def _told(row: Mapping[str, Any], findings: list[Finding]) -> list[ImportedRow]:
    who = {"line": row["line"], "uscc": row["uscc"], "name": row["name"]}
    if row["result"] in FAULTS:
        words, message = FAULTS[row["result"]], row["message"]
        return [
            ImportedRow(
                **who, measure=None, result=row["result"], result_title=words, message=message
            )
        ]
    if not findings:
        return [ImportedRow(**who, measure=None, result=NO_RESULT, result_title="已有结果",
                            message="此前已匹配")]  # fmt: skip
    return [
        ImportedRow(**who, measure=each.measure.code, result=each.result, message=each.message,
                    result_title="可匹配" if each.result == "matched" else RESULTS[each.result])
        for each in findings
    ]  # fmt: skip
