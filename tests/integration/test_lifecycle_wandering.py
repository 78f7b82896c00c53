"""Cases that wander: whatever people ask in whatever order, no case is stuck and nothing breaks."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from caseflow.database.access import Database
from caseflow.kernel.errors import CaseflowError
from caseflow.kernel.workflow.judging import SEATS_PANEL, TAKES_SHEET
from caseflow.kernel.workflow.model import Fact, Step
from caseflow.kernel.workflow.vocabulary import INPUTS
from caseflow.rehearsal.player import PUBLICISE
from tests.integration.kept_database import keep
from tests.integration.walking import FAMILIES, Town, found_town, visit

pytestmark = [pytest.mark.no_cover, pytest.mark.soak]

STEPS = 45
RARE = {
    "terminate",
    "withdraw",
    "reject",
    "not_accept",
    "discard_draft",
    "decline",
    "uphold_objection",
}
MAIN_ROAD, RARELY, SWEEP = 0.55, 0.05, 0.15


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    return found_town(kept, tmp_path_factory.mktemp("town"))


@pytest.fixture
def town(founded) -> Iterator[Town]:
    yield from visit(founded)


def wander(town: Town, case: str, dice: random.Random) -> None:
    """Let one random thing happen to a case: a step of somebody, or time passing."""
    standing = town.standing(case)
    if standing is None:
        return
    steps = [
        step
        for step in town.player.workflow(standing).steps_from(standing.state)
        if "system" not in step.by and (step.event not in RARE or dice.random() < RARELY)
    ]
    if not steps or dice.random() < SWEEP:
        town.sweep(town.now + timedelta(days=dice.choice((1, 5, 20, 45, 100))))
        return
    main = (town.player.workflow(standing).states[standing.state].main or "").split("|")
    on_road = [step for step in steps if step.event in main]
    step = dice.choice(on_road if on_road and dice.random() < MAIN_ROAD else steps)
    if step.event == PUBLICISE:
        town.publicise(case)
        return
    if {SEATS_PANEL, TAKES_SHEET} & {*step.effects}:
        town.player.play(standing, step, town.now)
        return
    town.act(case, step.event, dice.choice(step.by), **chosen(town, case, step, dice))


def chosen(town: Town, case: str, step: Step, dice: random.Random) -> dict[str, Any]:
    """Return values at random for what the step wants chosen."""
    standing = town.standing(case)
    assert standing is not None
    known = {**INPUTS, **town.player.workflow(standing).facts}
    wanted = [known[name] for name in step.requires if name in known]
    return {fact.name: pick(fact, dice) for fact in wanted if fact.type in {"choice", "boolean"}}


def pick(fact: Fact, dice: random.Random) -> Any:
    if dice.random() < MAIN_ROAD:
        return fact.sample
    return dice.choice(fact.choices) if fact.type == "choice" else dice.random() < MAIN_ROAD


@pytest.mark.parametrize(
    "family",
    [
        "research",
        "titles",
        *(
            pytest.param(family, marks=pytest.mark.soak)
            for family in FAMILIES
            if family not in {"research", "titles"}
        ),
    ],
)
def test_a_case_that_wanders_is_never_stuck(town: Town, family: str):
    dice = random.Random(f"{family}-7")
    case = town.open(FAMILIES[family])
    happened, refusals = 0, []

    for _ in range(STEPS):
        family_of_cases = [case, *town.children(case)]
        try:
            wander(town, dice.choice(family_of_cases), dice)
            happened += 1
        except CaseflowError as error:
            refusals.append(error.message)
        if town.outcome(case):
            case = town.open(FAMILIES[family], at=town.now)

    by_database = [told for told in refusals if "数据库拒绝" in told and "uq_hold" not in told]
    assert by_database == []
    assert happened > len(refusals)
