"""Telling the lead bureaus of cases that wait for a decision: with the next day, then weekly."""

from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from caseflow.batches.announcements import Announcement, bureaus_of_measure, tell
from caseflow.catalogue.models import MeasureVersion
from caseflow.notifications.rules import NoticeBook

TRIGGER: Final = "impact_undecided"
UNDECIDED: Final = text("""
    SELECT ch.public_id, p.title AS policy, max(c.measure_version_id) AS version_id, c.measure_id,
        count(*) AS cases
    FROM impact i JOIN policy_change ch ON ch.id = i.change_id
    JOIN "case" c ON c.id = i.case_id JOIN policy_version p ON p.id = ch.policy_version_id
    WHERE i.decision IS NULL AND ch.lifted_at IS NULL AND c.outcome IS NULL
    GROUP BY ch.public_id, p.title, c.measure_id ORDER BY ch.public_id, c.measure_id
""")


def remind_undecided(session: Session, book: NoticeBook, on: date, at: datetime) -> int:
    """Remind of every change with undecided cases, once a week; returns how many were told."""
    monday, told = on - timedelta(days=on.weekday()), 0
    for row in session.execute(UNDECIDED).all():
        measure = session.get_one(MeasureVersion, row.version_id)
        facts = {"policy": row.policy, "measure": measure.title, "cases": row.cases}
        news = Announcement(f"change{row.public_id}/{row.measure_id}", monday, facts, at)
        for rule in book.for_trigger(TRIGGER):
            told += tell(session, rule, bureaus_of_measure(measure, rule), news)
    return told
