"""Quoting a case with the values of its day: in force, and known, when it was submitted."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.cases.models import Case
from caseflow.cases.queries import find_case
from caseflow.catalogue.models import Call, Measure, MeasureVersion, PolicyVersion
from caseflow.catalogue.parameters.queries import parameters_on
from caseflow.catalogue.queries import status_on
from caseflow.catalogue.quoting import Clause, quote_clause
from caseflow.identity.queries import Actor
from caseflow.kernel.benefits.model import MATTER_ON, Parameter, Quote
from caseflow.kernel.benefits.settled import settled_terms
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput


@dataclass(frozen=True)
class CaseDay:
    """The day whose values hold for a case, and the instant up to which they were confirmed.

    Both are those of the submission, of a child case those of its root's. A draft has none yet:
    what holds now would hold for it.
    """

    on: date
    known_at: datetime
    is_submitted: bool


@dataclass(frozen=True)
class CaseQuote:
    """What a case would get, with the parameters of its day."""

    number: str
    measure: str
    day: CaseDay
    quote: Quote
    parameters: Mapping[str, Parameter]


def case_day(session: Session, case: Case, at: datetime) -> CaseDay:
    """Return the day of a case, at the instant `at`."""
    submitted = session.scalars(select(Case.submitted_at).where(Case.id == case.root_id)).one()
    known_at = submitted or at
    return CaseDay(local_date(known_at), known_at, submitted is not None)


def parameters_of(session: Session, case: Case, at: datetime) -> dict[str, Parameter]:
    """Return the parameters that hold for a case. Derived, never stored with the case.

    A confirmation after the submission changes nothing, however far it is dated back.
    """
    day = case_day(session, case, at)
    return parameters_on(session, case.measure_id, on=day.on, known_at=day.known_at)


def quote_case(
    session: Session, actor: Actor, public_id: str, given: Mapping[str, Any], at: datetime
) -> CaseQuote:
    """Return what the clause, as the case pins it, gives for these facts on the case's day.

    Raises:
        NotFound: no case that the actor may see. InvalidInput: unknown facts, wrong types, another
            date of the matter than the case's. QuoteRefused: see `quote_clause`.
    """
    case = find_case(session, actor, public_id)
    day = case_day(session, case, at)
    clause = _clause(session, case, day)
    parameters = parameters_of(session, case, at)
    facts = _facts(case, given)
    terms = settled_terms(parameters)
    if own := _rounding(session, case):
        terms = replace(terms, rounding=own)
    found = quote_clause(clause, facts, on=day.on, terms=terms)
    return CaseQuote(case.number, clause.code, day, found, parameters)


def _rounding(session: Session, case: Case) -> str | None:
    """Return the rounding that the case's call says, which goes before the measure's."""
    query = select(Call.rounding).join(Case, Case.call_id == Call.id).where(Case.id == case.root_id)
    return session.scalars(query).one_or_none()


def _clause(session: Session, case: Case, day: CaseDay) -> Clause:
    """Return the pinned clause; what was submitted was so while its policy was in force."""
    code, definition, policy = session.execute(
        select(Measure.code, MeasureVersion.definition, PolicyVersion)
        .join(Measure, Measure.id == MeasureVersion.measure_id)
        .join(PolicyVersion, PolicyVersion.id == MeasureVersion.policy_version_id)
        .where(MeasureVersion.id == case.measure_version_id)
    ).one()
    status = "in_force" if day.is_submitted else status_on(policy, day.on)
    return Clause(code, definition, status, policy.effective_from, policy.effective_to)


def _facts(case: Case, given: Mapping[str, Any]) -> Mapping[str, Any]:
    if case.matter_on is None:
        return given
    own = case.matter_on.isoformat()
    if given.get(MATTER_ON, own) != own:
        reason = f"本办件的事项日期是 {own}"
        raise InvalidInput(f"{MATTER_ON}：{reason}。", fields={MATTER_ON: reason})
    return {**given, MATTER_ON: own}
