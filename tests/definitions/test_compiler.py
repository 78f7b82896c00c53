import json
import shutil

import pytest

from caseflow.catalogue.library import load_library
from caseflow.kernel.errors import DefinitionError
from caseflow.kernel.workflow.graph import main_path, main_road, system_facts_read
from caseflow.kernel.workflow.model import Branch, Test, Workflow
from tests.definitions.definitions import SOUND, compile_demo, library_with, sound_text

TWICE = """
family: demo
title: 两次审核
source: 测试
opened_by: [applicant, lead_bureau.handler]
stages:
  - {stage: review, exits: {reject: end.rejected, again: none}}
  - stage: review
    exits: {reject: end.rejected, again: review}
    parameters: {review_days: 9}
  - {stage: pay, exits: {pass: end.disbursed}}
anywhere:
  - {stage: anytime, exits: {withdraw: end.withdrawn}}
children: {period: period}
"""


@pytest.fixture
def demo() -> Workflow:
    return compile_demo()["M-1"]


@pytest.fixture
def twice(tmp_path) -> Workflow:
    return compile_demo(library_with(tmp_path, demo=TWICE))["M-1"]


def targets(workflow, state, event):
    return [branch.target for branch in workflow.steps[state, event].branches]


def rules(root, **measure):
    with pytest.raises(DefinitionError) as refused:
        compile_demo(root, **measure)
    return [problem.rule for problem in refused.value.problems]


# --- exits


def test_an_exit_leads_to_the_end_or_the_stage_it_is_joined_to(demo):
    assert targets(demo, "reviewing", "conclude") == ["checking", "rejected"]
    assert targets(demo, "publicity", "object") == ["reviewing"]
    assert demo.states["rejected"].end == "rejected"


def test_pass_leads_to_the_next_stage_unless_it_is_joined(demo):
    assert targets(demo, "checking", "confirm") == ["publicity"]
    assert targets(demo, "paying", "pay") == ["disbursed"]


def test_an_exit_joined_to_none_takes_its_events_away(demo):
    assert demo.step("checking", "ask_again") is None


def test_a_branch_into_a_closed_exit_is_left_away_and_must_not_be_missed(tmp_path):
    text = sound_text("stages/review.yaml").replace("to: $reject", "to: $again")

    assert rules(library_with(tmp_path, review=text)) == ["branches-uncovered"]


def test_only_the_ends_that_are_reached_are_part_of_the_workflow(demo):
    ends = [state.code for state in demo.states.values() if state.end]

    assert sorted(ends) == ["disbursed", "rejected", "withdrawn"]


def test_an_end_may_be_named_by_a_stage_itself(tmp_path):
    text = sound_text("stages/pay.yaml").replace("to: $pass", "to: end.closed")
    text = text.replace("exits: [pass]", "exits: []")
    family = sound_text("demo.yaml").replace("\n    exits: {pass: end.disbursed}", "")

    workflow = compile_demo(library_with(tmp_path, pay=text, demo=family))["M-1"]

    assert targets(workflow, "paying", "pay") == ["closed"]


# --- optional stages


def test_a_stage_left_out_is_passed_straight_through():
    workflow = compile_demo(without=("publicity",))["M-1"]

    assert targets(workflow, "checking", "confirm") == ["paying"]
    assert "publicity" not in workflow.states
    assert "publicity" not in workflow.clocks


def test_another_exit_to_a_stage_left_out_is_closed(tmp_path):
    family = sound_text("demo.yaml").replace("again: none", "again: publicity")
    root = library_with(tmp_path, demo=family)

    assert targets(compile_demo(root)["M-1"], "checking", "ask_again") == ["publicity"]
    workflow = compile_demo(root, without=("publicity",))["M-1"]
    assert workflow.step("checking", "ask_again") is None


def test_a_stage_that_is_not_optional_cannot_be_left_out():
    assert rules(SOUND, without=("review",)) == ["stage-not-optional"]


def test_a_stage_that_the_family_has_not_cannot_be_left_out():
    assert rules(SOUND, without=("moon",)) == ["unknown-stage"]


def test_a_measures_own_fault_points_into_the_measures_file():
    lines = {("workflow",): 30, ("workflow", "parameters", "moon_days"): 32}

    with pytest.raises(DefinitionError) as refused:
        compile_demo(parameters={"moon_days": 1}, file="QD26-7a.yaml", lines=lines)

    assert str(refused.value) == (
        "QD26-7a.yaml:32: [unknown-parameter] no stage of 'demo' has a parameter 'moon_days'"
    )


def test_an_unknown_legal_flag_is_refused():
    assert rules(SOUND, flags=("moon",)) == ["unknown-flag"]


def test_two_stages_left_out_that_only_lead_to_each_other_are_refused(tmp_path):
    family = sound_text("demo.yaml").replace(
        "exits: {object: review}", "exits: {object: review, pass: claim}"
    )
    claim = "  - {stage: claim, optional: true, exits: {pass: publicity}}\n"
    root = library_with(tmp_path, demo=family.replace("anywhere:", f"{claim}anywhere:"))

    assert set(rules(root, without=("publicity", "claim"))) == {"exit-not-joined"}


def test_a_fact_entered_on_the_way_need_not_be_required_again(tmp_path):
    text = sound_text("stages/publicity.yaml").replace(
        "    to: $pass\n    guards: [publicity_over, no_open_objection]",
        "    branches:\n"
        "      - {when: {score: {at_least: 80}}, to: $pass}\n"
        "      - {when: {score: {less_than: 80}}, to: $object}\n"
        "    guards: [publicity_over, no_open_objection]",
    )

    workflow = compile_demo(library_with(tmp_path, publicity=text))["M-1"]

    assert targets(workflow, "publicity", "close_publicity") == ["paying", "reviewing"]


def test_a_stage_may_be_optional_in_one_family_and_not_in_its_child(tmp_path):
    claim = "  - {stage: claim, optional: true}\n"
    family = sound_text("demo.yaml").replace("  - stage: pay", f"{claim}  - stage: pay")

    workflows = compile_demo(library_with(tmp_path, demo=family), without=("claim",))

    assert "claiming" not in workflows["M-1"].states
    assert "claiming" in workflows["M-1/period"].states


def test_a_fact_of_a_stage_left_out_is_kept_only_where_it_is_used(tmp_path):
    fact = "facts:\n  heard: {type: boolean, title: 已听取}\n  seen: {type: boolean, title: 已阅}\n"
    publicity = sound_text("stages/publicity.yaml").replace("states:", f"{fact}states:")
    pay = sound_text("stages/pay.yaml").replace("[reason]", "[reason, heard]")
    root = library_with(tmp_path, publicity=publicity, pay=pay)

    assert set(compile_demo(root)["M-1"].facts) == {"score", "heard", "seen"}
    assert set(compile_demo(root, without=("publicity",))["M-1"].facts) == {"score", "heard"}


# --- parameters


def test_a_measure_overrides_the_entry_and_the_entry_the_family_and_that_the_stage(tmp_path):
    family = sound_text("demo.yaml")
    of_family = family + "parameters: {review_days: 7}\n"
    of_entry = of_family.replace(
        "exits: {reject", "parameters: {review_days: 8}\n    exits: {reject"
    )
    roots = [
        library_with(tmp_path / str(index), demo=text)
        for index, text in enumerate([family, of_family, of_entry, of_entry])
    ]
    measures = [{}, {}, {}, {"parameters": {"review_days": 9}}]

    limits = [
        compile_demo(root, **measure)["M-1"].clocks["review"].limit
        for root, measure in zip(roots, measures, strict=True)
    ]

    assert limits == [5, 7, 8, 9]


def test_a_measure_may_give_value_unit_and_source():
    given = {"value": 2, "unit": "months", "source": "第七条"}

    clock = compile_demo(parameters={"review_days": given})["M-1"].clocks["review"]

    assert (clock.limit, clock.unit, clock.source) == (2, "months", "第七条")


def test_a_parameter_stands_in_a_condition():
    workflow = compile_demo(parameters={"pass_score": 75})["M-1"]

    assert workflow.steps["reviewing", "conclude"].branches == (
        Branch("checking", (Test("score", "at_least", 75),)),
        Branch("rejected", (Test("score", "less_than", 75),)),
    )


@pytest.mark.parametrize("value", ["5", -1, True, None])
def test_a_limit_that_is_no_number_of_days_is_refused(value):
    assert rules(SOUND, parameters={"review_days": value}) == ["clock-without-unit"]


# --- a stage used twice


def test_a_second_use_of_a_stage_has_its_own_states_and_clocks(twice):
    assert targets(twice, "checking", "confirm") == ["reviewing#2"]
    assert targets(twice, "reviewing#2", "conclude") == ["checking#2", "rejected"]
    assert twice.states["reviewing#2"].clock == "review#2"
    assert twice.states["reviewing#2"].stage == "review#2"
    assert (twice.clocks["review"].limit, twice.clocks["review#2"].limit) == (5, 9)


def test_a_state_stops_the_clock_of_its_own_place(twice):
    assert twice.states["checking"].stops == ("review",)
    assert twice.states["checking#2"].stops == ("review#2",)


def test_an_exit_of_the_second_use_may_lead_to_the_first(twice):
    assert targets(twice, "checking#2", "ask_again") == ["reviewing"]


def test_events_keep_their_name_in_the_second_use(twice):
    assert twice.states["checking#2"].main == "confirm"
    assert twice.opened_by == ("applicant", "lead_bureau.handler")


# --- anywhere, earlier, previous, stay


def test_an_event_from_anywhere_is_possible_in_the_phases_it_names(demo):
    there = [state for state, event in demo.steps if event == "withdraw"]

    assert there == ["reviewing", "checking"]


def test_an_event_from_anywhere_without_phases_is_possible_in_every_waiting_state(demo):
    there = {state for state, event in demo.steps if event == "service_overdue"}

    assert there == {code for code, state in demo.states.items() if state.end is None}


def test_the_exception_of_a_state_counts_for_its_second_use_too(tmp_path):
    text = sound_text("stages/anytime.yaml").replace("[suspended]", "[suspended, checking]")

    workflow = compile_demo(library_with(tmp_path, anytime=text, demo=TWICE))["M-1"]

    there = [state for state, event in workflow.steps if event == "withdraw"]
    assert there == ["reviewing", "reviewing#2"]


def test_a_stages_own_event_goes_before_one_from_anywhere(tmp_path):
    text = sound_text("stages/review.yaml").replace("ask_again", "withdraw")
    family = sound_text("demo.yaml").replace("again: none", "again: pay")

    workflow = compile_demo(library_with(tmp_path, review=text, demo=family))["M-1"]

    assert targets(workflow, "checking", "withdraw") == ["paying"]
    assert targets(workflow, "reviewing", "withdraw") == ["withdrawn"]


def test_earlier_becomes_one_event_for_every_earlier_stage(demo):
    back = [event for state, event in demo.steps if event.startswith("return_to_")]

    assert back == ["return_to_reviewing", "return_to_publicity"]
    step = demo.steps["paying", "return_to_reviewing"]
    assert (step.title, step.requires) == ("退回审核", ("reason",))
    assert targets(demo, "paying", "return_to_publicity") == ["publicity"]


def test_earlier_leads_to_each_use_of_a_stage(twice):
    assert targets(twice, "paying", "return_to_reviewing#2") == ["reviewing#2"]


def test_earlier_is_no_event_in_an_anywhere_stage(tmp_path):
    text = sound_text("stages/anytime.yaml").replace(
        "  resume:", "  back: {from: suspended, to: $earlier, by: system}\n  resume:"
    )

    workflow = compile_demo(library_with(tmp_path, anytime=text))["M-1"]

    assert not [
        event for state, event in workflow.steps if state == "suspended" and "_to_" in event
    ]


def test_previous_becomes_one_branch_for_every_state_that_is_remembered(demo):
    assert demo.steps["suspended", "resume"].branches == (
        Branch("reviewing", (Test("previous_state", "equals", "reviewing"),)),
        Branch("checking", (Test("previous_state", "equals", "checking"),)),
    )


def test_previous_only_knows_what_is_remembered_on_the_road_to_it(tmp_path):
    text = sound_text("stages/anytime.yaml").replace(
        "events:\n",
        "  asked:\n    title: 申请撤回\n    phase: decision\n    holder: system\n    main: refuse\n"
        "events:\n"
        "  ask: {from: anywhere, phases: [decision], except: [asked], to: asked, by: applicant,"
        " effects: [remember_state]}\n"
        "  refuse:\n    from: asked\n    by: system\n    branches:\n"
        "      - {when: {holds: {at_most: 0}}, to: $previous}\n"
        "      - {when: {holds: {at_least: 1}}, to: $withdraw}\n",
    )

    workflow = compile_demo(library_with(tmp_path, anytime=text))["M-1"]

    assert targets(workflow, "suspended", "resume") == ["reviewing", "checking"]
    assert targets(workflow, "asked", "refuse") == ["publicity", "withdrawn"]


def test_stay_leads_back_to_where_it_began(demo):
    assert targets(demo, "paying", "pay_overdue") == ["paying"]


def test_all_clocks_but_its_own_are_stopped_by_all(demo):
    stopped = set(demo.states["suspended"].stops)

    assert stopped == {"service", "review", "check", "publicity", "payment"}


def test_what_a_family_never_uses_of_an_anywhere_stage_is_left_away(tmp_path):
    text = sound_text("stages/anytime.yaml").replace(
        "  suspend:\n    title: 中止\n    from: anywhere\n    phases: [review]",
        "  suspend:\n    title: 中止\n    from: anywhere\n    phases: [follow_up]",
    )
    text = text.replace("stops: [$all]", "stops: [$all]\n  idle:\n    title: 闲\n    phase: review")
    text = text.replace("from: anywhere\n    phases: [review]", "from: suspended").replace(
        "    except: [suspended]\n    to: $withdraw", "    to: $withdraw"
    )
    text = text.replace("    from: suspended\n    phases: [follow_up]", "    from: suspended")

    workflow = compile_demo(library_with(tmp_path, anytime=text))["M-1"]

    assert "suspended" not in workflow.states
    assert "withdrawn" not in workflow.states
    assert set(workflow.clocks) == {"review", "check", "publicity", "payment"}
    assert workflow.steps["paying", "pay"].ends == ()


def test_a_clock_that_only_another_family_has_need_not_be_stopped(tmp_path):
    text = sound_text("stages/review.yaml").replace("stops: [review]", "stops: [review, claim]")

    workflow = compile_demo(library_with(tmp_path, review=text))["M-1"]

    assert workflow.states["checking"].stops == ("review",)


def test_a_state_may_run_the_clock_of_another_state_of_its_stage(tmp_path):
    text = sound_text("stages/review.yaml").replace(
        "clock: {name: check, title: 复核时限, limit: 5 working_days, expiry: check_overdue}\n"
        "    stops: [review]",
        "clock: review",
    )
    text = text.replace("from: reviewing, to: $stay", "from: [reviewing, checking], to: $stay")

    workflow = compile_demo(library_with(tmp_path, review=text))["M-1"]

    assert workflow.states["checking"].clock == "review"


# --- events written in several ways, and the main one


LISTED = """
  confirm:
    - title: 复核通过
      from: checking
      to: $pass
      by: lead_bureau.reviewer
    - {from: reviewing, to: checking, by: lead_bureau.leader}
"""


def test_an_event_may_differ_by_the_state_it_comes_from(tmp_path):
    text = sound_text("stages/review.yaml")
    start, end = text.index("  confirm:"), text.index("  ask_again:")
    text = text[:start] + LISTED.lstrip("\n") + text[end:]

    workflow = compile_demo(library_with(tmp_path, review=text))["M-1"]

    assert targets(workflow, "checking", "confirm") == ["publicity"]
    assert targets(workflow, "reviewing", "confirm") == ["checking"]
    assert workflow.steps["reviewing", "confirm"].title == "复核通过"
    assert workflow.steps["reviewing", "confirm"].by == ("lead_bureau.leader",)


@pytest.mark.parametrize(
    ("written", "main"),
    [
        ("[confirm, ask_again]", "confirm"),
        ("[ask_again, confirm]", "confirm"),
        ("[moon, confirm]", "confirm"),
    ],
)
def test_several_main_events_are_kept_in_order_those_that_are_possible(tmp_path, written, main):
    text = sound_text("stages/review.yaml").replace("main: confirm", f"main: {written}")

    workflow = compile_demo(library_with(tmp_path, review=text))["M-1"]

    assert workflow.states["checking"].main == main


def test_the_main_road_comes_back_and_takes_the_next_main_event(tmp_path):
    text = sound_text("stages/review.yaml").replace("main: confirm", "main: [ask_again, confirm]")
    family = sound_text("demo.yaml").replace("again: none", "again: review")

    workflow = compile_demo(library_with(tmp_path, review=text, demo=family))["M-1"]

    road = [step.event for step, _ in main_road(workflow)]
    assert workflow.states["checking"].main == "ask_again|confirm"
    assert road[:4] == ["conclude", "ask_again", "conclude", "confirm"]


def test_the_main_path_goes_from_the_first_state_to_an_end(demo):
    assert main_path(demo) == ["conclude", "confirm", "close_publicity", "pay"]
    assert [state for _, state in main_road(demo)][-1] == "disbursed"


def test_the_main_path_follows_the_automatic_event_after_one_that_stays(tmp_path):
    text = (
        sound_text("stages/publicity.yaml")
        .replace("main: close_publicity", "main: watch")
        .replace("events:\n", "events:\n  watch: {from: publicity, to: $stay, by: system}\n")
    )

    workflow = compile_demo(library_with(tmp_path, publicity=text))["M-1"]

    assert main_path(workflow) == ["conclude", "confirm", "watch", "close_publicity", "pay"]


def test_the_main_path_takes_the_first_branch_where_no_sample_decides(tmp_path):
    text = sound_text("stages/review.yaml").replace(", sample: 80", "")

    workflow = compile_demo(library_with(tmp_path, review=text))["M-1"]

    assert main_path(workflow)[0] == "conclude"
    assert workflow.states["reviewing"].main == "conclude"


# --- children, facts, identity


def test_children_are_compiled_for_the_measure_under_its_name():
    workflows = compile_demo(flags=("selective",))

    child = workflows["M-1/period"]
    assert workflows["M-1"].children == {"period": "M-1/period"}
    assert (child.title, child.flags) == ("示范措施·分期", ())
    assert workflows["M-1"].flags == ("selective",)


def test_a_child_that_pays_may_be_opened_after_publicity(tmp_path):
    claim = sound_text("stages/claim.yaml").replace(
        "by: applicant}",
        "by: applicant, guards: [matter_in_force, payment_cleared], effects: [open_payment]}",
    )
    publicity = sound_text("stages/publicity.yaml").replace(
        "    automatic: true", "    automatic: true\n    effects: [open_child:period]"
    )
    review = sound_text("stages/review.yaml").replace("    effects: [open_child:period]\n", "")
    root = library_with(tmp_path, claim=claim, review=review, publicity=publicity)

    with pytest.raises(DefinitionError) as refused:
        compile_demo(root, flags=("selective",))

    assert {problem.rule for problem in refused.value.problems} == {"pays-without-publicity"}


def test_the_facts_are_those_that_are_entered_and_the_amounts_in_use(tmp_path, demo):
    assert list(demo.facts) == ["score"]

    text = sound_text("stages/review.yaml").replace("[note]", "[reviewed_fen]")
    workflow = compile_demo(library_with(tmp_path, review=text))["M-1"]

    assert list(workflow.facts) == ["score", "reviewed_fen"]


def test_a_fact_may_be_declared_alike_by_two_stages(tmp_path):
    fact = "facts:\n  score: {type: integer, title: 评审得分, unit: 分, sample: 80}\n"
    text = sound_text("stages/pay.yaml").replace("states:", f"{fact}states:")

    assert list(compile_demo(library_with(tmp_path, pay=text))["M-1"].facts) == ["score"]


def test_the_system_facts_a_workflow_reads_are_known_beforehand(demo):
    assert system_facts_read(demo) == {
        "checks_at_payment",
        "matter_in_force",
        "open_objections",
        "previous_state",
        "publicity_ends_on",
        "publicity_over",
    }


def test_the_same_definitions_give_the_same_hash(demo):
    assert compile_demo()["M-1"].hash == demo.hash
    assert compile_demo(parameters={"review_days": 6})["M-1"].hash != demo.hash


def test_a_workflow_survives_its_way_through_json(demo):
    again = Workflow.from_data(json.loads(json.dumps(demo.to_data())))

    assert again == demo
    assert again.hash == demo.hash


def test_a_date_in_a_definition_is_stored_as_text(tmp_path):
    text = sound_text("stages/review.yaml").replace(
        "  score: {type: integer, title: 评审得分, unit: 分, sample: 80}",
        "  score: {type: date, title: 签订日期, sample: 2027-03-01}",
    )
    text = text.replace("$pass_score", "2027-03-01")

    workflow = compile_demo(library_with(tmp_path, review=text))["M-1"]

    assert workflow.facts["score"].sample == "2027-03-01"
    assert json.dumps(workflow.to_data())


# --- loading


def test_the_library_names_its_stages_families_and_ends():
    library = load_library(SOUND)

    assert set(library.families) == {"demo", "period"}
    assert set(library.stages) >= {"review", "publicity", "pay", "anytime", "claim"}
    assert "rejected" in library.ends.data["ends"]


def test_the_faults_of_all_files_are_reported_together(tmp_path):
    root = library_with(tmp_path, review="stage: 0.5\n", pay="stage: yes\n")

    with pytest.raises(DefinitionError) as refused:
        load_library(root)

    assert [problem.rule for problem in refused.value.problems] == ["yaml-boolean", "yaml-float"]


def test_a_library_without_ends_is_refused(tmp_path):
    shutil.copytree(SOUND, tmp_path, dirs_exist_ok=True)
    (tmp_path / "ends.yaml").unlink()

    with pytest.raises(DefinitionError, match=r"ends.yaml:1: \[yaml-missing-file\]"):
        load_library(tmp_path)


def test_faulty_ends_are_not_called_missing(tmp_path):
    root = library_with(tmp_path)
    (root / "ends.yaml").write_text("ends: 0.5\n", encoding="utf-8")

    with pytest.raises(DefinitionError) as refused:
        load_library(root)

    assert [problem.rule for problem in refused.value.problems] == ["yaml-float"]
