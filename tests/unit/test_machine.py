import json
from functools import cache

import pytest

from caseflow.kernel.conditions import all_hold, regions
from caseflow.kernel.equity.position import Position
from caseflow.kernel.errors import EventNotAllowed, GuardFailed, InvalidInput
from caseflow.kernel.workflow.machine import MOST_AUTOMATIC, Runner, Situation
from caseflow.kernel.workflow.model import Branch, Fact, State, Step, Test, Workflow
from caseflow.kernel.workflow.vocabulary import INPUTS
from tests.definitions.families import ALL, PUBLICISED, of_each, workflow

SCORE = Fact("score", "integer", "评审得分", unit="分", sample=80)
AUDITED = Fact("audited", "boolean", "审计通过", sample=True)
LEVEL = Fact("level", "choice", "级别", choices=("国家级", "省级", "市级"))
PASSED = (Test("score", "at_least", 60),)
FAILED = (Test("score", "less_than", 60),)


def build(*steps, ends=()):
    """Return the workflow of these steps; its first state is the first step's source."""
    codes = dict.fromkeys(
        code for step in steps for code in (step.source, *(b.target for b in step.branches))
    )
    return Workflow(
        name="QD26-0",
        title="示范",
        family="demo",
        opened_by=("applicant",),
        initial=steps[0].source,
        states={
            code: State(
                code, f"环节{code}", "demo", "review", end="closed" if code in ends else None
            )
            for code in codes
        },
        steps={(step.source, step.event): step for step in steps},
        clocks={},
        facts={fact.name: fact for fact in (SCORE, AUDITED, LEVEL)},
    )


def step(event, source, *targets, by=("applicant",), **more):
    """Return a step; a target is a state, or (state, tests)."""
    branches = tuple(Branch(t) if isinstance(t, str) else Branch(*t) for t in targets)
    return Step(event, source, f"办理{event}", branches, by, **more)


def automatic(event, source, *targets, **more):
    return step(event, source, *targets, by=("system",), automatic=True, **more)


def decide(flow, state, event, *, payload=None, **facts):
    return Runner(flow).decide(Situation(state, facts), event, payload or {})


def road(decision):
    return [(move.step.event, move.source, move.target) for move in decision.moves]


@cache
def runner_of(name):
    return Runner(Workflow.from_data(json.loads(json.dumps(workflow(name).to_data()))))


# --- money that is out


@pytest.mark.parametrize(("granted", "shares"), [(1, 0), (0, 1)])
def test_a_case_does_not_end_while_a_fen_of_its_granted_money_is_out(granted, shares):
    flow = build(step("close", "A", "B"), step("go_on", "A", "C"), ends=("B",))
    money = Position(granted_fen=granted, equity_fen=shares).to_data()

    assert decide(flow, "A", "go_on", equity_position=money).state == "C"
    with pytest.raises(GuardFailed, match="尚有 1 分") as refused:
        decide(flow, "A", "close", equity_position=money)
    assert refused.value.details["failed"] == ["尚有 1 分拨投资金未收回、核销或转为补助"]


def test_a_case_ends_when_its_granted_money_is_accounted_for():
    flow = build(step("close", "A", "B"), ends=("B",))
    money = Position(returned_fen=1, lost_fen=2, kept_fen=3).to_data()

    assert decide(flow, "A", "close", equity_position=money).state == "B"


# --- what is possible


def test_an_event_moves_the_case_to_the_state_of_its_only_branch():
    decision = decide(build(step("accept", "A", "B")), "A", "accept")

    assert road(decision) == [("accept", "A", "B")]
    assert decision.state == "B"
    assert not decision.moves[0].stays


def test_an_event_of_another_state_is_refused_with_those_that_are_possible():
    flow = build(
        step("accept", "A", "B", by=("lead_bureau.handler", "district.handler")),
        step("lapse", "A", "C", by=("system",)),
        step("pay", "B", "C"),
    )

    with pytest.raises(EventNotAllowed) as refused:
        decide(flow, "A", "pay")

    assert refused.value.allowed == ("accept", "lapse")
    assert refused.value.details == {"allowed": ["accept", "lapse"]}
    assert refused.value.message == (
        "在“环节A”环节不能办理 'pay'；现在可以："
        "accept（办理accept：牵头部门经办、属地经办）、lapse（办理lapse：系统）。"
    )


def test_nothing_is_possible_at_the_end():
    with pytest.raises(EventNotAllowed, match=r"无（已办结）") as refused:
        decide(build(step("accept", "A", "B"), ends=("B",)), "B", "accept")

    assert refused.value.allowed == ()


def test_people_are_offered_what_the_system_alone_does_not_do():
    ask, lapse = step("ask", "A", "B"), step("lapse", "A", "B", by=("system",))
    runner = Runner(build(ask, lapse, automatic("go_on", "A", "B"), step("pay", "B", "C")))

    assert runner.allowed("A") == (ask,)
    assert runner.allowed("C") == ()


def test_a_runner_keeps_nothing_of_a_case():
    flow = build(step("score", "A", ("B", PASSED), ("C", FAILED), requires=("score",)))
    runner = Runner(flow)

    states = [
        runner.decide(Situation("A", {}), "score", {"score": score}).state for score in (60, 59, 60)
    ]

    assert states == ["B", "C", "B"]


def test_one_event_may_lead_elsewhere_from_another_state():
    flow = build(step("withdraw", "A", "B"), step("withdraw", "B", "C"))

    assert decide(flow, "A", "withdraw").state == "B"
    assert decide(flow, "B", "withdraw").state == "C"


def test_a_step_to_its_own_state_stays():
    decision = decide(build(step("remark", "A", "A")), "A", "remark")

    assert decision.moves[0].stays
    assert decision.state == "A"


# --- guards


def test_a_failed_guard_is_explained_in_the_words_of_the_vocabulary():
    flow = build(
        step("pay", "A", "B", guards=("matter_in_force", "no_hold")), step("hold", "A", "A")
    )

    with pytest.raises(GuardFailed) as refused:
        decide(flow, "A", "pay", matter_in_force=True, holds=1)

    assert refused.value.failed == ("存在暂停拨付的情形",)
    assert refused.value.message == "“办理pay”暂不能办理：存在暂停拨付的情形。"
    assert refused.value.details == {"allowed": ["pay", "hold"], "failed": ["存在暂停拨付的情形"]}


def test_every_failed_guard_is_named_in_the_order_of_the_step():
    flow = build(step("pay", "A", "B", guards=("no_hold", "matter_in_force", "policy_in_force")))

    with pytest.raises(GuardFailed) as refused:
        decide(flow, "A", "pay", policy_in_force=True, matter_in_force=False, holds=2)

    assert refused.value.failed == (
        "存在暂停拨付的情形",
        "事项日期不在政策有效期内，不得拨付",
    )


def test_a_fact_that_nobody_knows_fails_its_guard():
    with pytest.raises(GuardFailed):
        decide(build(step("pay", "A", "B", guards=("policy_in_force",))), "A", "pay")


@pytest.mark.parametrize(("planned", "passes"), [(99, True), (100, True), (101, False)])
def test_a_guard_sees_the_amount_that_comes_with_the_act(planned, passes):
    flow = build(step("plan", "A", "B", guards=("plan_within_ceiling",), requires=("planned_fen",)))

    if passes:
        assert decide(flow, "A", "plan", payload={"planned_fen": planned}, ceiling_fen=100)
    else:
        with pytest.raises(GuardFailed, match="超过条款规定的上限"):
            decide(flow, "A", "plan", payload={"planned_fen": planned}, ceiling_fen=100)


# --- payload


def test_what_is_entered_becomes_facts_and_inputs_stay_in_the_event():
    flow = build(step("score", "A", "B", requires=("score", "note"), accepts=("audited",)))

    decision = decide(
        flow,
        "A",
        "score",
        payload={"score": 80, "note": "同意。", "audited": True},
        score=1,
        holds=0,
    )

    assert decision.entered == {"score": 80, "audited": True}
    assert decision.facts["score"] == 80
    assert decision.facts["holds"] == 0
    assert "note" not in decision.facts
    assert decision.moves[0].payload == {"score": 80, "note": "同意。", "audited": True}


def test_the_payload_is_checked_before_the_guards():
    flow = build(step("pay", "A", "B", guards=("no_hold",), requires=("note",)))

    with pytest.raises(InvalidInput) as refused:
        decide(flow, "A", "pay", holds=1)

    assert refused.value.fields == {"note": "必填"}


def test_a_decision_leaves_the_facts_it_was_given_alone():
    facts = {"corrections_made": 0}
    flow = build(step("correct", "A", "B", effects=("count_correction",), accepts=("score",)))

    decision = Runner(flow).decide(Situation("A", facts), "correct", {"score": 1})

    assert decision.facts["corrections_made"] == 1
    assert facts == {"corrections_made": 0}


# --- branches


@pytest.mark.parametrize(("score", "target"), [(59, "C"), (60, "B"), (61, "B")])
def test_the_branch_whose_tests_hold_is_taken(score, target):
    flow = build(step("score", "A", ("B", PASSED), ("C", FAILED), requires=("score",)))

    assert decide(flow, "A", "score", payload={"score": score}).state == target


def test_the_first_branch_that_holds_is_taken():
    flow = build(step("score", "A", ("B", PASSED), "C"))

    assert decide(flow, "A", "score", score=60).state == "B"
    assert decide(flow, "A", "score", score=59).state == "C"


def test_no_branch_that_holds_is_explained_by_the_facts():
    flow = build(
        step("score", "A", ("B", (*PASSED, Test("audited", "is", True))), ("C", FAILED)),
        step("remark", "A", "A"),
    )

    with pytest.raises(GuardFailed) as refused:
        decide(flow, "A", "score", score=80)

    assert refused.value.allowed == ("score", "remark")
    assert refused.value.failed == ("审计通过尚未填写，要求为是；评审得分为80分，要求低于60分",)
    assert refused.value.message.startswith("“办理score”没有可走的分支：审计通过尚未填写")


def test_a_branch_by_choice_is_explained_after_its_way_through_the_database():
    flow = build(step("grade", "A", ("B", (Test("level", "one_of", ("国家级", "省级")),))))
    stored = Workflow.from_data(json.loads(json.dumps(flow.to_data())))

    with pytest.raises(GuardFailed) as refused:
        decide(stored, "A", "grade", level="市级")

    assert refused.value.failed == ("级别为市级，要求为下列之一：国家级、省级",)


# --- automatic steps


def test_an_automatic_step_follows_in_the_same_act():
    flow = build(
        step("answer", "A", "A", effects=("answer_seat",), requires=("verdict",)),
        automatic("all_answered", "A", "B", guards=("all_seats_answered",)),
    )

    two = decide(flow, "A", "answer", payload={"verdict": "pass"}, seats_waiting=2)
    one = decide(flow, "A", "answer", payload={"verdict": "pass"}, seats_waiting=1)

    assert road(two) == [("answer", "A", "A")]
    assert road(one) == [("answer", "A", "A"), ("all_answered", "A", "B")]
    assert one.facts["seats_waiting"] == 0
    assert one.moves[1].payload == {}


def test_a_chain_of_automatic_steps_sees_the_effects_of_those_before():
    flow = build(
        step("confirm", "A", "B"),
        automatic("pay", "B", "C", effects=("open_payment",), guards=("some_unpaid",)),
        automatic("book", "C", "D", effects=("confirm_payment",), guards=("payment_open",)),
        automatic("finish", "D", "E", guards=("fully_paid", "no_payment_open")),
    )

    decision = decide(flow, "A", "confirm", approved_fen=500, paid_fen=0, payments_open=0)

    assert [move.step.event for move in decision.moves] == ["confirm", "pay", "book", "finish"]
    assert decision.state == "E"
    assert decision.facts["paid_fen"] == 500


def test_an_automatic_step_waits_until_its_guard_and_one_branch_hold():
    flow = build(
        step("remark", "A", "A"),
        automatic("go_on", "A", ("B", PASSED), guards=("no_hold",)),
    )

    assert decide(flow, "A", "remark", score=60, holds=1).state == "A"
    assert decide(flow, "A", "remark", score=59, holds=0).state == "A"
    assert decide(flow, "A", "remark", score=60, holds=0).state == "B"


def test_the_automatic_step_that_is_enabled_is_taken_whatever_its_place():
    flow = build(
        step("remark", "A", "A"),
        automatic("pass_on", "A", ("B", PASSED)),
        automatic("turn_down", "A", ("C", FAILED)),
    )

    assert road(decide(flow, "A", "remark", score=59))[-1] == ("turn_down", "A", "C")


def test_an_endless_chain_is_cut():
    flow = build(step("begin", "A", "B"), automatic("on", "B", "C"), automatic("back", "C", "B"))

    assert len(decide(flow, "A", "begin").moves) == 1 + MOST_AUTOMATIC


def test_a_case_wakes_when_an_automatic_step_has_become_due():
    runner = Runner(
        build(automatic("close", "A", "B", guards=("publicity_over",)), automatic("on", "B", "C"))
    )
    facts = {"publicity_over": True}

    decision = runner.wake(Situation("A", facts))

    assert road(decision) == [("close", "A", "B"), ("on", "B", "C")]
    assert decision.entered == {}
    assert facts == {"publicity_over": True}


def test_a_case_for_which_nothing_is_due_sleeps_on():
    runner = Runner(build(automatic("close", "A", "B", guards=("publicity_over",))))

    assert runner.wake(Situation("A", {"publicity_over": False})) is None
    assert runner.wake(Situation("B", {})) is None


# --- the compiled workflows


@pytest.mark.soak
@of_each(ALL)
def test_a_suspended_case_resumes_in_the_state_it_was_suspended_in(name):
    runner = runner_of(name)
    because = {"reason": INPUTS["reason"].sample, "basis": INPUTS["basis"].sample}

    for state in [source for source, event in workflow(name).steps if event == "suspend"]:
        away = runner.decide(Situation(state, {}), "suspend", because)
        back = runner.decide(Situation(away.state, away.facts), "resume", {"reason": "已核清。"})

        assert away.facts["previous_state"] == state
        assert away.state != state
        assert road(back)[0] == ("resume", away.state, state)


def test_a_state_that_is_not_known_before_is_not_gone_back_to():
    with pytest.raises(GuardFailed, match="中止前的环节"):
        runner_of("vouchers").decide(Situation("suspended", {}), "resume", {"reason": "已核清。"})


@of_each(PUBLICISED)
def test_publicity_that_is_over_closes_or_goes_back_to_the_objection_that_is_open(name):
    def wake(**facts):
        return runner_of(name).wake(Situation("publicity", facts))

    assert wake(publicity_over=False, open_objections=0) is None
    assert wake(publicity_over=True, open_objections=1).state == "objection"
    assert wake(publicity_over=True, open_objections=0).moves[0].step.event == "close_publicity"


@of_each(ALL)
def test_an_automatic_step_asks_for_nothing_that_nobody_would_give(name):
    steps = workflow(name).steps.values()

    assert [
        step for step in steps if step.automatic and (step.requires or step.by != ("system",))
    ] == []


@pytest.mark.soak
@of_each(ALL)
def test_every_branch_of_every_step_is_taken_where_it_is_the_first_to_hold(name):
    runner = runner_of(name)

    for taken in runner.workflow.steps.values():
        tests = [test for branch in taken.branches for test in branch.when]
        for facts in regions(tests, runner.facts):
            open_ways = [way.target for way in taken.branches if all_hold(way.when, facts)]
            if open_ways:
                assert runner._move(taken, taken.source, facts, {}).target == open_ways[0]


def test_a_step_may_wait_for_the_document_of_its_stage():
    flow = build(step("go", "A", "B", guards=("letter_made",)))

    with pytest.raises(GuardFailed, match="文书尚未制作"):
        decide(flow, "A", "go", letter_made=False)
