"""Entering, confirming and withdrawing what a bureau settles; each is an event of its stream."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.models import Measure
from caseflow.catalogue.parameters.models import MeasureParameter
from caseflow.catalogue.parameters.queries import CONFIRMERS, ENTERERS, locked
from caseflow.catalogue.queries import LoadedMeasure
from caseflow.catalogue.quoting import subject_of
from caseflow.catalogue.seating import held
from caseflow.database.ids import PublicIds
from caseflow.history import service as history
from caseflow.history.part import Draft, Place, Signer
from caseflow.identity.queries import Actor
from caseflow.kernel.benefits.parameters import (
    PARAMETERS,
    read_parameter,
    stored_value,
    told_value,
    typed_value,
)
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed

LONGEST: Final = {"basis": 1000, "document_no": 100}
"""How long a basis and a document's number may be."""


ONE_VALUE: Final = "uq_measure_parameter_confirmed"


@dataclass(frozen=True)
class Entry:
    """What somebody wants settled: the value as it is given, its first day, its document."""

    measure: str
    name: str
    value: Any
    valid_from: date
    basis: str
    document_no: str


@dataclass(frozen=True)
class Hand:
    """By whose hand something is done, when, and the key that signs its event."""

    actor: Actor
    at: datetime
    signer: Signer


def enter_parameter(
    session: Session, entry: Entry, hand: Hand, *, ids: PublicIds
) -> MeasureParameter:
    """Enter a value; it counts for nothing until a second person confirms it.

    Raises:
        NotFound: no such measure. NotAllowed: not a handler of the measure's lead bureau.
        InvalidInput: no parameter of this measure, a wrong value or one wider than the clause, a
            first day outside the policy's life, no basis.
    """
    measure = catalogue.measure(session, entry.measure)
    place = _place(hand.actor, measure, ENTERERS, "经办录入")
    value = read_parameter(subject_of(measure.version.definition), entry.name, entry.value)
    _refuse_outside(measure, entry.valid_from)
    texts = {name: _line(name, getattr(entry, name)) for name in LONGEST}
    row = MeasureParameter(
        public_id=ids.new(),
        measure_id=measure.id,
        name=entry.name,
        value=stored_value(entry.name, value),
        valid_from=entry.valid_from,
        entered_by=hand.actor.id,
        entered_at=hand.at,
        **texts,
    )
    session.add(row)
    session.flush()
    said = {"measure": measure.code, **_facts(row)}
    _record(session, row, "parameter_entered", hand, said, place=place)
    return row


def confirm_parameter(session: Session, public_id: str, hand: Hand) -> MeasureParameter:
    """Confirm a value as a second person; from now on it counts, and is never changed.

    Raises:
        NotFound: none that the actor may see. NotAllowed: not a reviewer or division head of the
            lead bureau, or the one who entered it. Conflict: confirmed or withdrawn already, or
            another value of that first day is confirmed. InvalidInput: the clause's current
            version does not carry it any more.
    """
    row, measure = _waiting(session, public_id, hand.actor)
    place = _place(hand.actor, measure, CONFIRMERS, "复核或科室负责人确认")
    if row.entered_by == hand.actor.id:
        raise NotAllowed(f"{PARAMETERS[row.name].title}须由录入人以外的第二人确认。")
    told = told_value(row.name, typed_value(row.name, row.value))
    read_parameter(subject_of(measure.version.definition), row.name, told)
    taken = f"{measure.code} 的{PARAMETERS[row.name].title}已有自 {row.valid_from} 起的确认值"
    row.confirmed_by, row.confirmed_at = hand.actor.id, hand.at
    try:
        session.flush()
    except IntegrityError as error:
        if _constraint_of(error) != ONE_VALUE:
            raise
        raise Conflict(f"{taken}；如需更改，请录入自另一日起的新值。") from error
    _record(session, row, "parameter_confirmed", hand, _facts(row), place=place)
    return row


def withdraw_parameter(
    session: Session, public_id: str, hand: Hand, *, reason: str
) -> MeasureParameter:
    """Withdraw a value that is not confirmed; it stays on record.

    Raises:
        NotFound: none that the actor may see. NotAllowed: neither enters nor confirms here.
        Conflict: confirmed or withdrawn already. InvalidInput: no reason.
    """
    row, measure = _waiting(session, public_id, hand.actor)
    place = _place(hand.actor, measure, (*ENTERERS, *CONFIRMERS), "经办、复核或科室负责人撤回")
    why = _line("reason", reason)
    row.withdrawn_by, row.withdrawn_at = hand.actor.id, hand.at
    session.flush()
    said = {**_facts(row), "reason": why}
    _record(session, row, "parameter_withdrawn", hand, said, place=place)
    return row


def _constraint_of(error: IntegrityError) -> str | None:
    """Return the name of the constraint that refused a statement."""
    diagnosis = getattr(error.orig, "diag", None)
    return getattr(diagnosis, "constraint_name", None)


def _waiting(
    session: Session, public_id: str, actor: Actor
) -> tuple[MeasureParameter, LoadedMeasure]:
    """Return a value that is neither confirmed nor withdrawn, locked, with its measure."""
    row = locked(session, actor, public_id)
    code = session.scalars(select(Measure.code).where(Measure.id == row.measure_id)).one()
    measure = catalogue.measure(session, code)
    for ended, word in ((row.confirmed_at, "确认，不能更改"), (row.withdrawn_at, "撤回")):
        if ended is not None:
            raise Conflict(f"{measure.code} 的{PARAMETERS[row.name].title}已{word}。")
    return row, measure


def _place(actor: Actor, measure: LoadedMeasure, roles: tuple[str, ...], what: str) -> Place:
    """Return the actor's seat in the measure's lead bureau, which settles what its clause leaves.

    Raises:
        NotAllowed: the actor holds none of `roles` there.
    """
    place = held(actor, [measure.version.organisations["lead_bureau"]], roles)
    if place is None:
        bureau = measure.version.definition["bureaus"][0]
        raise NotAllowed(f"{measure.code} 的参数须由{bureau}{what}，您不在该席位。")
    return place


def _refuse_outside(measure: LoadedMeasure, day: date) -> None:
    """Refuse a first day outside the policy's life, both ends inside; a draft may have none yet."""
    first, last = measure.policy.effective_from, measure.policy.effective_to
    if (first is not None and day < first) or (last is not None and day > last):
        reason = f"{day} 不在政策有效期内（{first or '未定'} 至 {last or '未定'}）"
        raise InvalidInput(f"valid_from：{reason}。", fields={"valid_from": reason})


def _line(name: str, text: str) -> str:
    line, most = text.strip(), LONGEST.get(name, LONGEST["basis"])
    if not line or len(line) > most or not line.isprintable():
        reason = f"须为 1 至 {most} 个可见字"
        raise InvalidInput(f"{name}：{reason}。", fields={name: reason})
    return line


def _facts(row: MeasureParameter) -> dict[str, Any]:
    return {
        "name": row.name,
        "value": row.value,
        "valid_from": row.valid_from.isoformat(),
        "basis": row.basis,
        "document_no": row.document_no,
    }


def _record(
    session: Session, row: MeasureParameter, name: str, hand: Hand, payload: Mapping[str, Any], *,
    place: Place,
) -> None:  # fmt: skip
    draft = Draft(name=name, actor_id=hand.actor.id, at=hand.at, payload=payload)
    history.append_draft(session, draft.seated(place), stream=row.id, signer=hand.signer)
