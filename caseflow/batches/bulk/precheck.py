"""Looking before a bulk act: what each case would answer now. Nothing is written or locked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from caseflow.batches.bulk.wanted import Chosen, Wanted, chosen, requests_of
from caseflow.cases.reading import Asker, Reading, read_many
from caseflow.cases.service import Cases, Request
from caseflow.cases.sets import SIZE
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import CaseflowError, GuardFailed

MOST_REASONS: Final = 20


@dataclass(frozen=True)
class CheckedCase:
    """What a case would answer: where it would rest, or why not; `failed` are its guards."""

    line: int
    case: str
    number: str
    state: str
    state_title: str
    allowed: bool
    to_state: str | None
    to_title: str | None
    reason: str
    failed: tuple[str, ...]


@dataclass(frozen=True)
class ReasonCount:
    """How many cases are refused for the same reason, and the number of the first."""

    reason: str
    count: int
    first: str


@dataclass(frozen=True)
class PreCheck:
    """What the act would come to if it were asked now, all cases together and a page of them.

    Together they may still pass a ceiling or a budget that each alone does not: that is the
    database's to refuse, case by case, when it happens. `next` is given back as `after`.
    """

    event: str
    count: int
    allowed: int
    refused: int
    reasons: tuple[ReasonCount, ...]
    items: tuple[CheckedCase, ...]
    next: int | None


def precheck(
    cases: Cases, actor: Actor, wanted: Wanted, at: datetime, *, after: int = 0, limit: int = 200
) -> PreCheck:
    """Return what each case would answer to `wanted` at `at`; the page begins behind line `after`.

    Raises:
        As `chosen`.
    """
    with cases.database.session() as session:
        found = chosen(session, actor, wanted)
    checked = _all(cases, actor, wanted, found, at)
    page = checked[after : after + limit]
    allowed = sum(each.allowed for each in checked)
    return PreCheck(
        event=wanted.event,
        count=len(checked),
        allowed=allowed,
        refused=len(checked) - allowed,
        reasons=_reasons(checked),
        items=tuple(page),
        next=page[-1].line if page and page[-1].line < len(checked) else None,
    )


def _all(
    cases: Cases, actor: Actor, wanted: Wanted, found: Sequence[Chosen], at: datetime
) -> list[CheckedCase]:
    checked = []
    asker = Asker(actor.id, at)
    for start in range(0, len(found), SIZE):
        part = {each.id: each for each in found[start : start + SIZE]}
        requests = requests_of(
            cases, wanted.event, wanted.payload, part.values(), actor_id=actor.id, at=at
        )
        with cases.connect() as connection:
            checked += [
                _one(cases, connection, part[reading.id], reading, requests[reading.id])
                for reading in read_many(connection, list(part), asker)
            ]
    return sorted(checked, key=lambda each: each.line)


def _one(
    cases: Cases, connection: Any, item: Chosen, reading: Reading, request: Request
) -> CheckedCase:
    workflow = cases.pinned.runner(connection, reading.workflow_hash).workflow
    target, reason = None, ""
    failed: tuple[str, ...] = ()
    try:
        target = cases.decide(connection, reading, request).decision.state
    except CaseflowError as error:
        reason = error.message
        failed = error.failed if isinstance(error, GuardFailed) else ()
    return CheckedCase(
        line=item.line,
        case=item.public_id,
        number=item.number,
        state=reading.state,
        state_title=workflow.states[reading.state].title,
        allowed=target is not None,
        to_state=target,
        to_title=workflow.states[target].title if target is not None else None,
        reason=reason,
        failed=failed,
    )


def _reasons(checked: Sequence[CheckedCase]) -> tuple[ReasonCount, ...]:
    """Return the commonest reasons, each with the first case that has it."""
    counts = Counter(each.reason for each in checked if not each.allowed)
    first = {each.reason: each.number for each in reversed(checked)}
    return tuple(
        ReasonCount(reason, count, first[reason])
        for reason, count in counts.most_common(MOST_REASONS)
    )
