"""Several seats that decide together: compiling `decide`, `votes`, `silence`, and their rules."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from caseflow.kernel.errors import Problem
from caseflow.kernel.workflow.draft import Draft
from caseflow.kernel.workflow.joining import Place
from caseflow.kernel.workflow.model import ALL, IN_ORDER, VOTES, State, Step, Workflow
from caseflow.kernel.workflow.source import Where
from caseflow.kernel.workflow.vocabulary import ANSWER

CONSENT, NONE = "consent", "none"
EVERY_SEAT: Final = frozenset({ALL, IN_ORDER})
"""The modes in which nothing is settled before the last seat has answered."""


def needed_votes(draft: Draft, place: Place, code: str, data: Mapping[str, Any]) -> int | None:
    """Return how many of the seats must say yes; None where they do not vote."""
    votes, path = data.get("votes"), ("states", code)
    if (votes is None) != (data.get("decide") != VOTES):
        message = "`decide: votes` needs `votes: {of, needed}`, and only it has them"
        draft.fault(place.source, path, "decide-votes", message)
    if votes is None:
        return None
    seats, needed = len(place.cast(data.get("holder"))), _value(place, votes["needed"])
    if votes["of"] != seats or type(needed) is not int or not 1 <= needed <= seats:
        message = f"{needed} of {votes['of']} votes cannot be counted: {seats} seats vote"
        draft.fault(place.source, (*path, "votes"), "decide-votes", message)
        return None
    return needed


def _value(place: Place, written: Any) -> Any:
    """Return what is written, or the value of the parameter that it names; None for no such."""
    if not isinstance(written, str) or not written.startswith("$"):
        return written
    parameter = place.parameters.get(written[1:])
    return parameter.value if parameter else None


def silence_counts(draft: Draft, place: Place, code: str, data: Mapping[str, Any]) -> bool:
    """Return whether the measure says that silence is consent; a stage alone cannot say so."""
    written = data.get("silence", NONE)
    declared = place.source.data.get("parameters", {}).get(written.removeprefix("$"), {})
    by_parameter = written.startswith("$") and declared.get("default") == NONE
    value = _value(place, written)
    if value not in (CONSENT, NONE) or not (written == NONE or by_parameter):
        message = "silence is consent only by a measure's parameter, whose default here is `none`"
        draft.fault(place.source, ("states", code, "silence"), "silence-without-clause", message)
        return False
    return bool(value == CONSENT)


def deciding_problems(workflow: Workflow, where: Where) -> Iterator[Problem]:
    """Yield the faults of every state whose seats could not decide as it says."""
    for state in workflow.states.values():
        answers = [step for step in workflow.steps_from(state.code) if ANSWER in step.effects]
        for rule, message in _faults(workflow, state, answers):
            yield where.problem("state", state.code, rule, message)


def _faults(workflow: Workflow, state: State, answers: list[Step]) -> Iterator[tuple[str, str]]:
    if bool(answers) != (state.decide is not None):
        yield "decide-missing", f"{state.code!r}: where seats answer, it says how they `decide`"
        return
    if any(step.by != state.holders for step in answers):
        yield "decide-by-others", f"{state.code!r}: the seats that answer are those that hold it"
    guard = "all_seats_answered" if state.decide in EVERY_SEAT else "vote_decided"
    concludes = any(
        step.automatic and guard in step.guards for step in workflow.steps_from(state.code)
    )
    if state.decide and not concludes:
        message = f"{state.code!r}: nothing concludes by itself when {guard}"
        yield "decide-never-concludes", message
