"""股权台账 of the projects that an actor may see (手册§10.13)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session, aliased

from caseflow.cases.models import Case
from caseflow.cases.queries import MAX_PAGE, visible_cases
from caseflow.catalogue.models import Measure
from caseflow.database.paging import last_of, whole
from caseflow.funds.equity.models import (
    EquityAgreement,
    EquityConversion,
    EquityExit,
    EquityTrigger,
    FundingRound,
)
from caseflow.funds.equity.pools.models import EquityPosition, PoolEntry
from caseflow.funds.equity.queries import TRIGGER_TITLES, exemptions, percent_of
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor
from caseflow.kernel.equity.explaining import written
from caseflow.kernel.money import Money


@dataclass(frozen=True)
class RegisterLine:
    """A project in the 股权台账; `part` is the trustee's exact part, `dpi` an exact ratio."""

    case: str
    number: str
    title: str
    measure: str
    applicant: str
    applicant_title: str
    state: str
    outcome: str | None
    granted_fen: int
    granted_on: tuple[date, ...]
    triggers: str
    long_stop_on: date
    triggered_on: str | None
    converted_fen: int | None
    round: str | None
    valuation_fen: int | None
    part: str | None
    percent: str | None
    registered_on: date | None
    latest_valuation_fen: int | None
    exit_route: str | None
    exit_on: date | None
    returned_fen: int
    gain_fen: int
    lost_fen: int
    exemption_no: str | None
    dpi: str | None


@dataclass(frozen=True)
class RegisterPage:
    """Projects, the newest first; `next` is given back as `after`, None on the last page."""

    items: tuple[RegisterLine, ...]
    next: str | None


@dataclass(frozen=True)
class RegisterFilter:
    """Which projects: of a measure; not converted though their long-stop date is `due_by`."""

    measure: str | None = None
    due_by: date | None = None


def register(
    session: Session,
    actor: Actor,
    wanted: RegisterFilter | None = None,
    *,
    after: str | None = None,
    limit: int = 50,
) -> RegisterPage:
    """Return a page of the projects with a sealed agreement that the actor may see.

    Raises:
        InvalidInput: `after` is no case that the actor may see.
    """
    size = max(1, min(limit, MAX_PAGE))
    agreed = exists().where(EquityAgreement.case_id == Case.id)
    query = (
        select(Case, Measure.code, Organisation)
        .join(Measure, Measure.id == Case.measure_id)
        .join(Organisation, Organisation.id == Case.applicant_id)
        .where(visible_cases(actor), agreed, *_conditions(wanted or RegisterFilter()))
        .order_by(Case.id.desc())
        .limit(size + 1)
    )
    if after is not None:
        place = select(Case.id).where(Case.public_id == after, visible_cases(actor))
        query = query.where(Case.id < last_of(session, place, after).id)
    rows = session.execute(query).all()
    items = tuple(_lines(session, rows[:size]))
    return RegisterPage(items, items[-1].case if len(rows) > size else None)


def whole_register(
    session: Session, actor: Actor, wanted: RegisterFilter | None = None, *, limit: int = MAX_PAGE
) -> list[RegisterLine]:
    """Return every project that the actor may see, read `limit` at a time."""
    return whole(lambda after: register(session, actor, wanted, after=after, limit=limit))


def _conditions(wanted: RegisterFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.measure is not None:
        conditions.append(Measure.code == wanted.measure)
    if wanted.due_by is not None:
        due = exists().where(
            EquityTrigger.case_id == Case.id,
            EquityTrigger.version == _in_force(),
            EquityTrigger.on_date <= wanted.due_by,
        )
        converted = exists().where(EquityConversion.case_id == Case.id)
        conditions += [due, ~converted, Case.outcome.is_(None)]
    return conditions


def _in_force() -> Any:
    """Return the version of the case's agreement that binds."""
    sealed = select(func.max(EquityAgreement.version))
    return sealed.where(EquityAgreement.case_id == Case.id).correlate(Case).scalar_subquery()


def _by_case(session: Session, model: Any, case_ids: Sequence[int]) -> dict[int, Any]:
    found = session.scalars(select(model).where(model.case_id.in_(case_ids)))
    return {row.case_id: row for row in found}


def _lines(
    session: Session, rows: Iterable[tuple[Case, str, Organisation]]
) -> Iterable[RegisterLine]:
    listed = list(rows)
    ids = [case.id for case, _, _ in listed]
    positions, conversions, exits = (
        _by_case(session, model, ids) for model in (EquityPosition, EquityConversion, EquityExit)
    )
    rounds, letters = _by_case(session, FundingRound, ids), exemptions(session, ids)
    triggers, arrivals = _triggers(session, ids), _arrivals(session, ids)
    for case, measure, applicant in listed:
        agreed = triggers[case.id]
        yield RegisterLine(
            case=case.public_id,
            number=case.number,
            title=case.title,
            measure=measure,
            applicant=applicant.public_id,
            applicant_title=applicant.title,
            state=case.state,
            outcome=case.outcome,
            granted_on=tuple(arrivals.get(case.id, ())),
            triggers="；".join(map(_trigger, agreed)),
            long_stop_on=next(each.on_date for each in agreed if each.on_date),
            triggered_on=case.facts.get("trigger_on"),
            latest_valuation_fen=_valuation(case, rounds.get(case.id)),
            exemption_no=letters.get(case.id),
            **_money(positions.get(case.id)),
            **_converted(conversions.get(case.id), rounds.get(case.id)),
            **_exited(exits.get(case.id)),
        )


def _trigger(row: EquityTrigger) -> str:
    title = TRIGGER_TITLES[row.kind]
    if row.threshold_fen is not None:
        return f"{title}达到{Money.from_fen(row.threshold_fen)}"
    return title if row.on_date is None else f"{title}{row.on_date}"


def _triggers(session: Session, ids: Sequence[int]) -> dict[int, list[EquityTrigger]]:
    """Return the triggers of each case's agreement in force, in the order of their titles."""
    query = (
        select(EquityTrigger)
        .join(Case, Case.id == EquityTrigger.case_id)
        .where(Case.id.in_(ids), EquityTrigger.version == _in_force())
    )
    order = list(TRIGGER_TITLES)
    found: dict[int, list[EquityTrigger]] = {}
    for row in sorted(session.scalars(query), key=lambda row: order.index(row.kind)):
        found.setdefault(row.case_id, []).append(row)
    return found


def _arrivals(session: Session, ids: Sequence[int]) -> dict[int, list[date]]:
    undone = aliased(PoolEntry)
    came_back = exists().where(
        undone.case_id == PoolEntry.case_id, undone.reverses_seq == PoolEntry.seq
    )
    query = (
        select(PoolEntry.case_id, PoolEntry.on_date)
        .where(PoolEntry.case_id.in_(ids), PoolEntry.target == "granted", ~came_back)
        .order_by(PoolEntry.seq)
    )
    found: dict[int, list[date]] = {}
    for case_id, on in session.execute(query):
        found.setdefault(case_id, []).append(on)
    return found


def _valuation(case: Case, round_: FundingRound | None) -> int | None:
    """Return the latest valuation: reported after the round, else the round's post-money."""
    reported = case.facts.get("latest_valuation_fen")
    if reported is not None or round_ is None:
        return reported
    return round_.pre_money_fen + round_.raised_fen


def _money(position: EquityPosition | None) -> dict[str, Any]:
    if position is None or not position.transferred_fen:
        return {"granted_fen": 0, "returned_fen": 0, "gain_fen": 0, "lost_fen": 0, "dpi": None}
    back = position.returned_fen + position.gain_fen
    return {
        "granted_fen": position.transferred_fen,
        "returned_fen": position.returned_fen,
        "gain_fen": position.gain_fen,
        "lost_fen": position.lost_fen,
        "dpi": written(Fraction(back, position.transferred_fen)),
    }


def _converted(row: EquityConversion | None, round_: FundingRound | None) -> dict[str, Any]:
    if row is None or round_ is None:
        names = ("converted_fen", "round", "valuation_fen", "part", "percent", "registered_on")
        return dict.fromkeys(names)
    part = Fraction(row.shares_held, row.shares_total)
    return {
        "converted_fen": row.converted_fen,
        "round": round_.title,
        "valuation_fen": round_.pre_money_fen,
        "part": written(part),
        "percent": percent_of(part),
        "registered_on": row.registered_on,
    }


def _exited(row: EquityExit | None) -> dict[str, Any]:
    return {"exit_route": row.route if row else None, "exit_on": row.on_date if row else None}
