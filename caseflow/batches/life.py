"""The life of policies and calls: opening, closing, warnings ahead, expiry."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import orjson
from sqlalchemy import text
from sqlalchemy.orm import Session

from caseflow.batches.models import Sweep
from caseflow.cases.service import Cases
from caseflow.catalogue.models import PolicyVersion
from caseflow.catalogue.service import (
    close_due_calls,
    expire_policies,
    expiry_warnings,
    open_due_calls,
)
from caseflow.kernel.calendar import local_date
from caseflow.notifications.rules import NoticeRule

NAME: Final = "life"
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
BUREAUS: Final = text("""
    SELECT DISTINCT (v.organisations->>'lead_bureau')::bigint AS organisation_id
    FROM measure_version v WHERE v.policy_version_id = :version
""")
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
ROLES: Final = {
    "lead_bureau.handler": "bureau_handler",
    "lead_bureau.division_head": "bureau_division_head",
}


@dataclass(frozen=True)
class LifeSwept:
    """What the day brought: calls opened and closed, policies ended, people warned."""

    opened: int = 0
    closed: int = 0
    ended: tuple[tuple[str, str], ...] = ()
    warned: int = 0


def sweep_life(cases: Cases, at: datetime) -> LifeSwept:
    """Bring calls and policies up to the day of `at`; the second time on a day nothing happens.

    Days on which no worker ran are made up for: what fell due meanwhile happens now, once.
    """
    on, signer = local_date(at), cases.office.signer
    with cases.database.session() as session:
        before = session.get(Sweep, NAME, with_for_update=True)
        since = local_date(before.last_at) if before else on - timedelta(days=1)
        if before is not None and since >= on:
            return LifeSwept()
        warned = _warn(session, cases, on, since=since, at=at)
        ended = expire_policies(session, on, at=at, signer=signer)
        closed = close_due_calls(session, on, at=at, signer=signer)
        opened = open_due_calls(session, on, at=at, signer=signer)
        swept = LifeSwept(
            opened=len(opened),
            closed=len(closed),
            ended=tuple((version.title, status) for version, status in ended),
            warned=warned,
        )
        if before is None:
            session.add(Sweep(name=NAME, last_at=at, acted=len(ended)))
        else:
            before.last_at, before.acted = at, before.acted + len(ended)
    return swept


def _warn(session: Session, cases: Cases, on: date, *, since: date, at: datetime) -> int:
    """Tell bureaus, and applicants with drafts, of policies near their end."""
    told = 0
    for version, days in expiry_warnings(session, on, since=since):
        facts = _facts(session, version, days)
        step = next(n for n in (7, 30, 60, 90) if days <= n)
        for rule in cases.office.notices.for_trigger("policy_expiring", days=step):
            told += _tell(session, rule, _bureaus(session, version, rule), facts, version, at)
        for rule in cases.office.notices.for_trigger("draft_expiring", days=step):
            told += _tell(session, rule, _drafts(session, version), facts, version, at)
    return told


def _facts(session: Session, version: PolicyVersion, days: int) -> dict[str, Any]:
    assert version.effective_to is not None
    count = session.scalar(IN_FLIGHT, {"version": version.id})
    ends_on = version.effective_to.isoformat()
    return {"policy": version.title, "ends_on": ends_on, "days": days, "cases": count}


def _bureaus(session: Session, version: PolicyVersion, rule: NoticeRule) -> list[dict[str, Any]]:
    found = session.execute(BUREAUS, {"version": version.id}).scalars().all()
    roles = [ROLES[seat] for seat in rule.seats if seat in ROLES]
    return [{"organisation_id": number, "role": role} for number in found for role in roles]


def _drafts(session: Session, version: PolicyVersion) -> list[dict[str, Any]]:
    rows = session.execute(DRAFTS, {"version": version.id}).mappings().all()
    return [
        {
            "case_id": row["case_id"],
            "organisation_id": row["organisation_id"],
            "role": "applicant",
            "facts": {name: row[name] for name in ("number", "measure", "applicant")},
        }
        for row in rows
    ]


def _tell(
    session: Session,
    rule: NoticeRule,
    places: list[dict[str, Any]],
    facts: dict[str, Any],
    version: PolicyVersion,
    at: datetime,
) -> int:
    parameters = {
        "notice": rule.notice,
        "rule": f"{rule.rule}:{version.policy_id}",
        "due_on": version.effective_to,
        "facts": orjson.dumps(facts).decode(),
        "places": orjson.dumps(places).decode(),
        "mailed": "email" in rule.channels,
        "at": at,
    }
    return session.execute(TELL, parameters).scalar() or 0
