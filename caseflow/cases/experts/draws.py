"""Drawing a panel (抽取专家组): for one case or a whole call, and again for a vacant place.

The seed is a keyed hash of where the histories of the cases stand: nobody chooses or foresees it,
and the recorded draw can be repeated from its row alone. Draw and act are one transaction.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from caseflow.cases.experts.tied import tied
from caseflow.cases.queries import find_case
from caseflow.cases.reading import Asker, Reading, read_locked
from caseflow.cases.service import Cases, Request
from caseflow.catalogue.models import Call
from caseflow.history.part import Signer
from caseflow.identity.models import Organisation, Person
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.drawing import Candidate, Judged, draw, refuse_size
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotFound
from caseflow.kernel.event_bytes import canonical
from caseflow.kernel.scoring import Terms, terms_data, terms_of
from caseflow.kernel.workflow.model import Workflow
from caseflow.reviews.experts.models import ExpertDraw, PanelMember, ReviewPanel, ReviewTerms
from caseflow.reviews.experts.queries import PanelReading

DRAW, REPLACE = "draw_experts", "replace_expert"
MEMBERS: Final = "panel_members"
POOL_PARTY: Final = "experts"

CALLED: Final = """
    SELECT c.id FROM "case" c WHERE c.call_id = %s AND c.outcome IS NULL
    AND split_part(c.state, '#', 1) = 'expert_panel' ORDER BY c.id
"""
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
class PanelOrder:
    """What is asked of a draw: how many (None: the least the workflow takes), of which field."""

    document_no: str
    size: int | None = None
    field: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class DrawView:
    """A draw as recorded: repeat it with `seed` over `pool`, where an empty text could be drawn.

    `panel` are the public ids of the experts in the order of their lots, `cases` their numbers.
    """

    id: int
    size: int
    seed: str
    pool: Mapping[str, str]
    pool_hash: str
    panel: tuple[str, ...]
    panel_hash: str
    reason: str | None
    drawn_at: datetime
    cases: tuple[str, ...]


@dataclass(frozen=True)
class _Scope:
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
class _Lots:
    """How many are drawn, of which field; `ever` were in the panel before, `reason` says why."""

    size: int
    field: str | None = None
    reason: str | None = None
    ever: frozenset[int] = frozenset()


def draw_panel(
    cases: Cases, actor: Actor, case: str, order: PanelOrder, *, at: datetime
) -> DrawView:
    """Draw the panel of one case and let its review begin.

    Raises:
        NotFound: no such case. Conflict: no panel is to be drawn, or the actor may not.
        InvalidInput: an even or too small panel, or too few experts who may judge.
    """
    with cases.database.session() as session:
        found = find_case(session, actor, case)
        scope = _scope(session, [found.id], Asker(actor.id, at))
        return _draw(cases, session, actor, scope, order=order, at=at)


def draw_call(
    cases: Cases, actor: Actor, call: str, order: PanelOrder, *, at: datetime
) -> DrawView:
    """Draw one panel for all cases of a call that wait for one; who may not judge one is out.

    Raises:
        As `draw_panel`; all of the cases or none.
    """
    with cases.database.session() as session:
        found = session.scalar(select(Call.id).where(Call.public_id == call))
        if found is None:
            raise NotFound(f"没有申报通知 {call!r}。")
        waiting = [row[0] for row in _driver(session).execute(CALLED, (found,)).fetchall()]
        if not waiting:
            raise Conflict("本批没有等待组建专家组的办件。")
        scope = _scope(session, waiting, Asker(actor.id, at), call_id=found)
        return _draw(cases, session, actor, scope, order=order, at=at)


def replace_expert(
    cases: Cases, actor: Actor, case: str, reason: str, *, at: datetime, expert: str | None = None
) -> DrawView:
    """Fill the vacant places of a panel by another draw; `expert` leaves first, where named.

    Raises:
        NotFound: no such case or expert. Conflict: no place is vacant, the expert has scored.
    """
    with cases.database.session() as session:
        found = find_case(session, actor, case)
        scope = _scope(session, [found.id], Asker(actor.id, at))
        panel = scope.readings[0].judging.panel
        if panel is None:
            raise Conflict("本办件没有专家组在评审。")
        if expert is not None:
            _remove(session, found.id, panel.round, expert, reason=reason, at=at)
        return _refill(cases, session, actor, scope, panel, reason=reason, at=at)


def _refill(
    cases: Cases,
    session: Session,
    actor: Actor,
    scope: _Scope,
    panel: PanelReading,
    *,
    reason: str,
    at: datetime,
) -> DrawView:
    case_id = scope.readings[0].id
    query = select(PanelMember.person_id, PanelMember.status).where(
        PanelMember.case_id == case_id, PanelMember.round == panel.round
    )
    ever = {row.person_id: row.status for row in session.execute(query)}
    vacant = panel.panel.size - sum(status == "seated" for status in ever.values())
    if not vacant:
        raise Conflict("专家组没有空出的名额，无须补抽。")
    lots = _Lots(vacant, reason=reason, ever=frozenset(ever))
    row, ids = _drawn(cases, session, actor, scope, lots, at=at)
    _seat(session, case_id, panel.round, row.id, ids)
    _act(cases, session, scope, Request(REPLACE, actor.id, at, {"reason": reason}))
    return _view(row, scope)


def _remove(
    session: Session, case_id: int, round_: int, expert: str, *, reason: str, at: datetime
) -> None:
    person = select(Person.id).where(Person.public_id == expert).scalar_subquery()
    gone = session.execute(
        update(PanelMember)
        .where(
            PanelMember.case_id == case_id,
            PanelMember.round == round_,
            PanelMember.person_id == person,
            PanelMember.status == "seated",
        )
        .values(status="replaced", reason=reason, left_at=at)
        .returning(PanelMember.person_id)
    ).all()
    if not gone:
        raise NotFound(f"专家 {expert!r} 不在本办件的专家组中。")


def _draw(
    cases: Cases,
    session: Session,
    actor: Actor,
    scope: _Scope,
    *,
    order: PanelOrder,
    at: datetime,
) -> DrawView:
    minimum = max(panel_minimum(_workflow(cases, session, each)) for each in scope.readings)
    size = order.size or minimum
    refuse_size(size, minimum)
    row, ids = _drawn(cases, session, actor, scope, _Lots(size, order.field), at=at)
    terms = _terms(session, scope)
    for reading in scope.readings:
        known = reading.judging.panel
        round_ = 1 if known is None else known.round + 1
        panel = ReviewPanel(case_id=reading.id, round=round_, size=size, terms=terms_data(terms))
        session.add(panel)
        session.flush()
        _seat(session, reading.id, round_, row.id, ids)
    payload = {"document_no": order.document_no, **({"note": order.note} if order.note else {})}
    _act(cases, session, scope, Request(DRAW, actor.id, at, payload))
    return _view(row, scope)


def _seat(session: Session, case_id: int, round_: int, draw_id: int, ids: Sequence[int]) -> None:
    session.add_all(
        PanelMember(
            case_id=case_id, round=round_, person_id=person, draw_id=draw_id, status="seated"
        )
        for person in ids
    )
    session.flush()


def _drawn(
    cases: Cases, session: Session, by: Actor, scope: _Scope, lots: _Lots, *, at: datetime
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


def _seed(cases: Cases, scope: _Scope) -> bytes:
    heads = [[each.id, each.head_seq, each.head_hash.hex()] for each in scope.readings]
    return hmac.digest(cases.office.signer.key, canonical(["draw", heads]), sha256)


def _pool(
    session: Session, scope: _Scope, at: datetime, signer: Signer
) -> tuple[list[Candidate], dict[str, int]]:
    """Return the active experts of the pool, and their ids by their public ids."""
    pools = {each.parties.get(POOL_PARTY) for each in scope.readings}
    if len(pools) != 1 or None in pools:
        raise InvalidInput("这些办件不由同一专家库评审。", fields={"cases": "专家库不同"})
    said = {"pool": pools.pop(), "at": at, "on": local_date(at)}
    rows = _driver(session).execute(POOL, said).fetchall()
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


def panel_minimum(workflow: Workflow) -> int:
    """Return the least panel that a workflow takes, as its own branch says.

    Raises:
        Conflict: it draws no experts, or is of the time when panels were entered by hand.
    """
    found = [
        int(test.value)
        for step in workflow.steps.values()
        if step.event == DRAW
        for branch in step.branches
        for test in branch.when
        if test.fact == MEMBERS and test.op == "at_least"
    ]
    if not found:
        raise Conflict("本办件的流程不由系统抽取专家。")
    return found[0]


def _terms(session: Session, scope: _Scope) -> Terms:
    """Return what the call says of scoring, else what is customary."""
    row = session.get(ReviewTerms, scope.readings[0].call_id or 0)
    return Terms() if row is None else terms_of(row.terms)


def _act(cases: Cases, session: Session, scope: _Scope, request: Request) -> None:
    """Let the act happen to every case, all or none."""
    numbers = {each.id: each.number for each in scope.readings}
    results = cases.act_many(_driver(session), list(numbers), request)
    refused = {key: e for key, e in results.items() if isinstance(e, CaseflowError)}
    if len(numbers) == 1 and refused:
        raise next(iter(refused.values()))
    if refused:
        told = "；".join(f"{numbers[key]}：{error.message}" for key, error in refused.items())
        raise Conflict(f"不能抽取专家组：{told}")


def _scope(
    session: Session, ids: Sequence[int], asker: Asker, *, call_id: int | None = None
) -> _Scope:
    """Return the cases, locked until the transaction ends, with their applicants' codes."""
    readings = read_locked(_driver(session), list(ids), asker)
    query = select(Organisation.id, Organisation.uscc)
    wanted = query.where(Organisation.id.in_({each.applicant_id for each in readings}))
    codes = {row.id: row.uscc for row in session.execute(wanted)}
    return _Scope(readings, codes, call_id)


def _workflow(cases: Cases, session: Session, reading: Reading) -> Workflow:
    return cases.pinned.runner(_driver(session), reading.workflow_hash).workflow


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection


def _view(row: ExpertDraw, scope: _Scope) -> DrawView:
    return draw_view(row, [each.number for each in scope.readings])


def draw_view(row: ExpertDraw, numbers: Sequence[str]) -> DrawView:
    """Return a recorded draw as it is told."""
    return DrawView(
        id=row.id,
        size=row.size,
        seed=row.seed.hex(),
        pool=row.pool,
        pool_hash=row.pool_hash,
        panel=tuple(row.panel),
        panel_hash=row.panel_hash,
        reason=row.reason,
        drawn_at=row.drawn_at,
        cases=tuple(numbers),
    )
