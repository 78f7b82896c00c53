"""What the city bears of a case, for those who ask about many cases at once."""

from datetime import datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import select

from caseflow.cases.models import Case
from caseflow.catalogue.models import Policy
from caseflow.funds.models import FiscalSplit
from caseflow.kernel.calendar import local_date
from caseflow.kernel.shares import city_percent


def entered_percent(at: datetime) -> Any:
    """Return the subquery of the confirmed split that holds at `at` for `Case` and `Policy`."""
    return (
        select(FiscalSplit.city_percent)
        .where(FiscalSplit.policy_id == Policy.id, FiscalSplit.territory_id == Case.territory_id)
        .where(FiscalSplit.confirmed_at <= at, FiscalSplit.valid_from <= local_date(at))
        .order_by(FiscalSplit.valid_from.desc())
        .limit(1)
        .correlate(Case, Policy)
        .scalar_subquery()
    )


def percent_of(row: Any) -> Fraction | None:
    """Return what the city bears by a row's own_split, split, fiscal_level and entered percent."""
    entered = None if row.entered is None else Fraction(row.entered)
    return city_percent(row.own_split or row.split, row.fiscal_level, entered=entered)
