"""The rows of a case that begins: its own, its first event, tasks, clock and timers.

Cases begin the same way whether somebody opens them or another case does (its children).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from caseflow.cases.acting import Office
from caseflow.cases.notices import add_notice, told
from caseflow.cases.part import OPENED
from caseflow.cases.statement import Writes
from caseflow.cases.tasks import holders
from caseflow.cases.timekeeping import Timekeeper
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.deadlines.part import CLOCKS, TIMERS
from caseflow.funds.awards.part import MATTERS
from caseflow.history.part import EVENTS, Draft, chained
from caseflow.kernel.calendar import Calendar, local_date
from caseflow.kernel.clocks import to_row
from caseflow.kernel.event_bytes import GENESIS
from caseflow.kernel.overlap.matters import Matter, matters_data
from caseflow.kernel.recovery import RECOVERY
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.vocabulary import SEATS
from caseflow.notifications.rules import HOLDER
from caseflow.reviews.part import TASKS_OPENED

OPENED_EVENT: Final = "case_opened"
TASK_OPENED: Final = "task_opened"
CHILD_OPENED: Final = "child_opened"


@dataclass(frozen=True)
class Newborn:
    """A case about to be written; `facts` may hold amounts or dates known from the start.

    `matters` are named with its first event, for `holder`, where a list says what it is about.
    """

    id: int
    public_id: str
    number: str
    title: str
    workflow: Workflow
    workflow_hash: str
    measure: MeasureInfo
    applicant_id: int
    applicant_title: str
    territory_id: int
    parties: Mapping[str, int]
    facts: Mapping[str, Any]
    at: datetime
    actor_id: int
    seat: str
    call_id: int | None = None
    call_closes_on: str | None = None
    matter_on: str | None = None
    parent_id: int | None = None
    root_id: int | None = None
    child_kind: str | None = None
    request_id: str | None = None
    request_hash: bytes | None = None
    matters: tuple[Matter, ...] = ()
    holder: str | None = None

    @property
    def owner(self) -> dict[str, int]:
        """Return the key under which other tables know the case."""
        return {"case_id": self.id}


def add_birth(writes: Writes, case: Newborn, *, calendar: Calendar, office: Office) -> None:
    """Put every row of the new case into `writes`."""
    event = _event(case, office)
    writes.add(EVENTS, event)
    writes.add(OPENED, _row(case, event))
    writes.add(MATTERS, *(_matter(case, event["seq"], matter) for matter in case.matters))
    keeper = Timekeeper(case.workflow, (), calendar)
    facts = {**case.facts, "call_closes_on": case.call_closes_on}
    keeper.enter(case.workflow.initial, facts, local_date(case.at))
    writes.add(CLOCKS, *({**case.owner, **to_row(clock)} for clock in keeper.changed))
    writes.add(TIMERS, *keeper.timers(case.id))
    for holder in holders(case.workflow, case.workflow.initial, case.parties):
        task = {"state": case.workflow.initial, "at": case.at, "round": event["seq"], **holder}
        writes.add(TASKS_OPENED, {**case.owner, "added_seq": None, **task})
    _add_notices(writes, case, keeper, office)


def _matter(case: Newborn, seq: int, matter: Matter) -> dict[str, Any]:
    named = {"kind": matter.kind, "key": matter.key, "stem": matter.stem, "holder": case.holder}
    cost = {"cost_from": matter.cost_from, "cost_to": matter.cost_to, "items": matter.items}
    return {**case.owner, "seq": seq, **named, **cost, "by_id": case.actor_id, "at": case.at}


def _event(case: Newborn, office: Office) -> dict[str, Any]:
    named = {"matters": matters_data(case.matters)} if case.matters else {}
    draft = Draft(
        name=OPENED_EVENT,
        actor_id=case.actor_id,
        at=case.at,
        payload={"title": case.title, "matter_on": case.matter_on, **case.facts, **named},
        seat=case.seat,
        organisation_id=_organisation(case),
        to_state=case.workflow.initial,
        workflow_hash=case.workflow_hash,
        request_id=case.request_id,
        request_hash=case.request_hash,
    )
    return chained([draft], stream=case.id, seq=0, head=GENESIS, signer=office.signer)[0]


def _organisation(case: Newborn) -> int | None:
    """Return whose seat the case is opened from, None where the system opens it."""
    found = case.parties.get(SEATS[case.seat].party) if case.seat in SEATS else None
    return int(found) if found is not None else None


def _row(case: Newborn, event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": case.id,
        "public_id": case.public_id,
        "number": case.number,
        "title": case.title,
        "parent_id": case.parent_id,
        "root_id": case.root_id or case.id,
        "child_kind": case.child_kind,
        "measure_id": case.measure.measure_id,
        "measure_version_id": case.measure.version_id,
        "policy_version_id": case.measure.policy_version_id,
        "workflow_hash": case.workflow_hash,
        "call_id": case.call_id,
        "applicant_id": case.applicant_id,
        "territory_id": case.territory_id,
        "parties": case.parties,
        "matter_on": case.matter_on,
        "state": case.workflow.initial,
        "head_seq": event["seq"],
        "head_hash": event["hash"],
        "facts": case.facts,
        "at": case.at,
    }


def _add_notices(writes: Writes, case: Newborn, keeper: Timekeeper, office: Office) -> None:
    """Tell of the new case; of a recovery the applicant hears when notified (手册§5.9)."""
    state = case.workflow.states[case.workflow.initial]
    clock = keeper.running(state.code)
    facts: dict[str, Any] = {
        "number": case.number,
        "case": case.public_id,
        "title": case.title,
        "measure": case.measure.title,
        "measure_code": case.measure.code,
        "applicant": case.applicant_title,
        "event": "新建办件",
        "state": state.title,
        "due_on": clock.due_on.isoformat() if clock else None,
        "provisional": bool(clock and clock.provisional),
        "bureau": case.measure.definition["bureaus"][0],
        "payload": {},
        "amounts": {},
        "child_title": case.title if case.parent_id else None,
        "child_number": case.number if case.parent_id else None,
    }
    is_told = case.parent_id is not None and case.child_kind != RECOVERY
    trigger = CHILD_OPENED if is_told else TASK_OPENED
    for rule in office.notices.for_trigger(trigger):
        seats = [seat for seat in rule.seats if seat != HOLDER or case.seat not in state.holders]
        places = told(case.workflow, state.code, case.parties, seats)
        add_notice(
            writes,
            rule,
            places,
            case_id=case.id,
            rule_name=f"{rule.rule}#1",
            facts=facts,
            at=case.at,
        )
