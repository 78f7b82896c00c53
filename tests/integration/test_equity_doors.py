"""股权台账, one project's equity, the pool and the calculator: by HTTP and on the command line."""

import json
from collections.abc import Iterator

import pytest

from caseflow.cases.equity_register import RegisterFilter, register, whole_register
from caseflow.cases.equity_sheet import COLUMNS
from caseflow.cli import main
from caseflow.clock import VirtualClock
from caseflow.settings import read_settings
from tests.api.client import Client
from tests.api.conftest import application
from tests.factories.commands import Result
from tests.factories.equity import TOTAL, entered_round
from tests.factories.sheets import opened
from tests.integration.equity_land import APPROVED, AUDITOR, CONVERTED, FIRST, Equity, lend
from tests.integration.kept_database import keep
from tests.integration.test_equity import CONVERTS, failed

FORMULA = "=1+1"


@pytest.fixture(scope="module")
def standing(server, everything_template, tmp_path_factory, pytestconfig) -> Iterator[Equity]:
    """A project that holds shares, one that failed, one of another measure still incubating."""
    for database in keep(server, everything_template):
        for equity in lend(database, tmp_path_factory, pytestconfig):
            held = equity.incubating()
            equity.next_tranche(held)
            equity.convert(equity.converting(held), **CONVERTS)
            failed(equity, equity.incubating())
            equity.incubating("NT26-1d", conversion_on="2027-06-30")
            yield equity


@pytest.fixture(scope="module")
def cases(standing: Equity) -> list[str]:
    """The public ids of the three, the oldest first."""
    rows = standing.sql(
        'SELECT c.public_id FROM "case" c JOIN equity_position p ON p.case_id = c.id ORDER BY c.id'
    )
    return [case for (case,) in rows]


@pytest.fixture(scope="module")
def client(standing: Equity, tmp_path_factory) -> Iterator[Client]:
    home = str(tmp_path_factory.mktemp("home"))
    settings = read_settings({"CASEFLOW_HOME": home, "CASEFLOW_MAC_KEY": "ab" * 32})
    with application(settings, standing.land.house.cases) as app:
        VirtualClock(standing.land.house.database.connect).move_to(standing.land.now)
        yield Client(app)


@pytest.fixture
def run(standing: Equity, client: Client, tmp_path, monkeypatch, capsys):
    """Run a command on the same database."""
    address = standing.land.house.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)

    def run(*arguments: str) -> Result:
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def test_the_register_has_the_columns_of_the_handbook(client: Client, cases: list[str]):
    found = client.done(client.get("/equity", AUDITOR))["items"]

    assert [line["case"] for line in found] == cases[::-1]
    held, failed_, waiting = found[2], found[1], found[0]
    assert (held["granted_fen"], held["converted_fen"]) == (APPROVED, CONVERTED * 1000)
    assert (held["part"], held["percent"], held["round"]) == ("4/79", "5.0632", "A轮")
    assert (held["valuation_fen"], held["latest_valuation_fen"]) == (10**10, 12_500_000_000)
    assert held["triggers"] == "市场化融资达到25,000,000.00 元；上市；固定日期2029-12-31"
    assert (held["triggered_on"], held["dpi"]) == ("2026-09-10", "0")
    assert (failed_["lost_fen"], failed_["exemption_no"]) == (FIRST - 7, "免责〔2027〕1号")
    assert failed_["dpi"] == f"7/{FIRST}"
    assert (waiting["measure"], waiting["granted_on"]) == ("NT26-1d", ["2026-09-01"])
    assert (waiting["converted_fen"], waiting["long_stop_on"]) == (None, "2027-06-30")


@pytest.mark.parametrize(("day", "count"), [("2027-06-29", 0), ("2027-06-30", 1),
                                            ("2029-12-31", 1)])  # fmt: skip
def test_projects_whose_long_stop_date_has_come_are_found(client: Client, day: str, count: int):
    found = client.done(client.get("/equity", AUDITOR, due_by=day))["items"]

    assert len(found) == count  # the held and the failed one are settled


def test_the_register_is_paged_and_filtered(client: Client, cases: list[str]):
    first = client.done(client.get("/equity", AUDITOR, limit=2))
    rest = client.done(client.get("/equity", AUDITOR, limit=2, after=first["next"]))
    only = client.done(client.get("/equity", AUDITOR, measure="NT26-1d"))

    assert [line["case"] for line in first["items"] + rest["items"]] == cases[::-1]
    assert (first["next"], rest["next"]) == (cases[1], None)
    assert [line["case"] for line in only["items"]] == [cases[2]]
    assert client.get("/equity", AUDITOR, after="nothing").status_code == 422


def test_nobody_sees_shares_of_a_case_that_is_not_theirs(client: Client, standing, cases):
    applicant = standing.sql(
        "SELECT p.login FROM person p JOIN assignment a ON a.person_id = p.id"
        ' JOIN "case" c ON c.applicant_id = a.organisation_id WHERE c.public_id = %s',
        cases[0],
    )[0][0]

    mine = client.done(client.get("/equity", applicant))["items"]
    pool = client.done(client.get("/equity/pool", applicant))["items"]

    assert [line["case"] for line in mine] == [cases[0]]
    assert client.get(f"/cases/{cases[1]}/equity", applicant).status_code == 404
    asked = {**entered_round(), "converted_fen": 1}
    path = f"/cases/{cases[1]}/equity/conversions/preview"
    assert client.post(path, applicant, asked).status_code == 404
    assert [(each["projects"], each["granted_fen"], each["is_whole"]) for each in pool] == [
        (1, APPROVED, False)
    ]


def test_the_pool_says_what_came_went_and_stayed(client: Client):
    found = client.done(client.get("/equity/pool", AUDITOR))["items"]
    page = client.done(client.get("/equity/pool", AUDITOR, limit=1))
    rest = client.done(client.get("/equity/pool", AUDITOR, after=page["next"]))

    whole = found[0]
    assert [each["measure"] for each in found] == ["NT24-7", "NT26-1d"]
    assert (whole["opening_fen"], whole["granted_fen"]) == (APPROVED + FIRST, APPROVED + FIRST)
    assert (whole["converted_fen"], whole["lost_fen"]) == (CONVERTED * 1000, FIRST - 7)
    assert (whole["returned_fen"], whole["balance_fen"], whole["projects"]) == (7, 7, 2)
    assert whole["outstanding_fen"] == APPROVED
    assert (sum(whole["balances"].values()), whole["is_whole"]) == (0, True)
    assert [each["measure"] for each in rest["items"]] == ["NT26-1d"]


def test_one_project_explains_its_shares(client: Client, cases: list[str]):
    found = client.done(client.get(f"/cases/{cases[0]}/equity", AUDITOR))

    assert found["conversion"]["lines"][0] == {
        "name": "amount", "title": "转股金额", "value": APPROVED, "unit": "fen", "exact": "",
        "words": "",
    }  # fmt: skip
    assert found["round"]["holders"][-1] == {
        "holder": "受托机构", "shares_before": 0, "shares_after": CONVERTED,
    }  # fmt: skip
    assert (found["exit"], found["loss"]) == (None, None)


def preview(client: Client, case: str, **changes):
    asked = {**entered_round(converted_fen=250_000_000), **changes}
    return client.post(f"/cases/{case}/equity/conversions/preview", AUDITOR, asked)


def test_a_conversion_is_tried_out_and_nothing_is_kept(client: Client, standing, cases):
    before = standing.sql("SELECT count(*) FROM event")

    told = client.done(preview(client, cases[2]))

    assert (told["price"], told["wanted"]["shares"]) == ("1000", 250_000)
    assert (told["wanted"]["shares_total"], told["is_within"]) == (TOTAL + 250_000, True)
    assert standing.sql("SELECT count(*) FROM event") == before


def test_a_preview_tells_what_the_cap_cuts_and_what_the_meeting_could_allow(client, cases):
    small = {"pre_money_fen": 2_000_000_000, "raised_fen": 0, "shares_before": 2_000_000,
             "shares_issued": 0, "holders": ["创始人：2000000"]}  # fmt: skip

    cut = client.done(preview(client, cases[2], **small))
    allowed = client.done(preview(client, cases[2], **small, meeting_share_cap=15))

    assert (cut["is_within"], cut["allowed"]["shares"]) == (False, 222_222)
    assert cut["over_fen"] == cut["wanted"]["cost_fen"] - cut["allowed"]["cost_fen"] > 0
    assert (allowed["is_within"], allowed["over_fen"]) == (True, 0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"converted_fen": 250_000_001}, "converted_fen"),
        ({"converted_fen": 1.5}, "converted_fen"),
        ({"converted_fen": -1}, "converted_fen"),
        ({"converted_fen": 10**30}, "converted_fen"),
        ({"shares_before": "9000000"}, "shares_before"),
        ({"holders": []}, "holders"),
        ({"holders": ["创始人"]}, "holders"),
        ({"meeting_share_cap": 100}, "meeting_share_cap"),
        ({"meeting_may_be_largest": "yes"}, "meeting_may_be_largest"),
        ({"pre_money_fen": 0}, "pre_money_fen"),
        ({"round_on": "2027-02-30"}, "round_on"),
    ],
)
def test_a_preview_of_bad_figures_is_refused(client: Client, cases, changes, field):
    answer = preview(client, cases[2], **changes)

    assert answer.status_code == 422
    assert any(name.startswith(field) for name in answer.json["fields"])


def test_without_a_sealed_agreement_nothing_is_tried_out(client: Client, standing: Equity):
    case = standing.land.reached("equity_drafting", "NT24-7")

    assert preview(client, case).status_code == 409


def test_the_register_is_a_file_that_a_spreadsheet_opens(client: Client, standing, cases):
    with standing.land.house.cases.connect() as connection:
        connection.execute('UPDATE "case" SET title = %s WHERE public_id = %s', (FORMULA, cases[0]))

    answer = client.get("/equity/register.xlsx", AUDITOR)

    assert answer.headers["Content-Disposition"] == 'attachment; filename="equity-register.xlsx"'
    about, rows = opened(answer.data)
    assert list(rows[0]) == ["序号", *(column.title for column in COLUMNS)]
    assert (about["标题"], about["单位"], about["总行数"]) == ("股权台账（拨投）", "元", "3")
    assert (about["筛选条件"], len(about["校验码"])) == ("全部可见项目", 64)
    held = rows[2]
    assert (held["序号"], held["项目"], held["拨款额（元）"]) == (3, f"'{FORMULA}", 6_000_000.55)
    assert (held["持股比例（%）"], held["登记日"] is None) == ("5.0632", False)


def test_every_page_of_the_register_goes_into_the_file(standing: Equity, cases):
    with standing.land.house.database.session() as session:
        actor = standing.actor()
        lines = whole_register(session, actor, RegisterFilter(measure="NT24-7"), limit=1)
        page = register(session, actor, limit=1)

    assert [line.case for line in lines] == [cases[1], cases[0]]
    assert page.next == cases[2]


def test_the_command_line_lists_and_writes_the_register(run, tmp_path, cases):
    file = tmp_path / "register.xlsx"

    listed = run("equity", "list", "--as", AUDITOR, "--limit", "2", "--xlsx", str(file))
    due = run("equity", "list", "--as", AUDITOR, "--due-by", "2027-06-30", "--json")

    assert "股权台账" in listed.out
    assert f"--after {cases[1]}" in listed.err
    assert len(opened(file.read_bytes())[1]) == 3
    assert [line["case"] for line in due.json] == [cases[2]]


def test_the_command_line_shows_a_project_and_the_pools(run, cases):
    shown = run("equity", "show", cases[0], "--as", AUDITOR)
    lost = run("equity", "show", cases[1], "--as", AUDITOR, "--json")
    pool = run("equity", "pool", "--as", AUDITOR, "--limit", "1")
    pools = run("equity", "pool", "--as", AUDITOR, "--json")

    assert "600000股" in shown.out
    assert "10000/9" in shown.out
    assert lost.json["loss"]["salvaged_fen"] == 7
    assert "8,500,000.55 元" in pool.out
    assert "--after NT24-7" in pool.err
    assert [each["measure"] for each in pools.json] == ["NT24-7", "NT26-1d"]


def test_the_command_line_tries_a_conversion_out(run, cases, tmp_path):
    figures = {**entered_round(converted_fen=250_000_000)}
    file = tmp_path / "round.json"
    file.write_text(json.dumps(figures))

    told = run("equity", "preview", cases[2], "--payload", f"@{file}", "--as", AUDITOR)
    data = run("equity", "preview", cases[2], "--payload", f"@{file}", "--as", AUDITOR, "--json")

    assert "250000股" in told.out
    assert data.json["wanted"]["shares_held"] == 250_000


@pytest.mark.parametrize(
    ("pair", "why"),
    [
        ("converted_fen=x", "converted_fen：须为非负整数"),
        ("round_on=soon", "round_on：须为日期"),
        ("holders=5", "holders：列表"),
        ("round_title=5", "round_title：须为文字"),
        ("meeting_may_be_largest=5", "须为 true 或 false"),
        ("colour=red", "colour：没有此项"),
    ],
)
def test_the_command_line_refuses_bad_figures(run, cases, pair, why):
    refused = run("equity", "preview", cases[2], "--set", pair, "--as", AUDITOR)

    assert refused.code == 1
    assert why in refused.err
