"""`caseflow parameters` and the quotes that use them, on the database of a house."""

import json

import pytest

from caseflow.cli import main
from caseflow.cli.clauses import readable
from caseflow.clock import VirtualClock
from caseflow.kernel.benefits.parameters import PARAMETERS
from tests.conftest import EVERYTHING
from tests.factories.commands import Result
from tests.integration.conftest import House, shanghai

FACTS = {
    "national_money_received_fen": 1_200_000_000, "national_project": True,
    "lead_applicant": True, "granted_for_project_fen": 0,
}  # fmt: skip
VOUCHER = {"paid_rent_fen": 33_333_333, "real_scenario": True, "granted_this_year_fen": 0}
SOURCE = ("--basis", "配套资金管理细则第三条", "--document-no", "启发改〔2026〕8号")


@pytest.fixture
def run(house: House, tmp_path, monkeypatch, capsys):
    """Run a command on the house's database, on its virtual clock."""
    VirtualClock(house.cases.connect).move_to(shanghai(11, 10))
    address = house.cases.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)

    def run(*arguments: str, facts=None) -> Result:
        if facts is not None:
            path = tmp_path / "facts.json"
            path.write_text(json.dumps(facts))
            arguments = (*arguments, "--facts", str(path))
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def enter(run, *arguments, login="fagaiwei.handler", on="2026-06-01"):
    told = run("parameters", "enter", *arguments, "--valid-from", on, *SOURCE, "--as", login,
               "--json")  # fmt: skip
    assert told.code == 0, told.err or told.out
    return told.json


def confirm(run, parameter, login="fagaiwei.reviewer"):
    return run("parameters", "confirm", parameter, "--as", login, "--json")


def test_a_ratio_is_entered_confirmed_and_quoted_by_its_document(run):
    without = run("quote", "QD26-5a", "--on", "2026-10-12", "--json", facts=FACTS)
    entered = enter(run, "QD26-5a", "ratio", "50")
    confirmed = confirm(run, entered["public_id"])
    told = run("quote", "QD26-5a", "--on", "2026-10-12", "--json", facts=FACTS)

    assert list(without.json["reasons"]) == ["decided_percent"]
    assert (entered["status"], confirmed.json["status"]) == ("entered", "confirmed")
    assert told.json["amount_fen"] == 600_000_000
    assert "启发改〔2026〕8号，自2026-06-01起" in told.json["lines"][-1]["words"]
    assert [each["id"] for each in told.json["open"]] == []
    assert told.json["parameters"][0]["value"] == "50"
    shown = run("quote", "QD26-5a", "--on", "2026-10-12", facts=FACTS)
    assert "已确定的参数" in shown.out


def test_a_measure_shows_what_is_in_force_and_who_must_enter_the_rest(run):
    before = run("measures", "show", "QD26-5a", "--on", "2026-10-12", "--json").json["parameters"]
    confirm(run, enter(run, "QD26-5a", "ratio", "50")["public_id"])
    after = run("measures", "show", "QD26-5a", "--on", "2026-10-12", "--json").json["parameters"]

    ratio = next(each for each in before["missing"] if each["name"] == "ratio")
    assert (ratio["needed"], ratio["answers"]) == (True, ["AMB-21"])
    assert (ratio["bureau"], ratio["confirms"]) == (
        "市发展改革委",
        "牵头部门复核或牵头部门处室负责人",
    )
    assert [each["name"] for each in after["in_force"]] == ["ratio"]
    assert (before["answered"], after["answered"]) == ([], ["AMB-21"])
    assert [each["name"] for each in after["missing"]] == ["rounding", "pool_fen"]
    shown = run("measures", "show", "QD26-5a", "--on", "2026-10-12").out
    assert "已确定的参数" in shown
    assert "尚未录入的参数" in shown
    assert "待明确" not in shown


def test_without_an_answer_the_files_are_shown_and_no_amount_is_told(run, monkeypatch):
    nowhere = "postgresql+psycopg://nobody:secret@127.0.0.1:1/nothing"
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", nowhere)

    shown = run("measures", "show", "QD26-5a", "--json")
    told = run("quote", "QD26-7a", "--on", "2026-10-12", facts=VOUCHER)

    assert shown.json["parameters"]["read_from"] == "files"
    assert "not shown" in shown.err
    assert (told.code, told.out) == (1, "")


def test_a_measure_that_is_not_loaded_is_quoted_by_its_file(run, monkeypatch):
    monkeypatch.setenv("CASEFLOW_DATA", str(EVERYTHING))

    told = run("quote", "WX-7h", "--on", "2026-10-12", "--json", facts={})

    assert told.code == 0
    assert list(told.json) == ["amount_fen", "lines", "open"]


def test_values_are_listed_and_withdrawn(run):
    first = enter(run, "QD26-5a", "pool_fen", "100000000")
    second = enter(run, "QD26-5a", "ratio", "50")
    parameter = second["public_id"]
    gone = run("parameters", "withdraw", parameter, "--reason", "有误", "--as", "fagaiwei.handler")
    mine = ("parameters", "list", "QD26-5a", "--as", "fagaiwei.leader")
    page = run(*mine, "--limit", "1", "--json")

    assert "已撤回" in gone.out
    assert [each["public_id"] for each in page.json["items"]] == [parameter]
    assert f"--after {parameter}" in page.err
    rest = run(*mine, "--after", parameter, "--on", "2026-10-12", "--json").json
    assert [each["value"] for each in rest["items"]] == [100_000_000]
    assert rest["items"][0]["public_id"] == first["public_id"]
    assert "录入记录" in run(*mine, "--status", "entered").out


@pytest.mark.soak
def test_what_waits_for_a_second_person_is_found_without_naming_a_measure(run):
    for day in ("2026-06-01", "2026-06-02"):
        enter(run, "QD26-5a", "ratio", "50", on=day)
    mine = ("parameters", "waiting", "--as", "fagaiwei.reviewer")
    page = run(*mine, "--limit", "1", "--json")

    assert [each["valid_from"] for each in page.json] == ["2026-06-02"]
    assert f"--after {page.json[0]['public_id']}" in page.err
    assert "2026-06-01" in run(*mine).out
    assert run("parameters", "waiting", "--as", "kejiju.reviewer", "--json").json == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("pool_fen", "much", "整数"),
        ("ratio", "101", "100"),
        ("tiers", '{"一档": 1}', "不使用参数"),
    ],
)
def test_a_value_that_cannot_be_is_refused_in_a_line(run, name, value, words):
    told = run("parameters", "enter", "QD26-5a", name, value, "--valid-from", "2026-06-01",
               *SOURCE, "--as", "fagaiwei.handler")  # fmt: skip

    assert told.code == 1
    assert words in told.err
    assert told.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("tiers", {"一档": 200_000_000, "二档": 1}, "一档：2,000,000.00 元；二档：0.01 元"),
        ("tiers", {"一档": "30"}, "一档：30%"),
        ("ratio", "12.5", "12.5%"),
        ("pool_fen", 1, "0.01 元"),
        ("tax_inclusive", False, "否"),
        ("allowance_months", 24, "24月"),
        ("day_count", "inclusive", "inclusive"),
    ],
)
def test_a_value_is_shown_as_people_read_it(name, value, text):
    assert readable([{"name": name, "value": value}])[0]["value"] == text


def test_the_help_of_entering_names_every_parameter(run):
    told = run("parameters", "enter", "--help").out

    assert [name for name in PARAMETERS if name not in told] == []


def test_a_case_is_quoted_by_its_number(run, house: House):
    case = house.submitted(shanghai(10, 21))
    number = house.sql('SELECT number FROM "case" WHERE public_id = %s', case)[0][0]
    entered = enter(run, "QD26-7a", "rounding", "trunc_wan", login="shujuju.handler")
    confirm(run, entered["public_id"], "shujuju.reviewer")

    told = run("cases", "quote", number, "--as", "shujuju.handler", "--json", facts=VOUCHER)

    assert (told.json["on"], told.json["amount_fen"]) == ("2026-10-21", 16_666_666)
    shown = run("cases", "quote", number, "--as", "shujuju.handler", facts=VOUCHER)
    assert "166,666.66 元" in shown.out
