"""The conditions that a filter of cases stands for."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sqlalchemy import ColumnElement, ScalarSelect, or_, select
from sqlalchemy.orm import aliased

from caseflow.cases.models import Case
from caseflow.catalogue.models import Call, Measure, MeasureVersion, Policy
from caseflow.identity.models import Organisation, Territory

if TYPE_CHECKING:
    from caseflow.cases.queries import CaseFilter

CITY_SEES: Final = """(NOT EXISTS (SELECT FROM measure_version hiding
    WHERE hiding.id = c.measure_version_id AND hiding.recommended_by = 'district')
    OR EXISTS (SELECT FROM district_pass passed WHERE passed.case_id = c.root_id)
    OR EXISTS (SELECT FROM clock late WHERE late.case_id = c.root_id AND late.status = 'expired'
        AND late.name IN ('district_review', 'district_sign')))"""
"""As SQL on a case `c`, what `queries.visible_cases` says of the city's seats."""
OPEN: Final = "open"
"""As an outcome asked for: cases that have none yet."""


def conditions(wanted: "CaseFilter") -> list[ColumnElement[bool]]:
    """Return what must hold of a case, its joins being those of a line."""
    columns: tuple[tuple[str | None, Callable[[str], ColumnElement[bool]]], ...] = (
        (wanted.measure, lambda code: Measure.code == code),
        (wanted.family, lambda family: MeasureVersion.family == family),
        (wanted.policy, lambda code: Policy.code == code),
        (wanted.state, lambda state: Case.state == state),
        (wanted.applicant, lambda public_id: Organisation.public_id == public_id),
        (wanted.territory, lambda code: Territory.code == code),
        (wanted.parent, lambda public_id: Case.parent_id == _id_of(public_id)),
        (wanted.call, lambda public_id: Case.call_id == _call(public_id)),
        (wanted.outcome, _outcome),
        (wanted.text, _about),
    )
    return [condition(value) for value, condition in columns if value is not None]


def _id_of(public_id: str) -> ScalarSelect[int]:
    other = aliased(Case)
    return select(other.id).where(other.public_id == public_id).scalar_subquery()


def _call(public_id: str) -> ScalarSelect[int]:
    return select(Call.id).where(Call.public_id == public_id).scalar_subquery()


def _outcome(outcome: str) -> ColumnElement[bool]:
    return Case.outcome.is_(None) if outcome == OPEN else Case.outcome == outcome


def _about(text: str) -> ColumnElement[bool]:
    return or_(
        Case.number.icontains(text, autoescape=True),
        Case.title.icontains(text, autoescape=True),
        Organisation.title.icontains(text, autoescape=True),
    )
