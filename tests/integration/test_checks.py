"""Checks with evidence: what they let through, what they hold up, and what the database refuses."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta

import psycopg
import pytest

from caseflow.cases.checks.service import Checking, run_checks
from caseflow.cases.checks.vetoes import note_vetoes
from caseflow.cli import main
from caseflow.clock import VirtualClock
from caseflow.database.access import Database
from caseflow.database.ids import PublicIds
from caseflow.identity.queries import actor_by_login
from caseflow.kernel.errors import Conflict, GuardFailed, InvalidInput, NotAllowed
from caseflow.rehearsal.checks import snapshot_of
from caseflow.reviews.checks.queries import find_check
from caseflow.reviews.checks.service import Finding, Recorder, Subject, record_check
from tests.factories.commands import Result
from tests.integration.kept_database import keep
from tests.integration.walking import BEGINS, Town, found_town

ids = PublicIds(random.Random(11))
HANDLER, TOWN_CLERK = "shujuju.handler", "huilong_zhen.handler"
DAY = timedelta(days=1)
ORDER = (
    "INSERT INTO payment (case_id, instalment, share, fen, status, ordered_at, payee_id,"
    " account_holder, account_bank, account_number, document_no)"
    " SELECT c.id, 9, 'city', 1, 'ordered', %s, a.organisation_id, a.holder, a.bank, a.number, 'D'"
    ' FROM "case" c JOIN bank_account a ON a.organisation_id = c.applicant_id AND a.until IS NULL'
    " WHERE c.public_id = %s"
)
PAY = (
    "UPDATE payment SET status = 'paid', voucher_no = 'RAW-' || case_id, paid_at = %s,"
    " paid_on = (%s::timestamptz AT TIME ZONE 'Asia/Shanghai')::date"
    ' WHERE case_id = (SELECT id FROM "case" WHERE public_id = %s)'
)


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Iterator[Town]:
    """A town in which everything is sound when its tests are over."""
    measures = ("QD26-7a", "QD26-8c")
    town = found_town(kept, tmp_path_factory.mktemp("town"), measures=measures)
    yield town
    town.now = max(town.now, town.swept)
    town.assert_sound()


@pytest.fixture
def town(founded) -> Town:
    founded.now = max(BEGINS, founded.swept)
    return founded


@pytest.fixture(scope="module")
def ordered(founded) -> str:
    """A case with a payment order, checked on the day of its request."""
    founded.now = max(BEGINS, founded.swept)
    return founded.reached("disbursing")


@pytest.fixture(scope="module")
def requested(founded) -> str:
    """A case that goes nowhere from where its money is asked for."""
    founded.now = max(BEGINS, founded.swept)
    return founded.reached("payment_requested")


def asked(town: Town, case: str, login: str = HANDLER, **said):
    with town.house.database.session() as session:
        actor = actor_by_login(session, login, town.now)
    return run_checks(town.house.cases, actor, case, Checking(**said), at=town.now)


def owner(town: Town, query: str, *parameters):
    url = town.house.cases.database.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(query, parameters)


def refused(town: Town, case: str, event: str, **given) -> GuardFailed:
    with pytest.raises(GuardFailed) as error:
        town.act(case, event, checked=False, **given)
    return error.value


@pytest.fixture
def run(town: Town, tmp_path, monkeypatch, capsys) -> Callable[..., Result]:
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


# --- the three points


def test_nobody_recommends_plans_or_asks_for_money_without_a_check(town: Town):
    case = town.reached("district_recommend")

    at_review = refused(town, case, "recommend")
    town.walk(case, "proposed")
    town.now += 31 * DAY
    at_plan = refused(town, case, "draft_plan")
    town.walk(case, "publicity_pending")
    town.now += 31 * DAY
    town.check(case, "veto")
    with pytest.raises(Conflict, match="信用审查为“否决”"):
        town.publicise(case)
    town.check(case)
    town.walk(case, "payment_requested")
    town.now += 31 * DAY
    at_payment = refused(town, case, "request_funds")

    assert "信用审查尚未核查" in at_review.message
    assert "失效，须重新核查" in at_plan.message
    assert at_payment.details["checks"] == list(at_payment.failed[1:])
    assert town.state(case) == "payment_requested"


def test_the_thirtieth_day_pays_and_the_next_does_not(town: Town):
    case = town.reached("payment_requested")
    town.check(case)
    town.now += 31 * DAY

    refused(town, case, "request_funds")
    assert town.state(case) == "payment_requested"
    town.check(case)
    town.now += 30 * DAY
    town.act(case, "request_funds", checked=False)

    assert town.state(case) == "finance_review"


def test_a_veto_found_on_the_way_holds_the_money_until_it_is_repaired(town: Town):
    case = town.reached("fund_released")
    town.now += DAY
    veto = town.check(case, "veto", "safety")
    held = refused(town, case, "order_payment")
    town.now += DAY
    town.check(case, "pass", "safety")

    town.act(case, "order_payment", checked=False)

    assert "安全生产核查为“否决”" in held.message
    assert town.state(case) == "disbursing"
    assert veto != ""


def test_a_repair_must_be_a_check_and_is_in_time_until_the_plan(town: Town):
    case = town.reached("proposed")
    town.check(case, "veto")
    town.act(case, "draft_plan", checked=False)
    unproved = refused(town, case, "credit_repaired")
    town.check(case)

    town.act(case, "credit_repaired", checked=False)

    assert "为“否决”" in unproved.message
    assert town.state(case) == "proposed"


@pytest.mark.soak
def test_a_later_answer_to_an_earlier_question_changes_nothing(town: Town):
    case = town.reached("payment_requested")
    town.check(case, "veto")
    town.check(case, "pass", at=town.now - DAY)

    town.act(case, "request_funds", checked=False)

    assert town.state(case) == "payment_vetoed"


# --- what is written of it


def test_an_event_says_on_which_checks_it_rests_and_no_name(town: Town):
    case = town.reached("payment_requested")
    check = town.check(case, note="联系人王某，电话13800138000")
    town.act(case, "request_funds", checked=False)

    payload, seq = town.sql(
        'SELECT e.payload, e.seq FROM event e JOIN "case" c ON c.id = e.stream'
        " WHERE c.public_id = %s AND e.name = 'request_funds'",
        case,
    )[0]
    used = town.sql('SELECT u.seq, u.point FROM check_use u JOIN "check" k ON k.id = u.check_id'
                    " WHERE k.public_id = %s", check)  # fmt: skip
    recorded = town.value(
        'SELECT e.payload FROM event e JOIN "check" k ON k.subject_id = e.stream AND k.seq = e.seq'
        " WHERE k.public_id = %s",
        check,
    )

    assert [each[:3] for each in payload["checks"]] == [[check, "credit", "pass"]]
    assert used == [(seq, "payment")]
    assert recorded["check"] == check
    assert recorded["files"][0][0] == "snapshot"
    assert "王某" not in str(recorded) + str(payload)


def test_a_veto_is_told_in_every_live_case_of_its_subject_once(town: Town):
    case = town.reached("bureau_review")
    with town.house.database.session() as session:
        veto = find_check(session, town.check(case, "veto"))
        session.expunge(veto)

    told = [note_vetoes(town.house.cases, [veto], town.now) for _ in range(2)]

    assert told == [1, 1]
    assert town.events(case)[-1] == "veto_found"
    assert town.events(case).count("veto_found") == 1
    assert town.state(case) == "bureau_review"
    written = town.value(
        'SELECT count(*) FROM notification n JOIN "case" c ON c.id = n.case_id'
        " WHERE c.public_id = %s AND n.notice = 'veto_found'",
        case,
    )
    assert written >= 1


# --- the database


def test_raw_sql_orders_nothing_without_a_valid_check_of_that_day(town: Town, ordered: str):
    late = town.now + 400 * DAY

    with pytest.raises(psycopg.Error, match="没有当日有效的信用审查"):
        owner(town, ORDER, late, ordered)
    town.check(ordered, at=town.now + 360 * DAY)
    with pytest.raises(psycopg.Error, match="没有当日有效的信用审查"):
        owner(town, ORDER, town.now + 391 * DAY, ordered)
    with pytest.raises(psycopg.Error) as passed:
        owner(town, ORDER, town.now + 390 * DAY, ordered)
    assert "信用审查" not in str(passed.value)


def test_raw_sql_pays_nothing_against_a_veto(town: Town, ordered: str):
    town.now += 2 * DAY
    town.check(ordered, "pass")
    town.check(ordered, "veto", "environment")

    with pytest.raises(psycopg.Error, match=r"核查（environment）为否决"):
        owner(town, PAY, town.now, town.now, ordered)


def test_raw_sql_changes_no_check_and_no_use(town: Town, ordered: str):
    for statement in (
        "UPDATE \"check\" SET result = 'pass'",
        'DELETE FROM "check"',
        'TRUNCATE "check" CASCADE',
        "UPDATE check_use SET point = 'payment'",
        "DELETE FROM check_use",
        "TRUNCATE check_use",
    ):
        with pytest.raises(psycopg.Error, match="append-only"):
            owner(town, statement)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("kind = 'luck'", "ck_check_kind"),
        ("result = 'unanswered'", "ck_check_result"),
        ("sha256 = ''", "ck_check_snapshot"),
        ("queried_at = recorded_at + interval '1 second'", "ck_check_asked_before"),
        ("valid_until = valid_until + 400", "ck_check_validity"),
        ("kind = 'duplicates'", "ck_check_scope"),
    ],
)
def test_the_database_keeps_no_check_that_is_none(town: Town, ordered: str, change: str, name: str):
    column, _, value = change.partition(" = ")
    columns = [
        "public_id", "subject_id", "kind", "result", "source", "queried_at", "valid_until",
        "operator_id", "recorded_at", "note", "sha256", "file_name", "media_type", "size", "seq",
    ]  # fmt: skip
    chosen = [value if each == column else each for each in columns]
    chosen[0] = "'again'"

    with pytest.raises(psycopg.Error, match=name):
        owner(
            town,
            f'INSERT INTO "check" ({", ".join(columns)}) SELECT {", ".join(chosen)}'
            ' FROM "check" LIMIT 1',
        )


# --- running


def test_what_nobody_answers_has_not_passed(town: Town, requested: str):
    (line,) = asked(town, requested, point="payment", again=True)

    assert (line.status, line.check) == ("unanswered", None)
    assert "CASEFLOW_SOURCE_QD_CREDIT_URL" in line.reason


def test_first_time_and_duplicates_are_computed_from_the_ledger(town: Town):
    first = town.reached("publicity_pending", "QD26-8c")
    applicant = town.value(
        'SELECT o.public_id FROM "case" c JOIN organisation o ON o.id = c.applicant_id'
        " WHERE c.public_id = %s",
        first,
    )
    before = asked(town, first, kinds=("first_time", "duplicates"))
    town.walk(first)
    second = town.open("QD26-8c", applicant=applicant)

    (line,) = asked(town, second, kinds=("first_time",))

    assert [each.result for each in before] == ["pass", "pass"]
    assert (line.status, line.result) == ("recorded", "veto")
    assert "已享受过本条款支持 1 次" in line.reason


def test_who_does_not_handle_the_case_checks_nothing(town: Town, requested: str):
    with pytest.raises(NotAllowed, match="核查由"):
        asked(town, requested, "shenjiju.auditor")
    with pytest.raises(InvalidInput, match="没有这样的核查"):
        asked(town, requested, kinds=("luck",))


def test_the_commands_record_run_list_and_take_in(town: Town, run, tmp_path):
    case = town.reached("payment_requested")
    call = town.value(
        'SELECT n.public_id FROM call n JOIN "case" c ON c.call_id = n.id WHERE c.public_id = %s',
        case,
    )
    paper = tmp_path / "report.pdf"
    paper.write_bytes(b"%PDF-1.7\n%%EOF\n")
    sheet = tmp_path / "list.csv"
    sheet.write_text(
        "统一社会信用代码,单位名称,核查类别,结果,查询时间,说明\n1,甲,信用审查,通过,x,\n"
    )
    mine = ("--as", HANDLER)

    kinds = run("checks", "kinds", "--json")
    told = run("checks", "record", case, "credit", "flag", "--source", "信用中国", "--evidence",
               str(paper), *mine, "--json")  # fmt: skip
    asked = run("checks", "run", case, "--kind", "duplicates", "--kind", "safety", *mine)
    whole = run("checks", "run-call", call, "--kind", "duplicates", *mine, "--json")
    listed = run("checks", "list", case, "--limit", "1", *mine)
    kept = run("checks", "evidence", case, told.json["check"], "-o", str(tmp_path / "out.pdf"),
               *mine)  # fmt: skip
    lines = run("checks", "import", str(sheet), "--source", "credit_list", "--dry-run", *mine)
    shown = run("cases", "show", case, *mine)

    assert {each["kind"] for each in kinds.json} >= {"credit", "first_time"}
    assert (told.json["status"], told.json["result"]) == ("recorded", "flag")
    assert (asked.code, "没有可查询的来源" in asked.out) == (1, True)
    assert whole.code == 0
    assert whole.json["counts"]["already"] >= 1
    assert "提示" in shown.out
    assert ("核查记录" in listed.out, "--after" in listed.err) == (True, True)
    assert (tmp_path / "out.pdf").read_bytes() == paper.read_bytes()
    assert kept.code == 0
    assert (lines.code, "拒绝 1" in lines.out) == (1, True)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"kind": "luck"}, "kind"),
        ({"kind": "duplicates"}, "kind"),
        ({"result": "unanswered"}, "result"),
        ({"source": " "}, "source"),
        ({"note": "长" * 501}, "note"),
        ({"valid_days": 0}, "valid_days"),
        ({"valid_days": 367}, "valid_days"),
        ({"queried_at": "later"}, "queried_at"),
        ({"queried_at": "stale"}, "queried_at"),
    ],
)
def test_what_cannot_be_a_check_is_refused(town: Town, ordered: str, wrong: dict, field: str):
    when = {"later": town.now + timedelta(seconds=1), "stale": town.now - 31 * DAY}
    said = {"kind": "credit", "result": "pass", "source": "x", "queried_at": town.now, **wrong}
    said["queried_at"] = when.get(said["queried_at"], said["queried_at"])
    applicant, operator = town.sql(
        'SELECT c.applicant_id, p.id FROM "case" c, person p WHERE c.public_id = %s LIMIT 1',
        ordered,
    )[0]

    with town.house.database.session() as session, pytest.raises(InvalidInput) as error:
        record_check(
            session,
            Finding(**said),
            snapshot_of(town.house),
            subject=Subject(applicant),
            by=Recorder(operator, town.now, ids, town.house.cases.office.signer),
        )
    assert list(error.value.fields) == [field]
