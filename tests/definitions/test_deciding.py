"""How several seats decide, compiled: modes, votes, silence, and the acts on their tasks."""

import pytest

from caseflow.kernel.errors import DefinitionError, InvalidInput
from caseflow.kernel.workflow.machine import Runner, Situation
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.voting import counted
from tests.definitions.definitions import BROKEN, compile_demo, library_with, sound_text

BROKEN_TEXT = (BROKEN / "decide-missing.yaml").read_text(encoding="utf-8")
JOINT = BROKEN_TEXT[BROKEN_TEXT.index("stage:") :]
ACTS = """
  urge: {title: 催办, from: tasks, by: [holder, lead_bureau.leader], effects: [urge]}
  add_seat: {title: 加签, from: tasks, by: holder, requires: [seat], effects: [add_seat]}
  send_back: {title: 退回, from: tasks, by: holder, requires: [return_to], effects: [send_back]}
  take_back: {title: 拿回, from: tasks, by: holder, requires: [return_to], effects: [take_back]}
"""


def joint(tmp_path, how: str, **measure) -> Workflow:
    """Return the demo with a joint check that decides as `how` says."""
    text = JOINT.replace("    main: answer_seat\n", f"    main: answer_seat\n{how}")
    if "all" not in how and "in_order" not in how:
        text = text.replace("all_seats_answered", "vote_decided")
        text = text.replace("vetoes: {at_most: 0}", "vote: {equals: passed}")
        text = text.replace("vetoes: {at_least: 1}", "vote: {equals: failed}")
    anytime = sound_text("stages/anytime.yaml").replace("\n  resume:", f"{ACTS}  resume:")
    return compile_demo(library_with(tmp_path, review=text, anytime=anytime), **measure)["M-1"]


def road(flow: Workflow, *verdicts: str) -> str:
    """Return where the answers lead."""
    state, runner = "checking", Runner(flow)
    facts = counted(flow.states[state], waiting=3, verdicts=())
    for verdict in verdicts:
        payload = {"verdict": verdict, "note": "x"}
        decision = runner.decide(Situation(state, facts), "answer_seat", payload)
        state, facts = decision.state, decision.facts
    return state


VOTES = "    decide: votes\n    votes: {of: 3, needed: $carries}\n"


@pytest.mark.parametrize(
    ("how", "verdicts", "state"),
    [
        ("    decide: all\n", ("pass", "flag"), "checking"),
        ("    decide: all\n", ("pass", "flag", "pass"), "publicity"),
        ("    decide: all\n", ("veto", "pass"), "checking"),
        ("    decide: in_order\n", ("pass", "pass", "veto"), "reviewing"),
        ("    decide: any\n", ("flag",), "publicity"),
        ("    decide: any\n", ("veto",), "reviewing"),
        (VOTES, ("pass",), "checking"),
        (VOTES, ("pass", "pass"), "publicity"),
        (VOTES, ("veto", "pass"), "checking"),
        (VOTES, ("veto", "pass", "flag"), "publicity"),
        (VOTES, ("veto", "veto"), "reviewing"),
    ],
)
def test_seats_decide_as_soon_as_it_is_certain_and_not_before(tmp_path, how, verdicts, state):
    assert road(joint(tmp_path, how), *verdicts) == state


def test_votes_may_be_a_number_of_the_stage(tmp_path):
    flow = joint(tmp_path, VOTES.replace("$carries", "3"))

    assert (flow.states["checking"].decide, flow.states["checking"].needed) == ("votes", 3)


def test_votes_by_an_unknown_parameter_are_refused(tmp_path):
    with pytest.raises(DefinitionError, match="cannot be counted"):
        joint(tmp_path, VOTES.replace("$carries", "$moon"))


def test_silence_is_consent_only_where_the_measure_says_so(tmp_path):
    how = "    decide: all\n    silence: $consent\n"
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    silent = joint(tmp_path / "a", how, parameters={"consent": "consent"})
    plain = joint(tmp_path / "b", how)

    expiry = silent.steps["checking", "check_overdue"]
    assert expiry.effects == ("escalate", "answer_by_silence")
    assert expiry.accepts == ("seat", "verdict")
    assert plain.steps["checking", "check_overdue"].effects == ("escalate",)
    assert not plain.states["checking"].silence


def test_a_word_that_is_neither_consent_nor_none_is_refused(tmp_path):
    with pytest.raises(DefinitionError, match="silence is consent only"):
        joint(tmp_path, "    decide: all\n    silence: $carries\n")


def test_an_act_is_possible_wherever_people_wait_and_moves_nothing(tmp_path):
    flow = joint(tmp_path, "    decide: all\n")
    runner = Runner(flow)

    urge = flow.step("checking", "urge")
    decision = runner.decide(Situation("paying", {}), "urge", {})

    assert urge is not None
    assert urge.by == ("cosign.credit", "cosign.market", "cosign.tax", "lead_bureau.leader")
    assert decision.state == "paying"
    assert [act.event for act in flow.acts_in("checking")] == ["urge", "add_seat", "take_back"]
    assert [act.event for act in flow.acts_in("paying")] == ["urge"]
    assert flow.acts_in("publicity") == flow.acts_in("disbursed") == ()


def test_the_applicant_does_not_hold_a_task_to_hand_on(tmp_path):
    flows = joint(tmp_path, "    decide: all\n")
    again = Workflow.from_data(flows.to_data())

    assert again == flows
    assert again.hash == flows.hash


def test_adding_and_removing_a_seat_moves_what_is_waited_for(tmp_path):
    flow = joint(tmp_path, VOTES)
    facts = counted(flow.states["checking"], waiting=3, verdicts=())

    added = Runner(flow).decide(Situation("checking", facts), "add_seat", {"seat": "x"})

    assert added.facts["seats_waiting"] == 4
    assert added.facts["vote"] == "open"


def test_who_enters_a_joint_check_finds_nobody_who_has_answered(tmp_path):
    flow = joint(tmp_path, "    decide: all\n")
    said = {"score": 80, "reason": "x", "reason_code": "condition_not_met", "remedy": "x"}

    decision = Runner(flow).decide(
        Situation("reviewing", {"seats_waiting": 0, "vetoes": 2}), "conclude", said
    )

    assert decision.state == "checking"
    assert (decision.facts["seats_waiting"], decision.facts["vetoes"]) == (3, 0)


SECOND_REVIEW = """
stage: second
title: 再审
source: 测试
states:
  again:
    title: 再审
    phase: review
    holder: lead_bureau.leader
    clock: {name: again, title: 再审时限, limit: 5 working_days, expiry: again_overdue}
    main: agree
  after:
    title: 再审后
    phase: decision
    holder: lead_bureau.leader
    clock: {name: after, title: 再审后时限, limit: 5 working_days, expiry: after_overdue}
    main: finish
events:
  agree: {title: 同意, from: again, to: after, by: lead_bureau.leader}
  finish: {title: 办结, from: after, to: $pass, by: lead_bureau.leader}
  again_overdue: {title: 超期, from: again, to: $stay, by: system}
  after_overdue: {title: 超期, from: after, to: $stay, by: system}
exits: [pass]
"""


@pytest.fixture
def longer(tmp_path) -> Workflow:
    """The demo with another review behind the first."""
    anytime = sound_text("stages/anytime.yaml").replace("\n  resume:", f"{ACTS}  resume:")
    more = "  - stage: second\n  - stage: pay"
    family = sound_text("demo.yaml").replace("  - stage: pay", more)
    root = library_with(tmp_path, anytime=anytime, demo=family, second=SECOND_REVIEW)
    return compile_demo(root, flags=("selective",))["M-1"]


def test_a_case_is_sent_back_to_where_an_earlier_stage_begins_and_taken_back_one_step(longer):
    back = {code: state.returns for code, state in longer.states.items() if state.returns}
    taken = {code: state.taken_from for code, state in longer.states.items() if state.taken_from}

    assert back == {"again": ("reviewing",), "after": ("reviewing",)}
    assert taken == {"checking": ("reviewing",), "after": ("again",)}


def test_a_road_back_leads_where_it_was_compiled_to_and_nowhere_else(longer):
    runner = Runner(longer)

    sent = runner.decide(Situation("after", {}), "send_back", {"return_to": "reviewing"})
    taken = runner.decide(Situation("after", {}), "take_back", {"return_to": "again"})

    assert (sent.state, taken.state) == ("reviewing", "again")
    assert sent.facts["seats_waiting"] == 1
    with pytest.raises(InvalidInput, match="reviewing（审核中）"):
        runner.decide(Situation("after", {}), "send_back", {"return_to": "paying"})


def test_nothing_leads_back_where_no_stage_says_so():
    flow = compile_demo()["M-1"]

    assert not any(state.returns or state.taken_from for state in flow.states.values())


def test_the_clock_of_a_seat_is_defined_by_that_of_the_state(tmp_path):
    flow = joint(tmp_path, "    decide: all\n")

    assert flow.clock("check@cosign.tax") == flow.clock("check") == flow.clocks["check"]
