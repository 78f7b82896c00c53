"""The compiled families that the tests of this folder question, and the walk along a main road."""

from functools import cache

from caseflow.catalogue.library import load_library
from caseflow.catalogue.places import data_root
from caseflow.kernel.conditions import all_hold
from caseflow.kernel.workflow.compiler import compile_workflows
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.source import MeasureSpec

FAMILIES = (
    "events",
    "funds",
    "interest",
    "investment",
    "platforms",
    "research",
    "scenarios",
    "talent",
    "titles",
    "vouchers",
)
CHILDREN = ("interest/period", "platforms/year")
ALL = (*FAMILIES, *CHILDREN)
APPLIED_FOR = tuple(name for name in FAMILIES if name not in {"funds", "titles"})
PAYING = tuple(name for name in ALL if name not in {"funds", "interest", "platforms"})
PUBLICISED = tuple(name for name in ALL if name not in {"funds", "interest"})
REFUSALS = ("rejected", "not_accepted", "terminated")


@cache
def library():
    return load_library(data_root() / "workflows")


def compiled(family, **options):
    spec = MeasureSpec(id=family, title=family, family=family, **options)
    return compile_workflows(library().families[family], library(), spec)


@cache
def workflow(name) -> Workflow:
    return compiled(name.partition("/")[0])[name]


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
