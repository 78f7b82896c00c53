"""The library, the policies and the compiled workflows that the tests of this folder question.

A name is a family's, another process's of a family, or `process/kind` for its child cases.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from coverage import Coverage

from caseflow.catalogue.cities import read_cities
from caseflow.catalogue.compiling import compile_measure, is_family
from caseflow.catalogue.library import load_library
from caseflow.catalogue.loading import read_policies
from caseflow.kernel.conditions import all_hold
from caseflow.kernel.workflow.compiler import compile_workflows
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.money_words import PAYS
from caseflow.kernel.workflow.source import MeasureSpec
from caseflow.notifications.rules import load_notices

EVERYTHING = Path(__file__).resolve().parents[2]  # conftest says so too, but imports more
REFUSALS = ("rejected", "not_accepted", "terminated")


@contextmanager
def untraced() -> Iterator[None]:
    """What many tests read is made without measuring: that would cost more than all of them.

    The readers and the compiler have tests of their own, which are measured.
    """
    measuring = Coverage.current()
    if measuring is not None:
        measuring.stop()
    try:
        yield
    finally:
        if measuring is not None:
            measuring.start()


@cache
def library():
    with untraced():
        return load_library(EVERYTHING / "workflows")


@cache
def policies():
    """Every policy of the checkout by its code."""
    with untraced():
        return {files.policy.code: files for files in read_policies(EVERYTHING)}


@cache
def cities():
    with untraced():
        return read_cities(EVERYTHING)


@cache
def notices():
    with untraced():
        return load_notices(EVERYTHING / "notifications")


@cache
def compiled_measure(id_):
    """The workflows of one measure by name."""
    files = next(each for each in policies().values() if id_.startswith(each.policy.prefix))
    with untraced():
        return compile_measure(files, files.measure(id_), library())


@cache
def compiled_policies():
    """The workflows of every measure of every policy by the measure's id, then by name."""
    return {measure.id: compiled_measure(measure.id) for measure in measures()}


def measures():
    return [measure for files in policies().values() for measure in files.measures]


def compiled(process, **options):
    definition = library().families[process]
    family = definition.data.get("of", process)
    spec = MeasureSpec(id=process, title=process, family=family, process=process, **options)
    with untraced():
        return compile_workflows(definition, library(), spec)


@cache
def _flagged(process):
    return compiled(process, flags=flags_of(process))


def workflow(name) -> Workflow:
    """The workflow with the legal flags of its measures; they add checks and change nothing."""
    return _flagged(name.partition("/")[0])[name]


_BY_NAME = {name: each for name, each in library().families.items() if not each.data.get("child")}
FAMILIES = tuple(name for name, each in _BY_NAME.items() if is_family(each))
PROCESSES = tuple(name for name, each in _BY_NAME.items() if not is_family(each))
CHILDREN = tuple(
    f"{name}/{kind}" for name, each in _BY_NAME.items() for kind in each.data.get("children", {})
)
PARENTS = tuple(name.partition("/")[0] for name in CHILDREN)
ALL = (*FAMILIES, *PROCESSES, *CHILDREN)

BY_THE_BUREAU = tuple(
    name for name, each in _BY_NAME.items() if each.data["opened_by"] == "lead_bureau.handler"
)

# test_families holds these against the compiled workflows; here nothing needs compiling.
TRACKED = ("funds", "guarantees")
MONEYLESS = (*TRACKED, "opportunities", "recommendations")
APPLIED_FOR = tuple(n for n in (*FAMILIES, *PROCESSES) if n not in BY_THE_BUREAU)
DRAFTED = tuple(n for n in APPLIED_FOR if n not in {"events", "opportunities", "recommendations"})
PAYING = tuple(name for name in ALL if name not in {*MONEYLESS, *PARENTS})
PUBLICISED = tuple(
    name for name in ALL if name not in {*MONEYLESS, "interest", "allowances/period"}
)


def of_each(names):
    """Ask a question of every workflow named, in one test; who fails is noted by name."""

    def asking(question):
        def asked():
            for name in names:
                try:
                    question(name)
                except BaseException as error:
                    error.add_note(f"of the workflow {name}")
                    raise

        asked.__name__ = question.__name__
        return asked

    return asking


def flags_of(process):
    """The legal flags that the measures of a process carry."""
    if process in MONEYLESS:
        return ()
    return ("selective", "government_approval") if process == "deals" else ("selective",)


def pays(flow):
    return any(PAYS.intersection(step.effects) for step in flow.steps.values())


def leads(flow, state, event, **facts):
    """Return the targets of the branches that these facts satisfy."""
    return [b.target for b in flow.step(state, event).branches if all_hold(b.when, facts)]


def main_road(flow):
    """Walk the main events; of a list `a|b` the first not yet done in this case."""
    samples = {name: fact.sample for name, fact in flow.facts.items()}
    state, road, done = flow.initial, [flow.initial], set()
    while flow.states[state].end is None:
        open_events = [e for e in flow.states[state].main.split("|") if (state, e) not in done]
        step = flow.step(state, open_events[0])
        done.add((state, step.event))
        ways = [branch for branch in step.branches if all_hold(branch.when, samples)]
        target = (ways or step.branches)[0].target
        if target == state and len(open_events) == 1:
            waiting = next(other for other in flow.steps_from(state) if other.automatic)
            target = waiting.branches[0].target
        if target != state:
            road.append(target)
        state = target
    return road


def targets(flow, state, event):
    return [branch.target for branch in flow.step(state, event).branches]


def outcomes(flow, state, event):
    return [flow.states[target].end for target in targets(flow, state, event)]


def states_of(flow, code):
    return [state for state in flow.states if state.partition("#")[0] == code]
