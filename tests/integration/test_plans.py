"""A batch from its planning to the archive: one plan, three people, one publicity."""

import json
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from caseflow.batches.objections import Grounds, Objection, file_objection
from caseflow.batches.plans.proposing import Wish, propose
from caseflow.batches.publicity import Listing, PublicityView, open_publicity
from caseflow.cases.opening import Opening, open_case
from caseflow.cases.quoting import quote_case
from caseflow.catalogue.calls.queries import find as find_call
from caseflow.catalogue.calls.queries import values_of
from caseflow.catalogue.calls.service import Late, ask_late, consent_late, locked, publish
from caseflow.cli import main
from caseflow.clock import VirtualClock
from caseflow.database.access import Database
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import (
    Conflict,
    GuardFailed,
    InvalidInput,
    NotAllowed,
    PolicyClosed,
)
from tests.factories.commands import Result
from tests.integration.batch_land import (
    CONTACT,
    DIVISION_HEAD,
    FEN,
    HANDLER,
    LEADER,
    MEASURE,
    REVIEWER,
    TOWN_HANDLER,
    Batch,
    opened,
    planned,
    support,
    waitlist,
)
from tests.integration.kept_database import keep
from tests.integration.walking import Town, found_town, together, visit


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


def test_a_batch_goes_from_its_planning_to_the_archive(town: Town):
    batch = opened(town, quota=2, publicity_days=7)
    first, second = batch.proposed(2)
    assert batch.status == "reviewing"

    plan = batch.draft().plan
    assert (plan.support_count, plan.support_fen, batch.status) == (2, 2 * FEN, "plan_drafted")
    assert town.state(first) == "plan_review"
    batch.review(plan.public_id)
    decided = batch.approve(plan.public_id)
    assert (decided.plan.minutes_no, batch.status) == ("〔2026〕第9号", "plan_approved")
    shown = batch.publicise(plan.public_id)
    assert (shown.working_days, len(shown.cases), batch.status) == (7, 2, "publicity")

    for case in (first, second):
        town.walk(case)
    batch.sweep()
    assert batch.status == "settled"
    town.now += timedelta(days=29)
    batch.sweep()
    assert batch.status == "settled"
    town.now += timedelta(days=1)
    batch.sweep()
    assert batch.status == "archived"
    assert batch.events() == [
        "call_planned", "call_published", "call_opened", "call_closed", "call_review_begun",
        "call_plan_drafted", "plan_reviewed", "call_plan_approved", "call_publicised",
        "call_released", "call_settled", "call_archived",
    ]  # fmt: skip
    seats = town.sql(
        "SELECT e.name, e.seat, o.title FROM event e JOIN call k ON k.id = e.stream"
        " JOIN organisation o ON o.id = e.organisation_id WHERE k.public_id = %s ORDER BY e.seq",
        batch.call,
    )
    assert seats == [
        ("call_plan_drafted", "bureau_handler", "市数据局"),
        ("plan_reviewed", "bureau_reviewer", "市数据局"),
        ("call_plan_approved", "bureau_leader", "市数据局"),
        ("call_publicised", "bureau_handler", "市数据局"),
    ]


def test_a_batch_is_published_by_a_second_person_and_takes_nothing_before(town: Town):
    batch = planned(town)

    with pytest.raises(PolicyClosed, match="拟发布"):
        town.open(MEASURE, call=batch.call)
    with pytest.raises(NotAllowed, match="第二人"), town.house.database.session() as session:
        publish(session, find_call(session, batch.call), batch.mover(HANDLER))
    with town.house.database.session() as session:
        publish(session, find_call(session, batch.call), batch.mover(REVIEWER))
    batch.submitted(1)

    assert batch.status == "open"


def test_a_plan_over_quota_or_pool_is_refused_and_at_both_it_stands(town: Town):
    batch = opened(town, quota=2, pool_fen=2 * FEN)
    first, second, third = batch.proposed(3)

    with pytest.raises(Conflict, match="超过本批名额 2 件"):
        batch.draft(support(first, second, third, fen=1, reason="核减", cut_code="other"))
    with pytest.raises(Conflict, match="超过本批资金池"):
        batch.draft([*support(first, second, fen=FEN + 1), *waitlist(third)])
    with pytest.raises(InvalidInput, match="遗漏"):
        batch.draft(support(first, second))
    with pytest.raises(InvalidInput, match="核减须写明理由"):
        batch.draft([*support(first, second, fen=FEN - 1), *waitlist(third)])
    assert batch.status == "reviewing"
    found, second_time = sorted(together(batch.draft, batch.draft), key=is_error)

    assert isinstance(second_time, Conflict)
    results = [(line.case, line.result, line.fen) for line in found.lines]
    assert results == [
        (first, "support", FEN), (second, "support", FEN), (third, "waitlist", None),
    ]  # fmt: skip
    assert found.lines[2].reason == "名额已满，列入候补"


def is_error(result: object) -> bool:
    return isinstance(result, Exception)


def test_each_cut_is_told_with_its_reason(town: Town):
    batch = opened(town)
    (case,) = batch.proposed(1)

    found = batch.draft(support(case, fen=FEN - 100, reason="扣除退款", cut_code="evidence"))

    (line,) = found.lines
    (cut,) = line.reductions
    assert (found.wanted_fen, found.cut_fen, line.cut_fen) == (FEN, 100, 100)
    assert (cut.kind, cut.fen, cut.reason) == ("planned", 100, "扣除退款")
    assert (cut.cut_code, cut.cut_title) == ("evidence", "凭证、材料不足以证明")


def test_what_a_ceiling_cuts_explains_itself_and_asks_nobody_for_a_reason(town: Town):
    batch, most = opened(town), 200_000_000
    (case,) = batch.proposed(1, fen=most + 9)

    with pytest.raises(InvalidInput, match="核减须写明理由"):
        batch.draft(support(case, fen=most - 1))  # a fen below the ceiling is somebody's decision
    with town.house.database.session() as session:
        call = find_call(session, batch.call)
        (offered,) = propose(town.house.cases, session, call, town.now).lines
    by_hand = batch.draft(support(case, fen=most))
    batch.turn_back(by_hand.plan.public_id)
    found = batch.draft()

    assert (offered.wanted_fen, offered.fen, offered.cut_code) == (most + 9, most, "ceiling")
    for view in (by_hand, found):
        (line,) = view.lines
        (cut,) = line.reductions
        assert (line.fen, line.cut_fen, line.reason) == (most, 9, offered.reason)
        assert (cut.kind, cut.fen, cut.cut_code) == ("planned", 9, "ceiling")
        assert cut.reason == offered.reason
    assert str(offered.reason).startswith("按最高限额核减。单个企业每年最高")


@pytest.mark.soak
def test_a_short_pool_behind_a_ceiling_says_both(town: Town):
    most = 200_000_000
    batch = opened(town, pool_fen=most - 100)
    batch.proposed(1, fen=most + 9)

    (line,) = batch.draft().lines

    (cut,) = line.reductions
    assert (line.fen, line.cut_fen, cut.cut_code) == (most - 100, 109, "pool_short")
    assert "按最高限额核减。单个企业每年最高" in cut.reason
    assert "资金" in cut.reason.rpartition("；")[2]


def test_a_case_with_a_veto_is_for_its_name_never_for_a_plan(town: Town):
    batch = opened(town)
    sound, vetoed = batch.proposed(2)
    town.check(vetoed, "veto")

    with pytest.raises(Conflict, match="核查结果为否决，须单件办理"):
        batch.draft()

    assert (batch.status, town.state(sound), town.state(vetoed)) == (
        "reviewing", "proposed", "proposed",
    )  # fmt: skip
    assert batch.draft([*support(sound), *waitlist(vetoed)]).plan.support_count == 1


def test_three_people_decide_and_a_returned_plan_is_drafted_anew(town: Town):
    batch = opened(town)
    (case,) = batch.proposed(1)
    first = batch.draft().plan.public_id

    with pytest.raises(NotAllowed, match="复核"):
        batch.review(first, HANDLER)
    with pytest.raises(Conflict, match="已复核"):
        batch.approve(first)
    batch.turn_back(first)
    assert (town.state(case), batch.status) == ("proposed", "reviewing")
    second = batch.draft(support(case, fen=FEN - 1, reason="更正", cut_code="correction")).plan
    batch.review(second.public_id)
    with pytest.raises(NotAllowed, match="分管领导"):
        batch.approve(second.public_id, REVIEWER)

    assert (second.version, town.state(case)) == (2, "leadership_meeting")


def test_a_case_of_a_batch_is_public_by_its_plan_alone(town: Town):
    batch = opened(town)
    (case,) = batch.proposed(1)
    plan = batch.decided()
    listing = Listing((case,), "公示", "会议", CONTACT, 5, batch.actor(HANDLER).id, town.now)

    with pytest.raises(Conflict, match="随本批拟支持方案"):
        open_publicity(town.house.cases, listing)
    with pytest.raises(InvalidInput, match="名单变更须通过"):
        town.ask(case, "replan", "lead_bureau.handler", reason="变更")

    assert len(batch.publicise(plan).cases) == 1


def objected(batch: Batch, case: str) -> None:
    batch.town.ask(
        case,
        "object",
        "public",
        real_name="张三",
        contact="13800000000",
        grounds="不实",
        proof="附件1",
    )


def publicised_when_checked_anew(batch: Batch, plan: str, *cases: str) -> PublicityView:
    """See that nothing old is relied on, check each case anew, and make the plan public."""
    with pytest.raises(Conflict, match="须重新核查"):
        batch.publicise(plan)
    for case in cases:
        batch.town.check(case)
    return batch.publicise(plan)


@pytest.mark.soak
def test_a_list_that_changes_is_restarted_as_a_whole_and_objections_stay(town: Town):
    batch = opened(town)
    kept, dropped, cut, disputed = batch.proposed(4)
    before = batch.publicise(batch.decided())
    town.now += timedelta(days=1)
    objected(batch, disputed)

    lines = [
        *support(kept, disputed),
        *support(cut, fen=FEN - 1, reason="发票重复", cut_code="ineligible"),
        Wish(dropped, "unsupported", reason="材料不实", reason_code="material_false"),
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="写明理由"):
        batch.draft(lines)
    changed = batch.draft(lines, reason="核查发现材料不实").plan
    stopped = town.sql("SELECT status FROM publicity WHERE public_id = %s", before.public_id)
    assert (changed.replaces is not None, stopped, batch.status) == (
        True, [("restarted",)], "plan_drafted",
    )  # fmt: skip
    assert [town.state(each) for each in batch.cases] == [
        "publicity_pending", "proposed", "plan_review", "objection",
    ]  # fmt: skip
    town.now += timedelta(days=20)  # the first list's days are long over: nobody passes on it
    town.sweep()
    town.act(disputed, "dismiss_objection")
    assert town.state(disputed) == "publicity"

    batch.review(changed.public_id)
    batch.approve(changed.public_id)
    after = publicised_when_checked_anew(batch, changed.public_id, kept, cut, disputed)
    assert {line.public_id for line in after.cases} == {kept, cut, disputed}
    assert after.restarts == (before.public_id,)
    grounds = Grounds("李四", "13900000000", "不实", "附件2")
    late = Objection(before.public_id, kept, grounds, batch.actor(HANDLER).id, town.now)
    with pytest.raises(Conflict, match="已停止"):
        file_objection(town.house.cases, late)
    assert {town.state(each) for each in (kept, cut, disputed)} == {"publicity"}
    objected(batch, kept)
    town.now += timedelta(days=20)
    town.sweep()
    assert [town.state(each) for each in (kept, cut)] == ["objection", "awaiting_approval"]


@pytest.mark.soak
def test_who_waits_is_supported_by_a_supplementary_plan_alone(town: Town):
    batch = opened(town, quota=1, pool_fen=FEN)
    first, second = batch.proposed(2)
    plan = batch.decided([*support(first), *waitlist(second)])
    batch.publicise(plan)

    with pytest.raises(Conflict, match="补充方案"):
        batch.draft([*support(second), *waitlist(first)], reason="换人")
    with pytest.raises(Conflict, match="the quota is 1"):
        batch.draft(support(second), kind="supplementary", reason="递补")
    with pytest.raises(Conflict, match="仍在原名单中公示"):
        batch.draft(support(first), kind="supplementary", reason="再公示")
    town.act(first, "request_withdrawal", reason="自愿放弃")
    town.act(first, "consent_withdrawal")
    extra = batch.decided(support(second), kind="supplementary", reason="第一名放弃，递补")
    shown = batch.publicise(extra)

    assert [line.public_id for line in shown.cases] == [second]
    assert batch.events()[-1] == "supplementary_plan_publicised"
    assert batch.status == "publicity"


def test_what_is_late_comes_in_by_two_people_and_a_reason(town: Town):
    batch = opened(town, days=1)
    batch.submitted(1)
    batch.close()
    firm = town.enlist()
    late_case = {
        "measure": MEASURE, "applicant": firm.public_id, "title": "迟报", "at": town.now,
        "actor_id": firm.person_id, "call": batch.call, "matter_on": local_date(town.now),
    }  # fmt: skip
    until = local_date(town.now) + timedelta(days=2)
    wanted = Late(firm.public_id, until, "申报系统故障")

    with pytest.raises(PolicyClosed, match="不受理"):
        open_case(town.house.cases, Opening(**late_case))
    with town.house.database.session() as session:
        call = locked(session, batch.call)
        asked = ask_late(session, call, wanted, batch.mover(DIVISION_HEAD), ids=town.house.ids)
        number = asked.public_id
    with pytest.raises(NotAllowed, match="第二人"), town.house.database.session() as session:
        consent_late(session, locked(session, batch.call), number, batch.mover(DIVISION_HEAD))
    with pytest.raises(PolicyClosed, match="不受理"):
        open_case(town.house.cases, Opening(**late_case))
    with town.house.database.session() as session:
        consent_late(session, locked(session, batch.call), number, batch.mover(LEADER))
    case = open_case(town.house.cases, Opening(**late_case)).case
    town.now += timedelta(days=2)  # the last day that was said
    town.walk(case, "submitted", applied_fen=FEN)

    with pytest.raises(PolicyClosed, match="不受理"):
        open_case(town.house.cases, Opening(**{**late_case, "at": town.now + timedelta(days=1)}))
    assert batch.events()[-2:] == ["late_intake_asked", "late_intake_consented"]


def test_what_the_call_says_goes_before_the_measure(town: Town):
    batch = opened(
        town, quota=3, publicity_days=7, rounding="trunc_wan",
        documents=(("blind_plan", "技术方案"),),
    )  # fmt: skip
    case = town.open(MEASURE, call=batch.call)

    with pytest.raises(GuardFailed, match="材料"):
        town.ask(case, "submit", "applicant", applied_fen=FEN)
    with town.house.database.session() as session:
        values = {each.name: each for each in values_of(session, find_call(session, batch.call))}
        facts = {"paid_rent_fen": 33_333_333, "real_scenario": True, "granted_this_year_fen": 0}
        quote = quote_case(session, batch.actor(HANDLER), case, facts, town.now).quote
    told = {name: (each.value, each.source, each.measure_says) for name, each in values.items()}
    assert told["publicity_days"] == (7, "call", 5)
    assert told["quota"][:2] == (3, "call")
    assert told["rounding"][:2] == ("trunc_wan", "call")
    assert told["documents"][1] == "call"
    assert quote.amount_fen == 16_000_000


def test_a_matter_outside_the_eligible_period_of_a_batch_is_refused(town: Town):
    today = local_date(town.now)
    batch = opened(town, eligible=(today, today))

    town.open(MEASURE, call=batch.call, matter_on=today)
    for days in (-1, 1):
        with pytest.raises(InvalidInput, match="费用期间"):
            town.open(MEASURE, call=batch.call, matter_on=today + timedelta(days=days))


@pytest.fixture
def run(town: Town, monkeypatch, tmp_path, capsys):
    """Run a command on the same database and files, at the town's time."""
    address = town.house.database.address
    files = Path(town.house.cases.office.files)
    monkeypatch.setenv("CASEFLOW_HOME", str(files.parent))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)

    def run(*arguments: str) -> Result:
        VirtualClock(town.house.database.connect).move_to(town.now)
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def test_a_batch_is_played_on_the_command_line(town: Town, run, tmp_path):
    today = local_date(town.now)
    days = ("--opens-on", str(today), "--closes-on", str(today + timedelta(days=1)))
    call = run(
        "calls", "plan", MEASURE, "--title", "批次", *days, "--batch", "--quota", "1",
        "--publicity-days", "6", "--as", HANDLER, "--json",
    ).json["id"]  # fmt: skip
    published = run("calls", "publish", call, "--as", REVIEWER, "--json").json
    assert published["status"] == "open"
    batch = Batch(town, call, 1)
    (case,) = batch.proposed(1)
    sent = run(
        "calls", "sheets", call, "--send", "汇〔2026〕1号", "--as", TOWN_HANDLER, "--json"
    ).json
    file = tmp_path / "sheet.xlsx"
    assert run("calls", "sheet", sent[0]["public_id"], "-o", str(file), "--as", HANDLER).code == 0
    assert sha256(file.read_bytes()).hexdigest() == sent[0]["file_sha256"]

    assert run("plans", "propose", call, "--as", HANDLER, "--json").json["support_fen"] == FEN
    lines = tmp_path / "lines.json"
    lines.write_text('[{"case": "x"}]')
    assert run("plans", "draft", call, "--lines", str(lines), "--as", HANDLER).code == 2
    lines.write_text(json.dumps([{"case": case, "result": "support", "fen": FEN}]))
    drafted = run("plans", "draft", call, "--lines", str(lines), "--as", HANDLER, "--json").json
    plan = drafted["plan"]["public_id"]
    assert run("plans", "review", plan, "--as", REVIEWER).code == 0
    assert run("plans", "approve", plan, "--minutes-no", "1号", "--as", LEADER).code == 0
    contact = ("--contact", "0513-0", "sample@example.test", "样例路1号")
    shown = run(
        "plans", "publicise", plan, "--title", "公示", "--basis", "1号", *contact,
        "--as", HANDLER, "--json",
    ).json  # fmt: skip
    assert (shown["working_days"], len(shown["cases"])) == (6, 1)
    read_back(run, call, plan)


def read_back(run, call: str, plan: str) -> None:
    """What was played is told by the reading commands."""
    told = run("plans", "show", plan, "--as", HANDLER)
    assert (told.code, "500,000.00" in told.out) == (0, True)
    assert len(run("plans", "list", call, "--as", HANDLER, "--json").json) == 1
    assert "6（申报通知）" in run("calls", "show", call).out
    late = run("calls", "late", call, "--applicant", "x", "--as", DIVISION_HEAD)
    assert (late.code, "--until-on" in late.err) == (2, True)
