"""Telling seats of something that is no event of a case: a policy's end, a call, a calendar."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from caseflow.catalogue.models import MeasureVersion
from caseflow.kernel.workflow.vocabulary import SEATS
from caseflow.notifications.rules import NoticeRule

TELL: Final = text("""
    WITH told AS (
        INSERT INTO notification (case_id, person_id, notice, rule, due_on, facts, created_at)
        SELECT DISTINCT r.case_id, a.person_id, :notice, :rule, CAST(:due_on AS date),
            CAST(:facts AS jsonb) || coalesce(r.facts, '{}'), CAST(:at AS timestamptz)
        FROM jsonb_to_recordset(CAST(:places AS jsonb))
            AS r (case_id bigint, organisation_id bigint, role text, facts jsonb)
        JOIN assignment a ON a.organisation_id = r.organisation_id AND a.role = r.role
            AND a.valid_from <= :at AND (a.valid_to IS NULL OR a.valid_to > :at)
        ON CONFLICT ON CONSTRAINT uq_notification_once DO NOTHING
        RETURNING id, person_id)
    , mailed AS (
        INSERT INTO delivery (notification_id, channel, status, next_attempt_at)
        SELECT told.id, 'email', 'pending', :at FROM told
        JOIN person ON person.id = told.person_id
        WHERE :mailed AND person.email IS NOT NULL)
    SELECT count(*) FROM told
""")
LEADING: Final = """
    SELECT DISTINCT (v.organisations->>'lead_bureau')::bigint FROM measure_version v
    JOIN policy_version p ON p.id = v.policy_version_id
"""
OF_POLICY: Final = text(f"{LEADING} WHERE p.id = :version")
OF_ALL: Final = text(f"{LEADING} WHERE p.current")
DRAFTS: Final = text("""
    SELECT c.id AS case_id, c.applicant_id AS organisation_id, c.number, v.title AS measure,
        o.title AS applicant
    FROM "case" c JOIN measure_version v ON v.id = c.measure_version_id
    JOIN organisation o ON o.id = c.applicant_id
    WHERE c.policy_version_id = :version AND c.submitted_at IS NULL AND c.outcome IS NULL
        AND c.parent_id IS NULL
""")
IN_FLIGHT: Final = text("""
    SELECT count(*) FROM "case" c
    WHERE c.policy_version_id = :version AND c.submitted_at IS NOT NULL AND c.outcome IS NULL
""")

Places = list[dict[str, Any]]


@dataclass(frozen=True)
class Announcement:
    """What is told: (rule, `topic`, `due_on`, person) is told once, however often it is said."""

    topic: str
    due_on: date
    facts: dict[str, Any]
    at: datetime


def tell(session: Session, rule: NoticeRule, places: Places, news: Announcement) -> int:
    """Tell the people in `places`; returns how many had not been told before."""
    parameters = {
        "notice": rule.notice,
        "rule": f"{rule.rule}:{news.topic}",
        "due_on": news.due_on,
        "facts": orjson.dumps(news.facts).decode(),
        "places": orjson.dumps(places).decode(),
        "mailed": "email" in rule.channels,
        "at": news.at,
    }
    return session.execute(TELL, parameters).scalar() or 0


def bureaus_of_policy(session: Session, version_id: int, rule: NoticeRule) -> Places:
    """Return the rule's seats in every bureau that leads a measure of the policy version."""
    return _leading(session.execute(OF_POLICY, {"version": version_id}).scalars(), rule)


def everyone_leading(session: Session, rule: NoticeRule) -> Places:
    """Return the rule's seats in every bureau that leads a measure of any policy."""
    return _leading(session.execute(OF_ALL).scalars(), rule)


def bureaus_of_measure(measure: MeasureVersion, rule: NoticeRule) -> Places:
    """Return the rule's seats in the bureau that leads the measure."""
    return _leading([measure.organisations["lead_bureau"]], rule)


def _leading(organisations: Iterable[int], rule: NoticeRule) -> Places:
    roles = [SEATS[seat].role for seat in rule.seats if SEATS[seat].party == "lead_bureau"]
    return [{"organisation_id": n, "role": role} for n in organisations for role in roles]


def drafts_of_policy(session: Session, version_id: int) -> Places:
    """Return the applicants' seats of drafts that are not submitted, each with its case."""
    rows = session.execute(DRAFTS, {"version": version_id}).mappings().all()
    return [
        {
            "case_id": row["case_id"],
            "organisation_id": row["organisation_id"],
            "role": SEATS["applicant"].role,
            "facts": {name: row[name] for name in ("number", "measure", "applicant")},
        }
        for row in rows
    ]


def in_flight(session: Session, version_id: int) -> int:
    """Return how many submitted cases of the policy version are not at their end."""
    return session.scalar(IN_FLIGHT, {"version": version_id}) or 0
