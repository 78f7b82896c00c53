"""Lots for cases (抽签): which experts may be drawn, by which seed, and the record of it.

The seed is a keyed hash of where the histories of the cases stand: nobody chooses or foresees it,
and the recorded draw can be repeated from its row alone.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.cases.experts.tied import tied
from caseflow.cases.reading import Asker, Reading, read_locked
from caseflow.cases.service import Cases
from caseflow.history.part import Signer
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.drawing import Candidate, Judged, draw
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.event_bytes import canonical
from caseflow.reviews.experts.models import ExpertDraw

POOL_PARTY: Final = "experts"

POOL: Final = """
    SELECT p.public_id, p.id, e.fields, e.employer_uscc, e.holdings,
        (SELECT array_agg(a.organisation_id) FROM assignment a WHERE a.person_id = e.person_id
          AND a.organisation_id <> e.organisation_id AND a.valid_from <= %(at)s
          AND (a.valid_to IS NULL OR a.valid_to > %(at)s)) AS seats,
        (SELECT array_agg(r.organisation_id) FROM expert_recusal r
          WHERE r.person_id = e.person_id) AS declared
    FROM expert e JOIN person p ON p.id = e.person_id
    WHERE e.organisation_id = %(pool)s AND e.active_from <= %(on)s
      AND (e.active_to IS NULL OR e.active_to >= %(on)s)
      AND EXISTS (SELECT FROM assignment a WHERE a.person_id = e.person_id AND a.role = 'expert'
          AND a.organisation_id = e.organisation_id AND a.valid_from <= %(at)s
          AND (a.valid_to IS NULL OR a.valid_to > %(at)s))
    ORDER BY p.id
"""


@dataclass(frozen=True)
class Scope:
    """What a draw is for: the locked cases, and the call or the one case it is recorded under."""

    readings: Sequence[Reading]
    codes: Mapping[int, str | None]
    call_id: int | None = None

    @property
    def judged(self) -> list[Judged]:
        """Return the applicants, each with the bureaus that handle the case."""
        return [
            Judged(
                each.applicant_id,
                each.applicant_title,
                self.codes[each.applicant_id],
                frozenset(
                    party
                    for name, party in each.parties.items()
                    if name not in {"applicant", POOL_PARTY} and isinstance(party, int)
                ),
            )
            for each in self.readings
        ]


@dataclass(frozen=True)
class Lots:
    """How many are drawn, of which field; `ever` were in the panel before, `reason` says why."""

    size: int
    field: str | None = None
    reason: str | None = None
    ever: frozenset[int] = frozenset()


def draw_lots(
    cases: Cases, session: Session, by: Actor, scope: Scope, lots: Lots, *, at: datetime
) -> tuple[ExpertDraw, list[int]]:
    """Draw and record it; returns the row and the ids of who was drawn."""
    candidates, ids = _pool(session, scope, at, cases.office.signer)
    known = {person: key for key, person in ids.items()}
    seated = [known[person] for person in lots.ever if person in known]
    seed = _seed(cases, scope)
    found = draw(candidates, scope.judged, lots.size, seed=seed, field=lots.field, seated=seated)
    row = ExpertDraw(
        call_id=scope.call_id,
        case_id=None if scope.call_id else scope.readings[0].id,
        size=lots.size,
        field=lots.field,
        seed=seed,
        pool={each.key: found.excluded.get(each.key, "") for each in candidates},
        pool_hash=found.pool_hash,
        panel=list(found.panel),
        panel_hash=found.panel_hash,
        reason=lots.reason,
        drawn_by=by.id,
        drawn_at=at,
    )
    session.add(row)
    session.flush()
    return row, [ids[key] for key in found.panel]


def _seed(cases: Cases, scope: Scope) -> bytes:
    heads = [[each.id, each.head_seq, each.head_hash.hex()] for each in scope.readings]
    return hmac.digest(cases.office.signer.key, canonical(["draw", heads]), sha256)


def _pool(
    session: Session, scope: Scope, at: datetime, signer: Signer
) -> tuple[list[Candidate], dict[str, int]]:
    """Return the active experts of the pool, and their ids by their public ids."""
    pools = {each.parties.get(POOL_PARTY) for each in scope.readings}
    if len(pools) != 1 or None in pools:
        raise InvalidInput("这些办件不由同一专家库评审。", fields={"cases": "专家库不同"})
    said = {"pool": pools.pop(), "at": at, "on": local_date(at)}
    rows = driver_of(session).execute(POOL, said).fetchall()
    employers = {person: uscc for _, person, _, uscc, *_ in rows}
    ties = tied(session, employers, scope.codes, at, signer=signer)
    candidates = [
        Candidate(
            key=key,
            fields=frozenset(fields),
            employer_uscc=uscc,
            holdings=frozenset(holdings),
            seats=frozenset(seats or ()),
            declared=frozenset(declared or ()),
            tied=ties[person],
        )
        for key, person, fields, uscc, holdings, seats, declared in rows
    ]
    return candidates, {row[0]: row[1] for row in rows}


def scope_of(
    session: Session, ids: Sequence[int], asker: Asker, *, call_id: int | None = None
) -> Scope:
    """Return the cases, locked until the transaction ends, with their applicants' codes."""
    readings = read_locked(driver_of(session), list(ids), asker)
    query = select(Organisation.id, Organisation.uscc)
    wanted = query.where(Organisation.id.in_({each.applicant_id for each in readings}))
    codes = {row.id: row.uscc for row in session.execute(wanted)}
    return Scope(readings, codes, call_id)


def driver_of(session: Session) -> Any:
    """Return the driver's connection of a session."""
    return session.connection().connection.driver_connection
