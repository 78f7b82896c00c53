import json
import random
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, replace

import pytest

from caseflow.kernel.workflow.model import (
    Branch,
    Clock,
    Fact,
    State,
    Step,
    Test,
    Workflow,
)
from tests.definitions.families import ALL, workflow

SCORE = Fact("score", "integer", "评审得分", unit="分", sample=80)
LEVEL = Fact("level", "choice", "级别", choices=("国家级", "省级"), sample="省级")
PROOFS = Fact("proofs", "list", "证明", sample=["合同", "发票"])
CLOCK = Clock(
    "review", "审核时限", "late", limit=10, unit="working_days", remind=(3, 1, 0), source="惯例"
)
UNTIL = Clock("call", "申报期", "lapse", until="call_closes_on", repeats=True)
ACCEPT = Step(
    "accept",
    "submitted",
    "受理",
    (
        Branch("reviewing", (Test("score", "at_least", 60), Test("level", "one_of", ("省级",)))),
        Branch("closed"),
    ),
    ("district.handler", "lead_bureau.handler"),
    duty="handler",
    requires=("score",),
    accepts=("note",),
    guards=("no_hold",),
    effects=("place_hold",),
    starts=("call",),
    ends=("review",),
)
CLOSE = Step("close", "submitted", "办结", (Branch("closed"),), ("system",), automatic=True)
LATE = Step("late", "reviewing", "超期", (Branch("reviewing"),), ("system",))
STATES = (
    State(
        "submitted",
        "已提交",
        "intake",
        "intake",
        ("district.handler",),
        "review",
        ("call",),
        "accept",
    ),
    State("reviewing", "审核", "review", "review", ("lead_bureau.handler",)),
    State("closed", "办结", "end", "end", end="closed"),
)

SHOWN = {"vouchers", "deals", "interest/period", "allocations"}
REAL = [name if name in SHOWN else pytest.param(name, marks=pytest.mark.soak) for name in ALL]


def example(**changes):
    flow = Workflow(
        name="QD26-0",
        title="示范",
        family="demo",
        opened_by=("applicant", "lead_bureau.handler"),
        initial="submitted",
        states={state.code: state for state in STATES},
        steps={(step.source, step.event): step for step in (ACCEPT, CLOSE, LATE)},
        clocks={clock.name: clock for clock in (CLOCK, UNTIL)},
        facts={fact.name: fact for fact in (SCORE, LEVEL, PROOFS)},
        children={"period": "QD26-0/period", "year": "QD26-0/year"},
        flags=("selective",),
    )
    return replace(flow, **changes)


def through_json(flow):
    return Workflow.from_data(json.loads(json.dumps(flow.to_data())))


# --- asking


def test_a_step_is_found_by_state_and_event():
    assert example().step("submitted", "accept") is ACCEPT
    assert example().step("reviewing", "accept") is None
    assert example().step("moon", "accept") is None


def test_the_steps_out_of_a_state_keep_the_order_of_the_definition():
    assert example().steps_from("submitted") == (ACCEPT, CLOSE)
    assert example().steps_from("closed") == ()


def test_a_workflow_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        example().name = "other"
    with pytest.raises(FrozenInstanceError):
        ACCEPT.by = ("applicant",)


# --- there and back


def test_every_field_survives_json():
    assert through_json(example()) == example()


@pytest.mark.parametrize("name", REAL)
def test_a_real_workflow_survives_json_with_its_order(name):
    flow = workflow(name)

    again = through_json(flow)

    assert again == flow
    assert again.hash == flow.hash
    assert list(again.states) == list(flow.states)
    assert list(again.steps) == list(flow.steps)
    assert list(again.clocks) == list(flow.clocks)


def test_every_test_can_be_a_key_after_its_way_through_json():
    tests = {test for step in through_json(example()).steps.values() for test in _tests(step)}

    assert tests == {test for step in example().steps.values() for test in _tests(step)}


def test_what_is_stored_is_plain_json():
    data = example().to_data()

    assert json.loads(json.dumps(data)) == json.loads(json.dumps(data, default=_refuse))
    assert [*data, "checks"] == [each.name for each in fields(Workflow)]


def test_checks_are_stored_where_there_are_any_and_are_part_of_the_identity():
    checked = example(checks={"payment": ("credit", "safety")})

    assert through_json(checked) == checked
    assert checked.hash != example().hash
    assert "checks" not in example(checks={}).to_data()


# --- the hash


def test_the_hash_is_sha_256_in_hex():
    assert len(example().hash) == 64
    assert int(example().hash, 16)
    assert example().hash == example().hash


def test_the_hash_of_the_example_is_pinned():
    assert example().hash == "b2e4db366f7ad6f1d76fd4bc949e00c3c09e587ca6cbfcf914b3fb3bd0d25ea4"


def test_the_order_of_keys_in_the_stored_data_does_not_matter():
    data = json.loads(json.dumps(example().to_data()))

    assert Workflow.from_data(_shuffled(data, random.Random(1))).hash == example().hash


def test_the_order_of_children_does_not_matter():
    turned = dict(reversed(example().children.items()))

    assert example(children=turned).hash == example().hash


@pytest.mark.parametrize("table", ["states", "steps", "clocks", "facts"])
def test_the_order_of_a_definition_is_part_of_its_identity(table):
    turned = dict(reversed(getattr(example(), table).items()))

    assert example(**{table: turned}).hash != example().hash


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "QD26-1"},
        {"title": "别的"},
        {"family": "other"},
        {"opened_by": ("applicant",)},
        {"initial": "reviewing"},
        {"flags": ()},
        {"children": {}},
        {"facts": {}},
        {"clocks": {"review": replace(CLOCK, limit=11)}},
        {"clocks": {"review": replace(CLOCK, unit="days")}},
        {"states": {"submitted": replace(STATES[0], holders=())}},
    ],
)
def test_whatever_is_changed_changes_the_hash(changes):
    assert example(**changes).hash != example().hash


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "收件"),
        ("branches", ACCEPT.branches[:1]),
        ("branches", (Branch("reviewing", (Test("score", "at_least", 61),)), Branch("closed"))),
        ("by", ("system",)),
        ("duty", None),
        ("requires", ()),
        ("accepts", ()),
        ("guards", ()),
        ("effects", ()),
        ("automatic", True),
        ("starts", ()),
        ("ends", ()),
    ],
)
def test_whatever_is_changed_in_a_step_changes_the_hash(field, value):
    steps = {**example().steps, ("submitted", "accept"): replace(ACCEPT, **{field: value})}

    assert example(steps=steps).hash != example().hash


@pytest.mark.soak
def test_the_real_workflows_have_each_their_hash():
    hashes = [workflow(name).hash for name in ALL]

    assert len(set(hashes)) == len(ALL)


@pytest.mark.parametrize(
    "compiled",
    [
        "definitions import compile_demo; flow = compile_demo()['M-1']",
        pytest.param(
            "families import workflow; flow = workflow('vouchers')", marks=pytest.mark.soak
        ),
    ],
)
def test_the_hash_is_the_same_in_another_process(compiled):
    program = f"from tests.definitions.{compiled}; print(flow.hash)"
    here = {}
    exec(program.replace("print(flow.hash)", ""), here)

    told = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]

    assert told == [here["flow"].hash] * 2


@pytest.mark.parametrize(
    ("name", "gives", "pays", "planning"),
    [
        ("vouchers", True, True, {"proposed"}),
        ("instant_vouchers", True, False, {"proposed"}),
        ("instant_vouchers/settlement", True, True, {"proposed"}),
        ("allocations", True, True, {"allocation_computing"}),
        ("platforms", False, False, {"proposed"}),
        ("opportunities", False, False, set()),
    ],
)
def test_a_workflow_says_where_amounts_are_planned_approved_and_paid(name, gives, pays, planning):
    asked = workflow(name)

    assert (asked.gives, asked.pays, asked.planning) == (gives, pays, planning)


def test_the_clocks_of_a_workflows_states_are_those_that_run_while_a_case_stands_there():
    asked = workflow("vouchers")

    assert {"acceptance", "correction", "publicity"} <= asked.state_clocks
    assert "service" in asked.clocks.keys() - asked.state_clocks  # it runs over many states


def _tests(step):
    return [test for branch in step.branches for test in branch.when]


def _refuse(value):
    raise TypeError(value)


def _shuffled(value, rng):
    if isinstance(value, dict):
        items = [(key, _shuffled(item, rng)) for key, item in value.items()]
        rng.shuffle(items)
        return dict(items)
    return [_shuffled(item, rng) for item in value] if isinstance(value, list) else value
