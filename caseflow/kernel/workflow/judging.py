"""States in which experts judge: where a panel is drawn, where it hands in its sheets, how.

Nothing else in the program knows them by name: a stage is judged by a panel because its events have
the effects that seat one and take its sheets.
"""

from collections.abc import Iterator
from typing import Final

from caseflow.kernel.errors import Problem
from caseflow.kernel.workflow.graph import Edge
from caseflow.kernel.workflow.model import IN_PERSON, Workflow
from caseflow.kernel.workflow.source import Where

SEATS_PANEL, TAKES_SHEET = "seat_panel", "score_case"
"""The effect of the step that draws a panel, and of the one that hands in a sheet."""
NEEDS_DRAW: Final = "须先抽取专家组"


def is_drawn_in(workflow: Workflow, state: str) -> bool:
    """Return whether a case in `state` waits for its panel to be drawn."""
    return _has(workflow, state, SEATS_PANEL)


def is_judged_in(workflow: Workflow, state: str) -> bool:
    """Return whether experts hand in sheets for a case in `state`."""
    return _has(workflow, state, TAKES_SHEET)


def is_in_person(workflow: Workflow, stage: str) -> bool:
    """Return whether the panel of a stage meets the applicant: its files are not blind."""
    return any(s.judged == IN_PERSON for s in workflow.states.values() if s.stage == stage)


def judging_stages(workflow: Workflow) -> tuple[str, ...]:
    """Return the stages that a panel judges, in the order of the road."""
    found = (s.stage for s in workflow.states.values() if is_judged_in(workflow, s.code))
    return tuple(dict.fromkeys(found))


def _has(workflow: Workflow, state: str, effect: str) -> bool:
    return any(effect in step.effects for step in workflow.steps_from(state))


def judging_problems(workflow: Workflow, where: Where, ways: list[Edge]) -> Iterator[Problem]:
    """Yield what would let experts judge who were not drawn, or judge nothing at all."""
    for state in workflow.states.values():
        if state.judged is not None and not is_judged_in(workflow, state.code):
            message = f"{state.code!r} says how it is judged, but no event takes a score sheet"
            yield where.problem("state", state.code, "judged-without-sheets", message)
    judged = {code for code in workflow.states if is_judged_in(workflow, code)}
    for way in ways:
        enters = way.target in judged and way.target != way.source and not way.is_return
        if enters and SEATS_PANEL not in way.step.effects:
            message = f"{way.step.event!r} leads to {way.target!r} without seating a panel"
            key = (way.source, way.step.event)
            yield where.problem("step", key, "judged-without-panel", message)


def faults_of_panel(old: Workflow, new: Workflow, state: str, target: str) -> list[str]:
    """Return why a case in `state` may not be judged in `target` of another version; for people.

    A panel goes with its stage: nobody was drawn for another, nor where a score was entered.
    """
    if not is_judged_in(new, target):
        return []
    same = old.states[state].stage == new.states[target].stage
    if same and is_judged_in(old, state):
        return []
    return [f"“{new.states[target].title}”由专家组评分，{NEEDS_DRAW}，须在方案中改入抽取环节"]
