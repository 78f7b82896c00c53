"""The summary sheet (申报汇总表, 手册§10.1): what a town or park recommends of a call, and sends.

A sheet lists every case of the call that its sender has recommended so far. It is frozen as an XLSX
file by its hash, beside the same lines as canonical JSON; what changes goes on another version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from psycopg.rows import namedtuple_row
from sqlalchemy import ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session

from caseflow.batches.announcements import Announcement, bureaus_of_measure, tell
from caseflow.batches.published_list import frozen_list
from caseflow.batches.summaries.models import SummaryLine, SummarySheet
from caseflow.cases.queries import AUDITOR, DISTRICT_ROLES
from caseflow.cases.service import Cases
from caseflow.catalogue.calls.queries import SEATS, find, lead_bureaus
from caseflow.catalogue.calls.service import Mover, locked, record
from caseflow.catalogue.models import Call, MeasureVersion
from caseflow.documents.service import store_file
from caseflow.funds.sheets import About, Column, Sheet, workbook
from caseflow.history.part import Place
from caseflow.identity.models import Organisation, Person
from caseflow.identity.queries import DISTRICT_KINDS, Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from caseflow.kernel.event_bytes import canonical

HANDLER: Final = "district_handler"
SENT: Final = "summary_sheet_sent"
MOST_BYTES: Final = 32 * 1024 * 1024
CREDIT: Final = {"pass": "通过", "reduce": "扣减", "veto": "否决"}
COLUMNS: Final = (
    Column("县(市、区)/园区", "territory"), Column("申报单位", "applicant"),
    Column("统一社会信用代码", "uscc"), Column("项目名称", "title"), Column("政策条款", "clause"),
    Column("申报类别", "category"), Column("项目总投入", "invested_fen", "fen"),
    Column("核定投入", "verified_fen", "fen"), Column("申请金额", "applied_fen", "fen"),
    Column("初审意见", "opinion"), Column("信用审查结果", "credit"),
    Column("是否重复", "is_repeated"), Column("联系人(脱敏)", "contact"), Column("备注", "number"),
)  # fmt: skip
RECOMMENDED: Final = """
    SELECT c.id, t.title AS territory, o.title AS applicant, o.uscc, c.title,
        '第' || v.article || '条 ' || v.title AS clause, v.family AS category,
        (c.facts->>'invested_fen')::bigint AS invested_fen,
        (c.facts->>'verified_fen')::bigint AS verified_fen,
        (c.facts->>'applied_fen')::bigint AS applied_fen,
        (SELECT coalesce(e.payload->>'note', e.payload->>'reason') FROM event e
          WHERE e.stream = c.id AND e.name = 'verify_claim' ORDER BY e.seq DESC LIMIT 1) AS opinion,
        c.facts->>'credit_at_review' AS credit, c.number,
        EXISTS (SELECT FROM case_matter m JOIN case_matter n USING (kind, key)
          WHERE m.case_id = c.id AND n.case_id <> c.id AND m.dropped_seq IS NULL
            AND n.dropped_seq IS NULL) AS is_repeated,
        (SELECT p.name FROM assignment a JOIN person p ON p.id = a.person_id
          WHERE a.organisation_id = o.id AND a.role = 'applicant'
          ORDER BY a.valid_from, p.id LIMIT 1) AS contact
    FROM "case" c JOIN organisation o ON o.id = c.applicant_id
    JOIN territory t ON t.id = c.territory_id JOIN measure_version v ON v.id = c.measure_version_id
    WHERE c.call_id = %s AND (c.parties->>'district')::bigint = %s
      AND EXISTS (SELECT FROM event e WHERE e.stream = c.id AND e.name = 'recommend')
    ORDER BY c.number
"""


@dataclass(frozen=True)
class SummaryView:
    """A sheet as it was sent; amounts in fen."""

    public_id: str
    call: str
    call_title: str
    organisation: str
    version: int
    document_no: str
    line_count: int
    applied_fen: int
    list_sha256: str
    file_sha256: str
    sent_by: str
    sent_at: datetime


def send_sheet(
    cases: Cases, actor: Actor, call: str, *, document_no: str, at: datetime
) -> SummaryView:
    """Freeze what the actor's town or park has recommended of a call, and send it to the city.

    Raises:
        NotFound: no such call. NotAllowed: not the handler of a town or park.
        InvalidInput: no number (文号). Conflict: nothing is recommended, or not more than was sent.
    """
    if not document_no.strip():
        raise InvalidInput("汇总表须写明文号。", fields={"document_no": "必填"})
    with cases.database.session() as session:
        found = locked(session, call)
        sender = _sender(session, actor)
        rows = _recommended(session, found, sender)
        made = _freeze(cases, found, rows, actor=actor, at=at, number=document_no.strip())
        made.organisation_id, made.version = sender.id, _version(session, found, sender, made)
        session.add(made)
        session.flush()
        session.add_all(
            SummaryLine(sheet_id=made.id, case_id=row.id, line=number, line_count=made.line_count)
            for number, row in enumerate(rows, start=1)
        )
        session.flush()
        told = {
            "sheet": made.public_id, "organisation": sender.public_id, "version": made.version,
            "document_no": made.document_no, "cases": made.line_count,
            "applied_fen": made.applied_fen, "list_sha256": made.list_sha256,
            "file_sha256": made.file_sha256,
        }  # fmt: skip
        place = Place(sender.id, HANDLER)
        record(session, found, SENT, told, Mover(actor.id, at, cases.office.signer, place))
        _tell(cases, session, found, made, sender)
        return _view(made, found, sender, actor.name)


def _sender(session: Session, actor: Actor) -> Organisation:
    places = [each.organisation_id for each in actor.assignments if each.role == HANDLER]
    query = select(Organisation).where(
        Organisation.id.in_(places), Organisation.kind.in_(DISTRICT_KINDS)
    )
    sender = session.scalars(query.order_by(Organisation.id)).first()
    if sender is None:
        raise NotAllowed("汇总表由区镇、园区经办汇总上报，您不在该席位。")
    return sender


def _recommended(session: Session, call: Call, sender: Organisation) -> list[Any]:
    driver: Any = session.connection().connection.driver_connection
    cursor = driver.cursor(row_factory=namedtuple_row)
    rows: list[Any] = cursor.execute(RECOMMENDED, (call.id, sender.id)).fetchall()
    if not rows:
        raise Conflict(f"{sender.title}在《{call.title}》中还没有已推荐的办件。")
    return rows


def _freeze(
    cases: Cases, call: Call, rows: Sequence[Any], *, actor: Actor,
    at: datetime, number: str,
) -> SummarySheet:  # fmt: skip
    """Store the file and its lines; returns the sheet without its sender."""
    lines = [_line(row) for row in rows]
    about = About(
        f"申报汇总表：{call.title}", f"{call.opens_on} 至 {call.closes_on}", at, actor.name,
        filter="属地已推荐", notes=(f"文号：{number}",),
    )  # fmt: skip
    content = workbook([Sheet("申报汇总表", about, COLUMNS, lines)])
    files = cases.office.files
    return SummarySheet(
        public_id=cases.ids.new(),
        call_id=call.id,
        document_no=number,
        line_count=len(lines),
        applied_fen=sum(line["applied_fen"] or 0 for line in lines),
        list_sha256=store_file(files, BytesIO(canonical(lines)), limit=MOST_BYTES).sha256,
        file_sha256=store_file(files, BytesIO(content), limit=MOST_BYTES).sha256,
        sent_by=actor.id,
        sent_at=at,
    )


def _line(row: Any) -> dict[str, Any]:
    said: dict[str, Any] = {column.key: getattr(row, column.key) for column in COLUMNS}
    return {
        **said,
        "credit": CREDIT.get(row.credit, row.credit),
        "is_repeated": "是" if row.is_repeated else "否",
        "contact": f"{row.contact[0]}＊＊" if row.contact else None,
    }


def _version(session: Session, call: Call, sender: Organisation, made: SummarySheet) -> int:
    query = (
        select(SummarySheet)
        .where(SummarySheet.call_id == call.id, SummarySheet.organisation_id == sender.id)
        .order_by(SummarySheet.version.desc())
    )
    last = session.scalars(query).first()
    if last is not None and last.list_sha256 == made.list_sha256:
        raise Conflict(f"与第 {last.version} 版汇总表内容相同，无须再报。")
    return 1 if last is None else last.version + 1


def _tell(
    cases: Cases, session: Session, call: Call, sheet: SummarySheet, sender: Organisation
) -> None:
    query = select(MeasureVersion).where(MeasureVersion.measure_id == call.measure_id)
    measure = session.scalars(query.order_by(MeasureVersion.id.desc())).first()
    assert measure is not None
    facts = {
        "measure": measure.title, "call": call.title, "organisation": sender.title,
        "document_no": sheet.document_no, "cases": sheet.line_count,
    }  # fmt: skip
    news = Announcement(f"sheet{sheet.id}", local_date(sheet.sent_at), facts, sheet.sent_at)
    for rule in cases.office.notices.for_trigger(SENT):
        tell(session, rule, bureaus_of_measure(measure, rule), news)


def _visible(session: Session, actor: Actor, call: Call) -> ColumnElement[bool]:
    """Return which sheets an actor sees: the auditor and the lead bureau all, a place its own."""
    leads = lead_bureaus(session, call)
    for each in actor.holdings_on(call.measure_id):
        if each.role == AUDITOR or (each.role in SEATS and each.organisation_id in leads):
            return true()
    own = [
        each.organisation_id
        for each in actor.holdings_on(call.measure_id)
        if each.role in DISTRICT_ROLES
    ]
    return or_(SummarySheet.organisation_id.in_(own))


def sheets(session: Session, actor: Actor, call: str) -> tuple[SummaryView, ...]:
    """Return the sheets of a call that the actor may see, the newest first.

    Raises:
        NotFound: no such call.
    """
    found = find(session, call)
    rows = session.execute(_sheets().where(SummarySheet.call_id == found.id).where(
        _visible(session, actor, found)
    ).order_by(SummarySheet.id.desc()))  # fmt: skip
    return tuple(_view(sheet, found, place, name) for sheet, place, name in rows)


def _sheets() -> Any:
    return (
        select(SummarySheet, Organisation, Person.name)
        .join(Organisation, Organisation.id == SummarySheet.organisation_id)
        .join(Person, Person.id == SummarySheet.sent_by)
    )


def sheet_file(cases: Cases, session: Session, actor: Actor, public_id: str) -> bytes:
    """Return exactly the file that was sent.

    Raises:
        NotFound: there is no sheet of that id that the actor may see.
        Unavailable: the file is gone or damaged.
    """
    query = select(SummarySheet).where(SummarySheet.public_id == public_id)
    found = session.scalars(query).one_or_none()
    call = session.get_one(Call, found.call_id) if found else None
    if found is None or call is None or not session.scalar(
        select(func.count()).where(
            SummarySheet.id == found.id, _visible(session, actor, call)
        )
    ):  # fmt: skip
        raise NotFound(f"没有汇总表 {public_id!r}。")
    return frozen_list(cases.office.files, found.file_sha256)


def _view(sheet: SummarySheet, call: Call, sender: Organisation, sent_by: str) -> SummaryView:
    same = ("public_id", "version", "document_no", "line_count", "applied_fen", "list_sha256",
            "file_sha256", "sent_at")  # fmt: skip
    return SummaryView(
        **{name: getattr(sheet, name) for name in same},
        call=call.public_id,
        call_title=call.title,
        organisation=sender.title,
        sent_by=sent_by,
    )
