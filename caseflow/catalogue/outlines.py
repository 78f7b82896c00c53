"""How two versions of a compiled workflow differ: states, events, limits, as people name them."""

from typing import Any

from caseflow.catalogue.differences import Change, differences
from caseflow.kernel.workflow.model import Step, Workflow


def workflow_changes(before: Workflow, after: Workflow) -> tuple[Change, ...]:
    """Return what differs by path: `states.joint_check.holders`, `limits.service.limit`.

    A state, event or limit that one side lacks is one change, None on that side.
    """
    return differences(outline(before), outline(after))


def outline(workflow: Workflow) -> dict[str, Any]:
    """Return a workflow as it is compared: what people see of it, by name."""
    return {
        "states": {
            state.code: {
                "title": state.title,
                "phase": state.phase,
                "holders": list(state.holders),
                "clock": state.clock,
                "stops": list(state.stops),
                "decide": state.decide,
                "needed": state.needed,
                "end": state.end,
            }
            for state in workflow.states.values()
        },
        "events": {f"{step.source}/{step.event}": _event(step) for step in workflow.steps.values()},
        "limits": {
            clock.name: {
                "title": clock.title,
                "limit": clock.limit,
                "unit": clock.unit,
                "until": clock.until,
                "remind": list(clock.remind),
            }
            for clock in workflow.clocks.values()
        },
    }


def _event(step: Step) -> dict[str, Any]:
    return {
        "title": step.title,
        "by": list(step.by),
        "to": [branch.target for branch in step.branches],
        "when": [[vars(test) for test in branch.when] for branch in step.branches],
        "requires": list(step.requires),
        "accepts": list(step.accepts),
        "guards": list(step.guards),
        "effects": list(step.effects),
    }
