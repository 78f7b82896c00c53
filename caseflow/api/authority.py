"""What an actor may do besides acting on cases: one function a question, refusing or quiet."""

from typing import Final

from caseflow.cases.queries import APPLICANT
from caseflow.catalogue.queries import LoadedMeasure
from caseflow.identity.queries import Actor
from caseflow.kernel.calls import BATCH, STANDING
from caseflow.kernel.errors import NotAllowed

CALL_PLANNERS: Final = {
    STANDING: ("bureau_reviewer", "bureau_leader"),
    BATCH: ("bureau_handler", "bureau_reviewer", "bureau_leader"),
}
"""The roles of the lead bureau that plan calls (申报通知); a batch is published by another."""


def refuse_call_planner(actor: Actor, measure: LoadedMeasure, *, procedure: str) -> None:
    """Let only the lead bureau's reviewer or leader plan a measure's call, a batch its handler too.

    Raises:
        NotAllowed: the actor sits in none of these seats.
    """
    lead = measure.version.organisations["lead_bureau"]
    if any(actor.holds(lead, role) for role in CALL_PLANNERS[procedure]):
        return
    if procedure == BATCH:
        raise NotAllowed(f"{measure.code} 的申报通知由牵头部门拟定，您不在该部门。")
    raise NotAllowed(f"{measure.code} 的申报通知须由牵头部门复核或分管领导发布，您不在该席位。")


def refuse_official(actor: Actor) -> None:
    """Let nobody who sits in an office register themselves as an applicant.

    Raises:
        NotAllowed: the actor holds another role than an applicant's.
    """
    offices = sorted({each.role for each in actor.assignments} - {APPLICANT})
    if offices:
        raise NotAllowed(f"您任 {'、'.join(offices)}，不得以同一账户代申报主体申报。")
