"""Who is told of a move, and what a notice may say of it: facts, not sentences."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise
from typing import Any, Final

from caseflow.cases.acting import Act
from caseflow.cases.reading import iso
from caseflow.cases.statement import Writes
from caseflow.cases.tasks import holders
from caseflow.kernel.calendar import local_date
from caseflow.kernel.workflow.effects import LAST_PAID
from caseflow.kernel.workflow.machine import Move
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.vocabulary import AMOUNTS, SEATS
from caseflow.notifications.part import DELIVERIES, NOTICES
from caseflow.notifications.rules import HOLDER, TASK, NoticeBook, NoticeRule

CONFIRMS: Final = frozenset({"confirm_payment", "confirm_district_payment"})
"""The effects of which the recipient is told the sum."""


def add_notices(act: Act, writes: Writes, book: NoticeBook) -> None:
    """Tell the seats of each move; the new task is told of once, where the case comes to rest."""
    for seq, move in act.numbered():
        rests = move is act.decision.moves[-1] and not move.stays
        ended = act.workflow.states[move.target].end
        facts: dict[str, Any] | None = None
        for rule in book.for_event(move.step.event, to_state=move.target, ended=ended):
            seats = rule.seats if rests else [seat for seat in rule.seats if seat != HOLDER]
            places = told(act.workflow, move.target, act.reading.parties, seats)
            if TASK in seats:
                places = [*places, *act.desk.told]
            if not places:
                continue
            facts = facts or notice_facts(act, move)
            name = f"{rule.rule}#{seq}"
            add_notice(
                writes, rule, places, case_id=act.case_id, rule_name=name, facts=facts, at=act.at
            )


def add_notice(
    writes: Writes,
    rule: NoticeRule,
    places: Sequence[Mapping[str, Any]],
    *,
    case_id: int,
    rule_name: str,
    facts: Mapping[str, Any],
    at: datetime,
    due_on: date | None = None,
) -> None:
    """Put a notice for every person in `places` into the inbox and, if so ruled, the outbox.

    (case, `rule_name`, `due_on` or today, person) is told once.
    """
    row = {
        "case_id": case_id,
        "notice": rule.notice,
        "rule": rule_name,
        "due_on": (due_on or local_date(at)).isoformat(),
        "facts": facts,
        "at": at,
    }
    told_before = len(writes.rows[NOTICES.name])
    numbered = enumerate(places, start=told_before)
    writes.add(NOTICES, *({**row, **place, "place": number} for number, place in numbered))
    if "email" in rule.channels:
        writes.add(DELIVERIES, rule.notice)


def notice_facts(act: Act, move: Move) -> dict[str, Any]:
    """Return what a notice may say of the case and the move; facts, not sentences."""
    clock = act.timekeeper.running(move.target)
    facts = act.decision.facts
    amounts = {name: fen for name in AMOUNTS if (fen := facts.get(name)) is not None}
    return {
        "number": act.reading.number,
        "case": act.reading.public_id,
        "title": act.reading.title,
        "measure": act.measure.title,
        "measure_code": act.measure.code,
        "applicant": act.reading.applicant_title,
        "event": move.step.title,
        "state": act.workflow.states[move.target].title,
        "due_on": iso(clock.due_on) if clock else None,
        "provisional": bool(clock and clock.provisional),
        "bureau": act.measure.definition["bureaus"][0],
        "payload": dict(move.payload),
        "amounts": amounts,
        "cuts": cuts(amounts),
        "amount_fen": facts.get(LAST_PAID) if CONFIRMS.intersection(move.step.effects) else None,
        "paid_fen": facts.get("paid_fen") or None,
        "publicity_ends_on": facts.get("publicity_ends_on"),
    }


def cuts(amounts: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return each step of the amount history that took something away, and how much."""
    known = [(AMOUNTS[name].title, fen) for name, fen in amounts.items() if fen]
    return [
        {"words": title, "fen": before - fen}
        for (_, before), (title, fen) in pairwise(known)
        if fen < before
    ]


def told(
    workflow: Workflow, state: str, parties: Mapping[str, Any], seats: Sequence[str]
) -> list[dict[str, Any]]:
    """Return organisation and role of each seat; `holder` stands for those who hold `state`."""
    found = []
    for name in seats:
        if name == HOLDER:
            found += [
                {"organisation_id": holder["organisation_id"], "role": holder["role"]}
                for holder in holders(workflow, state, parties)
            ]
        elif name != TASK and parties.get(SEATS[name].party) is not None:
            seat = SEATS[name]
            found.append({"organisation_id": parties[seat.party], "role": seat.role})
    return found
