"""The legal properties: what must have happened before money is paid, what a refusal must say."""

from collections.abc import Iterator, Mapping

from caseflow.kernel.checks import CREDIT, PAYMENT
from caseflow.kernel.errors import Problem
from caseflow.kernel.workflow.graph import Edge, edges, reachable
from caseflow.kernel.workflow.model import Step, Workflow
from caseflow.kernel.workflow.money_words import PAYS
from caseflow.kernel.workflow.source import Where
from caseflow.kernel.workflow.vocabulary import FLAGS

OPEN_CHILD = "open_child:"
REFUSALS = frozenset({"rejected", "not_accepted", "terminated"})
GROUNDS = ("reason", "reason_code", "remedy")
"""行政许可法 38、行政复议法 20: a refusal gives reasons and says where to turn."""

RECOVERS = "order_recovery"
RULING = ("recovery_fen", "offset_allowed", "reason", "remedy", "document_no")
"""财政违法行为处罚处分条例 32: who must pay back is told why, by which document, where to turn."""
APPROVER = "approver"
LISTS = "list_publicity"
CLEARED = {"pay": "payment_cleared", "publicise": "publicity_cleared"}
"""手册§11.3(3): no payment and no publicity without valid checks that passed."""

_RULES = {
    "selective": ("pays-without-publicity", "公示"),
    "government_approval": ("pays-without-government-approval", "市政府同意"),
}


def legal_problems(
    workflow: Workflow, where: Where, ways: list[Edge], *, compiled: Mapping[str, Workflow]
) -> Iterator[Problem]:
    """Yield every road to money that skips what the measure demands, and every bare refusal."""
    for flag in workflow.flags:
        rule, name = _RULES[flag]
        for step in _unpassed(workflow, ways, FLAGS[flag], compiled):
            message = f"{step.event!r} in {step.source!r} pays on a road without {name}"
            yield where.problem("step", (step.source, step.event), rule, message)
    for key, step in workflow.steps.items():
        if PAYS.intersection(step.effects) and "matter_in_force" not in step.guards:
            message = f"{step.event!r} pays without the guard matter_in_force"
            yield where.problem("step", key, "pays-without-policy", message)
        missing = [name for name in GROUNDS if name not in step.requires]
        if missing and _refuses(workflow, step):
            message = f"{step.event!r} refuses without requiring {', '.join(missing)}"
            yield where.problem("step", key, "rejection-without-reason", message)
        yield from _bare_rulings(step, key, where)
        yield from _unchecked(workflow, step, key, where)


def _unchecked(
    workflow: Workflow, step: Step, key: tuple[str, str], where: Where
) -> Iterator[Problem]:
    """Money moves, and a list is published, only on checks that passed; credit before all money."""
    pays = bool(PAYS.intersection(step.effects))
    if pays and CLEARED["pay"] not in step.guards:
        message = f"{step.event!r} pays without the guard {CLEARED['pay']}"
        yield where.problem("step", key, "pays-without-checks", message)
    if pays and CREDIT not in workflow.checks.get(PAYMENT, ()):
        message = f"{step.event!r} pays, and `checks` leave out {CREDIT} at {PAYMENT}"
        yield where.problem("step", key, "pays-without-credit", message)
    if LISTS in step.effects and CLEARED["publicise"] not in step.guards:
        message = f"{step.event!r} publicises without the guard {CLEARED['publicise']}"
        yield where.problem("step", key, "publicises-without-checks", message)


def _bare_rulings(step: Step, key: tuple[str, str], where: Where) -> Iterator[Problem]:
    """A decision to recover says why, and whoever handles the case does not take it (四眼原则)."""
    if RECOVERS not in step.effects:
        return
    missing = [name for name in RULING if name not in step.requires]
    if missing:
        message = f"{step.event!r} recovers without requiring {', '.join(missing)}"
        yield where.problem("step", key, "recovery-without-reason", message)
    if step.duty != APPROVER:
        message = f"{step.event!r} recovers without being an approver's duty"
        yield where.problem("step", key, "recovery-without-approver", message)


def _unpassed(
    workflow: Workflow, ways: list[Edge], event: str, compiled: Mapping[str, Workflow]
) -> list[Step]:
    """Return the steps that pay, or whose child does, on a road that has not passed `event`."""
    before = reachable([workflow.initial], ways, passing=lambda step: step.event != event)
    return [
        step
        for step in workflow.steps.values()
        if step.source in before and _pays(workflow, step, event, compiled)
    ]


def _pays(workflow: Workflow, step: Step, event: str, compiled: Mapping[str, Workflow]) -> bool:
    if PAYS.intersection(step.effects):
        return step.event != event
    kinds = [name.removeprefix(OPEN_CHILD) for name in step.effects if OPEN_CHILD in name]
    children = [compiled[workflow.children[kind]] for kind in kinds]
    return any(_unpassed(child, edges(child), event, compiled) for child in children)


def _refuses(workflow: Workflow, step: Step) -> bool:
    return any(workflow.states[branch.target].end in REFUSALS for branch in step.branches)
