"""What can be asked of lists of titles: which there are, and what became of every row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, select, text, true
from sqlalchemy.orm import Session

from caseflow.catalogue.queries import LoadedMeasure, measures
from caseflow.catalogue.titles.models import FAULTS, TitleList, TitleRow
from caseflow.history.queries import EventRow, history
from caseflow.identity.models import Organisation, Person
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput, NotFound
from caseflow.kernel.titles import LEVELS

AUDITOR: Final = "auditor"
UNMATCHED: Final = "unmatched"
RESULTS: Final[dict[str, str]] = {
    "matched": "已匹配，已生成办件",
    "unknown_code": "未登记的统一社会信用代码",
    "not_in_territory": "不在政策适用范围",
    "not_an_applicant": "不属于本条款的支持对象",
    "not_in_period": "印发日不在政策有效期内，或政策未在有效期",
    "barred": "禁止申报期内",
    "not_first_time": "不是首次认定",
    "lower_than_earlier": "低于此前已获的级别",
    "other_grade": "等次不在条款奖励范围",
    "has_case": "已有办件",
    "nothing_left": "此前享受的金额不低于本次，没有差额",
    "expired": "认定已过有效期",
    "revoked": "称号已被撤销",
    UNMATCHED: "尚未匹配",
    **FAULTS,
}
"""What a row may come to, in the words of people."""

EVENTS: Final = {
    "title_list_imported": "导入名单",
    "title_list_matched": "匹配名单",
    "title_row_corrected": "更正",
    "title_revoked": "撤销称号",
}
"""What happens to a list, in the words of people."""

ROWS: Final = text("""
    SELECT r.line, r.revision, r.uscc, r.name, r.object, r.object_no, r.grade,
        least(r.valid_to, l.valid_to) AS valid_to, r.result AS read_as, r.message AS read_message,
        m.code AS measure, t.result, t.message, c.public_id AS "case", c.number, c.state,
        v.document_no AS revoked_by
    FROM title_row r JOIN title_list l ON l.id = r.list_id
    LEFT JOIN title_match t ON t.list_id = r.list_id AND t.line = r.line
        AND (t.revision = r.revision OR t.case_id IS NOT NULL)
    LEFT JOIN measure m ON m.id = t.measure_id LEFT JOIN "case" c ON c.id = t.case_id
    LEFT JOIN title_revocation v ON v.list_id = r.list_id AND v.line = r.line
    WHERE r.list_id = :list AND (r.line, coalesce(m.code, '')) > (:line, :measure)
        AND NOT EXISTS (SELECT FROM title_row n WHERE n.list_id = r.list_id AND n.line = r.line
            AND n.revision > r.revision)
        AND (CAST(:result AS text) IS NULL OR :result = CASE WHEN v.line IS NOT NULL
            THEN 'revoked' WHEN r.result <> 'recorded' THEN r.result
            ELSE coalesce(t.result, 'unmatched') END)
    ORDER BY r.line, coalesce(m.code, '') LIMIT :limit
""")
COUNTS: Final = text("""
    SELECT r.list_id, count(*) AS number,
        CASE WHEN v.line IS NOT NULL THEN 'revoked' WHEN r.result <> 'recorded' THEN r.result
            ELSE coalesce(t.result, 'unmatched') END AS result
    FROM title_row r LEFT JOIN title_match t ON t.list_id = r.list_id AND t.line = r.line
        AND (t.revision = r.revision OR t.case_id IS NOT NULL)
    LEFT JOIN title_revocation v ON v.list_id = r.list_id AND v.line = r.line
    WHERE r.list_id = ANY(:lists) AND NOT EXISTS (SELECT FROM title_row n
        WHERE n.list_id = r.list_id AND n.line = r.line AND n.revision > r.revision)
    GROUP BY 1, 3
""")  # fmt: skip


@dataclass(frozen=True)
class TitleListView:
    """A list; `counts` says how many rows came to which result (of `RESULTS`)."""

    public_id: str
    document_no: str
    issued_by: str
    kind: str
    level: str
    level_title: str
    issued_on: date
    valid_to: date | None
    organisation_title: str
    file_name: str
    file_sha256: str
    imported_by: str
    imported_at: datetime
    measures: tuple[str, ...]
    counts: dict[str, int]


@dataclass(frozen=True)
class TitleListPage:
    """Lists, the last imported first; `next` is given back as `after`."""

    items: tuple[TitleListView, ...]
    next: str | None


@dataclass(frozen=True)
class TitleRowView:
    """A row under one measure, and what became of it; `revision` counts corrections from 1."""

    line: int
    revision: int
    uscc: str
    name: str
    object: str | None
    object_no: str | None
    grade: str | None
    valid_to: date | None
    measure: str | None
    result: str
    result_title: str
    message: str
    case: str | None
    number: str | None
    state: str | None


@dataclass(frozen=True)
class TitleRowPage:
    """Rows by line and measure; `next` is given back as `after`."""

    items: tuple[TitleRowView, ...]
    next: str | None


@dataclass(frozen=True)
class TitleEvent:
    """Something that happened to a list: who did it, where they sat, and what it said.

    `line` is the row it concerns, None where it is the whole list. Times are instants in UTC.
    """

    seq: int
    at: datetime
    name: str
    title: str
    actor: str
    actor_name: str
    role: str | None
    organisation: str | None
    line: int | None
    payload: Mapping[str, Any]
    hash: str


@dataclass(frozen=True)
class TitleEventPage:
    """What happened to a list, oldest first; `next` is given back as `after`."""

    items: tuple[TitleEvent, ...]
    next: int | None


@dataclass(frozen=True)
class Served:
    """A measure with what it says of one kind and level: per what, and for which grades."""

    measure: LoadedMeasure
    per: str
    entries: tuple[dict[str, Any], ...]

    @property
    def lead_bureau(self) -> int:
        """Return who leads the measure: whose lists make its cases."""
        return int(self.measure.version.organisations["lead_bureau"])


def serving(
    session: Session, kind: str, level: str, *, organisation_id: int | None = None
) -> tuple[Served, ...]:
    """Return the measures of current versions that reward `kind` at `level`, of a lead bureau."""
    found = _served(measures(session), kind, level)
    return tuple(each for each in found if organisation_id in (None, each.lead_bureau))


def _served(known: Sequence[LoadedMeasure], kind: str, level: str) -> Iterator[Served]:
    for measure in known:
        entries = tuple(e for e in _serves(measure) if (e["kind"], e["level"]) == (kind, level))
        if entries:
            yield Served(measure, entries[0]["per"], entries)


def _serves(measure: LoadedMeasure) -> Sequence[dict[str, Any]]:
    titles: dict[str, Any] = measure.version.definition.get("titles") or {}
    found: list[dict[str, Any]] = titles.get("serves", [])
    return found


def known_kinds(session: Session) -> tuple[str, ...]:
    """Return every kind of title that some measure rewards."""
    found = (each["kind"] for measure in measures(session) for each in _serves(measure))
    return tuple(dict.fromkeys(found))


def visible_lists(actor: Actor) -> ColumnElement[bool]:
    """Return which lists an actor sees: those of their bureaus; an auditor all."""
    if any(holding.role == AUDITOR for holding in actor.assignments):
        return true()
    return TitleList.organisation_id.in_({each.organisation_id for each in actor.assignments})


def find_list(session: Session, actor: Actor, public_id: str) -> TitleList:
    """Return a list.

    Raises:
        NotFound: none of this id that the actor may see.
    """
    query = select(TitleList).where(TitleList.public_id == public_id, visible_lists(actor))
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"没有名单 {public_id!r}。")
    return found


def find_row(session: Session, found: TitleList, line: int) -> TitleRow:
    """Return the newest revision of a line.

    Raises:
        NotFound: the list has no such line.
    """
    query = select(TitleRow).where(TitleRow.list_id == found.id, TitleRow.line == line)
    row = session.scalars(query.order_by(TitleRow.revision.desc()).limit(1)).first()
    if row is None:
        raise NotFound(f"名单没有第 {line} 行。")
    return row


def title_lists(
    session: Session, actor: Actor, *, kind: str | None = None, level: str | None = None,
    after: str | None = None, limit: int = 50,
) -> TitleListPage:  # fmt: skip
    """Return the lists that the actor may see, the last imported first.

    Raises:
        NotFound: `after` is no list that the actor may see.
    """
    query = select(TitleList).where(visible_lists(actor))
    for column, value in ((TitleList.kind, kind), (TitleList.level, level)):
        query = query if value is None else query.where(column == value)
    if after is not None:
        query = query.where(TitleList.id < find_list(session, actor, after).id)
    rows = list(session.scalars(query.order_by(TitleList.id.desc()).limit(limit + 1)))
    items = list_views(session, rows[:limit])
    return TitleListPage(items, items[-1].public_id if len(rows) > limit else None)


def list_views(session: Session, lists: Sequence[TitleList]) -> tuple[TitleListView, ...]:
    """Return what is shown of lists."""
    counts: dict[int, dict[str, int]] = {each.id: {} for each in lists}
    for row in session.execute(COUNTS, {"lists": list(counts)}):
        counts[row.list_id][row.result] = row.number
    names = _names(session, Person.id, Person.name, {each.imported_by for each in lists})
    bureaus = {each.organisation_id for each in lists}
    titles = _names(session, Organisation.id, Organisation.title, bureaus)
    known = measures(session)
    return tuple(
        TitleListView(
            public_id=each.public_id, document_no=each.document_no, issued_by=each.issued_by,
            kind=each.kind, level=each.level, level_title=LEVELS[each.level],
            issued_on=each.issued_on, valid_to=each.valid_to,
            organisation_title=titles[each.organisation_id], file_name=each.file_name,
            file_sha256=each.file_sha256, imported_by=names[each.imported_by],
            imported_at=each.imported_at, counts=counts[each.id],
            measures=tuple(
                served.measure.code
                for served in _served(known, each.kind, each.level)
                if served.lead_bureau == each.organisation_id
            ),
        )
        for each in lists
    )  # fmt: skip


def title_rows(
    session: Session, found: TitleList, *, result: str | None = None, after: str | None = None,
    limit: int = 50,
) -> TitleRowPage:  # fmt: skip
    """Return the rows of a list with what became of them, by line; `after` is a page's `next`.

    Raises:
        InvalidInput: an unknown result, or `after` is none of this list.
    """
    if result is not None and result not in RESULTS:
        raise InvalidInput(
            f"没有结果 {result!r}；可用：{'、'.join(RESULTS)}。", fields={"result": "见说明"}
        )
    line, _, measure = (after or "0").partition(":")
    if not (line.isascii() and line.isdigit()):
        raise InvalidInput("after 不是本列表的行号。", fields={"after": "须为 next 的值"})
    asked = {"list": found.id, "line": int(line), "measure": measure, "result": result}
    rows = session.execute(ROWS, {**asked, "limit": limit + 1}).all()
    items = tuple(map(_row, rows[:limit]))
    last = items[-1] if len(rows) > limit else None
    return TitleRowPage(items, f"{last.line}:{last.measure or ''}" if last else None)


def title_events(
    session: Session, found: TitleList, *, after: int = 0, limit: int = 50
) -> TitleEventPage:
    """Return what happened to a list behind number `after`, oldest first."""
    driver: Any = session.connection().connection.driver_connection
    rows = history(driver, found.id, after=after, limit=limit + 1)
    items = tuple(map(_event, rows[:limit]))
    return TitleEventPage(items, items[-1].seq if len(rows) > limit else None)


def _event(row: EventRow) -> TitleEvent:
    return TitleEvent(
        seq=row.seq, at=row.at, name=row.name, title=EVENTS[row.name], actor=row.actor,
        actor_name=row.actor_name, role=row.seat, organisation=row.organisation,
        line=row.payload.get("line"), payload=row.payload, hash=row.hash,
    )  # fmt: skip


def _row(row: Any) -> TitleRowView:
    result, message = row.read_as, row.read_message
    if result not in FAULTS:
        result, message = row.result or UNMATCHED, row.message or ""
    if row.revoked_by is not None:
        result, message = "revoked", f"依据 {row.revoked_by}"
    return TitleRowView(
        line=row.line, revision=row.revision, uscc=row.uscc, name=row.name, object=row.object,
        object_no=row.object_no, grade=row.grade, valid_to=row.valid_to, measure=row.measure,
        result=result, result_title=RESULTS[result], message=message, case=row.case,
        number=row.number, state=row.state,
    )  # fmt: skip


def _names(session: Session, key: Any, name: Any, wanted: set[int]) -> dict[int, str]:
    rows = session.execute(select(key, name).where(key.in_(wanted))).all()
    return {row[0]: row[1] for row in rows}
