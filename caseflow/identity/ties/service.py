"""Recording who is tied to whom; ending a tie, striking it out; saying who of us is whom."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from caseflow.history.service import append
from caseflow.identity.commitments import committing
from caseflow.identity.identifiers import Identity, check_identity, check_uscc
from caseflow.identity.models import Person
from caseflow.identity.queries import Actor
from caseflow.identity.registering import Desk
from caseflow.identity.ties.models import KnownPerson, Tie
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from caseflow.kernel.ties import ALIKE, KINDS, SHAREHOLDER

RECORDERS: Final = frozenset({"bureau_handler", "bureau_reviewer", "cosign_bureau"})
"""Who answers for it; of any bureau, as a tie is nobody's alone. 手册§3: 市场监管 会办."""
RECORDED, ENDED, STRUCK = "tie_recorded", "tie_ended", "tie_struck"
IDENTIFIED: Final = "person_identified"
LONGEST: Final = 200


@dataclass(frozen=True)
class End:
    """One end of a tie, known by exactly one of: a credit code, a document, a login of ours."""

    title: str = ""
    uscc: str | None = None
    identity: Identity | None = None
    login: str | None = None


@dataclass(frozen=True)
class NewTie:
    """What is to be recorded: `holder` is a `kind` of `held`; both days are inside.

    `percent` is of shareholders only; `file_sha256` the file that says so, where there is one.
    """

    kind: str
    holder: End
    held: End
    source: str
    valid_from: date
    valid_to: date | None = None
    percent: Decimal | None = None
    file_sha256: str | None = None


def record_tie(session: Session, wanted: NewTie, actor: Actor, desk: Desk) -> Tie:
    """Record a tie, with an event in a history of its own; numbers of people stay out of both.

    Raises:
        NotAllowed: not in a seat that records. NotFound: nobody has the login of an end.
        InvalidInput: an end, kind, share, source or day that is none.
        Conflict: the same two have this tie in the period already.
    """
    refuse_others(actor)
    row = tie_of(session, wanted, actor, desk)
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        reason = "双方在该期间已登记同类关系，须先终止或更正原登记"
        raise Conflict(f"{reason}：{row.holder_title} → {row.held_title}。") from error
    told = {
        "tie": row.public_id, "kind": row.kind, "holder": row.holder, "held": row.held,
        "percent": percent_text(row.percent), "source": row.source,
        "valid_from": row.valid_from.isoformat(), "valid_to": _iso(row.valid_to),
        "files": [["list", row.file_sha256]] if row.file_sha256 else None,
    }  # fmt: skip
    _tell(session, row.id, RECORDED, told, by=actor.id, desk=desk)
    return row


def tie_of(session: Session, wanted: NewTie, actor: Actor, desk: Desk) -> Tie:
    """Return what a tie would be, checked and not yet recorded.

    Raises:
        As `record_tie`, but for the conflict.
    """
    _refuse_faulty(wanted)
    commit = committing(desk.signer)
    ends = [_resolved(session, each, commit) for each in (wanted.holder, wanted.held)]
    if wanted.kind in ALIKE:
        ends.sort()
    (holder, holder_title), (held, held_title) = ends
    if holder == held or (wanted.kind in ALIKE and any(code[0] == "~" for code, _ in ends)):
        raise _refusal("holder", "两端须为不同的主体；同一地址、同一电话的两端均须为单位")
    if held.startswith("~"):
        raise _refusal("held", "被持有、被任职的一方须为单位，以统一社会信用代码登记")
    return Tie(
        public_id=desk.ids.new(), kind=wanted.kind, holder=holder, holder_title=holder_title,
        held=held, held_title=held_title, percent=wanted.percent, source=wanted.source.strip(),
        valid_from=wanted.valid_from, valid_to=wanted.valid_to, file_sha256=wanted.file_sha256,
        recorded_by=actor.id, recorded_at=desk.at,
    )  # fmt: skip


def end_tie(session: Session, public_id: str, last_day: date, actor: Actor, desk: Desk) -> Tie:
    """Let a tie end with `last_day`, on which it still holds; once.

    Raises:
        NotAllowed, NotFound: as said. Conflict: it has ended or was struck out.
        InvalidInput: the day is before its first, or yet to come.
    """
    row = _locked(session, public_id, actor)
    if row.valid_to is not None or row.struck_at is not None:
        raise Conflict("该关系已终止或已撤销登记。")
    if not row.valid_from <= last_day <= local_date(desk.at):
        raise _refusal("valid_to", f"终止日须在 {row.valid_from} 与今日之间")
    row.valid_to, row.ended_by, row.ended_at = last_day, actor.id, desk.at
    session.flush()
    told = {"tie": row.public_id, "valid_to": last_day.isoformat()}
    _tell(session, row.id, ENDED, told, by=actor.id, desk=desk)
    return row


def strike_tie(session: Session, public_id: str, reason: str, actor: Actor, desk: Desk) -> Tie:
    """Strike out a tie that was entered by mistake: it counts for nothing, and stays on record.

    Whoever entered it does not judge alone that it was wrong: another person strikes it out.

    Raises:
        NotAllowed: not in a seat that records, or who entered it. NotFound: as said.
        Conflict: it was struck out before. InvalidInput: no reason.
    """
    row = _locked(session, public_id, actor)
    if row.struck_at is not None:
        raise Conflict("该关系已撤销登记。")
    if row.recorded_by == actor.id:
        raise NotAllowed("撤销登记须由登记人以外的人办理。")
    words = _text("reason", reason)
    row.struck_by, row.struck_at, row.struck_reason = actor.id, desk.at, words
    session.flush()
    told = {"tie": row.public_id, "reason": words}
    _tell(session, row.id, STRUCK, told, by=actor.id, desk=desk)
    return row


def identify_person(
    session: Session, login: str, identity: Identity, actor: Actor, desk: Desk
) -> KnownPerson:
    """Say which person of the register somebody of this house is; their number is not kept.

    Raises:
        NotAllowed: not in a seat that records. NotFound: nobody has the login.
        InvalidInput: the number is none.
    """
    refuse_others(actor)
    person = _person(session, login)
    checked = check_identity(identity.type, identity.number)
    code = committing(desk.signer)(checked.number)
    row = {"code": code, "recorded_by": actor.id, "recorded_at": desk.at}
    first = insert(KnownPerson).values(person_id=person.id, **row)
    session.execute(first.on_conflict_do_update(index_elements=["person_id"], set_=row))
    told = {"person": person.public_id, "code": code}
    _tell(session, person.id, IDENTIFIED, told, by=actor.id, desk=desk)
    return session.get_one(KnownPerson, person.id, populate_existing=True)


def refuse_others(actor: Actor) -> None:
    """Refuse who does not keep the register.

    Raises:
        NotAllowed: in none of the seats of `RECORDERS`.
    """
    if not any(holding.role in RECORDERS for holding in actor.assignments):
        raise NotAllowed("登记关联关系由主管部门经办、复核或会办部门办理，您不在该席位。")


def percent_text(percent: Decimal | None) -> str | None:
    """Return a share as plain digits, without zeros that say nothing: 33.3, 100."""
    return None if percent is None else f"{percent.normalize():f}"


def _refuse_faulty(wanted: NewTie) -> None:
    if wanted.kind not in KINDS:
        raise _refusal("kind", f"类别须为 {'、'.join(KINDS)} 之一")
    if (wanted.kind == SHAREHOLDER) != (wanted.percent is not None):
        raise _refusal("percent", "股东须写明持股比例，其他关系不写")
    if wanted.valid_to is not None and wanted.valid_to < wanted.valid_from:
        raise _refusal("valid_to", f"终止日早于起始日 {wanted.valid_from}")
    _text("source", wanted.source)


def _resolved(session: Session, end: End, commit: Callable[[str], str]) -> tuple[str, str]:
    """Return the key of an end and what it is called."""
    told = [each for each in (end.uscc, end.identity, end.login) if each]
    if len(told) != 1:
        raise _refusal("holder", "每一端须以统一社会信用代码、证件或登录名之一说明")
    if end.login:
        person = _person(session, end.login)
        known = session.get(KnownPerson, person.id)
        if known is None:
            raise _refusal("login", f"{end.login} 尚未登记身份，须先登记其证件")
        return known.code, person.name
    title = _text("title", end.title)
    if end.identity:
        checked = check_identity(end.identity.type, end.identity.number)
        return commit(checked.number), title
    return check_uscc(str(end.uscc)), title


def _person(session: Session, login: str) -> Person:
    found = session.scalars(select(Person).where(Person.login == login)).one_or_none()
    if found is None:
        raise NotFound(f"没有登录名为 {login!r} 的人员。")
    return found


def _locked(session: Session, public_id: str, actor: Actor) -> Tie:
    refuse_others(actor)
    query = select(Tie).where(Tie.public_id == public_id).with_for_update()
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"没有关联关系 {public_id!r}。")
    return found


def _tell(
    session: Session, stream: int, name: str, told: dict[str, Any], *, by: int, desk: Desk
) -> None:
    payload = {key: value for key, value in told.items() if value is not None}
    append(
        session, stream=stream, name=name, actor_id=by, payload=payload, at=desk.at,
        signer=desk.signer,
    )  # fmt: skip


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _text(field: str, text: str) -> str:
    words = text.strip()
    if not 0 < len(words) <= LONGEST or not words.isprintable():
        raise _refusal(field, f"须为 1 至 {LONGEST} 字")
    return words


def _refusal(field: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{reason}。", fields={field: reason})
