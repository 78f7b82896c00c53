"""What can be asked of the budget: lines with balances, the fiscal split, who may read them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from caseflow.catalogue.models import Measure, MeasureVersion, Policy, PolicyVersion
from caseflow.funds.models import BudgetLine, FiscalSplit, LedgerAccount
from caseflow.identity.models import Organisation, Person, Territory
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput, NotAllowed, NotFound
from caseflow.kernel.ledger import SOURCE

MAX_PAGE: Final = 200
AUDITOR: Final = "auditor"
CITY_FINANCE: Final = ("finance_division", "treasury")
DISTRICT_FINANCE: Final = ("district_finance",)
BUREAUS: Final = ("bureau_handler", "bureau_reviewer", "bureau_division_head", "bureau_leader")
READERS: Final = frozenset({AUDITOR, *CITY_FINANCE, *DISTRICT_FINANCE, *BUREAUS})
"""Who may read budgets at all: 财政, the bureaus of the policy, 审计; never an applicant."""


@dataclass(frozen=True)
class BudgetFilter:
    """Which lines are asked for; None asks for all. `territory`: whose treasury pays, by code."""

    policy: str | None = None
    measure: str | None = None
    year: int | None = None
    share: str | None = None
    territory: str | None = None

    def told(self) -> str:
        """Return the filter in words for a report."""
        given = {name: value for name, value in vars(self).items() if value is not None}
        return "，".join(f"{name}={value}" for name, value in given.items()) or "全部"


@dataclass(frozen=True)
class BudgetLineView:
    """A budget line with its balances in fen; appropriated is the sum of all the others."""

    public_id: str
    title: str
    policy: str
    measure: str | None
    year: int
    share: str
    territory: str
    territory_title: str
    functional_subject: str | None
    economic_subject: str | None
    appropriated_fen: int
    available_fen: int
    reserved_fen: int
    committed_fen: int
    released_fen: int
    paid_fen: int
    recovered_fen: int


@dataclass(frozen=True)
class BudgetPage:
    """Lines, the newest first; `next` is given back as `after`, None on the last page."""

    items: tuple[BudgetLineView, ...]
    next: str | None


@dataclass(frozen=True)
class SplitView:
    """What the city bears in a place from a day on; it holds once a second person confirmed it."""

    id: int
    policy: str
    territory: str
    city_percent: str
    valid_from: date
    basis: str
    entered_by: str
    entered_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None


def refuse_strangers_to_budgets(actor: Actor) -> None:
    """Let nobody read budgets who sits in no seat of 财政, a bureau or 审计.

    Raises:
        NotAllowed: the actor holds none of these roles.
    """
    if not any(each.role in READERS for each in actor.assignments):
        raise NotAllowed("预算与拨付台账由财政、主管部门和审计机关查阅，您不在这些席位。")


def visible_lines(actor: Actor) -> ColumnElement[bool]:
    """Return the rule of who sees which line, as a condition on `BudgetLine` joined to `Policy`.

    City finance sees all lines of the policies of its city (the districts' too: 配套) and those of
    its own place, district finance its own, bureaus those of the policies they are named in,
    auditors all.

    Raises:
        NotAllowed: the actor is none of these.
    """
    return _visible(actor, BudgetLine.territory_id)


def _visible(actor: Actor, place: Any) -> ColumnElement[bool]:
    refuse_strangers_to_budgets(actor)
    if any(each.role == AUDITOR for each in actor.assignments):
        return true()
    finance, district = _seated(actor, CITY_FINANCE), _seated(actor, DISTRICT_FINANCE)
    bureaus = _seated(actor, BUREAUS)
    own = select(Organisation.territory_id).where(Organisation.id.in_([*finance, *district]))
    cities = (
        select(Territory.code)
        .join(Organisation, Organisation.territory_id == Territory.id)
        .where(Organisation.id.in_(finance))
    )
    named = (
        select(PolicyVersion.policy_id)
        .join(MeasureVersion, MeasureVersion.policy_version_id == PolicyVersion.id)
        .where(PolicyVersion.current, _names(bureaus))
    )
    return or_(place.in_(own), Policy.city.in_(cities), Policy.id.in_(named))


def _seated(actor: Actor, roles: Iterable[str]) -> list[int]:
    wanted = frozenset(roles)
    return sorted({each.organisation_id for each in actor.assignments if each.role in wanted})


def _names(organisations: list[int]) -> ColumnElement[bool]:
    """Return whether a measure's text names one of the organisations, or one of them leads it."""
    lead = MeasureVersion.organisations["lead_bureau"].astext.cast(BigInteger)
    named = MeasureVersion.organisations["bureaus"]
    return or_(lead.in_(organisations), *(named.contains([each]) for each in organisations))


def budget_lines(
    session: Session,
    actor: Actor,
    wanted: BudgetFilter | None = None,
    *,
    after: str | None = None,
    limit: int = 50,
) -> BudgetPage:
    """Return a page of the lines that the actor may see, each with all its balances.

    Raises:
        NotAllowed: the actor reads no budgets. InvalidInput: `after` is no line of theirs.
    """
    size = max(1, min(limit, MAX_PAGE))
    query = _lines().where(visible_lines(actor), *conditions(wanted or BudgetFilter()))
    if after is not None:
        query = query.where(BudgetLine.id < _place(session, actor, after))
    rows = session.execute(query.order_by(BudgetLine.id.desc()).limit(size + 1)).all()
    items = tuple(map(_view, rows[:size]))
    return BudgetPage(items, items[-1].public_id if len(rows) > size else None)


def budget_line(session: Session, actor: Actor, public_id: str) -> BudgetLineView:
    """Return one line that the actor may see.

    Raises:
        NotFound: there is none, or none that the actor may see.
    """
    found = session.execute(
        _lines().where(BudgetLine.public_id == public_id, visible_lines(actor))
    ).one_or_none()
    if found is None:
        raise NotFound(f"没有预算项目 {public_id!r}。")
    return _view(found)


def line_id(session: Session, actor: Actor, public_id: str) -> int:
    """Return the number of a line that the actor may see.

    Raises:
        NotFound: there is none, or none that the actor may see.
    """
    query = _joined(select(BudgetLine.id)).where(BudgetLine.public_id == public_id)
    found: int | None = session.scalars(query.where(visible_lines(actor))).one_or_none()
    if found is None:
        raise NotFound(f"没有预算项目 {public_id!r}。")
    return found


def fiscal_splits(
    session: Session,
    actor: Actor,
    *,
    policy: str | None = None,
    split_id: int | None = None,
    after: int | None = None,
    limit: int = MAX_PAGE,
) -> tuple[SplitView, ...]:
    """Return up to `limit` entered splits that the actor may see, the newest first.

    `after` is the last one's id on the page before.

    Raises:
        NotAllowed: the actor reads no budgets.
    """
    second = aliased(Person)
    query = (
        select(FiscalSplit, Policy.code, Territory.code, Person.login, second.login)
        .join(Policy, Policy.id == FiscalSplit.policy_id)
        .join(Territory, Territory.id == FiscalSplit.territory_id)
        .join(Person, Person.id == FiscalSplit.entered_by)
        .outerjoin(second, second.id == FiscalSplit.confirmed_by)
        .where(_visible(actor, FiscalSplit.territory_id))
        .order_by(FiscalSplit.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(FiscalSplit.id < after)
    if policy is not None:
        query = query.where(Policy.code == policy)
    if split_id is not None:
        query = query.where(FiscalSplit.id == split_id)
    return tuple(_split(*row) for row in session.execute(query))


def conditions(wanted: BudgetFilter) -> list[ColumnElement[bool]]:
    """Return the filter as conditions on a line joined to policy, measure and territory."""
    columns: tuple[tuple[Any, Any], ...] = (
        (wanted.policy, Policy.code),
        (wanted.measure, Measure.code),
        (wanted.year, BudgetLine.year),
        (wanted.share, BudgetLine.share),
        (wanted.territory, Territory.code),
    )
    return [column == value for value, column in columns if value is not None]


def _joined(query: Any) -> Any:
    return (
        query.join(Policy, Policy.id == BudgetLine.policy_id)
        .join(Territory, Territory.id == BudgetLine.territory_id)
        .outerjoin(Measure, Measure.id == BudgetLine.measure_id)
    )


def _lines() -> Any:
    query = select(
        BudgetLine, Policy.code, Measure.code, Territory.code, Territory.title, _balances()
    )
    return _joined(query)


def _balances() -> Any:
    """Return all balances of a line as one JSON object, by kind of account."""
    return (
        select(func.jsonb_object_agg(LedgerAccount.kind, LedgerAccount.balance_fen))
        .where(LedgerAccount.line_id == BudgetLine.id)
        .scalar_subquery()
    )


def _view(row: Any) -> BudgetLineView:
    line, policy, measure, territory, territory_title, balances = row
    return BudgetLineView(
        public_id=line.public_id,
        title=line.title,
        policy=policy,
        measure=measure,
        year=line.year,
        share=line.share,
        territory=territory,
        territory_title=territory_title,
        functional_subject=line.functional_subject,
        economic_subject=line.economic_subject,
        appropriated_fen=-balances[SOURCE],
        **{f"{kind}_fen": fen for kind, fen in balances.items() if kind != SOURCE},
    )


def _place(session: Session, actor: Actor, after: str) -> int:
    try:
        return line_id(session, actor, after)
    except NotFound as error:
        reason = "不是上一页的 next"
        raise InvalidInput(f"after：没有预算项目 {after!r}。", fields={"after": reason}) from error


def _split(
    row: FiscalSplit, policy: str, territory: str, entered_by: str, confirmed_by: str | None
) -> SplitView:
    return SplitView(
        id=row.id,
        policy=policy,
        territory=territory,
        city_percent=_percent(row.city_percent),
        valid_from=row.valid_from,
        basis=row.basis,
        entered_by=entered_by,
        entered_at=row.entered_at,
        confirmed_by=confirmed_by,
        confirmed_at=row.confirmed_at,
    )


def _percent(value: Decimal) -> str:
    return f"{value.normalize():f}"
