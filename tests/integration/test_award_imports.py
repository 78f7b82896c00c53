"""What other systems paid: recorded once, refused clearly, found by every later case."""

import io
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from openpyxl import Workbook

from caseflow.cases.awards import Desk, ledger_of, overlaps_of
from caseflow.database.access import Database
from caseflow.database.ids import PublicIds
from caseflow.funds.awards.service import Importing, counted, import_awards
from caseflow.funds.awards.sheets import read_table
from caseflow.history.part import Signer
from caseflow.identity.commitments import committing
from caseflow.identity.queries import actor_by_login
from caseflow.kernel.errors import GuardFailed, InvalidInput, NotAllowed, NotFound, TooLarge
from tests.integration.kept_database import keep
from tests.integration.test_overlaps import HANDLER, REVIEWER, VOUCHER, awards
from tests.integration.walking import BEGINS, Town, found_town

FIRM = "91320681MA2TE5T28T"
ID_NUMBER = "320681198512310021"
SIGNER = Signer(b"\xab" * 32, "k1")
ROW = {
    "source_id": "NT-2026-0001", "name": "启东甲智能科技有限公司", "uscc": FIRM,
    "clause": "算力券", "level": "city", "place": "qidong", "amount_fen": 5_000_000,
    "granted_on": "2026-08-01", "matters": [{"kind": "contract", "key": "HT-2026-777"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Iterator[Town]:
    """A town in which everything is sound when its tests are over."""
    town = found_town(kept, tmp_path_factory.mktemp("town"), measures=(VOUCHER,))
    yield town
    town.now = max(town.now, town.swept)
    town.assert_sound()


@pytest.fixture
def town(founded) -> Town:
    """The town at the beginning of its time."""
    founded.now = BEGINS
    return founded


@contextmanager
def desk(town: Town, login: str = "caizhengju.finance_division"):
    """Yield a session and who imports in it; nothing is kept unless the test commits."""
    with town.house.database.session() as session:
        actor = actor_by_login(session, login, town.now)
        ids = PublicIds(random.Random(town.now.toordinal()))
        yield session, Importing("Nantong-Ledger", actor, town.now, ids, committing(SIGNER))
        session.rollback()


def imported(town: Town, *rows: dict) -> list:
    """Record rows for good; their source ids are the test's own."""
    with town.house.database.session() as session:
        actor = actor_by_login(session, "caizhengju.finance_division", town.now)
        importing = Importing("nantong-ledger", actor, town.now, town.house.ids, committing(SIGNER))
        return list(import_awards(session, list(enumerate(rows, start=2)), importing))


def test_a_row_is_recorded_once_whoever_sends_it_how_often(town: Town):
    with desk(town) as (session, importing):
        first = import_awards(session, [(2, ROW), (3, ROW)], importing)
        again = import_awards(session, [(2, ROW)], importing)

    assert [each.result for each in first] == ["recorded", "already"]
    assert again[0].award == first[0].award
    assert counted(first) == {"recorded": 1, "already": 1, "clash": 0, "refused": 0}


def test_another_content_under_a_known_id_is_refused(town: Town):
    with desk(town) as (session, importing):
        changed = {**ROW, "amount_fen": 5_000_001}
        results = import_awards(session, [(2, ROW), (3, changed)], importing)

    assert [each.result for each in results] == ["recorded", "refused"]
    assert "内容不同" in results[1].message


BAD = (
    ({"uscc": "91320681MA2TE5T281"}, "holder"),
    ({"uscc": "９１320681MA2TE5T28T"}, "holder"),
    ({"uscc": None}, "holder"),
    ({"identity_number": ID_NUMBER}, "holder"),
    ({"amount_fen": 1.5}, "amount_fen"),
    ({"amount_fen": -1}, "amount_fen"),
    ({"amount_fen": 10**30}, "amount_fen"),
    ({"amount_fen": "１２"}, "amount_fen"),
    ({"amount_fen": True}, "amount_fen"),
    ({"amount_fen": None}, "amount_fen"),
    ({"level": "镇"}, "level"),
    ({"level": ["city"]}, "level"),
    ({"place": "火星"}, "place"),
    ({"place": 7}, "place"),
    ({"granted_on": "2026-02-30"}, "granted_on"),
    ({"granted_on": "20260801"}, "granted_on"),
    ({"granted_on": 5}, "granted_on"),
    ({"source_id": ""}, "source_id"),
    ({"source_id": 7}, "source_id"),
    ({"name": "甲\n乙"}, "name"),
    ({"clause": "x" * 201}, "clause"),
    ({"family": "lottery"}, "family"),
    ({"matters": [{"kind": "contract", "key": "无"}]}, "matters"),
    ({"note": "x"}, "note"),
)
"""What makes a row a bad one, and the field that is named."""


def test_a_bad_row_is_refused_by_the_field_and_the_others_are_recorded(town: Town):
    rows = [{**ROW, **change} for change, _ in BAD]
    with desk(town) as (session, importing):
        good = {**ROW, "source_id": "NT-good"}
        results = import_awards(session, list(enumerate([*rows, good], start=2)), importing)

    *bad, last = results
    assert last.result == "recorded"
    for (change, field), told in zip(BAD, bad, strict=True):
        assert told.result == "refused", change
        assert told.message.startswith(f"{field}："), change
        assert ID_NUMBER not in told.message


def test_a_person_is_recorded_by_a_commitment_alone(town: Town):
    person = {**ROW, "uscc": None, "identity_type": "resident_id", "identity_number": ID_NUMBER,
              "matters": [{"kind": "person", "key": f"{ID_NUMBER}:2026-05"}]}  # fmt: skip

    with desk(town) as (session, importing):
        (told,) = import_awards(session, [(2, person)], importing)
        driver = session.connection().connection.driver_connection
        texts = driver.execute(
            "SELECT award::text FROM award UNION ALL SELECT award_matter::text FROM award_matter"
        ).fetchall()

    assert told.result == "recorded"
    assert len(texts) >= 2
    assert not any(ID_NUMBER in text for (text,) in texts)


def test_imports_are_for_who_answers_for_them_and_name_a_system(town: Town):
    with desk(town, "huilong_zhen.handler") as (session, importing), pytest.raises(NotAllowed):
        import_awards(session, [(2, ROW)], importing)
    with desk(town) as (session, importing), pytest.raises(InvalidInput):
        import_awards(session, [(2, ROW)], replace(importing, source="CaseFlow"))


def test_a_second_award_of_a_matter_is_recorded_and_told_as_a_finding(town: Town):
    again = {**ROW, "source_id": "NT-2026-0002", "amount_fen": 1}
    elsewhere = {**ROW, "source_id": "NT-2026-0003", "level": "省", "place": "jiangsu"}

    with desk(town) as (session, importing):
        rows = [(2, ROW), (3, again), (4, elsewhere)]
        results = import_awards(session, rows, importing)

    assert [each.result for each in results] == ["recorded", "clash", "recorded"]
    assert results[0].award in results[1].message


def test_a_case_meets_what_was_imported_and_is_topped_up_beside_it(town: Town):
    matter = {"kind": "contract", "key": "HT-2026-880"}
    (told,) = imported(town, {**ROW, "source_id": "NT-880", "matters": [matter],
                              "family": "vouchers"})  # fmt: skip
    case = town.reached("submitted", VOUCHER, applied_fen=8_000_000)
    town.ask(case, "name_matters", HANDLER, matters=[matter])
    town.walk(case, "proposed", applied_fen=8_000_000)

    with pytest.raises(GuardFailed):
        town.act(case, "draft_plan")
    found = overlaps(town, case)
    town.ask(case, "decide_overlap", REVIEWER, other=told.award, treatment="top_up",
             reason="补差", entitled_fen=8_000_000)  # fmt: skip
    town.walk(case, "awaiting_approval", planned_fen=3_000_000)
    town.act(case, "approve", approved_fen=3_000_000)

    (clash,) = found.clashes
    assert (clash.grade, clash.proposal, clash.pay_fen) == ("same", "top_up", 3_000_000)
    assert clash.other == told.award
    assert clash.words == "本措施与我市其他政策有重叠的，按照“从优、从高、不重复”原则执行。"
    assert awards(town, case) == [(3_000_000, 5_000_000, "live")]
    assert town.value("SELECT status FROM award WHERE public_id = %s", told.award) == "superseded"


def test_provincial_money_stacks_up_to_the_cost_and_not_a_fen_more(town: Town):
    matter = {"kind": "contract", "key": "HT-2026-881", "items": {"GPU": 6_000_000}}
    imported(town, {**ROW, "source_id": "JS-881", "level": "省", "place": "320000",
                    "matters": [matter]})  # fmt: skip
    case = town.reached("submitted", VOUCHER)
    town.ask(case, "name_matters", HANDLER, matters=[matter])
    town.walk(case, "proposed")

    with pytest.raises(GuardFailed, match="成本之内"):
        town.act(case, "draft_plan", planned_fen=1_000_001)
    town.act(case, "draft_plan", planned_fen=1_000_000)

    assert town.state(case) == "plan_review"


@pytest.mark.parametrize(("place", "stops"), [("huilong", True), ("nantong", False)])
def test_a_district_counts_for_vouchers_and_the_city_above_does_not(town: Town, place, stops):
    matter = {"kind": "contract", "key": f"HT-2026-89{int(stops)}"}
    level = "district" if stops else "city"
    imported(town, {**ROW, "source_id": f"D-{place}", "level": level, "place": place,
                    "matters": [matter]})  # fmt: skip
    case = town.reached("submitted", VOUCHER)
    town.ask(case, "name_matters", HANDLER, matters=[matter])

    found = overlaps(town, case)

    assert [clash.grade for clash in found.clashes] == ["same" if stops else "stacked"]


def test_what_is_imported_after_the_approval_stops_the_payment(town: Town):
    matter = {"kind": "contract", "key": "HT-2026-882"}
    case = town.reached("submitted", VOUCHER)
    town.ask(case, "name_matters", HANDLER, matters=[matter])
    town.walk(case, "finance_review")
    (told,) = imported(town, {**ROW, "source_id": "NT-882", "matters": [matter]})

    with pytest.raises(GuardFailed, match="decide_overlap"):
        town.act(case, "release")

    assert told.result == "clash"


def overlaps(town: Town, case: str, login: str = "shujuju.reviewer"):
    with town.house.database.session() as session:
        actor = actor_by_login(session, login, town.now)
        asker = Desk(actor, town.now, town.house.cases.office.signer)
        return overlaps_of(session, asker, case, pinned=town.house.cases.pinned)


def test_a_case_that_names_nothing_is_warned_and_not_refused(town: Town):
    case = town.reached("proposed", VOUCHER)

    found = overlaps(town, case)
    town.act(case, "draft_plan")

    assert found.warnings == ("尚未登记事项（合同或发票），不能按事项核查重复享受",)
    assert (found.trigger, found.mode) == ("measure", "top_up")


def test_a_ledger_is_read_by_its_own_people_and_the_bureaus_of_its_cases(town: Town):
    case = town.reached("awaiting_approval", VOUCHER)
    town.act(case, "approve", approved_fen=7)
    applicant, own = town.sql(
        'SELECT o.public_id, p.login FROM "case" c JOIN organisation o ON o.id = c.applicant_id'
        " JOIN assignment a ON a.organisation_id = o.id JOIN person p ON p.id = a.person_id"
        " WHERE c.public_id = %s",
        case,
    )[0]

    seen = {}
    readers = (own, "shujuju.handler", "huilong_zhen.handler", "shenjiju.auditor",
               "beixin_zhen.handler", "shenjijigou.audit_firm", "kejiju.handler")  # fmt: skip
    for login in readers:
        with town.house.database.session() as session:
            asker = Desk(actor_by_login(session, login, town.now), town.now, SIGNER)
            try:
                seen[login] = ledger_of(session, asker, applicant)
            except NotFound:
                seen[login] = None

    assert [seen[login] is not None for login in readers] == [True] * 4 + [False] * 3
    (line,) = seen[own].page.items
    assert (line.amount_fen, line.status, line.source) == (7, "live", "caseflow")
    (year,) = seen[own].years
    assert (year.year, year.times, year.amount_fen) == (2026, 1, 7)


# --- files

HEADING = [
    "来源编号",
    "单位",
    "统一社会信用代码",
    "条款",
    "级别",
    "地区",
    "事项",
    "金额(元)",
    "批准日期",
]
CELLS = ["NT-1", "甲公司", FIRM, "算力券", "市", "qidong",
         "contract:HT-1；invoice：26312000000012345678",
         "50000.00", "2026-08-01"]  # fmt: skip


def csv_file(*lines: list) -> bytes:
    return "\r\n".join(",".join(f'"{cell}"' for cell in line) for line in lines).encode("utf-8-sig")


def xlsx_file(*lines: list) -> bytes:
    book = Workbook()
    for line in lines:
        book.active.append(line)
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


@pytest.mark.parametrize("make", [csv_file, xlsx_file])
def test_a_table_of_either_sort_is_read_to_the_same_rows(make):
    name = "ledger.csv" if make is csv_file else "ledger.xlsx"

    ((line, row),) = read_table(make(HEADING, CELLS, [""] * 9), name)

    assert line == 2
    assert row["amount_fen"] == 5_000_000
    assert row["matters"] == [
        {"kind": "contract", "key": "HT-1"},
        {"kind": "invoice", "key": "26312000000012345678"},
    ]


def test_cost_belongs_to_every_matter_of_its_row():
    heading = ["来源编号", "事项", "费用起", "费用止", "成本项(元)"]
    ((_, row),) = read_table(
        csv_file(
            heading, ["1", "contract:HT-2026-1", "2026-01-01", "2026-06-30", "GPU=10.5;网络=3"]
        ),
        "x.csv",
    )

    assert row["matters"][0]["items"] == {"GPU": 1050, "网络": 300}
    assert (row["matters"][0]["from"], row["matters"][0]["to"]) == ("2026-01-01", "2026-06-30")


def test_an_amount_that_is_no_text_or_whole_number_of_yuan_reaches_nobody(town: Town):
    cells = (50000.5, "5e4", "１２", "-3", "1,000", 10**30, True)
    lines = [[f"NT-{n}", *CELLS[1:7], cell, CELLS[8]] for n, cell in enumerate(cells)]

    with desk(town) as (session, importing):
        rows = read_table(xlsx_file(HEADING, *lines), "x.xlsx")
        results = import_awards(session, rows, importing)

    assert [each.line for each in results] == [*range(2, 2 + len(cells))]
    for cell, each in zip(cells, results, strict=True):
        assert each.result == "refused", cell
        assert each.message.startswith("amount_fen："), cell


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"", "x.csv"),
        (b"\xff\xfe", "x.csv"),
        (b'"a', "x.csv"),
        (b"a,b\n1,2", "x.csv"),
        ("来源编号,来源编号\n1,2".encode(), "x.csv"),
        (b",\n", "x.csv"),
        (b"no zip", "x.xlsx"),
        (b"PK\x05\x06" + bytes(18), "x.xlsx"),
    ],
)
def test_a_file_that_is_no_table_of_awards_is_refused(content, name):
    with pytest.raises(InvalidInput):
        read_table(content, name)


def test_a_file_beyond_measure_is_refused():
    with pytest.raises(TooLarge):
        read_table(bytes(10 * 1024 * 1024 + 1), "x.csv")
    with pytest.raises(TooLarge):
        read_table(b"\n".join([b"source_id"] + [b"1"] * 5001), "x.csv")
