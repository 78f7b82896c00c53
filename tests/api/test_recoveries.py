"""Recoveries by HTTP: who opens one, who sees it and when, the ledger, and bars."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from caseflow.app import create_app
from caseflow.clock import VirtualClock
from caseflow.database.orm import db
from caseflow.settings import read_settings
from tests.api.client import Client
from tests.api.story import AUDITOR, HANDLER, LEADER, TREASURY
from tests.factories.sheets import opened
from tests.integration.claiming import CITY, DISTRICT, FEN, STOCKED, Claims, make_stock, town_on
from tests.integration.kept_database import keep

HEAD = "shujuju.division_head"
STRANGER = "jiaotongju.handler"
LEAD = {"ground": "misuse", "evidence": "审计抽查发现资金未用于租用算力"}
COLUMNS = [
    "序号", "编号", "单位", "原拨付(元)", "事由", "应追回(元)", "其中市级(元)", "其中区级(元)",
    "决定书文号", "送达日", "期限", "已缴(元)", "未缴(元)", "措施", "禁报期", "状态",
]  # fmt: skip


class Door(Client):
    """The house by HTTP, and its cases by their title in the stock."""

    def __init__(self, app, claims: Claims) -> None:
        super().__init__(app)
        self.claims = claims

    def applicant(self, case: str):
        return self.claims.applicant_of(case)

    def ledger(self, login: str, **query):
        return self.done(self.get("/recoveries", login, **query))


@contextmanager
def door_on(database, folder) -> Iterator[Door]:
    claims = Claims(town_on(database, folder))
    clock = VirtualClock(database.connect)
    clock.move_to(STOCKED)
    settings = read_settings({"CASEFLOW_HOME": str(folder), "CASEFLOW_MAC_KEY": "ab" * 32})
    app = create_app(settings, cases=claims.town.house.cases, clock=clock)
    yield Door(app, claims)
    with app.app_context():
        db.engine.dispose()


@pytest.fixture(scope="module")
def shared(server, founded_template, tmp_path_factory) -> Iterator[Door]:
    """A house whose recoveries many tests read and none changes."""
    template = make_stock(server, founded_template)
    for database in keep(server, template):
        with door_on(database, tmp_path_factory.mktemp("house")) as door:
            yield door


@pytest.fixture(scope="module")
def own(server, founded_template, tmp_path_factory) -> Iterator[Door]:
    """A house in which each test acts on a case of its own."""
    for database in keep(server, make_stock(server, founded_template)):
        with door_on(database, tmp_path_factory.mktemp("house")) as door:
            yield door


@pytest.fixture
def door(own: Door) -> Door:
    """The house at the tests' time."""
    own.claims.town.now = STOCKED
    VirtualClock(own.claims.town.house.database.connect).move_to(STOCKED)
    return own


def test_the_head_of_the_division_opens_one_on_a_case_that_has_ended(door: Door):
    case = door.claims.of("paid")

    answer = door.post(f"/cases/{case}/recoveries", HEAD, LEAD, {"Idempotency-Key": "k1"})
    again = door.post(f"/cases/{case}/recoveries", HEAD, LEAD, {"Idempotency-Key": "k1"})

    opened = door.done(answer, 201)
    assert (opened["state"], opened["number"][-3:]) == ("recovery_lead", "/R1")
    assert answer.headers["Location"].endswith(f"/cases/{opened['case']}")
    assert (again.get_json()["case"], again.get_json()["replayed"]) == (opened["case"], True)
    assert door.post(f"/cases/{case}/recoveries", AUDITOR, LEAD).status_code == 409


@pytest.mark.parametrize(
    ("login", "status"), [(HANDLER, 403), (LEADER, 403), (TREASURY, 403), (STRANGER, 404)]
)
def test_nobody_else_opens_one(shared: Door, login: str, status: int):
    case = shared.claims.of("paid")

    assert shared.post(f"/cases/{case}/recoveries", login, LEAD).status_code == status


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"ground": "bad_mood"}, "ground"), ({"evidence": " "}, "evidence"), ({"fen": 1}, "fen")],
)
def test_a_lead_that_is_wrong_is_refused(shared: Door, changes, field: str):
    case = shared.claims.of("paid")

    answer = shared.post(f"/cases/{case}/recoveries", HEAD, {**LEAD, **changes})

    assert answer.status_code == 422
    assert field in answer.get_json()["fields"]


def test_the_ledger_has_what_each_paid_and_owes(shared: Door):
    case = shared.claims.of("due by both")
    (line,) = [each for each in shared.ledger(AUDITOR)["items"] if each["public_id"] == case]

    assert line["decided_fen"] == line["paid_fen"] == CITY + DISTRICT
    assert (line["decided_city_fen"], line["decided_district_fen"]) == (CITY, DISTRICT)
    assert (line["received_fen"], line["left_fen"]) == (0, CITY + DISTRICT)
    assert (line["ground_title"], line["state_title"]) == ("挪用或者违规使用资金", "待缴款")
    assert line["document_no"] == "启数追〔2026〕1号"
    assert (line["delivered_on"], line["due_on"]) == ("2026-09-15", "2026-10-15")


def test_what_is_not_decided_yet_owes_nothing(shared: Door):
    case = shared.claims.of("ruling")
    (line,) = [each for each in shared.ledger(AUDITOR)["items"] if each["public_id"] == case]

    assert line["decided_fen"] is line["decided_city_fen"] is line["left_fen"] is None


def test_the_ledger_is_paged_and_filtered(shared: Door):
    whole = [each["public_id"] for each in shared.ledger(AUDITOR)["items"]]
    paid = shared.claims.paid_case(whole[0])
    first = shared.ledger(AUDITOR, limit=2)
    rest = shared.ledger(AUDITOR, limit=2, after=first["next"])

    assert [each["public_id"] for each in first["items"] + rest["items"]] == whole
    assert (len(whole), rest["next"]) == (3, None)
    assert len(shared.ledger(AUDITOR, outcome="open")["items"]) == 3
    assert shared.ledger(AUDITOR, outcome="closed")["items"] == []
    assert [e["public_id"] for e in shared.ledger(AUDITOR, case=paid)["items"]] == whole[:1]
    applicant = shared.applicant(whole[0]).public_id
    of_applicant = shared.ledger(AUDITOR, applicant=applicant)["items"]
    assert [each["public_id"] for each in of_applicant] == whole[:1]
    assert shared.get("/recoveries", AUDITOR, after="nothing").status_code == 422


def test_who_sees_which_recoveries(shared: Door):
    mine = shared.claims.of("due")
    applicant = shared.applicant(mine).login

    assert len(shared.ledger(HANDLER)["items"]) == 3
    assert shared.ledger(STRANGER)["items"] == []
    assert [each["public_id"] for each in shared.ledger(applicant)["items"]] == [mine]
    for login, status in ((applicant, 200), (STRANGER, 404)):
        assert shared.get(f"/recoveries/{mine}", login).status_code == status


def test_the_applicant_sees_it_when_told_and_not_while_it_is_looked_into(door: Door):
    case = door.claims.of("paid by both")
    applicant = door.applicant(case).login
    recovery = door.done(door.post(f"/cases/{case}/recoveries", HEAD, LEAD), 201)["case"]
    before = [door.get(f"/{kind}/{recovery}", applicant).status_code for kind in SEEN]
    door.claims.town.walk(recovery, "recovery_hearing")

    after = [door.get(f"/{kind}/{recovery}", applicant).status_code for kind in SEEN]

    assert (before, after) == ([404, 404], [200, 200])
    children = door.done(door.get(f"/cases/{case}", applicant))["children"]
    assert [each["public_id"] for each in children] == [recovery]
    told = door.claims.town.sql(
        "SELECT n.notice FROM notification n JOIN person p ON p.id = n.person_id"
        ' WHERE p.login = %s AND n.case_id = (SELECT id FROM "case" WHERE public_id = %s)',
        applicant,
        recovery,
    )
    assert {notice for (notice,) in told} >= {"recovery_notified"}
    assert "child_opened" not in {notice for (notice,) in told}


SEEN = ("cases", "recoveries")


def test_a_receipt_is_shown_by_share_and_the_case_says_what_came_back(door: Door):
    recovery = door.claims.of("due by both")
    said = {"receipt_fen": 3, "received_on": "2026-09-28", "voucher_no": "SK-0001"}
    door.done(door.act(recovery, TREASURY, "record_receipt", **said))

    detail = door.done(door.get(f"/recoveries/{recovery}", AUDITOR))

    (receipt,) = detail["receipts"]
    assert (receipt["voucher_no"], receipt["fen"]) == ("SK-0001", 3)
    assert (receipt["city_fen"], receipt["district_fen"]) == (1, 2)
    paid = door.done(door.get(f"/cases/{detail['line']['case']}", AUDITOR))
    assert paid["recovered_fen"] == 3
    assert door.get(f"/recoveries/{detail['line']['case']}", AUDITOR).status_code == 404


@pytest.mark.soak
def test_an_offset_is_an_act_of_the_treasury_that_order_and_recovery_tell(door: Door):
    claims, words = door.claims, "可从今后应拨付的奖补资金中抵扣。"
    with claims.beforehand():
        case = claims.paid()
    with claims.beforehand():
        paying = claims.reached_by(claims.applicant_of(case), "fund_released")
    recovery = claims.decided(case, FEN, offset_allowed=True, offset_words=words)
    said = {"recovery": recovery, "offset_fen": 300, "voucher_no": "DK-1"}

    assert door.post(f"/cases/{paying}/offsets", HEAD, said).status_code == 403
    alone = door.act(paying, TREASURY, "offset_payment", offset_fen=1, counterpart="x")
    assert alone.status_code == 422
    door.done(door.post(f"/cases/{paying}/offsets", TREASURY, said))

    (receipt,) = door.done(door.get(f"/recoveries/{recovery}", AUDITOR))["receipts"]
    assert (receipt["fen"], receipt["city_fen"], receipt["offset_city_fen"]) == (300, 300, 300)
    (order,) = door.done(door.get("/payments", TREASURY, case=paying))["items"]
    assert (order["fen"], order["offset_fen"], order["net_fen"]) == (FEN, 300, FEN - 300)


def test_the_workbook_has_the_columns_of_the_handbook(shared: Door):
    answer = shared.get("/recoveries/ledger.xlsx", AUDITOR)

    about, listed = opened(answer.data)
    rows = [list(listed[0]), *(list(row.values()) for row in listed)]
    assert answer.status_code == 200
    assert (about["标题"], about["单位"], about["总行数"]) == ("追缴台账", "元", "3")
    assert len(about["校验码"]) == 64
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert list(rows[0]) == COLUMNS
    (both,) = [row for row in rows[1:] if row[3] == 100.01]
    assert both[5:8] == [100.01, 40.0, 60.01]
    assert (both[12], both[15]) == (100.01, "待缴款")
    assert len(rows) == 4


def test_a_bar_is_listed_and_lifted_by_the_leader(door: Door):
    recovery = door.claims.of("ruling")
    said = {
        "recovery_fen": FEN, "offset_allowed": True, "offset_words": "可从今后的奖补中抵扣",
        "reason": "虚报", "remedy": "六十日内申请行政复议", "document_no": "启数追〔2026〕2号",
        "bar_years": 3, "bar_basis": "惯例（三年）",
        "interest_fen": 5, "interest_basis": "协议第八条",
    }  # fmt: skip
    door.done(door.act(recovery, LEADER, "order_recovery", **said))
    applicant = door.applicant(recovery)
    path, lifting = f"/applicants/{applicant.public_id}/bars", f"/recoveries/{recovery}/bar-lifting"
    (bar,) = door.done(door.get(path, applicant.login))["items"]
    line = door.done(door.get(f"/recoveries/{recovery}", AUDITOR))

    refused = door.post(lifting, HEAD, {"reason": "已修复"})
    lifted = door.post(lifting, LEADER, {"reason": "已修复"})

    assert (bar["from_on"], bar["to_on"]) == ("2026-09-28", "2029-09-28")
    assert (bar["recovery"], bar["basis"], bar["lifted_at"]) == (recovery, "惯例（三年）", None)
    assert (line["line"]["interest_fen"], line["interest_basis"]) == (5, "协议第八条")
    assert (line["line"]["offset_allowed"], line["offset_words"]) == (True, said["offset_words"])
    assert (refused.status_code, lifted.status_code) == (403, 200)
    assert door.done(door.get(path, AUDITOR))["items"][0]["lift_reason"] == "已修复"
    assert door.done(door.get(path, STRANGER))["items"] == []
    events = door.done(door.get(f"/cases/{recovery}/events", AUDITOR))["items"]
    assert events[-1]["title"] == "解除禁止申报"
    _, rows = opened(door.get("/recoveries/ledger.xlsx", AUDITOR).data)
    assert "2026-09-28至2029-09-28（已解除）" in [row["禁报期"] for row in rows]
