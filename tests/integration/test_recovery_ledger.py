"""The 追缴台账 as a workbook: what was done, whole or not, and never a formula."""

import pytest

from caseflow.cases.recoveries.ledger import Ledger, ledger, workbook
from caseflow.cases.recoveries.queries import RecoveryFilter
from caseflow.identity.queries import actor_by_login
from tests.factories.sheets import opened
from tests.integration.claiming import STOCKED, Claims


@pytest.fixture
def claims(standing_claims: Claims) -> Claims:
    """The module's stock at the tests' time."""
    standing_claims.town.now = STOCKED
    return standing_claims


def _ledger(claims: Claims) -> Ledger:
    at = claims.town.now
    with claims.town.house.database.session() as session:
        actor = actor_by_login(session, "shenjiju.auditor", at)
        return ledger(session, actor, RecoveryFilter())


def _opened(claims: Claims, found: Ledger):
    return opened(workbook(found, by="王审计", at=claims.town.now))


def test_the_measures_taken_are_named_in_their_order(claims: Claims):
    town, recovery = claims.town, claims.of("due by both")
    town.act(recovery, "refer_recovery", referred_to="finance")
    town.wait(recovery)
    town.act(recovery, "demand_recovery")

    (line,) = [each for each in _ledger(claims).lines if each.public_id == recovery]

    assert line.measures == ("催告", "移送")
    assert line.state_title == "催告"


def test_a_text_that_looks_like_a_formula_is_only_shown(claims: Claims):
    claims.owner(
        "UPDATE organisation SET title = '=1+1' WHERE id = (SELECT applicant_id FROM \"case\""
        " WHERE title = 'due')"
    )

    cells = [value for row in _opened(claims, _ledger(claims))[1] for value in row.values()]

    assert "'=1+1" in cells
    assert not [each for each in cells if isinstance(each, str) and each[:1] in tuple("=+-@")]


def test_a_ledger_that_is_not_whole_says_so(claims: Claims):
    found = Ledger(_ledger(claims).lines, is_whole=False)

    about, rows = _opened(claims, found)

    assert "仅列最近 5000 件" in about["说明"]
    assert str(len(rows)) == about["总行数"]
    assert "说明" not in _opened(claims, _ledger(claims))[0]


def test_who_made_it_and_when_stands_above(claims: Claims):
    about, rows = _opened(claims, _ledger(claims))

    assert (about["标题"], about["期间"]) == ("追缴台账", "截至2026-09-28")
    assert (about["生成时间"], about["制表人"]) == ("2026-09-28 09:00:00", "王审计")
    assert (about["单位"], about["总行数"], len(about["校验码"])) == ("元", str(len(rows)), 64)


def test_where_everything_was_returned_by_the_bank_no_share_owes(claims: Claims):
    recovery = claims.of("due")
    claims.owner(
        "UPDATE payment SET status = 'returned', paid_at = NULL, voucher_no = NULL"
        ' WHERE case_id = (SELECT parent_id FROM "case" WHERE public_id = %s)',
        recovery,
    )

    (line,) = [each for each in _ledger(claims).lines if each.public_id == recovery]

    assert (line.paid_fen, line.decided_city_fen, line.decided_district_fen) == (0, 0, 0)
