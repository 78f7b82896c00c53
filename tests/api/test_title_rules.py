"""What each row of a title list comes to, who may touch it, and whose titles go on with whom."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from caseflow.identity.models import Organisation, Territory
from tests.api.client import Client
from tests.api.story import AUDITOR, FINANCE, HANDLER, REVIEWER, Story
from tests.factories.identity import uscc_number
from tests.factories.titles import FILING, FIRST_SET, csv_of, match, rows, send, xlsx_of

KEJI = "kejiju.handler"
BAD_CODE = uscc_number(30)[:-1] + ("0" if uscc_number(30)[-1] != "0" else "1")


@pytest.fixture(scope="module")
def land(shared_story: Story) -> Story:
    """A house with firms 31 to 39 in it, and one that sits in another city."""
    for number in range(31, 40):
        shared_story.register(f"firm.{number}", number=number)
    with shared_story.client.app.extensions["caseflow"].cases.database.session() as session:
        place = Territory(
            code="elsewhere", title="外市", level="city", fiscal_level="city", parent_id=None
        )
        session.add(place)
        session.flush()
        session.add(
            Organisation(
                public_id="elsewhere", kind="enterprise", title="外市企业",
                territory_id=place.id, uscc=uscc_number(40),
            )
        )  # fmt: skip
        town = session.scalars(select(Territory.id).where(Territory.code == "huilong")).one()
        session.add(
            Organisation(
                public_id="school", kind="institution", title="某学校", territory_id=town,
                uscc=uscc_number(41),
            )
        )  # fmt: skip
    return shared_story


def taken(client: Client, *lines: tuple[Any, ...], login: str = HANDLER, **said: str) -> Any:
    """Import a list that must be accepted; returns the report."""
    return client.done(send(client, csv_of(*lines), login, **said))


def firm_of(land: Story, *, number: int) -> str:
    """Return the public id of a firm."""
    with land.client.app.extensions["caseflow"].cases.connect() as connection:
        query = "SELECT public_id FROM organisation WHERE uscc = %s"
        return str(connection.execute(query, (uscc_number(number),)).fetchone()[0])


def results(report: Any) -> list[tuple[int, str]]:
    return [(row["line"], row["result"]) for row in report["rows"]]


def test_every_row_says_what_it_would_come_to(land: Story):
    said = {"document_no": "国信办公告〔2026〕31号"}
    lines = (
        (uscc_number(31), "启东第31智能科技有限公司", "模型甲", "苏备31"),
        (uscc_number(99), "未登记公司", "模型乙", "苏备99"),
        (BAD_CODE, "代码有误公司", "模型丙", "苏备30"),
        (uscc_number(31), "启东第31智能科技有限公司", "模型 甲", "苏备31"),
        (uscc_number(32), "启东第32智能科技有限公司"),
        (uscc_number(40), "外市企业", "模型丁", "苏备40"),
        (uscc_number(33), "启东第33智能科技有限公司", "模型戊", "苏备33", None, "2026-05-31"),
        (uscc_number(33), "启东第33智能科技有限公司", "模型己", "苏备34", None, "2026-06-01"),
        (uscc_number(33), "启东第33智能科技有限公司", "模型庚", "苏备35", None, "明年"),
        (uscc_number(41), "某学校", "模型戌", "苏备41"),
    )
    expected = [
        (1, "matched"), (2, "unknown_code"), (3, "bad_code"), (4, "duplicate"), (5, "incomplete"),
        (6, "not_in_territory"), (7, "expired"), (8, "matched"), (9, "incomplete"),
        (10, "not_an_applicant"),
    ]  # fmt: skip

    tried = land.client.done(
        send(land.client, xlsx_of(*lines), name="名单.xlsx", mode="try", **said)
    )
    before = land.client.done(land.client.get("/title-lists", HANDLER))["items"]
    report = taken(land.client, *lines, **said)
    again = taken(land.client, *lines, **said)
    other = send(land.client, csv_of(lines[0]), **said)

    assert (tried["dry_run"], tried["title_list"], results(tried)) == (True, None, expected)
    assert said["document_no"] not in {each["document_no"] for each in before}
    assert results(report) == expected
    assert (again["already"], again["title_list"]) == (True, report["title_list"])
    assert other.status_code == 409
    assert match(land.client, report["title_list"])["counts"]["matched"] == 2
    shown = {row["line"]: row["result"] for row in rows(land.client, report["title_list"])}
    assert shown == dict(expected)
    assert match(land.client, report["title_list"])["counts"].get("matched") is None


def test_a_row_that_was_wrong_is_corrected_and_then_matched(land: Story):
    said = {"document_no": "国信办公告〔2026〕32号"}
    lines = ((BAD_CODE, "录错公司", "模型辛", "苏备36"),)
    made = taken(land.client, *lines, **said)["title_list"]
    path = f"/title-lists/{made}/rows/1/correction"
    body = {"uscc": uscc_number(34), "name": "启东第34智能科技有限公司", "object": "模型辛",
            "object_no": "苏备36", "reason": "代码录入有误"}  # fmt: skip

    assert land.client.post(path, HANDLER, {**body, "uscc": BAD_CODE}).status_code == 422
    assert land.client.post(path, "shujuju.division_head", body).status_code == 403
    corrected = land.client.done(land.client.post(path, HANDLER, body))
    found = match(land.client, made)

    assert (corrected["revision"], found["pushed"]) == (2, 1)
    (row,) = rows(land.client, made)
    assert (row["revision"], row["uscc"], row["result"]) == (2, uscc_number(34), "matched")
    refused = land.client.post(path, HANDLER, {**body, "reason": "再改"})
    assert refused.status_code == 409
    assert land.client.post(path.replace("/1/", "/9/"), HANDLER, body).status_code == 404


def test_a_second_title_is_not_the_first_and_a_lower_one_neither(land: Story):
    thing = (uscc_number(35), "启东第35智能科技有限公司", "五轴机床A型")
    national = {**FIRST_SET, "level": "national", "document_no": "工信部〔2026〕1号"}
    before = taken(land.client, thing, login=KEJI, **{**national, "issued_on": "2026-05-15"})

    again = taken(
        land.client, thing, login=KEJI, **{**national, "document_no": "工信部〔2026〕2号"}
    )
    lower = taken(land.client, thing, login=KEJI, **FIRST_SET)
    sibling = taken(
        land.client, (*thing[:2], "五轴机床B型"), login=KEJI,
        **{**FIRST_SET, "document_no": "苏工信〔2026〕9号"},
    )  # fmt: skip

    assert results(before) == [(1, "matched")]
    assert results(again) == [(1, "not_first_time")]
    assert "工信部(2026)1号" in again["rows"][0]["message"]
    assert results(lower) == [(1, "lower_than_earlier")]
    assert results(sibling) == [(1, "matched")]


def test_a_title_before_the_policy_counts_but_pays_nothing(land: Story):
    thing = (uscc_number(36), "启东第36智能科技有限公司", "焊接机器人")
    early = {**FIRST_SET, "document_no": "苏工信〔2026〕1号", "issued_on": "2026-05-13"}
    first_day = {**FIRST_SET, "document_no": "苏工信〔2026〕2号", "issued_on": "2026-05-14"}

    before = taken(land.client, thing, login=KEJI, **early)
    on_it = taken(land.client, (*thing[:2], "喷涂机器人"), login=KEJI, **first_day)
    later = taken(
        land.client, thing, login=KEJI, **{**FIRST_SET, "document_no": "苏工信〔2026〕3号"}
    )

    assert results(before) == [(1, "not_in_period")]
    assert results(on_it) == [(1, "matched")]
    assert results(later) == [(1, "not_first_time")]


def test_an_upgrade_is_pushed_with_the_difference(land: Story):
    firm, name = uscc_number(37), "启东第37智能科技有限公司"
    award = {
        "source_id": "QD-37", "name": name, "uscc": firm, "measure": "QD26-2b", "clause": "首台套",
        "level": "city", "place": "qidong", "amount_fen": 500_000_00, "granted_on": "2026-05-18",
        "matters": [{"kind": "title", "key": "首台套重大装备或关键部件:省级:2026:激光切割机"}],
    }  # fmt: skip
    land.client.done(
        land.client.post("/awards/imports", FINANCE, {"source": "ledger", "rows": [award]})
    )
    provincial = {**FIRST_SET, "document_no": "苏工信〔2026〕37号", "issued_on": "2026-05-15"}
    national = {**FIRST_SET, "level": "national", "document_no": "工信部〔2026〕37号"}

    low = taken(land.client, (firm, name, "激光切割机"), login=KEJI, **provincial)
    high = taken(land.client, (firm, name, "激光切割机"), login=KEJI, **national)
    match(land.client, high["title_list"], KEJI)

    assert results(low) == [(1, "nothing_left")]
    assert "升级" in high["rows"][0]["message"]
    (row,) = rows(land.client, high["title_list"], KEJI)
    case = land.show(row["case"])
    assert (case["case"]["state"], case["facts"]["applied_fen"]) == ("pushed", 1_000_000_00)
    overlaps = land.client.done(
        land.client.get(f"/cases/{row['case']}/overlaps", "kejiju.reviewer")
    )
    (clash,) = overlaps["clashes"]
    assert (clash["proposal"], clash["pay_fen"]) == ("top_up", 500_000_00)
    letters = land.client.done(land.client.get("/inbox", "firm.37", limit=50))["items"]
    assert "预计补差500,000.00 元" in letters[0]["text"]


@pytest.mark.soak
def test_a_title_follows_its_holders_successor(land: Story):
    old, new, last = uscc_number(90), uscc_number(91), uscc_number(38)
    step = {"kind": "merger", "document_no": "登记〔2026〕1号", "effective_on": "2026-05-25"}
    client = land.client

    assert client.post("/successions", HANDLER, {
        "predecessor": old, "successor": new, **step}).status_code == 403  # fmt: skip
    for before, after in ((old, new), (new, last)):
        body = {"predecessor": before, "successor": after, **step}
        client.done(client.post("/successions", REVIEWER, body), 201)
    ring = {"predecessor": last, "successor": old, **step}
    assert client.post("/successions", REVIEWER, ring).status_code == 409
    listed = client.done(client.get("/successions", AUDITOR, code=new))["items"]
    assert [each["predecessor"] for each in listed] == [new, old]
    assert client.get("/successions", "firm.31").status_code == 403

    said = {"document_no": "国信办公告〔2026〕38号"}
    made = taken(client, (old, "原公司", "模型壬", "苏备38"), **said)
    match(client, made["title_list"])
    (row,) = rows(client, made["title_list"])
    assert "承继" in row["message"]
    assert client.done(client.get(f"/cases/{row['case']}", "firm.38"))["case"]["state"] == "pushed"
    own = {"document_no": "国信办公告〔2026〕39号", "issued_on": "2026-05-21"}
    later = taken(client, (last, "启东第38智能科技有限公司", "模型壬", "苏备38"), **own)
    assert results(later) == [(1, "not_first_time")]


def test_a_case_that_was_opened_by_hand_is_not_made_twice(land: Story):
    firm = firm_of(land, number=39)
    opened = land.client.done(
        land.client.post("/cases", HANDLER, {
            "measure": "QD26-8c", "applicant": firm, "title": "备案", "matter_on": "2026-05-20",
        }), 201,
    )  # fmt: skip
    matters = [{"kind": "model_filing", "key": "苏备39"}]
    land.client.done(land.client.act(opened["case"], HANDLER, "name_matters", matters=matters))

    line = (uscc_number(39), "启东第39智能科技有限公司", "模型癸", "苏备39")
    report = taken(land.client, line, document_no="国信办公告〔2026〕40号")

    assert results(report) == [(1, "has_case")]
    assert opened["number"] in report["rows"][0]["message"]


def test_a_grade_decides_what_a_prize_is_worth(land: Story):
    said = {
        "document_no": "国数〔2026〕1号", "issued_by": "国家数据局",
        "kind": "数据要素大赛全国总决赛", "issued_on": "2026-05-22",
    }  # fmt: skip
    firm, name = uscc_number(31), "启东第31智能科技有限公司"
    prizes = ("一等奖", "三等奖", "优秀奖")
    lines = [(firm, name, f"项目{n}", None, prize) for n, prize in enumerate(prizes)]

    made = taken(land.client, *lines, **said)
    match(land.client, made["title_list"])

    assert results(made) == [(1, "matched"), (2, "matched"), (3, "other_grade")]
    found = rows(land.client, made["title_list"])
    asked = [land.show(each["case"])["facts"]["applied_fen"] for each in found if each["case"]]
    assert asked == [2_000_000_00, 500_000_00]
    page = land.client.done(
        land.client.get(f"/title-lists/{made['title_list']}/rows", HANDLER, limit=2)
    )
    rest = rows(land.client, made["title_list"], after=page["next"])
    assert [each["line"] for each in rest] == [3]


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"kind": "劳动模范"}, 422, "kind"),
        ({"level": "galactic"}, 422, "level"),
        ({"issued_on": "2026-06-02"}, 422, "issued_on"),
        ({"valid_to": "2026-05-19"}, 422, "valid_to"),
        ({"login": KEJI}, 403, ""),
        ({"login": AUDITOR}, 403, ""),
        ({"name": "名单.pdf"}, 422, "file"),
        ({"content": b"a,b\n1,2\n"}, 422, "file"),
        ({"content": csv_of()}, 422, "file"),
    ],
)
def test_a_list_that_cannot_be_is_refused(land: Story, changes, status: int, field: str):
    given = {
        "content": csv_of((uscc_number(31), "x", "y")),
        "document_no": "国信办公告〔2026〕50号",
    }

    answer = send(land.client, **{**given, **changes})

    assert answer.status_code == status, answer.get_json()
    assert field in str(answer.get_json().get("fields", ""))


def test_two_who_match_one_list_at_once_make_one_case_a_row(land: Story):
    firm, name = uscc_number(32), "启东第32智能科技有限公司"
    lines = [(firm, name, f"并行模型{n}", f"苏备320{n}") for n in range(2)]
    made = taken(land.client, *lines, document_no="国信办公告〔2026〕51号")["title_list"]

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: match(land.client, made), range(2)))

    assert sum(each["pushed"] for each in found) == len(lines)
    cases = {row["case"] for row in rows(land.client, made)}
    assert (len(cases), None in cases) == (len(lines), False)
    assert FILING["level"] == "national"
