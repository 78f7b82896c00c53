"""Child cases: what a recurring clock or an act of the parent opens."""

from dataclasses import replace
from typing import Any, Final

from caseflow.cases.acting import Act, Office
from caseflow.cases.birth import Newborn, add_birth
from caseflow.cases.statement import Writes
from caseflow.catalogue.pinned import Pinned
from caseflow.database.ids import PublicIds
from caseflow.deadlines.queries import load_calendar
from caseflow.kernel.workflow.vocabulary import AMOUNTS

OPEN_CHILD: Final = "open_child:"


def add_children(
    connection: Any, act: Act, writes: Writes, *, office: Office, pinned: Pinned, ids: PublicIds
) -> None:
    """Add the rows of the child cases that the act opens; most acts open none."""
    kinds = [
        effect.removeprefix(OPEN_CHILD)
        for move in act.decision.moves
        for effect in move.step.effects
        if effect.startswith(OPEN_CHILD)
    ]
    for index, kind in enumerate(kinds):
        child = _child(connection, act, kind, pinned=pinned, public_id=ids.new())
        number = f"{act.reading.number}/{act.reading.children[0] + index + 1}"
        calendar = load_calendar(connection, act.reading.calendar_stamp)
        add_birth(writes, replace(child, number=number), calendar=calendar, office=office)


def _child(connection: Any, act: Act, kind: str, *, pinned: Pinned, public_id: str) -> Newborn:
    reading = act.reading
    workflow_hash = act.measure.children[kind]
    workflow = pinned.runner(connection, workflow_hash).workflow
    row = connection.execute("SELECT nextval('entity_id')").fetchone()
    kept = {k: v for k, v in act.decision.facts.items() if k in workflow.facts and k not in AMOUNTS}
    return Newborn(
        id=row[0],
        public_id=public_id,
        number="",
        title=f"{reading.title}·{workflow.title}",
        workflow=workflow,
        workflow_hash=workflow_hash,
        measure=act.measure,
        applicant_id=reading.applicant_id,
        applicant_title=reading.applicant_title,
        territory_id=reading.territory_id,
        parties=reading.parties,
        facts={name: kept[name] for name in kept if not workflow.facts[name].system},
        at=act.at,
        actor_id=act.actor_id,
        seat=act.seat,
        matter_on=reading.matter_on.isoformat() if reading.matter_on else None,
        parent_id=act.case_id,
        root_id=reading.root_id,
        child_kind=kind,
    )
