"""What became of the money, by line and clause; what is owed later; who reads it."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from caseflow.cases.execution import LATER, ExecutionReport, _rate, execution, execution_sheet
from caseflow.database.access import Database
from caseflow.funds import queries
from caseflow.funds.ledger import disagreements
from caseflow.funds.queries import BudgetFilter
from caseflow.funds.sheets import workbook
from caseflow.identity.queries import Actor, actor_by_login
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import InvalidInput, NotAllowed, NotFound
from caseflow.rehearsal.treasury import PLENTY_FEN
from tests.factories.sheets import opened
from tests.integration.five_cities import Land, amounts, found_land
from tests.integration.kept_database import keep
from tests.integration.walking import visit

MEASURE, PLATFORM = "NT26-2b", "QD26-4"
POLICY = "nantong-2026"
FEN, CITY, DISTRICT = 100_01, 40_00, 60_01
FINANCE, OTHER_CITY = "nt_caizhengju.finance_division", "caizhengju.finance_division"
PLATFORMS = {"login": OTHER_CITY, "policy": "qidong-2026", "measure": PLATFORM}
AUDITOR = "nt_shenjiju.auditor"


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Land:
    return found_land(kept, tmp_path_factory.mktemp("land"), [MEASURE, PLATFORM], pytestconfig)


@pytest.fixture
def land(founded) -> Iterator[Land]:
    for land in visit(founded):
        land.now = max(land.now, land.swept)
        yield land


def actor(land: Land, login: str) -> Actor:
    with land.house.database.session() as session:
        return actor_by_login(session, login, land.now)


def report(
    land: Land, login: str = FINANCE, at: datetime | None = None, **wanted: Any
) -> ExecutionReport:
    asked = BudgetFilter(**{"policy": POLICY, **wanted})
    with land.house.database.session() as session:
        return execution(session, actor(land, login), asked, at or land.now)


def sums(found: ExecutionReport, share: str, measure: str | None = MEASURE) -> dict[str, int]:
    """Return what is not nothing in the rows of a share and measure together."""
    total: dict[str, int] = {}
    for row in found.rows:
        if (row.share, row.measure) == (share, measure):
            for name, fen in vars(row.sums).items():
                total[name] = total.get(name, 0) + fen
    return {name.removesuffix("_fen"): fen for name, fen in total.items() if fen}


def moved(land: Land, case: str, state: str) -> tuple[dict[str, int], dict[str, int]]:
    """Return what the clause's rows gain when a case comes to a state, city and district."""
    before = report(land, year=2026)
    land.walk(case, state, **amounts(FEN))
    after = report(land, year=2026)
    return tuple(
        {
            name: fen - sums(before, share).get(name, 0)
            for name, fen in {**dict.fromkeys(sums(before, share), 0), **sums(after, share)}.items()
            if fen != sums(before, share).get(name, 0)
        }
        for share in ("city", "district")
    )  # type: ignore[return-value]


def test_money_moves_through_the_columns_of_both_shares_to_the_fen(land: Land):
    case = land.open(MEASURE)

    planned = moved(land, case, "publicity_pending")
    approved = moved(land, case, "payment_requested")
    released = moved(land, case, "disbursing")
    paid = moved(land, case, "partially_disbursed")

    assert planned == ({"reserved": CITY}, {"reserved": DISTRICT})
    assert approved == (
        {"reserved": -CITY, "committed": CITY}, {"reserved": -DISTRICT, "committed": DISTRICT},
    )  # fmt: skip
    assert released == (
        {"committed": -CITY, "released": CITY}, {"committed": -DISTRICT, "released": DISTRICT},
    )  # fmt: skip
    assert paid == ({"released": -CITY, "paid": CITY}, {"gap": DISTRICT})
    assert moved(land, case, "disbursed")[1] == {
        "released": -DISTRICT, "paid": DISTRICT, "gap": -DISTRICT,
    }  # fmt: skip


def test_all_rows_add_up_to_what_was_appropriated(land: Land):
    land.reached("proposed", MEASURE, **amounts(FEN))
    land.reached("plan_review", MEASURE, **amounts(FEN))

    found = report(land, year=2026)

    total = vars(found.total)
    parts = ("available", "reserved", "committed", "released", "paid", "recovered")
    assert sum(total[f"{name}_fen"] for name in parts) == total["appropriated_fen"]
    lines = [row for row in found.rows if row.measure is None]
    assert {row.sums.appropriated_fen for row in lines} == {PLENTY_FEN}
    assert {row.rate for row in lines} <= {"0.00"}
    assert [row.measure for row in report(land, year=2026, measure=MEASURE).rows]
    assert {row.measure for row in report(land, year=2026, measure=MEASURE).rows} == {MEASURE}


def test_the_sheet_says_what_the_report_says_and_ends_with_the_total(land: Land):
    land.reached("plan_review", MEASURE, **amounts(FEN))
    found = report(land, share="city", year=2026)

    about, rows = opened(workbook([execution_sheet(found)]))

    assert about["标题"] == "预算执行情况表"
    assert (about["校验码"], about["筛选条件"]) == (
        found.checksum, f"policy={POLICY}，year=2026，share=city",
    )  # fmt: skip
    assert rows[-1]["政策"] == "合计"
    assert round(100 * rows[-1]["年度预算"]) == found.total.appropriated_fen
    assert len(rows) == len(found.rows) + 1
    assert "未来年度承诺" in rows[0]


def test_who_reads_which_lines(land: Land):
    def seen(login: str, **wanted: Any) -> set[tuple[str, str]]:
        with land.house.database.session() as session:
            page = queries.budget_lines(
                session, actor(land, login), BudgetFilter(year=2026, **wanted), limit=200
            )
        return {(line.policy, line.share) for line in page.items}

    mine = {(POLICY, "city"), (POLICY, "district"), ("nantong-agi-2024", "city")}
    assert mine <= seen(FINANCE)
    assert ("qidong-2026", "city") not in seen(FINANCE)
    assert seen(OTHER_CITY) >= {("qidong-2026", "city")}
    assert {share for _, share in seen("nt_haimen_qu.finance")} == {"district"}
    assert seen("nt_haimen_qu.finance", territory="nt_chongchuan") == set()
    assert seen("nt_shujuju.handler", policy=POLICY) == {(POLICY, "city"), (POLICY, "district")}
    assert seen("nt_shujuju.handler", policy="qidong-2026") == set()
    assert len(seen(AUDITOR)) > len(seen(FINANCE))
    case = land.open(MEASURE)
    login = land.value("SELECT login FROM person WHERE id = %s", land.person(case, "applicant"))
    with pytest.raises(NotAllowed):
        seen(login)
    with pytest.raises(NotAllowed):
        report(land, login)


def test_lines_are_paged_and_found_by_their_public_id(land: Land):
    who = actor(land, FINANCE)
    wanted = BudgetFilter(policy=POLICY, year=2026)
    with land.house.database.session() as session:
        whole = queries.budget_lines(session, who, wanted, limit=200)
        first = queries.budget_lines(session, who, wanted, limit=2)
        second = queries.budget_lines(session, who, wanted, limit=200, after=first.next)
        found = queries.budget_line(session, who, first.items[0].public_id)
        with pytest.raises(InvalidInput, match="after"):
            queries.budget_lines(session, who, after="nothing")
        with pytest.raises(NotFound):
            queries.budget_line(session, actor(land, OTHER_CITY), first.items[0].public_id)

    assert first.items + second.items == whole.items
    assert (whole.next, found) == (None, first.items[0])
    assert found.appropriated_fen == PLENTY_FEN


def test_a_line_without_money_has_no_rate_and_half_a_hundredth_counts():
    assert _rate(0, 0) is None
    assert (_rate(1, 20_000), _rate(1, 20_001), _rate(7, 7)) == ("0.01", "0.00", "100.00")


def test_no_balance_differs_from_its_entries(land: Land):
    with land.house.database.session() as session:
        assert disagreements(session) == []


def test_one_line_is_read_by_its_index(land: Land):
    """Where there are many entries of other lines, none of them is looked at."""
    query = "EXPLAIN SELECT sum(fen) FROM ledger_entry e WHERE e.line_id = ANY('{1}'::bigint[])"
    with land.house.database.session() as session:
        session.connection().exec_driver_sql("SET LOCAL enable_seqscan = off")
        plan = "\n".join(row[0] for row in session.connection().exec_driver_sql(query))

    assert "ix_ledger_entry_line" in plan


def owed(land: Land, at: datetime | None = None) -> dict[str, int]:
    found = report(land, at=at, **PLATFORMS)
    return {row.share: row.sums.future_fen for row in found.rows if row.year is None}


def operating(land: Land) -> tuple[str, int]:
    """Return a platform that operates, and what it is promised."""
    case = land.open(PLATFORM)
    land.walk(case, "operating")
    promised = land.value(
        "SELECT coalesce(approved_fen, (facts->>'planned_fen')::bigint) FROM \"case\""
        " WHERE public_id = %s", case,
    )  # fmt: skip
    assert promised
    return case, promised


@pytest.mark.soak
def test_what_a_platform_is_promised_lives_on_when_the_policy_is_over(land: Land):
    begun = owed(land).get("city", 0)
    _, promised = operating(land)

    after = {day: owed(land, datetime(*day, tzinfo=SHANGHAI)) for day in LAST_DAYS}

    assert after == {day: {"city": begun + promised} for day in LAST_DAYS}
    assert LATER in {row["年度"] for row in opened(workbook([_sheet_of(land)]))[1]}


@pytest.mark.soak
def test_what_a_platform_is_paid_when_the_policy_is_over_is_no_longer_owed(land: Land):
    begun = owed(land).get("city", 0)
    case, promised = operating(land)
    land.sweep(datetime(2028, 5, 14, 9, tzinfo=SHANGHAI))
    for child in land.children(case):
        land.walk(child, **amounts(promised // 4))

    paid = sum(land.paid(child) for child in land.children(case))
    assert paid > 0
    assert owed(land) == {"city": begun + promised - paid}
    spent = [row for row in report(land, **PLATFORMS).rows if row.year and row.measure]
    assert sum(row.sums.paid_fen for row in spent) == paid


LAST_DAYS = ((2028, 5, 12, 9), (2028, 5, 13, 9), (2028, 5, 14, 9))


def _sheet_of(land: Land) -> Any:
    return execution_sheet(report(land, **PLATFORMS))
