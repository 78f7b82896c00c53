"""What acts read and write of panels and places: facts for the guards, rows for the statement."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from caseflow.cases.acting import Act
from caseflow.cases.experts.places import places_of
from caseflow.cases.reading import Reading
from caseflow.cases.statement import Writes
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.kernel.errors import NotAllowed
from caseflow.kernel.scoring import total_of
from caseflow.kernel.workflow.effects import CALL_QUOTA, PANEL, PLACE_FREE, panel_facts
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.model import Workflow
from caseflow.reviews.experts.part import (
    MEMBERS_LEFT,
    PANELS_SEATED,
    PLACES,
    PLACES_NAMED,
    SHEETS,
    SHORTLISTS,
)
from caseflow.reviews.experts.queries import PanelReading

DRAWING: Final = frozenset({"seat_panel", "replace_expert"})
PROMOTE: Final = "promote"
RANK: Final = "rank"


def judging_facts(
    reading: Reading, measure: MeasureInfo, workflow: Workflow, at: datetime
) -> dict[str, Any]:
    """Return what guards know of the case's panel and of the places it competes for."""
    judging = reading.judging
    facts: dict[str, Any] = {
        "panel_members": 0,
        "sheets_waiting": 1,
        "panel_score": 0,
        "quota_bound": bool(reading.has_call_quota or measure.definition.get("quota")),
    }
    stage = workflow.states[reading.state].stage
    if judging.panel is not None and judging.panel.stage == stage:
        facts |= _of_panel(judging.panel)
    if judging.places is not None:
        places = judging.places
        counters = places_of(reading, measure, workflow, at)
        facts |= {
            CALL_QUOTA: places.quota,
            PLACE_FREE: all(places.taken.get(each.key, 0) < each.quota for each in counters),
            "first_in_line": places.first_in_line,
            "titles_issued": places.titles_issued,
        }
    return facts


def _of_panel(found: PanelReading) -> dict[str, Any]:
    """A panel counts as drawn until it is seated; another round needs another draw."""
    drawn_now = 0 if found.is_seated else len(found.panel.seated)
    return {PANEL: found.panel, "panel_members": drawn_now, **panel_facts(found.panel)}


def drawn(act: Act, move: Move) -> Mapping[str, Any]:
    """Return what the event of a draw tells of it: number, seed, hashes of pool and panel."""
    if DRAWING.isdisjoint(move.step.effects) or act.reading.judging.panel is None:
        return {}
    return act.reading.judging.panel.draw


def _seat_panel(act: Act, writes: Writes, _seq: int, move: Move) -> None:
    if not move.stays:
        writes.add(PANELS_SEATED, _of_round(act))


def _score_case(act: Act, writes: Writes, _seq: int, move: Move) -> None:
    terms = _panel(act).panel.terms
    scores = move.payload["scores"]
    sheet = {"scores": scores, "total": total_of(scores, terms.criteria)}
    own = {"person_id": act.actor_id, "opinion": move.payload["note"], "due_on": _due_on(act, move)}
    writes.add(SHEETS, {**_of_round(act), **own, **sheet})


def _due_on(act: Act, move: Move) -> str | None:
    """Return the last day of the state's clock as it stands, ISO: sheets are late after it."""
    name = act.workflow.states[move.source].clock
    found = (clock["due_on"] for clock in act.reading.clocks or [] if clock["name"] == name)
    return next(found, None)


def _decline_review(act: Act, writes: Writes, _seq: int, move: Move) -> None:
    row = {**_of_round(act), "person_id": act.actor_id, "reason": move.payload["reason"]}
    writes.add(MEMBERS_LEFT, row)


def _panel(act: Act) -> PanelReading:
    """Return the panel of an act that its guards let through: there is one."""
    panel = act.reading.judging.panel
    if panel is None:
        raise NotAllowed("本办件没有抽取专家组。")
    return panel


def _of_round(act: Act) -> dict[str, Any]:
    return {"case_id": act.case_id, "round": _panel(act).round, "at": act.at}


def _take_place(act: Act, writes: Writes, _seq: int, move: Move) -> None:
    """A case that goes on from the ranking takes its place; who waits takes none."""
    if _waits(move):
        return
    counters = places_of(act.reading, act.measure, act.workflow, act.at)
    keys = [each.key for each in counters]
    for each in counters:
        row = {"key": each.key, "kind": each.kind, "quota": each.quota}
        own = {"case_id": act.case_id, "measure_id": act.measure.measure_id}
        writes.add(SHORTLISTS, {**row, **own})
    writes.add(
        PLACES,
        {
            "case_id": act.case_id,
            "keys": keys,
            "rank": act.decision.facts[RANK],
            "promoted": move.step.event == PROMOTE,
            "at": act.at,
        },
    )


def _waits(move: Move) -> bool:
    return move.target.partition("#")[0] == "waitlisted"


def _issue_title(act: Act, writes: Writes, _seq: int, _move: Move) -> None:
    writes.add(PLACES_NAMED, {"case_id": act.case_id, "at": act.at})


EXPERT_WRITERS: Final = {
    "seat_panel": _seat_panel,
    "score_case": _score_case,
    "decline_review": _decline_review,
    "take_place": _take_place,
    "issue_title": _issue_title,
}
