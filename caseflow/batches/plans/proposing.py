"""What a plan may list: the cases of a call as they stand, and the plan that ranks and pools give.

A proposal is what the rules say, nothing more: whoever stands in 拟支持 in the order of the ranks
(then of submission), as long as places and pool last; who waits goes on waiting. The handler drafts
it as it is or lists by hand.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg.rows import namedtuple_row
from sqlalchemy.orm import Session

from caseflow.batches.plans.models import SUPPORT, WAITLIST
from caseflow.batches.short_pools import Standing, standing_cases
from caseflow.cases.cutting import RuleCut
from caseflow.cases.filters import CITY_SEES
from caseflow.cases.service import Cases
from caseflow.catalogue.models import Call
from caseflow.kernel.pools import RULES, Allotment, divide

PROPOSED, WAITLISTED = "proposed", "waitlisted"
ON_THE_WAY: Final = (
    "plan_review",
    "leadership_meeting",
    "publicity_pending",
    "publicity",
    "objection",
)
"""Where a case stands that a plan supports already, from its review to the end of its publicity."""
LIVE: Final = f"""
    SELECT c.id, c.public_id, c.number, split_part(c.state, '#', 1) AS state, c.submitted_at,
        (c.facts->>'rank')::int AS rank, (c.facts->>'planned_fen')::bigint AS planned_fen,
        coalesce(c.facts->>'reviewed_fen', c.facts->>'audited_fen', c.facts->>'verified_fen',
            c.facts->>'applied_fen')::bigint AS wanted_fen, c.publicity_id,
        o.title AS applicant, c.title
    FROM "case" c JOIN organisation o ON o.id = c.applicant_id
    WHERE c.call_id = %s AND c.outcome IS NULL AND c.submitted_at IS NOT NULL
      AND {CITY_SEES}
    ORDER BY (c.facts->>'rank')::int NULLS LAST, c.submitted_at, c.number
"""
NO_PLACE: Final = "名额已满，列入候补"
NO_MONEY: Final = "本批资金池已安排完毕，列入候补"
WAITS: Final = "排序列入候补"
POOL_SHORT: Final = "pool_short"
"""Why a proposal gives less than was wanted, where it is not a ceiling that cuts it."""


@dataclass(frozen=True)
class Wish:
    """What the handler wants of a case, by public id: `fen` for support, else why not.

    `cut_code` is of `CUT_CODES`: why it is less than was wanted, where no rule makes just this sum.
    """

    case: str
    result: str
    fen: int | None = None
    reason: str | None = None
    reason_code: str | None = None
    cut_code: str | None = None


@dataclass(frozen=True)
class ProposedLine:
    """What the rules give a case; `wanted_fen` is the last amount that was looked at.

    Support with less than that says why: `reason`, and `cut_code` of `CUT_CODES`.
    """

    case: str
    number: str
    applicant: str
    title: str
    state: str
    rank: int | None
    result: str
    wanted_fen: int | None
    fen: int | None
    reason: str | None
    cut_code: str | None


@dataclass(frozen=True)
class Proposal:
    """A plan as the rules would have it; `pending` are cases that are still being reviewed."""

    call: str
    title: str
    quota: int | None
    pool_fen: int | None
    support_count: int
    support_fen: int
    pending: tuple[str, ...]
    lines: tuple[ProposedLine, ...]


def live_cases(session: Session, call: Call) -> list[Any]:
    """Return the call's cases that have not ended: by rank, then as they were submitted."""
    driver: Any = session.connection().connection.driver_connection
    rows: list[Any] = driver.cursor(row_factory=namedtuple_row).execute(LIVE, (call.id,)).fetchall()
    return rows


def propose(cases: Cases, session: Session, call: Call, at: datetime) -> Proposal:
    """Return the plan that ranks, places and pool give; nothing is written."""
    driver: Any = session.connection().connection.driver_connection
    standing = {each.reading.id: each for each in standing_cases(cases, driver, call.id, at)}
    found = live_cases(session, call)
    on_the_way = [c for c in found if c.state in ON_THE_WAY and c.planned_fen is not None]
    places = None if call.quota is None else max(0, call.quota - len(on_the_way))
    first = [standing[case.id] for case in found if case.id in standing][:places]
    given = _allotted(call, first, sum(case.planned_fen for case in on_the_way))
    room = _Room(call)
    lines, pending = [], []
    for case in found:
        if case.id in standing:
            lines.append(room.offer(case, standing[case.id], given))
        elif case.state in ON_THE_WAY and case.planned_fen is not None:
            lines.append(room.keep(case))
        elif case.state == WAITLISTED:
            lines.append(_line(case, WAITLIST, None, WAITS))
        else:
            pending.append(case.number)
    return Proposal(
        call=call.public_id,
        title=call.title,
        quota=call.quota,
        pool_fen=call.pool_fen,
        support_count=room.places,
        support_fen=room.fen,
        pending=tuple(pending),
        lines=tuple(lines),
    )


def _allotted(call: Call, standing: list[Standing], taken: int) -> dict[str, Allotment]:
    """Return what the call's rule for a short pool gives those that have a place, by number."""
    if call.short_pool not in RULES or call.pool_fen is None:
        return {}
    claims = [each.claim for each in standing]
    if call.short_pool.startswith("rank") and any(claim.rank is None for claim in claims):
        return {}
    shared = divide(call.short_pool, claims, max(0, call.pool_fen - taken))
    return {claim.key: each for claim, each in zip(claims, shared, strict=True)}


class _Room:
    """The places and the pool as a proposal gives them away."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.places = 0
        self.fen = 0

    def offer(self, case: Any, standing: Standing, given: dict[str, Allotment]) -> ProposedLine:
        """Return what is left for a case that stands in 拟支持."""
        wanted, allotment = standing.fen, given.get(case.number)
        fen = wanted if allotment is None else allotment.fen
        if self._call.quota is not None and self.places >= self._call.quota:
            return _line(case, WAITLIST, None, NO_PLACE)
        left = None if self._call.pool_fen is None else self._call.pool_fen - self.fen
        if (wanted and not fen) or (left is not None and fen > left):
            return _line(case, WAITLIST, None, NO_MONEY)
        self._take(fen)
        return _line(case, SUPPORT, fen, *_why(standing.cut, allotment))

    def keep(self, case: Any) -> ProposedLine:
        """Return the line of a case that a plan supports already, with the place it has."""
        self._take(case.planned_fen)
        return replace(_line(case, SUPPORT, case.planned_fen), wanted_fen=case.planned_fen)

    def _take(self, fen: int) -> None:
        self.places += 1
        self.fen += fen


def _why(cut: RuleCut | None, allotment: Allotment | None) -> tuple[str | None, str | None]:
    """Return in words what makes a proposal less than was wanted, and the code of the last cut."""
    short = allotment.reason if allotment else ""
    words = [cut.words] if cut else []
    words += [short] if short else []
    code = cut.code if cut else None
    return "；".join(words) or None, POOL_SHORT if short else code


def _line(
    case: Any, result: str, fen: int | None, reason: str | None = None, cut_code: str | None = None
) -> ProposedLine:
    return ProposedLine(
        case=case.public_id,
        number=case.number,
        applicant=case.applicant,
        title=case.title,
        state=case.state,
        rank=case.rank,
        result=result,
        wanted_fen=case.wanted_fen,
        fen=fen,
        reason=reason,
        cut_code=cut_code,
    )


def wishes_of(proposal: Proposal) -> tuple[Wish, ...]:
    """Return a proposal as what the handler wants."""
    return tuple(
        Wish(each.case, each.result, each.fen, each.reason, cut_code=each.cut_code)
        for each in proposal.lines
    )
