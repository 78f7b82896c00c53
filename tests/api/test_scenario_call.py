"""Strangers play a whole call of YC-2a over HTTP, and the history tells it back without a gap.

One play for all tests here: `caseflow demo --story scenario-call` plays the same.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from rich.console import Console

from caseflow.cli.demo import play_by_strangers
from caseflow.database import migration
from caseflow.database.server import Server
from caseflow.history.queries import verify
from caseflow.kernel.calls import EVENTS
from caseflow.kernel.drawing import replay
from caseflow.rehearsal.scenario_call.cast import DISTRICTS
from caseflow.rehearsal.scenario_call.comparing import compare
from caseflow.rehearsal.scenario_call.founding import found
from caseflow.rehearsal.scenario_call.intake import judged
from caseflow.rehearsal.scenario_call.planning import BASIS
from caseflow.rehearsal.scenario_call.talk import Asked
from caseflow.rehearsal.scenario_call.telling import CallTold, show
from caseflow.settings import Settings
from tests.conftest import EVERYTHING, untraced
from tests.factories.rehearsal import KEY, settings_on

pytestmark = [pytest.mark.long, pytest.mark.soak]

NAME = "scenario_call"
LEAD, FINANCE = "yc_gongxinju", "yc_caizhengju"
PAID = {1, 2, 4, 5, 7, 8, 9, 10, 11, 12}
"""The ten that are named and paid: the third was vetoed, against the sixth an objection upheld."""
ELEVENTH = """
    INSERT INTO shortlist_place (case_id, keys, rank, promoted, taken_at)
    SELECT c.id, jsonb_build_array('call:' || c.call_id), 11, {promoted}, now() FROM "case" c
    WHERE NOT EXISTS (SELECT FROM shortlist_place p WHERE p.case_id = c.id) ORDER BY c.id LIMIT 1
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A data root that has the policy and the city of 盐城 only."""
    root: Path = tmp_path_factory.mktemp("yancheng")
    (root / "policies" / "cities").mkdir(parents=True)
    for name in ("workflows", "notifications", "migrations"):
        (root / name).symlink_to(EVERYTHING / name)
    for name in ("yancheng-ai-plus", "cities/yancheng.yaml"):
        (root / "policies" / name).symlink_to(EVERYTHING / "policies" / name)
    return root


@pytest.fixture(scope="module")
def house(
    server: Server, empty_template: str, root: Path, tmp_path_factory, pytestconfig
) -> Iterator[Settings]:
    """盐城 with its draft as if issued, in a database of its own."""
    with untraced(pytestconfig):
        own = settings_on(server, tmp_path_factory.mktemp("call"), database="postgres")
        founded = found(own, root, name=NAME, template=empty_template)
    yield founded
    migration.drop_database(server.url(NAME))


@pytest.fixture(scope="module")
def told(house: Settings, root: Path) -> CallTold:
    """The play, from the first request to the comparison."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("CASEFLOW_DATA", str(root))
        return play_by_strangers(house)


@pytest.fixture(scope="module")
def result(told: CallTold):
    return json.loads(json.dumps(told.result))


@pytest.fixture
def owner(house: Settings, told: CallTold) -> Iterator[psycopg.Connection]:
    """The database's owner, after the play."""
    with psycopg.connect(str(house.owner_url).replace("+psycopg", "")) as connection:
        yield connection


def wrote(told: CallTold) -> list[Asked]:
    return [each for each in told.play.talk.log if each.is_done and each.method == "POST"]


def named(told: CallTold, *numbers: int) -> set[str]:
    return {each.case_number for each in told.play.numbered(*numbers)}


# --- who plays


def test_thirty_applicants_apply_each_by_a_person_of_its_own(told: CallTold):
    submitted = [e for e in told.events if e["event"] == "submit"]

    assert len({event["subject"] for event in submitted}) == 30
    assert len({event["actor"] for event in submitted}) == 30


def test_nobody_sits_in_two_seats(told: CallTold):
    seats: dict[str, set[tuple[str, str]]] = {}
    for event in told.events:
        if event["subject_kind"] == "case" and event["seat"] not in {"system", "public"}:
            place = (event["seat"].partition(".")[2] or event["seat"], event["organisation_title"])
            seats.setdefault(event["actor"], set()).add(place)

    assert {who: places for who, places in seats.items() if len(places) > 1} == {}
    assert len(seats) >= 30 + 7 + 5 + 20


# --- the batch


def test_the_call_goes_through_its_states_with_an_event_each(result):
    call = result["call"]

    assert [e["name"] for e in call["events"] if e["name"] in EVENTS.values()] == [*EVENTS.values()]
    assert call["status"] == "archived"


def test_who_planned_the_call_did_not_publish_it(result):
    by = {event["name"]: event["actor"] for event in result["call"]["events"]}

    assert by["call_planned"] == f"{LEAD}.handler"
    assert by["call_published"] == f"{LEAD}.reviewer"
    assert "您不在该席位" in result["refused"]["published_alone"]


def test_the_city_sees_no_case_before_its_district_recommends_it(told: CallTold):
    first, *looks = told.play.seen["city_saw"]
    recommended: set[str] = set()

    assert first == (None, [])
    assert told.play.seen["unrecommended"]["status"] == 404
    assert [district for district, _ in looks] == list(DISTRICTS.values())
    for district, numbers in looks:
        recommended |= {e.case_number for e in judged(told.play) if e.district == district}
        assert set(numbers) == recommended
    assert len(recommended) == 28


def test_each_district_sends_one_sheet_of_all_that_it_recommended(told: CallTold, result):
    sheets, seen = result["sheets"], told.play.seen

    assert sum(sheet["line_count"] for sheet in sheets) == 28
    assert len({sheet["organisation"] for sheet in sheets}) == 5
    assert {s["public_id"] for s in seen["sheets_listed"]} == {s["public_id"] for s in sheets}
    assert sha256(seen["sheet_file"]).hexdigest() == sheets[0]["file_sha256"]


def test_one_plan_is_drafted_from_the_proposal_and_tells_each_cut(told: CallTold, result):
    proposed = told.play.seen["proposal"]
    whole, supplementary = result["plans"]

    assert (whole["plan"]["kind"], supplementary["plan"]["kind"]) == ("whole", "supplementary")
    assert proposed["pending"] == []
    for line, drafted in zip(proposed["lines"], whole["lines"], strict=True):
        assert (line["number"], line["result"]) == (drafted["number"], drafted["result"])
    assert Counter(line["result"] for line in whole["lines"]) == {"support": 9, "waitlist": 17}
    supported = [line for plan in (whole, supplementary) for line in plan["lines"] if line["fen"]]
    assert all(line["cut_fen"] == line["wanted_fen"] - line["fen"] > 0 for line in supported)
    assert {cut["reason"] for line in supported for cut in line["reductions"]} == {BASIS}


def test_three_people_decide_each_plan_with_its_minutes(result):
    for plan in result["plans"]:
        head = plan["plan"]

        assert len({head["drafted_by"], head["reviewed_by"], head["approved_by"]}) == 3
        assert head["minutes_no"].startswith("工信纪要")


def test_each_publicity_lists_exactly_its_plan(result):
    for plan, shown in zip(result["plans"], result["publicities"], strict=True):
        supported = {(n["number"], n["fen"]) for n in plan["lines"] if n["result"] == "support"}

        assert {(case["number"], case["fen"]) for case in shown["cases"]} == supported
        assert plan["plan"]["publicity"] == shown["public_id"]
    assert "须随本批拟支持方案一并公示" in result["refused"]["listed_alone"]


# --- experts


def test_seven_experts_are_drawn_by_a_lot_that_anybody_can_draw_again(result):
    drawn = result["draw"]

    again = replay(drawn["pool"], 7, seed=bytes.fromhex(drawn["seed"]))

    assert list(again) == drawn["panel"]
    assert len(drawn["pool"]) == 10
    reasons = sorted(reason for reason in drawn["pool"].values() if reason)
    assert ["为同一工作单位" in reasons[0], "声明" in reasons[1]] == [True, True]
    assert not {key for key, reason in drawn["pool"].items() if reason} & set(drawn["panel"])


def test_who_finds_themselves_too_near_leaves_one_case_and_another_is_drawn(told: CallTold, result):
    (seventh,) = told.play.numbered(7)
    changed = result["replacement"]
    judges = {
        e["actor"]
        for e in told.events
        if (e["event"], e["subject"]) == ("score_case", seventh.case_number)
    }

    assert changed["case"] == seventh.case
    assert changed["left"] not in judges
    assert changed["came"] in judges
    assert len(judges) == 7
    assert told.play.seen["redraw"]["reason"] == "专家声明回避"
    first, second = told.play.seen["draws"]
    assert (first, second) == (result["draw"], told.play.seen["redraw"])
    assert list(replay(second["pool"], 1, seed=bytes.fromhex(second["seed"]))) == second["panel"]


def test_experts_see_neither_the_applicant_nor_any_paper_but_the_anonymous_one(told: CallTold):
    seen = told.play.seen["blind"]

    assert "盲评" in seen["applicant"]
    assert (seen["papers"], seen["whole"]) == (["blind_file"], 403)
    assert seen["file"].startswith(b"%PDF")


def test_a_sheet_far_from_the_others_is_an_alarm(told: CallTold):
    sheets = told.play.seen["review"]["sheets"]

    assert Counter(sheet["alarm"] for sheet in sheets) == {False: 6, True: 1}


# --- ranking and places


def test_a_tie_at_the_edge_is_broken_by_the_rule_of_the_call(told: CallTold, result):
    lines = result["ranking"]
    tenth, eleventh = lines[9], lines[10]

    assert [line["rank"] for line in lines] == list(range(1, 28))
    assert tenth["score"] == eleventh["score"]
    assert "应用成效" in tenth["reason"]
    assert {tenth["number"]} == named(told, 10)
    assert [line["result"] for line in lines] == ["shortlisted"] * 10 + ["waitlisted"] * 17
    assert told.play.seen["preview"]["lines"] == lines


def test_an_eleventh_place_is_refused_and_nobody_jumps_the_queue(result):
    refused = result["refused"]

    assert "名额已满" in refused["eleventh"]
    assert "名额已满" in refused["out_of_turn"] or "候补第一名" in refused["out_of_turn"]
    assert "命名文件已经印发" in refused["after_naming"]


def test_the_database_itself_refuses_an_eleventh(owner: psycopg.Connection):
    with pytest.raises(psycopg.errors.CheckViolation, match="ck_shortlist_within_quota"):
        owner.execute(ELEVENTH.format(promoted=False))
    owner.rollback()
    with pytest.raises(psycopg.errors.IntegrityError, match="titles of the call"):
        owner.execute(ELEVENTH.format(promoted=True))
    owner.rollback()
    taken, quota = owner.execute(
        "SELECT taken, quota FROM shortlist WHERE key LIKE 'call:%'"
    ).fetchone()

    assert (taken, quota) == (10, 10)


# --- the joint check


def test_five_bureaus_answer_with_one_veto_one_hand_over_one_added_seat_and_one_recusal(result):
    tasks = {task["seat"]: task for task in result["joint_check"]}

    assert {seat: task["verdict"] for seat, task in tasks.items()} == {
        "cosign.credit": "pass",
        "cosign.market": "pass",
        "cosign.tax": "pass",
        "cosign.safety": "pass",
        "cosign.environment": "veto",
        "cosign.statistics": "flag",
    }
    assert [seat for seat, task in tasks.items() if task["is_added"]] == ["cosign.statistics"]
    assert [seat for seat, task in tasks.items() if task["is_handed_over"]] == ["cosign.safety"]
    assert tasks["cosign.safety"]["organisation_title"] == "市交通运输局"
    assert tasks["cosign.credit"]["evidence"] == ["信用报告2026-0630"]
    assert "须回避本办件" in result["refused"]["recused"]


def test_who_has_not_answered_is_seen_before_the_last_answer(result):
    (waiting,) = result["unanswered"]

    assert (waiting["seat"], waiting["status"]) == ("cosign.environment", "open")
    assert waiting["organisation_title"] == "市生态环境局"
    assert waiting["candidates"]
    assert waiting["due_on"] == "2026-07-03"


def test_what_was_handed_over_is_answered_by_the_bureau_that_took_it(told: CallTold):
    (third,) = named(told, 3)
    answers = {
        e["seat"]: (e["organisation_title"], e["actor"])
        for e in told.events
        if e["subject"] == third and e["event"] == "answer_seat"
    }

    assert answers["cosign.safety"] == ("市交通运输局", "yc_jiaotongju.cosign")
    assert answers["cosign.tax"] == ("市税务局", "yc_shuiwuju.cosign2")


# --- publicity and 递补


def test_one_objection_is_upheld_one_dismissed_and_two_take_the_places_that_came_free(
    told: CallTold, result
):
    by_number = {case["number"]: case for case in result["cases"]}
    vetoed, upheld, dismissed = (by_number[next(iter(named(told, n)))] for n in (3, 6, 4))
    first, second = result["publicities"]

    assert vetoed["path"][-2:] == ["joint_check_vetoed", "rejected"]
    assert upheld["path"][-2:] == ["objection", "rejected"]
    assert "objection" in dismissed["path"]
    assert dismissed["final"] == "disbursed"
    assert len(first["cases"]) == 9
    assert {case["number"] for case in second["cases"]} == named(told, 11, 12)
    assert (first["starts_on"], first["ends_on"]) == ("2026-07-06", "2026-07-13")
    assert "不再受理异议" in result["refused"]["late_objection"]


# --- money


def test_ten_are_paid_in_two_shares_and_one_payment_came_back(told: CallTold, result, owner):
    rows = owner.execute(
        "SELECT c.number, c.approved_fen, c.paid_fen, array_agg(p.fen ORDER BY p.share)"
        ' FROM "case" c JOIN payment p ON p.case_id = c.id GROUP BY c.id'
    ).fetchall()

    assert {number for number, *_ in rows} == named(told, *PAID)
    assert all(approved == paid for _, approved, paid, _ in rows)
    assert all(city * 2 == district * 3 for *_, (city, district) in rows)
    assert sum(paid for _, _, paid, _ in rows) == 2 * 50_000_000 + 8 * 30_000_000
    assert result["treasury"] == [{"paid": 9, "returned": 1}, {"paid": 1}]


def test_every_case_comes_to_its_end(result):
    assert Counter(case["final"] for case in result["cases"]) == {
        "disbursed": 10,
        "lapsed": 15,
        "rejected": 3,
        "not_accepted": 1,
        "withdrawn": 1,
    }


# --- the history


def test_the_history_tells_the_play_back_without_a_gap(told: CallTold):
    found = told.comparison

    assert found.gaps == []
    assert told.is_whole
    assert found.acts > 1_000
    assert found.events == found.acts + found.caused + found.timed


def test_every_event_is_as_it_was_written(told: CallTold, house: Settings, owner):
    (count,) = owner.execute("SELECT count(*) FROM event").fetchone()

    assert told.verified == {"ok": True, "events": count, "faults": []}
    assert list(verify(owner, KEY)) == []


def test_the_frozen_list_is_the_one_that_the_history_names(told: CallTold, house: Settings):
    opened = [e for e in told.events if e["event"] == "publicity_opened"]

    for event, shown in zip(opened, told.play.seen["publicities"], strict=True):
        name = event["payload"]["list_sha256"]
        content = (house.files / name[:2] / name[2:]).read_bytes()
        assert name == shown["list_sha256"] == sha256(content).hexdigest()


@pytest.mark.parametrize(
    "event",
    [
        "submit",
        "document_uploaded",
        "answer_seat",
        "summary_sheet_sent",
        "confirm_plan",
        "call_publicised",
        "publicise",
    ],
)
def test_an_event_that_is_missing_is_a_gap(told: CallTold, event: str):
    lost = next(e for e in told.events if e["event"] == event)
    rest = [e for e in told.events if e["mark"] != lost["mark"]]

    gaps = compare(told.play, rest).gaps

    assert any(event in gap for gap in gaps)


def test_an_event_that_nobody_asked_for_is_a_gap(told: CallTold):
    last = told.events[-1]
    forged = {**last, "mark": "0.0", "seq": last["seq"] + 1, "from_state": last["to_state"]}
    causeless = {**forged, "actor": "system", "caused_by": None, "clock": None, "event": "x"}

    for extra, words in ((forged, "未作此请求"), (causeless, "没有起因")):
        gaps = compare(told.play, [*told.events, extra]).gaps
        assert [words in gap for gap in gaps] == [True]


def test_an_act_that_left_nothing_and_a_route_nobody_knows_are_gaps(told: CallTold):
    play, log = told.play, told.play.talk.log
    unknown = replace(log[-1], method="POST", path="/moon", status=201, answer={})
    more = replace(play, talk=replace(play.talk, log=[*log, unknown]))

    assert any("/moon" in gap for gap in compare(more, told.events).gaps)


def test_tables_tell_it_in_chinese(told: CallTold):
    page = io.StringIO()

    show(told, Console(file=page, width=300))

    text = page.getvalue()
    assert "对照：无一缺漏" in text
    assert "全部核验无误" in text
    assert "申报通知（已归档）" in text
    assert "单件脱离方案公示" in text
    assert "尚未答复：市生态环境局" in text
    assert "转办" in text
    assert "加签" in text


def test_who_is_no_auditor_reads_no_whole_history(told: CallTold):
    asked = [each for each in told.play.talk.log if each.path.startswith("/history")]

    assert {each.login for each in asked} <= {told.play.auditor}
    assert all(before["at"] <= after["at"] for before, after in pairwise(told.events))
