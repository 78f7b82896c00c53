"""Indicators of 南通 in a house of the test's own: what is due, reported, confirmed, told."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from caseflow.batches.life import LifeSwept, sweep_life
from caseflow.cases.assembly import assemble
from caseflow.cases.indicators import Progress, indicator_detail, policy_progress
from caseflow.cases.service import Cases
from caseflow.catalogue.indicators.service import (
    Evidence,
    Given,
    Hand,
    confirm_report,
    report_indicator,
)
from caseflow.database.access import Database
from caseflow.database.ids import PublicIds
from caseflow.deadlines.queries import load_calendar
from caseflow.identity.queries import actor_by_login
from caseflow.kernel.calendar import SHANGHAI
from tests.conftest import EVERYTHING, settings_of_templates

POLICY = "nantong-agi-2024"
COMPUTE, DATASETS, MODELS = "compute", "datasets", "models"
SCENARIOS, PARKS = "scenarios", "parks"
LEAD, SECOND = "nt_kejiju.handler", "nt_kejiju.reviewer"
PROOF = Evidence("a" * 64, "统计表.pdf", "application/pdf", 10)


def day(text: str, hour: int = 9, minute: int = 0) -> datetime:
    """An instant of a day in Shanghai."""
    return datetime.fromisoformat(text).replace(hour=hour, minute=minute, tzinfo=SHANGHAI)


REPORTED_AT = day("2026-07-10")


@dataclass
class Office:
    """Everybody who has to do with the indicators of a policy."""

    cases: Cases
    ids: PublicIds

    def sweep(self, text: str) -> LifeSwept:
        return sweep_life(self.cases, day(text))

    def report(
        self, indicator: str = COMPUTE, value: str = "100", *, by: str = LEAD,
        at: datetime = REPORTED_AT, period: str = "2026Q2", evidence: Any = (PROOF,), **more: Any,
    ) -> str:  # fmt: skip
        given = Given(POLICY, indicator, period, value, evidence, **more)
        with self.cases.database.session() as session:
            calendar = load_calendar(session)
            hand = self.hand(session, by, at)
            return report_indicator(session, given, hand, ids=self.ids, calendar=calendar).public_id

    def confirm(self, report: str, *, by: str = SECOND, at: datetime = REPORTED_AT) -> None:
        with self.cases.database.session() as session:
            confirm_report(session, report, self.hand(session, by, at))

    def settled(self, *arguments: Any, confirmed_by: str = SECOND, **named: Any) -> str:
        report = self.report(*arguments, **named)
        self.confirm(report, by=confirmed_by, at=named.get("at", REPORTED_AT))
        return report

    def hand(self, session: Any, login: str, at: datetime) -> Hand:
        return Hand(actor_by_login(session, login, at), at, self.cases.office.signer)

    def progress(self, indicator: str = COMPUTE, at: datetime = REPORTED_AT) -> Progress:
        with self.cases.database.session() as session:
            found = policy_progress(session, POLICY, at).items
            return next(each for each in found if each.indicator == indicator)

    def period(self, indicator: str, code: str, at: datetime) -> Any:
        with self.cases.database.session() as session:
            lines = indicator_detail(session, POLICY, indicator, at).periods
            return next(each for each in lines if each.period == code)

    def sql(self, query: str, *parameters: Any) -> list[Any]:
        with self.cases.connect() as connection:
            return connection.execute(query, parameters).fetchall()

    def told(self, notice: str, indicator: str) -> list[str]:
        """Return who was told by a notice of an indicator, each as often as they were."""
        rows = self.sql(
            "SELECT p.login FROM notification n JOIN person p ON p.id = n.person_id"
            " WHERE n.notice = %s AND split_part(n.rule, ':', 3) = %s ORDER BY p.login",
            notice,
            indicator,
        )
        return [login for (login,) in rows]


def office_on(database: Database, folder: Path) -> Office:
    """Return the office on a database that has every policy."""
    settings = settings_of_templates(str(folder))
    cases = assemble(database, settings, EVERYTHING, ids=PublicIds(random.Random(2)))
    return Office(cases, PublicIds(random.Random(5)))


def offices(databases: Iterator[Database], folder: Path) -> Iterator[Office]:
    """Yield the office on each of the databases."""
    for database in databases:
        yield office_on(database, folder)
