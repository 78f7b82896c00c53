"""Territories, organisations, people and assignments, and valid identifiers for them.

The factories need a session: `bind(session)` at the beginning of a test.
"""

from datetime import UTC, datetime
from typing import Any

import factory
from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy.orm import Session
from stdnum.cn import uscc

from caseflow.identity.models import Assignment, Organisation, Person, Territory

AT = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)


def uscc_number(number: int) -> str:
    """Return the `number`-th made-up credit code whose check character fits."""
    body = f"91320681MA{number:06d}T"
    return body + uscc.calc_check_digit(body)


class _Rows(SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session_persistence = "flush"


class TerritoryFactory(_Rows):
    class Meta:
        model = Territory

    code = factory.Sequence(lambda n: f"town{n}")
    title = factory.Sequence(lambda n: f"第{n}镇")
    level = "town"
    fiscal_level = "township"


class OrganisationFactory(_Rows):
    class Meta:
        model = Organisation
        exclude = ("territory",)

    territory = factory.SubFactory(TerritoryFactory)
    territory_id = factory.SelfAttribute("territory.id")
    public_id = factory.Sequence(lambda n: f"organisation{n}")
    code = factory.Sequence(lambda n: f"bureau{n}")
    kind = "bureau"
    title = factory.Sequence(lambda n: f"第{n}局")


class ApplicantFactory(OrganisationFactory):
    code = None
    kind = "enterprise"
    title = factory.Sequence(lambda n: f"启东第{n}智能科技有限公司")
    uscc = factory.Sequence(uscc_number)


class PersonFactory(_Rows):
    class Meta:
        model = Person

    public_id = factory.Sequence(lambda n: f"person{n}")
    login = factory.Sequence(lambda n: f"person{n}")
    name = factory.Sequence(lambda n: f"第{n}席 经办")


class AssignmentFactory(_Rows):
    class Meta:
        model = Assignment
        exclude = ("person", "organisation")

    person = factory.SubFactory(PersonFactory)
    organisation = factory.SubFactory(OrganisationFactory)
    person_id = factory.SelfAttribute("person.id")
    organisation_id = factory.SelfAttribute("organisation.id")
    role = "bureau_handler"
    valid_from = AT
    valid_to = None


FACTORIES: tuple[Any, ...] = (
    TerritoryFactory,
    OrganisationFactory,
    ApplicantFactory,
    PersonFactory,
    AssignmentFactory,
)


def bind(session: Session) -> None:
    """Let every factory of this module write into `session`."""
    for each in FACTORIES:
        each._meta.sqlalchemy_session = session
