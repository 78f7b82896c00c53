"""The treasury on the command line: budgets, payment files, a call's pool, the doctor."""

import re
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import select

from caseflow.catalogue.models import Call
from caseflow.cli import main
from caseflow.clock import VirtualClock
from caseflow.database.access import Database
from tests.factories.commands import Result
from tests.factories.sheets import filled_in, opened
from tests.integration.kept_database import keep
from tests.integration.walking import Town, found_town, visit

Run = Callable[..., Result]
MEASURE = "QD26-7a"
FINANCE, TREASURY, AUDITOR = (
    "caizhengju.finance_division", "caizhengju.treasury", "shenjiju.auditor",
)  # fmt: skip
HANDLER, REVIEWER = "shujuju.handler", "shujuju.reviewer"
DOCUMENT = ("--document-no", "启财预〔2026〕9号")


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=(MEASURE,))


@pytest.fixture
def town(founded) -> Iterator[Town]:
    for town in visit(founded):
        town.now = max(town.now, town.swept)
        yield town


@pytest.fixture
def run(town: Town, tmp_path, monkeypatch, capsys) -> Run:
    """Run commands on the town's database, at the town's time."""
    address = town.house.database.address
    for name, value in (
        ("HOME", str(tmp_path / "home")), ("MAC_KEY", "ab" * 32), ("DATABASE_URL", address.url),
        ("OWNER_DATABASE_URL", address.owner_url),
    ):  # fmt: skip
        monkeypatch.setenv(f"CASEFLOW_{name}", value)

    def run(*arguments: str) -> Result:
        VirtualClock(town.house.database.connect).move_to(town.now)
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def appropriated(run: Run, *more: str) -> Result:
    return run(
        "budgets", "appropriate", "qidong-2026", "--measure", "QD26-8d", "--year", "2026",
        "--share", "city", "--territory", "qidong", "--yuan", "1000.50", *DOCUMENT,
        "--as", FINANCE, *more,
    )  # fmt: skip


def test_money_goes_into_a_line_out_of_it_and_into_the_next_year(run: Run):
    line = appropriated(run, "--json").json
    less = run("budgets", "withdraw", line["public_id"], "--yuan", "0.50", *DOCUMENT,
               "--as", FINANCE, "--json")  # fmt: skip
    following = run("budgets", "carry-over", line["public_id"], "--yuan", "400", *DOCUMENT,
                    "--as", FINANCE, "--json")  # fmt: skip
    listed = run("budgets", "list", "--measure", "QD26-8d", "--as", AUDITOR, "--json")

    assert less.json["available_fen"] == line["available_fen"] - 50
    assert (following.json["year"], following.json["available_fen"]) == (2027, 400_00)
    assert [each["year"] for each in listed.json] == [2027, 2026]
    assert "年度预算" in appropriated(run).out
    page = run("budgets", "list", "--limit", "1", "--as", AUDITOR)
    assert "--after" in page.err


def test_who_is_not_the_treasury_puts_nothing_in(run: Run):
    refused = run("budgets", "appropriate", "qidong-2026", "--year", "2026", "--share", "city",
                  "--territory", "qidong", "--yuan", "1", *DOCUMENT, "--as", HANDLER)  # fmt: skip

    assert refused.code == 1
    assert "市财政业务科室" in refused.err


@pytest.mark.soak
def test_a_split_is_entered_confirmed_and_listed(run: Run):
    entered = run("budgets", "split", "enter", "qidong-2026", "--territory", "nanyang",
                  "--city-percent", "45.5", "--valid-from", "2026-09-01", "--basis", "启政发3号",
                  "--as", FINANCE, "--json")  # fmt: skip
    number = str(entered.json["id"])

    confirmed = run("budgets", "split", "confirm", number, "--as", TREASURY, "--json")
    listed = run("budgets", "split", "list", "--policy", "qidong-2026", "--as", AUDITOR, "--json")

    assert (entered.json["city_percent"], entered.json["confirmed_by"]) == ("45.5", None)
    assert confirmed.json["confirmed_by"] == TREASURY
    assert listed.json[0]["id"] == entered.json["id"]
    assert "45.5" in run("budgets", "split", "list", "--as", AUDITOR).out


def test_a_report_is_shown_and_written_with_its_checksum(run: Run, tmp_path):
    file = tmp_path / "execution.xlsx"

    report = run("budgets", "report", "--year", "2026", "-o", str(file), "--as", FINANCE, "--json")

    about, _ = opened(file.read_bytes())
    assert about["校验码"] == report.json["checksum"]
    assert report.json["checksum"] in report.err
    assert "执行率" in run("budgets", "report", "--year", "2026", "--as", FINANCE).out


def test_the_ledger_is_verified_and_the_doctor_says_so(run: Run, town: Town):
    sound = run("budgets", "verify", "--json")
    checked = {each["name"]: each for each in run("doctor", "--json").json["probes"]}

    assert (sound.code, sound.json) == (0, {"ok": True, "faults": []})
    assert checked["ledger"]["status"] == "ok"

    url = town.house.database.address.owner_url.replace("+psycopg", "")
    change = (
        "UPDATE ledger_account SET balance_fen = balance_fen {} 1 WHERE kind = 'available'"
        " AND line_id = (SELECT min(line_id) FROM ledger_account)"
    )
    tamper(url, change.format("+"))
    broken = run("budgets", "verify", "--json")
    found = {each["name"]: each for each in run("doctor", "--json").json["probes"]}
    tamper(url, change.format("-"))

    assert (broken.code, len(broken.json["faults"])) == (1, 1)
    assert found["ledger"]["status"] == "broken"
    assert "budgets verify" in found["ledger"]["detail"]
    assert "账实相符" in run("budgets", "verify").out


def tamper(url: str, statement: str) -> None:
    """Change a balance as an owner who switches the triggers off."""
    with psycopg.connect(url) as owner:
        owner.execute("ALTER TABLE ledger_account DISABLE TRIGGER USER")
        owner.execute(statement)
        owner.execute("ALTER TABLE ledger_account ENABLE TRIGGER USER")


def test_orders_are_listed_exported_and_answered(run: Run, town: Town, tmp_path):
    case = town.reached("disbursing")
    number = town.value('SELECT number FROM "case" WHERE public_id = %s', case)
    whole, masked, answer = (tmp_path / f"{n}.xlsx" for n in ("whole", "masked", "answer"))

    listed = run("payments", "list", "--case", number, "--as", TREASURY, "--json").json
    made = run("payments", "export", "-o", str(whole), "--share", "city", "--for-treasury",
               "--as", TREASURY, "--json")  # fmt: skip
    run("payments", "export", "-o", str(masked), "--as", AUDITOR)
    key = f"{number}/1/city"
    day = made_on(whole)
    answer.write_bytes(
        filled_in(
            whole.read_bytes(), {key: {"支付日期": day, "支付凭证号": "C-1", "支付状态": "已付"}}
        )
    )
    tried = run("payments", "import", str(answer), "--dry-run", "--as", TREASURY, "--json")
    paid = run("payments", "import", str(answer), "--as", TREASURY, "--json")
    again = run("payments", "import", str(answer), "--as", TREASURY)
    refused = run("payments", "import", str(answer), "--as", FINANCE)

    assert [each["key"] for each in listed] == [key]
    assert made.json["orders"] >= 1
    assert "*" not in rows_of(whole)[key]["账号"]
    assert rows_of(masked)[key]["账号(末四位)"].startswith("*")
    assert (tried.json["counts"], tried.json["dry_run"]) == ({"paid": 1}, True)
    assert paid.json["counts"] == {"paid": 1}
    assert "repeated 1" in again.out
    assert (again.code, refused.code) == (0, 0)
    assert town.outcome(case) == "disbursed"
    shown = run("cases", "show", number, "--as", AUDITOR).out
    assert "审定金额" in shown
    assert "预算分录" in shown
    assert "C-1" in shown
    assert "拨付单" in run("payments", "list", "--case", case, "--as", AUDITOR).out


@pytest.mark.soak
def test_a_list_that_goes_on_says_after_which_order(run: Run, town: Town):
    while town.value("SELECT count(*) FROM payment") < 2:
        town.reached("disbursing")

    listed = run("payments", "list", "--limit", "1", "--as", AUDITOR, "--json")

    assert listed.json[0]["key"] in listed.err


def rows_of(file) -> dict[str, dict[str, str]]:
    return {row["拨付单号"]: row for row in opened(file.read_bytes())[1]}


def made_on(file) -> str:
    found = re.search(r"\d{4}-\d{2}-\d{2}", opened(file.read_bytes())[0]["期间"])
    assert found
    return found[0]


def test_a_refused_row_is_told_by_the_exit_code(run: Run, tmp_path):
    file = tmp_path / "answer.csv"
    file.write_text(
        "拨付单号,支付日期,支付凭证号,支付状态,备注\nQD26-7a-2026-999999/1/city,2026-09-07,V,已付,\n"
    )

    answered = run("payments", "import", str(file), "--as", TREASURY)

    assert answered.code == 1
    assert "没有办件" in answered.out


@pytest.mark.soak
def test_a_call_is_planned_with_its_pool_and_divided(run: Run, town: Town):
    call = run("calls", "plan", MEASURE, "--title", "资金有限", "--opens-on", "2026-09-07",
               "--closes-on", "2026-12-31", "--short-pool", "proportional", "--pool-yuan", "100",
               "--as", REVIEWER, "--json").json  # fmt: skip
    with town.house.database.session() as session:
        known = session.scalars(select(Call).where(Call.public_id == call["id"])).one()
        assert (known.short_pool, known.pool_fen) == ("proportional", 100_00)
    case = town.open(MEASURE, call=call["id"])
    town.walk(case, "proposed", applied_fen=200_00)
    town.check(case)

    seen = run("calls", "divide", call["id"], "--as", HANDLER)
    done = run("calls", "divide", call["id"], "--apply", "--as", HANDLER, "--json")

    assert "同比例折减" in seen.out
    assert [(line["fen"], line["result"]) for line in done.json["lines"]] == [(100_00, "cut")]
    assert town.state(case) == "plan_review"
    alone = run("calls", "plan", MEASURE, "--title", "x", "--opens-on", "2026-09-07",
                "--closes-on", "2026-12-31", "--pool-yuan", "100", "--as", REVIEWER)  # fmt: skip
    assert alone.code == 2
