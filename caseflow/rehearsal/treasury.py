"""What the treasuries do before a play: budgets for every year, the split, accounts to pay to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.catalogue.models import Policy, PolicyVersion
from caseflow.database.ids import PublicIds
from caseflow.funds.service import (
    Appropriation,
    Hand,
    appropriate,
    confirm_split,
    enter_split,
    register_account,
)
from caseflow.history.part import Signer
from caseflow.identity.models import Assignment, Organisation, Territory
from caseflow.kernel.calendar import local_date
from caseflow.kernel.shares import CITY, DISTRICT, Share
from caseflow.rehearsal.controls import control_years

YEARS: Final = range(2024, 2042)
"""The years in which a rehearsal may pay: ten-year supports of a policy that ends in 2028, too."""
PLENTY_FEN: Final = 10**12
"""百亿元 a line: a rehearsal is about roads, not about short budgets."""
CITY_PERCENT: Final = Decimal(50)
"""What the city bears in a rehearsal under 现行财政体制; the text says nothing. 惯例（演练）"""
BANK: Final = "示例银行"
PAID_THIRD_PARTIES: Final = ("trustee", "platform_operator")
DOCUMENT_NO: Final = "演练预算〔{year}〕1号"


def fund(
    session: Session,
    *,
    at: datetime,
    signer: Signer,
    ids: PublicIds,
    years: Sequence[int] = YEARS,
) -> None:
    """Give every loaded policy a plentiful budget for each year, and whoever is paid an account.

    Where a policy puts enterprises under a yearly control, its bureaus settle a plentiful one.
    """
    hand = Hand(0, at, signer)
    for policy, version in session.execute(
        select(Policy, PolicyVersion)
        .join(PolicyVersion, PolicyVersion.policy_id == Policy.id)
        .where(PolicyVersion.current)
        .order_by(Policy.id)
    ).all():
        _fund_policy(session, policy, version.definition, hand, ids=ids, years=years)
    control_years(session, at=at, signer=signer, ids=ids)
    for organisation, person in _seated(session, PAID_THIRD_PARTIES):
        give_account(session, organisation, replace(hand, by=person))


def give_account(session: Session, organisation: Organisation, hand: Hand) -> None:
    """Register a made-up account in an organisation's own name."""
    number = f"6200{organisation.id:012d}"
    register_account(
        session, organisation.id, holder=organisation.title, bank=BANK, number=number, hand=hand
    )


def _fund_policy(
    session: Session,
    policy: Policy,
    definition: dict[str, Any],
    hand: Hand,
    *,
    ids: PublicIds,
    years: Sequence[int],
) -> None:
    finance = _person(session, "finance_division", policy.city)
    if finance is None:
        return
    split = definition["split"] or {"rule": "city_alone"}
    districts = [] if split["rule"] == "city_alone" else _places(definition["scope"])
    if split["rule"] == "fiscal_system":
        _settle_split(session, policy, districts, replace(hand, by=finance))
    treasuries: list[tuple[Share, str, int]] = [(CITY, policy.city, finance)]
    for place in districts:
        person = _person(session, "district_finance", place)
        if person is not None:
            treasuries.append((DISTRICT, place, person))
    for share, place, person in treasuries:
        for year in years:
            wanted = Appropriation(
                policy=policy.code,
                year=year,
                share=share,
                territory=place,
                fen=PLENTY_FEN,
                document_no=DOCUMENT_NO.format(year=year),
            )
            appropriate(session, wanted, replace(hand, by=person), ids=ids)


def _places(scope: dict[str, Any]) -> list[str]:
    return list(scope["territories"] or [scope["territory"]])


def _settle_split(session: Session, policy: Policy, places: Iterable[str], hand: Hand) -> None:
    second = _person(session, "treasury", policy.city)
    assert second is not None
    for place in places:
        row = enter_split(
            session,
            policy=policy.code,
            territory=place,
            city_percent=CITY_PERCENT,
            valid_from=local_date(hand.at),
            basis=DOCUMENT_NO.format(year=local_date(hand.at).year),
            hand=hand,
        )
        confirm_split(session, row.id, replace(hand, by=second))


def _person(session: Session, role: str, place: str) -> int | None:
    """Return somebody who holds `role` in a place."""
    query = (
        select(Assignment.person_id)
        .join(Organisation, Organisation.id == Assignment.organisation_id)
        .join(Territory, Territory.id == Organisation.territory_id)
        .where(Assignment.role == role, Territory.code == place)
        .order_by(Assignment.person_id)
    )
    return session.scalars(query.limit(1)).first()


def _seated(session: Session, roles: Sequence[str]) -> Iterator[tuple[Organisation, int]]:
    query = (
        select(Organisation, Assignment.person_id)
        .join(Assignment, Assignment.organisation_id == Organisation.id)
        .where(Assignment.role.in_(roles))
        .order_by(Organisation.id)
    )
    yield from ((organisation, person) for organisation, person in session.execute(query).all())
