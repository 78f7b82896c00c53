"""What a predecessor was given counts for its successor: claims, 首次, 查重, ceilings. 手册§4.7"""

import threading
import time
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from caseflow.cases.awards import Desk, ledger_of, overlaps_of
from caseflow.cases.checks.service import Checking, run_checks
from caseflow.cases.opening import Opening, open_case
from caseflow.identity.successions.service import Following, record_succession
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import GuardFailed
from caseflow.rehearsal.applicants import Applicant
from caseflow.rehearsal.player import RehearsalStuck
from tests.factories.identity import uscc_number
from tests.factories.ties import actor
from tests.integration.kept_database import keep
from tests.integration.walking import Town, found_town, visit

pytestmark = pytest.mark.soak

VOUCHER, TITLE = "QD26-7a", "QD26-8c"
LIMIT = 200_000_000
"""单个企业每年最高200万元, in fen."""
FACTORY = [{"kind": "title", "key": "智能工厂:国家级:2026"}]
REVIEWER = "shujuju.reviewer"


@pytest.fixture(scope="module")
def founded(server, founded_template, tmp_path_factory) -> Iterator[Town]:
    for database in keep(server, founded_template):
        home = tmp_path_factory.mktemp("town")
        yield found_town(database, home, measures=(VOUCHER, TITLE))


@pytest.fixture
def town(founded: Town) -> Iterator[Town]:
    for town in visit(founded):
        town.now = max(town.now, town.swept)
        yield town


def firm_of(town: Town, case: str) -> str:
    """Return the credit code of a case's applicant."""
    return str(town.value('SELECT o.uscc FROM organisation o JOIN "case" c ON c.applicant_id = o.id'
                          " WHERE c.public_id = %s", case))  # fmt: skip


def code_of(town: Town, firm: Applicant) -> str:
    return str(town.value("SELECT uscc FROM organisation WHERE id = %s", firm.id))


def follow(town: Town, predecessor: str, successor: str) -> None:
    """Record that one code goes on as another."""
    wanted = Following(predecessor, successor, "merger", "登记〔2026〕1号", date(2026, 9, 1))
    signer = town.house.cases.office.signer
    with town.house.database.session() as session:
        record_succession(session, wanted, actor(town, REVIEWER), town.now, signer=signer)


def checked(town: Town, case: str) -> list[str | None]:
    """Return what 首次 and 查重 come to now."""
    checking = Checking(kinds=("first_time", "duplicates"), again=True)
    lines = run_checks(town.house.cases, actor(town), case, checking, at=town.now)
    return [line.result for line in lines]


def opened(town: Town, measure: str, firm: Applicant, until: str, **given: int) -> str:
    """Return a case of the firm that has come to `until`."""
    if measure == TITLE:
        case = town.open(measure, applicant=firm.public_id)
    else:
        wanted = Opening(measure, firm.public_id, "又一项目", firm.person_id, town.now,
                         town.calls[measure], matter_on=local_date(town.now))  # fmt: skip
        case = open_case(town.house.cases, wanted).case
    town.walk(case, until, **given)
    return case


# --- matters, 首次, 查重


@pytest.mark.soak
def test_a_title_that_a_predecessor_was_paid_for_is_its_successors(town: Town):
    first = town.reached("matched", TITLE)
    town.act(first, "name_matters", matters=FACTORY)
    town.walk(first)
    heir = town.enlist()
    second = opened(town, TITLE, heir, "matched")
    town.act(second, "name_matters", matters=FACTORY)

    before = checked(town, second)
    follow(town, firm_of(town, first), uscc_number(7001))
    follow(town, uscc_number(7001), code_of(town, heir))
    after = checked(town, second)
    with town.house.database.session() as session:
        desk = Desk(actor(town), town.now, town.house.cases.office.signer)
        report = overlaps_of(session, desk, second, pinned=town.house.cases.pinned)
        ledger = ledger_of(session, desk, heir.public_id)

    assert (before, after) == (["pass", "pass"], ["veto", "veto"])
    assert report.clashes[0].grade == "same"
    assert len(ledger.page.items) == 1
    with pytest.raises(RehearsalStuck, match="核查没有全部通过"):
        town.walk(second)


def test_the_database_gives_no_second_claim_to_a_successor(town: Town):
    first, second = (town.reached("matched", TITLE) for _ in range(2))
    for case in (first, second):
        town.act(case, "name_matters", matters=[{"kind": "title", "key": "首版次:省级:2026"}])
    town.walk(first)
    follow(town, firm_of(town, first), firm_of(town, second))
    url = town.house.database.address.owner_url.replace("+psycopg", "")

    with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match="uq_award_matter"):
        connection.execute(
            "INSERT INTO award (public_id, case_id, root_id, organisation_id, holder, holder_title,"
            " clause, level, place, scope, per_holder, amount_fen, granted_on, source, source_id,"
            " recorded_by, recorded_at) SELECT 'second', c.id, c.root_id, o.id, o.uscc, o.title,"
            " a.clause, a.level, a.place, a.scope, a.per_holder, 1, a.granted_on, 'caseflow', 'x',"
            ' a.recorded_by, a.recorded_at FROM "case" c JOIN organisation o ON o.id ='
            ' c.applicant_id, award a JOIN "case" f ON f.id = a.case_id AND f.public_id = %s'
            " WHERE c.public_id = %s",
            (first, second),
        )  # fmt: skip


@pytest.mark.soak
def test_awards_of_strangers_still_clash_in_nothing(town: Town):
    first, second = (town.reached("matched", TITLE) for _ in range(2))
    for case in (first, second):
        town.act(case, "name_matters", matters=[{"kind": "title", "key": "示范平台:省级:2026"}])
    town.walk(first)

    assert checked(town, second) == ["pass", "pass"]


# --- ceilings


def cap_of(town: Town, firm: int) -> tuple[int, int]:
    """Return what the yearly ceiling of the voucher has used and was passed on."""
    rows = town.sql("SELECT used_fen, passed_fen FROM cap WHERE organisation_id = %s"
                    " AND scope = 'enterprise_clause_year'", firm)  # fmt: skip
    return rows[0] if rows else (0, 0)


def owner_of(town: Town, case: str) -> int:
    return int(town.value('SELECT applicant_id FROM "case" WHERE public_id = %s', case))


def test_what_the_predecessor_took_of_the_year_is_not_the_successors_to_take_again(town: Town):
    first = town.reached("proposed", VOUCHER, applied_fen=150_000_000)
    town.act(first, "draft_plan", planned_fen=150_000_000)
    heir = town.enlist()
    follow(town, firm_of(town, first), code_of(town, heir))
    case = opened(town, VOUCHER, heir, "proposed", applied_fen=LIMIT)
    inherited = cap_of(town, heir.id)

    with pytest.raises(GuardFailed, match="尚余50万元"):
        town.act(case, "draft_plan", planned_fen=50_000_001)
    town.act(case, "draft_plan", planned_fen=50_000_000)

    assert (inherited, cap_of(town, heir.id)) == ((150_000_000, 0), (LIMIT, 0))
    assert cap_of(town, owner_of(town, first)) == (150_000_000, 150_000_000)


def test_what_comes_after_the_succession_counts_as_well_and_what_ends_gives_back(town: Town):
    heir = town.enlist()
    case = town.reached("proposed", VOUCHER, applied_fen=100_000_000)
    predecessor = owner_of(town, case)
    follow(town, firm_of(town, case), code_of(town, heir))

    town.act(case, "draft_plan", planned_fen=100_000_000)
    planned = cap_of(town, heir.id)
    town.act(case, "return_plan", seat="lead_bureau.reviewer", reason="重新核定")
    returned = cap_of(town, heir.id)

    assert (planned, returned) == ((100_000_000, 0), (0, 0))
    assert cap_of(town, predecessor) == (0, 0)


# --- the counters themselves, in raw SQL


ORGANISATION = (
    "INSERT INTO organisation (public_id, kind, title, territory_id, uscc)"
    " SELECT %s, 'enterprise', %s, min(id), %s FROM territory RETURNING id"
)
CAP = (
    "INSERT INTO cap (key, scope, organisation_id, title, words, limit_fen, limit_times)"
    " VALUES (%s, 'enterprise_clause_year', %s, 't', 'w', 100, 3)"
)
STEP = (
    "INSERT INTO succession (predecessor, successor, kind, document_no, effective_on, recorded_by,"
    " recorded_at) SELECT %s, %s, 'merger', 'x', '2026-10-01', min(id), now() FROM person"
)


class Counters:
    """Firms A, B, C with a ceiling of 100 fen each, in a transaction that is rolled back."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.firms: dict[str, int] = {}
        self.codes = {name: uscc_number(8000 + n) for n, name in enumerate("ABC")}

    def register(self, *names: str) -> None:
        for name in names:
            row = self.connection.execute(ORGANISATION, (name, name, self.codes[name])).fetchone()
            assert row is not None
            self.firms[name] = row[0]

    def key(self, name: str) -> str:
        return f"year:X:{self.firms[name]}:2026"

    def limit(self, name: str) -> None:
        self.connection.execute(CAP, (self.key(name), self.firms[name]))

    def take(self, name: str, fen: int) -> None:
        """Let a case take of a firm's ceiling, or change what it took."""
        self.connection.execute(
            'WITH known AS (SELECT min(id) AS id FROM "case") INSERT INTO cap_use (case_id,'
            " cap_key, fen, times, state) SELECT id, %s, %s, sign(%s::int), CASE WHEN %s = 0"
            " THEN 'released' ELSE 'reserved' END FROM known ON CONFLICT (case_id, cap_key)"
            " DO UPDATE SET fen = excluded.fen, times = excluded.times, state = excluded.state",
            (self.key(name), fen, fen, fen),
        )

    def follow(self, before: str, after: str) -> None:
        self.connection.execute(STEP, (self.codes[before], self.codes[after]))

    def used(self, name: str) -> tuple[int, int]:
        query = "SELECT used_fen, used_times FROM cap WHERE key = %s"
        row = self.connection.execute(query, (self.key(name),)).fetchone()
        return row if row is not None else (-1, -1)


@pytest.fixture
def counters(founded: Town) -> Iterator[Counters]:
    if not founded.sql('SELECT FROM "case"'):
        founded.open(VOUCHER)
    url = founded.house.database.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        yield Counters(connection)
        connection.rollback()


def test_a_chain_passes_on_whatever_comes_first(counters: Counters):
    counters.register("A")
    counters.limit("A")
    counters.take("A", 30)
    counters.follow("A", "B")  # nobody has registered B
    counters.register("B")
    counters.follow("B", "C")
    counters.register("C")
    counters.take("A", 40)

    assert [counters.used(name) for name in "ABC"] == [(40, 1), (40, 1), (40, 1)]


def test_a_firm_that_never_registered_is_passed_over(counters: Counters):
    counters.register("A", "C")
    counters.follow("A", "B")
    counters.follow("B", "C")
    counters.limit("A")
    counters.take("A", 30)

    assert counters.used("C") == (30, 1)


def test_two_that_merge_into_one_have_no_more_than_the_one_and_room_is_filled_again(
    counters: Counters,
):
    counters.register("A", "B", "C")
    for name in "AB":
        counters.limit(name)
        counters.take(name, 80)
    counters.follow("A", "C")
    counters.follow("B", "C")
    merged = counters.used("C")
    counters.take("A", 70)
    less = counters.used("C")
    counters.take("B", 0)
    counters.take("A", 10)

    assert (merged, less) == ((100, 2), (100, 2))
    assert counters.used("C") == (10, 1)


def test_a_successor_over_its_predecessor_stays_at_the_limit_until_it_gives_back(
    counters: Counters,
):
    counters.register("A", "B")
    for name, fen in (("A", 60), ("B", 90)):
        counters.limit(name)
        counters.take(name, fen)
    counters.follow("A", "B")
    full = counters.used("B")
    counters.take("B", 0)

    assert full == (100, 2)
    assert counters.used("B") == (60, 1)


def test_nobody_passes_on_by_hand(counters: Counters):
    counters.register("A")
    counters.limit("A")
    counters.take("A", 30)

    with pytest.raises(psycopg.Error, match="counted from its uses"):
        counters.connection.execute("UPDATE cap SET passed_fen = 1")


def test_what_a_project_owns_stays_with_the_project(counters: Counters):
    counters.register("A", "B")
    counters.connection.execute(
        "INSERT INTO cap (key, scope, organisation_id, root_id, title, words, limit_fen)"
        " SELECT %s, 'project_life', %s, min(id), 't', 'w', 100 FROM \"case\"",
        (counters.key("A"), counters.firms["A"]),
    )
    counters.follow("A", "B")

    assert counters.used("B") == (-1, -1)


def test_a_ceiling_that_begins_while_the_succession_is_recorded_is_not_missed(founded: Town):
    url = founded.house.database.address.owner_url.replace("+psycopg", "")
    before, after = (code_of(founded, founded.enlist()) for _ in range(2))
    query = "SELECT id FROM organisation WHERE uscc = %s"
    (number,) = founded.sql(query, before)[0]
    key = f"year:Y:{number}:2026"
    recorder = threading.Thread(target=follow, args=(founded, before, after))

    with psycopg.connect(url) as acting:
        acting.execute(CAP, (key, number))
        recorder.start()
        time.sleep(0.2)
        is_waiting = recorder.is_alive()
    recorder.join()

    assert is_waiting
    assert founded.sql("SELECT heir_key IS NOT NULL FROM cap WHERE key = %s", key) == [(True,)]
