"""What an act reads of a case's panel and of its call's places; what people ask of experts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg import RawCursor
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from caseflow.catalogue.models import MeasureVersion
from caseflow.identity.models import Organisation, Person
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import NotFound
from caseflow.kernel.scoring import Panel, terms_of
from caseflow.reviews.experts.models import Expert, ReviewTerms

EXPERT: Final = "expert"
OFFICIALS: Final = ("bureau_handler", "bureau_reviewer", "bureau_division_head", "bureau_leader")
"""The roles of a bureau that may look at the pool of its city and add to it."""
AUDITORS: Final = frozenset({"auditor", "inspector"})
"""The roles that read everything that experts did, of every pool."""
MAX_PAGE: Final = 200
EVERY_STAGE: Final = ""
"""In terms: they hold in every stage that has none of its own."""

PANEL: Final = """
    SELECT row_to_json(found) FROM (
        SELECT p.round, p.stage, p.size, p.terms, p.seated_at IS NOT NULL AS is_seated,
            (SELECT json_agg(m.person_id) FROM panel_member m WHERE m.case_id = p.case_id
              AND m.round = p.round AND m.status = 'seated') AS seated,
            (SELECT json_agg(json_build_array(s.person_id, s.total)) FROM score_sheet s
              WHERE s.case_id = p.case_id AND s.round = p.round) AS sheets,
            (SELECT json_build_object('draw', d.id, 'seed', encode(d.seed, 'hex'),
                'pool_hash', d.pool_hash, 'panel_hash', d.panel_hash) FROM expert_draw d
              JOIN panel_member m ON m.draw_id = d.id AND m.case_id = p.case_id
                AND m.round = p.round ORDER BY d.id DESC LIMIT 1) AS draw
        FROM review_panel p WHERE p.case_id = $1::bigint ORDER BY p.round DESC LIMIT 1) found
"""
PLACES: Final = """
    SELECT least((SELECT min(t.quota) FROM review_terms t WHERE t.call_id = c.call_id),
            (SELECT k.quota FROM call k WHERE k.id = c.call_id)) AS quota,
        (SELECT json_object_agg(s.key, s.taken) FROM shortlist s
          WHERE s.measure_id = c.measure_id) AS taken,
        NOT EXISTS (SELECT FROM "case" o WHERE o.call_id = c.call_id AND o.outcome IS NULL
            AND split_part(o.state, '#', 1) = 'waitlisted' AND o.id <> c.id
            AND (o.facts->>'rank')::int < (c.facts->>'rank')::int) AS first_in_line,
        EXISTS (SELECT FROM shortlist_place p JOIN "case" o ON o.id = p.case_id
            WHERE o.call_id = c.call_id AND p.named_at IS NOT NULL) AS titles_issued,
        (WITH RECURSIVE before AS (
            SELECT s.predecessor FROM organisation o JOIN succession s ON s.successor = o.uscc
             WHERE o.id = c.applicant_id
            UNION SELECT s.predecessor FROM before b JOIN succession s
             ON s.successor = b.predecessor
        ) SELECT json_agg(o.id) FROM before b JOIN organisation o ON o.uscc = b.predecessor)
            AS predecessors
    FROM "case" c WHERE c.id = $1::bigint
"""


@dataclass(frozen=True)
class PanelReading:
    """The newest panel of a case: its round and stage, if it sits, the draw that filled it last."""

    round: int
    stage: str
    is_seated: bool
    panel: Panel
    draw: Mapping[str, Any]


@dataclass(frozen=True)
class PlacesReading:
    """What binds a case's place: the call's quota, what of each counter is taken, its turn.

    `predecessors` are the ids of those whose rights the applicant has (承继).
    """

    quota: int | None
    taken: Mapping[str, int]
    first_in_line: bool
    titles_issued: bool
    predecessors: Sequence[int] = ()


@dataclass(frozen=True)
class Judging:
    """What is read besides the case where experts or a ranking are at work on it."""

    panel: PanelReading | None = None
    places: PlacesReading | None = None


NOTHING: Final = Judging()


def judging(connection: Any, case_id: int, asker: int, *, is_panelled: bool) -> Judging:
    """Return what a case needs besides its own row: its newest panel, else the places."""
    if is_panelled:
        return Judging(panel=_panel(connection, case_id, asker))
    ((quota, taken, is_first, issued, before),) = (
        RawCursor(connection).execute(PLACES, (str(case_id),)).fetchall()
    )
    return Judging(places=PlacesReading(quota, taken or {}, is_first, issued, before or ()))


def _panel(connection: Any, case_id: int, asker: int) -> PanelReading | None:
    row = RawCursor(connection).execute(PANEL, (str(case_id),)).fetchone()
    if row is None:
        return None
    found = row[0]
    panel = Panel(
        size=found["size"],
        terms=terms_of(found["terms"]),
        seated=frozenset(found["seated"] or ()),
        totals=dict(found["sheets"] or ()),
        asker=asker,
    )
    return PanelReading(
        found["round"], found["stage"], found["is_seated"], panel, found["draw"] or {}
    )


def terms_for(session: Session, call_id: int, stage: str) -> ReviewTerms | None:
    """Return what a call says of scoring in a stage: of this one, else of all; None: nothing."""
    own = session.get(ReviewTerms, (call_id, stage))
    return own or session.get(ReviewTerms, (call_id, EVERY_STAGE))


@dataclass(frozen=True)
class ExpertView:
    """An expert of a pool; `fields` 专业领域, `holdings` credit codes 持股企业."""

    public_id: str
    login: str
    name: str
    pool: str
    fields: tuple[str, ...]
    employer: str
    employer_uscc: str | None
    holdings: tuple[str, ...]
    active_from: date
    active_to: date | None
    added_at: datetime


@dataclass(frozen=True)
class ExpertPage:
    """Experts; `next` is given back as `after`, None on the last page."""

    items: tuple[ExpertView, ...]
    next: str | None


def expert_list(
    session: Session, actor: Actor, *, after: str | None = None, limit: int = 50
) -> ExpertPage:
    """Return the experts of the pools that the actor answers for, by the order of joining.

    A bureau sees the pools of its own city, auditors all, an expert only themselves.
    """
    size = max(1, min(limit, MAX_PAGE))
    seen = Expert.organisation_id.in_(pools_seen(session, actor))
    query = _views().where(or_(seen, _own(actor)))
    if after is not None:
        last = select(Person.id).where(Person.public_id == after).scalar_subquery()
        query = query.where(Person.id > last)
    rows = session.execute(query.order_by(Person.id).limit(size + 1)).all()
    items = tuple(_view(*row) for row in rows[:size])
    return ExpertPage(items, items[-1].public_id if len(rows) > size else None)


def expert_view(session: Session, person_id: int) -> ExpertView:
    """Return one expert.

    Raises:
        NotFound: the person is none.
    """
    row = session.execute(_views().where(Expert.person_id == person_id)).one_or_none()
    if row is None:
        raise NotFound("没有这位专家。")
    return _view(*row)


def _own(actor: Actor) -> Any:
    return Expert.person_id == actor.id


def _views() -> Any:
    return (
        select(Expert, Person, Organisation)
        .join(Person, Person.id == Expert.person_id)
        .join(Organisation, Organisation.id == Expert.organisation_id)
    )


def _view(expert: Expert, person: Person, pool: Organisation) -> ExpertView:
    return ExpertView(
        public_id=person.public_id,
        login=person.login,
        name=person.name,
        pool=pool.title,
        fields=tuple(expert.fields),
        employer=expert.employer,
        employer_uscc=expert.employer_uscc,
        holdings=tuple(expert.holdings),
        active_from=expert.active_from,
        active_to=expert.active_to,
        added_at=expert.added_at,
    )


def pools_seen(session: Session, actor: Actor) -> list[int]:
    """Return the ids of the pools that the actor may look at: auditors at all of them."""
    if any(each.role in AUDITORS for each in actor.assignments):
        return list(session.scalars(select(Expert.organisation_id).distinct()))
    return pools(session, actor)


def pools(session: Session, actor: Actor) -> list[int]:
    """Return the ids of the pools that judge for the measures which the actor's bureau leads."""
    bureaus = [each.organisation_id for each in actor.assignments if each.role in OFFICIALS]
    said = MeasureVersion.organisations
    pool = said["parties"]["experts"].as_integer()
    lead = said["lead_bureau"].as_integer()
    query = select(pool).where(lead.in_(bureaus), pool.is_not(None)).distinct()
    return list(session.scalars(query)) if bureaus else []
