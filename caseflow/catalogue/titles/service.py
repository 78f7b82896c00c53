"""Recording lists of titles, correcting their rows, revoking titles; each an event of the list."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import exists, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from caseflow.catalogue.titles.models import FAULTS, RECORDED, TitleList, TitleRevocation, TitleRow
from caseflow.catalogue.titles.queries import find_row
from caseflow.database.ids import PublicIds
from caseflow.history.part import Draft, Place, Signer
from caseflow.history.service import append_draft
from caseflow.identity.identifiers import check_uscc
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed
from caseflow.kernel.overlap.matters import normalised
from caseflow.kernel.titles import thing_of

MOST_ROWS: Final = 5000
LONGEST: Final = {"name": 200, "object": 200, "object_no": 80, "grade": 40}
LONGEST_TEXT: Final = 1000
HANDLER, HEAD = "bureau_handler", "bureau_division_head"
"""Who imports and corrects, and who records that a title was revoked: it ends a case."""


@dataclass(frozen=True)
class Document:
    """The document of a list: its number, who issued it, what it gives at which level, when."""

    document_no: str
    issued_by: str
    kind: str
    level: str
    per: str
    issued_on: date
    valid_to: date | None = None


@dataclass(frozen=True)
class ListFile:
    """The file that a list was read from."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Line:
    """A line of a list as it stands in the file; `fault` is what could not be read of it."""

    number: int
    uscc: str
    name: str
    object: str | None = None
    object_no: str | None = None
    grade: str | None = None
    valid_to: date | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Hand:
    """By whose hand a list is touched, when, and the key that signs its event."""

    actor: Actor
    at: datetime
    signer: Signer


def read_row(line: Line, document: Document) -> dict[str, Any]:
    """Return the columns of a row with its result: `recorded`, or why it is no title."""
    try:
        code, fault = check_uscc(line.uscc), None
    except InvalidInput as error:
        code, fault = line.uscc.strip()[:40], ("bad_code", error.message)
    thing = thing_of(line.object or line.object_no) if document.per == "object" else ""
    problem = line.fault or _problem(line, document, thing)
    if problem and fault is None:
        fault = ("incomplete", problem)
    columns = {k: v for k, v in asdict(line).items() if k not in ("number", "fault")}
    for name, most in LONGEST.items():
        columns[name] = (columns[name] or "")[:most] or (None if name != "name" else "")
    result, message = fault or (RECORDED, "")
    return {**columns, "line": line.number, "uscc": code, "thing": thing, "result": result,
            "message": message}  # fmt: skip


def _problem(line: Line, document: Document, thing: str) -> str:
    """Return what a line lacks, empty where nothing."""
    too_long = [name for name, most in LONGEST.items() if len(getattr(line, name) or "") > most]
    if too_long:
        return f"内容过长：{'、'.join(too_long)}"
    if not line.name.strip():
        return "缺少单位名称"
    if document.per == "object" and not thing:
        return f"“{document.kind}”须写明对象（产品、案例、备案号）"
    if line.valid_to is not None and line.valid_to < document.issued_on:
        return f"有效期至 {line.valid_to} 早于印发日 {document.issued_on}"
    return ""


def mark_duplicates(rows: Sequence[dict[str, Any]]) -> None:
    """Let the second row of one holder and thing say so."""
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        if row["result"] == RECORDED:
            at = first.setdefault((row["uscc"], row["thing"]), row["line"])
            if at != row["line"]:
                row["result"], row["message"] = "duplicate", f"与第 {at} 行相同"


def record_list(
    session: Session, document: Document, file: ListFile, rows: Sequence[Mapping[str, Any]],
    hand: Hand, *, organisation_id: int, ids: PublicIds,
) -> tuple[TitleList, bool]:  # fmt: skip
    """Record a list with all its rows; returns it, and whether it is new.

    The same document with the same file again is the same list.

    Raises:
        InvalidInput: no number, issuer or rows, too many, dates that do not fit.
        Conflict: the document was imported with another content; its rows are to be corrected.
    """
    refuse_unreadable(document, len(rows), hand.at)
    number = normalised(document.document_no)
    session.execute(select(func.pg_advisory_xact_lock(organisation_id)))
    query = select(TitleList).where(
        TitleList.organisation_id == organisation_id,
        TitleList.document_no == number,
        TitleList.kind == document.kind,
        TitleList.level == document.level,
    )
    known = session.scalars(query).one_or_none()
    if known is not None:
        return _same(known, document, file), False
    row = TitleList(
        **{**asdict(document), "document_no": number, "issued_by": document.issued_by.strip()},
        public_id=ids.new(), organisation_id=organisation_id, file_name=file.name,
        file_sha256=file.sha256, imported_by=hand.actor.id, imported_at=hand.at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    common = {"list_id": row.id, "revision": 1, "reason": None, "recorded_by": hand.actor.id,
              "recorded_at": hand.at}  # fmt: skip
    session.execute(insert(TitleRow), [{**each, **common} for each in rows])
    said = {name: str(getattr(row, name)) for name in Document.__dataclass_fields__}
    _record(session, row, "title_list_imported", hand, HANDLER, {
        **said, "file_sha256": file.sha256, "rows": len(rows),
        "recorded": sum(each["result"] == RECORDED for each in rows),
    })  # fmt: skip
    return row, True


def refuse_unreadable(document: Document, rows: int, at: datetime) -> None:
    """Refuse a document that says too little, too much, or days that cannot be."""
    fields = {
        name: "1 至 200 字"
        for name in ("document_no", "issued_by")
        if not 0 < len(getattr(document, name).strip()) <= LONGEST["name"]
    }
    if not 0 < rows <= MOST_ROWS:
        fields["file"] = f"须有 1 至 {MOST_ROWS} 行"
    if document.issued_on > local_date(at):
        fields["issued_on"] = "印发日不得晚于今日"
    if document.valid_to is not None and document.valid_to < document.issued_on:
        fields["valid_to"] = "不得早于印发日"
    if fields:
        told = "；".join(f"{name}：{reason}" for name, reason in fields.items())
        raise InvalidInput(f"名单有误：{told}。", fields=fields)


def _same(known: TitleList, document: Document, file: ListFile) -> TitleList:
    said = (document.issued_on, document.valid_to, document.issued_by.strip(), file.sha256)
    if said == (known.issued_on, known.valid_to, known.issued_by, known.file_sha256):
        return known
    raise Conflict(
        f"{known.document_no}（{known.kind}）已导入为 {known.public_id}，内容不同；"
        "请更正有误的行，不要重新导入。"
    )


def correct_row(
    session: Session, found: TitleList, line: Line, hand: Hand, *, reason: str
) -> TitleRow:
    """Record what a line should have said, as its next revision.

    Raises:
        NotFound: no such line. NotAllowed: not a handler of the list's bureau.
        InvalidInput: no reason, or the corrected line is no title either.
        Conflict: the line has its case, or its title was revoked.
    """
    refuse_stranger(hand.actor, found, HANDLER, "更正名单须由导入部门经办办理")
    why = _text("reason", reason)
    old = find_row(session, found, line.number)
    document = Document(**{n: getattr(found, n) for n in Document.__dataclass_fields__})
    row = read_row(line, document)
    if row["result"] != RECORDED:
        raise InvalidInput(
            f"更正后的第 {line.number} 行仍有误：{FAULTS[row['result']]}，{row['message']}",
            fields={"line": row["message"]},
        )
    _refuse_twice(session, found, row)
    made = TitleRow(
        **row, list_id=found.id, revision=old.revision + 1, reason=why, recorded_by=hand.actor.id,
        recorded_at=hand.at,
    )  # fmt: skip
    _add(session, made, f"第 {line.number} 行已有办件或已被撤销，不能更正；请按撤销办理。")
    _record(session, found, "title_row_corrected", hand, HANDLER, {
        "line": line.number, "revision": made.revision, "reason": why, "uscc": made.uscc,
        "thing": made.thing, "before": old.uscc,
    })  # fmt: skip
    return made


def _refuse_twice(session: Session, found: TitleList, row: Mapping[str, Any]) -> None:
    newer = aliased(TitleRow)
    corrected = exists().where(
        newer.list_id == TitleRow.list_id, newer.line == TitleRow.line,
        newer.revision > TitleRow.revision,
    )  # fmt: skip
    query = select(TitleRow.line).where(
        TitleRow.list_id == found.id, TitleRow.uscc == row["uscc"], TitleRow.thing == row["thing"],
        TitleRow.result == RECORDED, TitleRow.line != row["line"], ~corrected,
    )  # fmt: skip
    other = session.scalars(query.limit(1)).first()
    if other is not None:
        raise Conflict(f"更正后与第 {other} 行相同。")


def revoke_title(
    session: Session, found: TitleList, line: int, hand: Hand, *, document_no: str, reason: str,
    revoked_on: date,
) -> tuple[TitleRevocation, bool]:  # fmt: skip
    """Record that the title of a line was revoked; returns it, and whether that is new.

    Raises:
        NotFound: no such line. NotAllowed: not the head of a division of the list's bureau.
        InvalidInput: no document or reason, a day before the title or after today.
        Conflict: the line is no title, or was revoked by another document.
    """
    refuse_stranger(hand.actor, found, HEAD, "登记称号撤销须由导入部门处室负责人办理")
    number, why = normalised(_text("document_no", document_no)), _text("reason", reason)
    row = find_row(session, found, line)
    if row.result != RECORDED:
        raise Conflict(f"第 {line} 行不是有效的认定（{FAULTS[row.result]}），无须撤销。")
    known = session.get(TitleRevocation, (found.id, line))
    if known is not None:
        if known.document_no != number:
            raise Conflict(f"第 {line} 行已依据 {known.document_no} 登记撤销。")
        return known, False
    if not found.issued_on <= revoked_on <= local_date(hand.at):
        reason = f"须在 {found.issued_on} 至今日之间"
        raise InvalidInput(f"撤销日{reason}。", fields={"revoked_on": reason})
    made = TitleRevocation(
        list_id=found.id, line=line, revision=row.revision, document_no=number, reason=why,
        revoked_on=revoked_on, revoked_by=hand.actor.id, revoked_at=hand.at,
    )  # fmt: skip
    _add(session, made, f"第 {line} 行刚被他人更正或撤销，请刷新后重新办理。")
    _record(session, found, "title_revoked", hand, HEAD, {
        "line": line, "revision": row.revision, "document_no": number, "reason": why,
        "revoked_on": revoked_on.isoformat(), "uscc": row.uscc,
    })  # fmt: skip
    return made, True


def record_matching(
    session: Session, found: TitleList, hand: Hand, counts: Mapping[str, int]
) -> None:
    """Record in the list's history that it was matched, and to how many of which results."""
    _record(session, found, "title_list_matched", hand, HANDLER, {"counts": dict(counts)})


def refuse_stranger(actor: Actor, found: TitleList, role: str, what: str) -> None:
    """Let only `role` of the bureau that imported the list touch it."""
    if not actor.holds(found.organisation_id, role):
        raise NotAllowed(f"{what}，您不在该席位。")


def _add(session: Session, row: Any, refusal: str) -> None:
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Conflict(refusal) from error


def _text(name: str, text: str) -> str:
    line = text.strip()
    if not 0 < len(line) <= LONGEST_TEXT:
        raise InvalidInput(f"{name}：须为 1 至 {LONGEST_TEXT} 字。", fields={name: "必填"})
    return line


def _record(
    session: Session, found: TitleList, name: str, hand: Hand, role: str,
    payload: Mapping[str, Any],
) -> None:  # fmt: skip
    draft = Draft(name=name, actor_id=hand.actor.id, at=hand.at, payload=payload)
    seated = draft.seated(Place(found.organisation_id, role))
    append_draft(session, seated, stream=found.id, signer=hand.signer)
