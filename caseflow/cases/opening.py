"""Opening a case: an applicant's draft under a call, or a bureau's match without an application."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Protocol

from psycopg.errors import IntegrityError
from psycopg.rows import namedtuple_row

from caseflow.cases.birth import Newborn, add_birth
from caseflow.cases.reading import iso
from caseflow.cases.seats import seats_held, titles
from caseflow.cases.service import Cases, Outcome
from caseflow.cases.statement import Writes, write
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.catalogue.queries import NOT_IN_FORCE
from caseflow.catalogue.seating import parties_of
from caseflow.deadlines.queries import load_calendar
from caseflow.funds.bars.queries import STANDING, bars_of
from caseflow.identity.models import APPLICANT_KINDS
from caseflow.identity.queries import DISTRICT_KINDS
from caseflow.kernel.bars import refuse_barred
from caseflow.kernel.calendar import local_date
from caseflow.kernel.calls import AFTER_CLOSING, BATCH, OPEN, TITLES
from caseflow.kernel.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    PolicyClosed,
    RequestReused,
)
from caseflow.kernel.event_bytes import canonical
from caseflow.kernel.workflow.model import Workflow

LONGEST_TITLE: Final = 200
SURROUNDINGS: Final = f"""
    SELECT v.id AS version_id, p.status, p.effective_from, p.effective_to, p.title AS policy_title,
        p.definition->'scope' AS scope,
        (WITH RECURSIVE up AS (
            SELECT t.code, t.parent_id FROM territory t WHERE t.id = a.territory_id
            UNION ALL SELECT t.code, t.parent_id FROM territory t JOIN up ON t.id = up.parent_id
        ) SELECT array_agg(up.code) FROM up) AS places,
        a.id AS applicant_id, a.title AS applicant_title, a.kind AS applicant_kind, a.territory_id,
        c.id AS call_id, c.opens_on, c.measure_id AS call_measure_id, c.procedure, c.title AS call,
        c.status AS call_status, c.eligible_from, c.eligible_to,
        greatest(c.closes_on, (SELECT max(n.until_on) FROM late_intake n
            WHERE (n.call_id, n.organisation_id) = (c.id, a.id) AND n.consented_at <= %(at)s))
            AS closes_on,
        (SELECT d.id FROM organisation d WHERE d.territory_id = a.territory_id
            AND d.kind = ANY(%(districts)s) ORDER BY d.id LIMIT 1) AS district_id,
        (SELECT jsonb_agg(jsonb_build_array(s.organisation_id, s.role)) FROM assignment s
          WHERE s.person_id = %(actor)s AND s.valid_from <= %(at)s
            AND (s.valid_to IS NULL OR s.valid_to > %(at)s)) AS seats,
        nextval('entity_id') AS id, {STANDING.format(organisation="a.id")} AS bars
    FROM measure m
    JOIN measure_version v ON v.measure_id = m.id
    JOIN policy_version p ON p.id = v.policy_version_id AND p.current
    LEFT JOIN organisation a ON a.public_id = %(applicant)s
        AND a.kind = ANY(%(applicants)s)
    LEFT JOIN call c ON c.public_id = %(call)s
    WHERE m.code = %(measure)s
"""
NUMBER: Final = """
    INSERT INTO case_number (measure_id, year, last) VALUES (%s, %s, 1)
    ON CONFLICT (measure_id, year) DO UPDATE SET last = case_number.last + 1 RETURNING last
"""
REPEATED: Final = """
    SELECT e.request_hash, c.public_id, c.number, e.to_state FROM event e
    LEFT JOIN "case" c ON c.id = e.stream AND e.seq = 1
    WHERE e.actor_id = %s AND e.request_id = %s
"""


class Repeatable(Protocol):
    """A request to open a case that may come twice."""

    @property
    def actor_id(self) -> int:
        """Who asks."""
        ...

    @property
    def request_id(self) -> str | None:
        """What makes a repetition safe."""
        ...

    @property
    def hash(self) -> bytes | None:
        """The hash of the body, which a repetition must share."""
        ...


@dataclass(frozen=True)
class Opening:
    """What is asked for: a case of `measure` for `applicant`, under `call` where one is due."""

    measure: str
    applicant: str
    title: str
    actor_id: int
    at: datetime
    call: str | None = None
    industry: str | None = None
    matter_on: date | None = None
    request_id: str | None = None

    @property
    def hash(self) -> bytes | None:
        """Return the hash of the request's body, which a repetition must share."""
        if self.request_id is None:
            return None
        body = [
            self.measure,
            self.applicant,
            self.title,
            self.call,
            self.industry,
            iso(self.matter_on),
        ]
        return hashlib.sha256(canonical(body)).digest()


def open_case(cases: Cases, wanted: Opening) -> Outcome:
    """Open a case in its first state and return where it stands.

    Raises:
        NotFound: no such measure, applicant or call. InvalidInput: title or dates are wrong.
        PolicyClosed: a draft or expired policy, or a call of another measure or not open.
        NotAllowed: the actor does not open cases of this measure for this applicant, or the
            applicant is barred.
        RequestReused: the request's id was used before for something else.
    """
    if not wanted.title.strip() or len(wanted.title) > LONGEST_TITLE:
        raise InvalidInput(
            f"标题须为 1 至 {LONGEST_TITLE} 字。", fields={"title": wanted.title[:20]}
        )
    with cases.connect() as connection:
        first = repeated(connection, wanted)
        if first:
            return first
        try:
            with connection.transaction():
                return _open(cases, connection, wanted)
        except IntegrityError as error:
            again = repeated(connection, wanted)
            if again:
                return again
            raise Conflict(f"数据库拒绝：{error.diag.message_primary}") from error


def repeated(connection: Any, wanted: Repeatable) -> Outcome | None:
    """Return the first answer to a request that opened a case before, None for a new request.

    Raises:
        RequestReused: the request's id was used before for something else.
    """
    if wanted.request_id is None:
        return None
    row = connection.execute(REPEATED, (wanted.actor_id, wanted.request_id)).fetchone()
    if row is None:
        return None
    if row[1] is None or bytes(row[0]) != wanted.hash:
        raise RequestReused(f"请求号 {wanted.request_id!r} 已用于另一请求。")
    return Outcome(row[1], row[2], row[3], 1, ("case_opened",), replayed=True)


def _open(cases: Cases, connection: Any, wanted: Opening) -> Outcome:
    around = _surroundings(connection, wanted)
    measure = cases.pinned.measure(connection, around.version_id)
    workflow = cases.pinned.runner(connection, measure.workflow_hash).workflow
    _refuse_closed(wanted, around, workflow, measure)
    parties = _parties(measure, around, wanted)
    seat = _opening_seat(workflow, parties, around.seats or [])
    year = local_date(wanted.at).year
    last = connection.execute(NUMBER, (measure.measure_id, year)).fetchone()[0]
    newborn = Newborn(
        id=around.id,
        public_id=cases.ids.new(),
        number=f"{measure.code}-{year}-{last:06d}",
        title=wanted.title.strip(),
        workflow=workflow,
        workflow_hash=measure.workflow_hash,
        measure=measure,
        applicant_id=around.applicant_id,
        applicant_title=around.applicant_title,
        territory_id=around.territory_id,
        parties=parties,
        facts={},
        at=wanted.at,
        actor_id=wanted.actor_id,
        seat=seat,
        call_id=around.call_id,
        call_closes_on=iso(around.closes_on),
        matter_on=iso(wanted.matter_on),
        request_id=wanted.request_id,
        request_hash=wanted.hash,
    )
    writes = Writes()
    add_birth(writes, newborn, calendar=load_calendar(connection), office=cases.office)
    write(connection, writes)
    return Outcome(newborn.public_id, newborn.number, workflow.initial, 1, ("case_opened",))


def _surroundings(connection: Any, wanted: Opening) -> Any:
    parameters = {
        "measure": wanted.measure,
        "applicant": wanted.applicant,
        "call": wanted.call,
        "actor": wanted.actor_id,
        "at": wanted.at,
        "districts": list(DISTRICT_KINDS),
        "applicants": list(APPLICANT_KINDS),
    }
    cursor = connection.cursor(row_factory=namedtuple_row)
    row = cursor.execute(SURROUNDINGS, parameters).fetchone()
    if row is None:
        raise NotFound(f"没有措施 {wanted.measure!r}。")
    if row.applicant_id is None:
        raise NotFound(f"没有申报主体 {wanted.applicant!r}。")
    if wanted.call is not None and row.call_id is None:
        raise NotFound(f"没有申报通知 {wanted.call!r}。")
    return row


def _refuse_closed(wanted: Opening, around: Any, workflow: Workflow, measure: MeasureInfo) -> None:
    today = local_date(wanted.at)
    if around.status != "in_force":
        status = NOT_IN_FORCE[around.status]
        raise PolicyClosed(f"《{around.policy_title}》{status}，不得受理申报。")
    if not around.effective_from <= today <= around.effective_to:
        raise PolicyClosed(
            f"《{around.policy_title}》有效期 {around.effective_from} 至 {around.effective_to}，"
            f"{today} 不得受理申报。"
        )
    if around.applicant_kind not in measure.definition["applicants"]:
        allowed = "、".join(measure.definition["applicants"])
        raise InvalidInput(
            f"{measure.code} 的申报主体须为 {allowed}。",
            fields={"applicant": around.applicant_kind},
        )
    _refuse_outside(around)
    _refuse_ineligible(around, wanted.matter_on)
    refuse_barred(bars_of(around.bars), today)
    if "applicant" not in workflow.opened_by:
        return
    if around.call_id is None or around.call_measure_id != measure.measure_id:
        raise PolicyClosed(f"{measure.code} 须依据本条款的申报通知申报。")
    if not around.opens_on <= today <= around.closes_on:
        raise PolicyClosed(
            f"申报通知受理时间为 {around.opens_on} 至 {around.closes_on}，{today} 不受理。"
        )
    possible = (OPEN, *AFTER_CLOSING)  # after its closing only what was let in late comes so far
    if around.procedure == BATCH and around.call_status not in possible:
        status = TITLES[around.call_status]
        raise PolicyClosed(f"申报通知《{around.call}》现为“{status}”，不受理申报。")


def _refuse_outside(around: Any) -> None:
    """Refuse an applicant registered outside the territory to which the policy applies."""
    scope, places = around.scope, set(around.places)
    parts = scope.get("territories") or [scope["territory"]]
    if scope["territory"] not in places or places.isdisjoint(parts):
        raise InvalidInput(
            f"《{around.policy_title}》的适用范围：{scope['words']}{around.applicant_title}不在其内。",
            fields={"applicant": "territory"},
        )


def _refuse_ineligible(around: Any, matter_on: date | None) -> None:
    """Refuse a matter outside the eligible period of a batch.

    Under a standing call the period is that of the costs, which the reviewers date case by case.
    """
    begins, ends = around.eligible_from, around.eligible_to
    if matter_on is None or around.procedure != BATCH:
        return
    if (begins and matter_on < begins) or (ends and matter_on > ends):
        period = f"{begins or '施行之日'} 至 {ends or '有效期届满'}"
        raise InvalidInput(
            f"事项日期 {matter_on} 不在申报通知的费用期间 {period} 内。",
            fields={"matter_on": period},
        )


def _parties(measure: MeasureInfo, around: Any, wanted: Opening) -> dict[str, int]:
    """Return who sits at each party; where no town or park is responsible, the lead bureau is."""
    parties = parties_of(measure.organisations, industry=wanted.industry)
    parties["applicant"] = around.applicant_id
    parties["district"] = around.district_id or parties["lead_bureau"]
    return parties


def _opening_seat(workflow: Workflow, parties: Mapping[str, int], seats: list[Any]) -> str:
    held = seats_held(parties, seats)
    for seat in workflow.opened_by:
        if seat in held:
            return seat
    raise NotAllowed(f"本措施的办件由 {titles(workflow.opened_by)} 发起，您不在该席位。")
