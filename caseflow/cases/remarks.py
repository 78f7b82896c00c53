"""An event of a case that does not move it: what is remarked in its history."""

from collections.abc import Sequence
from typing import Any

from caseflow.cases.part import MOVED
from caseflow.cases.reading import Reading, iso
from caseflow.cases.statement import Writes
from caseflow.history.part import EVENTS, Draft, Signer, chained


def add_remarks(
    writes: Writes, reading: Reading, drafts: Sequence[Draft], signer: Signer
) -> list[dict[str, Any]]:
    """Put the events of `drafts` at the head of the case's history; returns their rows."""
    events = chained(
        drafts,
        stream=reading.id,
        seq=reading.head_seq,
        head=bytes(reading.head_hash),
        signer=signer,
    )
    writes.add(EVENTS, *events)
    writes.add(MOVED, unmoved(reading, events[-1]))
    return events


def unmoved(reading: Reading, event: dict[str, Any]) -> dict[str, Any]:
    """Return the case's row as it was, but for the head of its history, which is `event`."""
    return {
        "id": reading.id,
        "expected_seq": reading.head_seq,
        "state": reading.state,
        "previous_state": reading.previous_state,
        "outcome": reading.outcome,
        "head_seq": event["seq"],
        "head_hash": event["hash"],
        "facts": reading.facts,
        "corrections_made": reading.corrections_made,
        "publicity_id": reading.publicity_id,
        "publicity_ends_on": iso(reading.publicity_ends_on),
        "approved_fen": reading.approved_fen,
        "matter_on": iso(reading.matter_on),
        "submitted_at": reading.submitted_at,
        "ended_at": reading.ended_at,
    }
