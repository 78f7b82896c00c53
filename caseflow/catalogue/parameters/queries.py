"""What is asked of parameters: what is in force, what is still missing, and what was entered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session, aliased

from caseflow.catalogue.models import Measure, MeasureVersion, PolicyVersion
from caseflow.catalogue.parameters.models import MeasureParameter
from caseflow.catalogue.quoting import subject_of
from caseflow.database.paging import last_of
from caseflow.identity.models import Person
from caseflow.identity.queries import Actor
from caseflow.kernel.benefits.model import Parameter
from caseflow.kernel.benefits.parameters import (
    PARAMETERS,
    ParameterKind,
    Subject,
    applicable,
    takes_ratio,
    takes_tiers,
    told_value,
    typed_value,
)
from caseflow.kernel.errors import InvalidInput, NotFound
from caseflow.kernel.workflow.vocabulary import SEATS

MAX_PAGE: Final = 200
ENTERERS: Final = ("bureau_handler",)
CONFIRMERS: Final = ("bureau_reviewer", "bureau_division_head")
"""The roles of a measure's lead bureau: who enters, and who confirms as a second person."""

AUDITOR: Final = "auditor"
STATES: Final = ("entered", "confirmed", "withdrawn")


@dataclass(frozen=True)
class ParameterLine:
    """A value as it was entered, and what became of it; dates are Asia/Shanghai."""

    public_id: str
    measure: str
    name: str
    title: str
    value: Any
    unit: str
    valid_from: date
    basis: str
    document_no: str
    status: str
    entered_by: str
    entered_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None


@dataclass(frozen=True)
class ParameterPage:
    """Values, the last entered first; `next` is given back as `after`."""

    items: tuple[ParameterLine, ...]
    next: str | None


@dataclass(frozen=True)
class InForce:
    """A parameter in force on a day, and the document it is from."""

    name: str
    title: str
    value: Any
    unit: str
    valid_from: date
    document_no: str


@dataclass(frozen=True)
class Missing:
    """A parameter that a measure leaves open, and who settles it.

    `needed`: without it no amount is computed. `answers` are the questions it settles, `bears_on`
    those it settles in part.
    """

    name: str
    title: str
    type: str
    unit: str
    choices: tuple[str, ...]
    answers: tuple[str, ...]
    bears_on: tuple[str, ...]
    needed: bool
    bureau: str
    enters: str
    confirms: str


def parameters_on(
    session: Session, measure_id: int, *, on: date, known_at: datetime | None = None
) -> dict[str, Parameter]:
    """Return the parameters of a measure in force on the day `on`, by name.

    In force is the confirmed value with the latest first day up to and including `on`; with
    `known_at`, as the house knew it at that instant, whatever was confirmed later.
    """
    row = MeasureParameter
    query = (
        select(row)
        .where(row.measure_id == measure_id, row.confirmed_at.is_not(None), row.valid_from <= on)
        .order_by(row.valid_from)  # of one name the latest stands last, and stays
    )
    if known_at is not None:
        query = query.where(row.confirmed_at <= known_at)
    return {
        each.name: Parameter(
            each.name, typed_value(each.name, each.value), each.valid_from, each.document_no
        )
        for each in session.scalars(query)
    }


def in_force(parameters: Mapping[str, Parameter]) -> tuple[InForce, ...]:
    """Return parameters as they are shown, in the order of the vocabulary."""
    return tuple(
        InForce(
            name=name,
            title=kind.title,
            value=told_value(name, parameters[name].value),
            unit=kind.unit,
            valid_from=parameters[name].valid_from,
            document_no=parameters[name].document_no,
        )
        for name, kind in PARAMETERS.items()
        if name in parameters
    )


def missing(
    definition: Mapping[str, Any], parameters: Mapping[str, Parameter]
) -> tuple[Missing, ...]:
    """Return the parameters that a measure uses and that are not in force, and who enters them."""
    subject = subject_of(definition)
    return tuple(
        _missing(kind, subject, definition["bureaus"][0])
        for kind in applicable(subject)
        if kind.name not in parameters
    )


def _missing(kind: ParameterKind, subject: Subject, bureau: str) -> Missing:
    asked = subject.questions
    return Missing(
        name=kind.name,
        title=kind.title,
        type=kind.type,
        unit=kind.unit,
        choices=kind.choices,
        answers=tuple(each for each in kind.answers if each in asked),
        bears_on=tuple(each for each in kind.bears_on if each in asked),
        needed=_is_needed(kind.name, subject),
        bureau=bureau,
        enters=_seats(ENTERERS),
        confirms=_seats(CONFIRMERS),
    )


def _is_needed(name: str, subject: Subject) -> bool:
    """Return whether a part has no figure unless this parameter or a decision gives one."""
    takes = {"tiers": takes_tiers, "ratio": takes_ratio}.get(name)
    parts = subject.rule.parts
    return takes is not None and any(part.must_decide and takes(part) for part in parts)


def _seats(roles: tuple[str, ...]) -> str:
    titles = {seat.role: seat.title for seat in SEATS.values() if seat.party == "lead_bureau"}
    return "或".join(titles[role] for role in roles)


def visible_parameters(actor: Actor) -> ColumnElement[bool]:
    """Return the one rule of what an actor may see, as a condition on `MeasureParameter`.

    What is confirmed is everybody's; what is not, the measure's lead bureau's and the auditors'.
    """
    if any(held.role == AUDITOR for held in actor.assignments):
        return true()
    bureaus = sorted({held.organisation_id for held in actor.assignments})
    led = (
        select(MeasureVersion.measure_id)
        .join(PolicyVersion, PolicyVersion.id == MeasureVersion.policy_version_id)
        .where(
            PolicyVersion.current,
            MeasureVersion.organisations["lead_bureau"].as_integer().in_(bureaus),
        )
    )
    return or_(MeasureParameter.confirmed_at.is_not(None), MeasureParameter.measure_id.in_(led))


def parameter_list(
    session: Session, actor: Actor, *, measure: str | None = None, name: str | None = None,
    status: str | None = None, after: str | None = None, limit: int = 50,
) -> ParameterPage:  # fmt: skip
    """Return a page of the values that the actor may see; `measure` is a code, None all measures.

    Raises:
        InvalidInput: an unknown status, or `after` is no value that the actor may see.
    """
    conditions = [visible_parameters(actor), *_status(status)]
    if measure is not None:
        conditions.append(Measure.code == measure)
    if name is not None:
        conditions.append(MeasureParameter.name == name)
    if after is not None:
        place = select(MeasureParameter.id).where(
            MeasureParameter.public_id == after, visible_parameters(actor)
        )
        conditions.append(MeasureParameter.id < last_of(session, place, after).id)
    size = max(1, min(limit, MAX_PAGE))
    query = _lines().where(*conditions).order_by(MeasureParameter.id.desc()).limit(size + 1)
    rows = session.execute(query).all()
    items = tuple(_line(row) for row in rows[:size])
    return ParameterPage(items, items[-1].public_id if len(rows) > size else None)


def parameter_line(session: Session, row: MeasureParameter) -> ParameterLine:
    """Return one value as a list shows it."""
    return _line(session.execute(_lines().where(MeasureParameter.id == row.id)).one())


def _status(status: str | None) -> list[ColumnElement[bool]]:
    confirmed = MeasureParameter.confirmed_at.is_not(None)
    withdrawn = MeasureParameter.withdrawn_at.is_not(None)
    known: dict[str | None, list[ColumnElement[bool]]] = {
        None: [],
        "entered": [~confirmed, ~withdrawn],
        "confirmed": [confirmed],
        "withdrawn": [withdrawn],
    }
    if status not in known:
        reason = f"{status!r} 不是 {'、'.join(STATES)} 之一"
        raise InvalidInput(f"status：{reason}。", fields={"status": reason})
    return known[status]


def _lines() -> Any:
    enterer, confirmer, withdrawer = (aliased(Person) for _ in range(3))
    return (
        select(
            MeasureParameter,
            Measure.code,
            enterer.name.label("entered_by"),
            confirmer.name.label("confirmed_by"),
            withdrawer.name.label("withdrawn_by"),
        )
        .join(Measure, Measure.id == MeasureParameter.measure_id)
        .join(enterer, enterer.id == MeasureParameter.entered_by)
        .outerjoin(confirmer, confirmer.id == MeasureParameter.confirmed_by)
        .outerjoin(withdrawer, withdrawer.id == MeasureParameter.withdrawn_by)
    )


def _line(found: Any) -> ParameterLine:
    row: MeasureParameter = found.MeasureParameter
    kind = PARAMETERS[row.name]
    ended = "withdrawn" if row.withdrawn_at else "entered"
    return ParameterLine(
        public_id=row.public_id,
        measure=found.code,
        name=row.name,
        title=kind.title,
        value=told_value(row.name, typed_value(row.name, row.value)),
        unit=kind.unit,
        valid_from=row.valid_from,
        basis=row.basis,
        document_no=row.document_no,
        status="confirmed" if row.confirmed_at else ended,
        entered_by=found.entered_by,
        entered_at=row.entered_at,
        confirmed_by=found.confirmed_by,
        confirmed_at=row.confirmed_at,
        withdrawn_by=found.withdrawn_by,
        withdrawn_at=row.withdrawn_at,
    )


def locked(session: Session, actor: Actor, public_id: str) -> MeasureParameter:
    """Return a value, locked until the transaction ends.

    Raises:
        NotFound: there is none that the actor may see; the two are not told apart.
    """
    query = select(MeasureParameter).where(
        MeasureParameter.public_id == public_id, visible_parameters(actor)
    )
    found = session.scalars(query.with_for_update(key_share=True)).one_or_none()
    if found is None:
        raise NotFound(f"没有参数 {public_id!r}。")
    return found
