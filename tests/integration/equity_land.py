"""Equity cases of two policies, with the figures of `tests.factories.equity`, and their pools."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from caseflow.cases.equity_pools import PoolView, pools
from caseflow.cases.equity_register import RegisterFilter, RegisterLine, whole_register
from caseflow.cases.queries import find_case
from caseflow.database.access import Database
from caseflow.funds.equity.queries import case_equity
from caseflow.funds.equity.views import CaseEquity
from caseflow.identity.queries import Actor, actor_by_login
from tests.factories.equity import computed, entered_round, entered_terms
from tests.integration.five_cities import Land, amounts, found_land

MEASURES = ("NT26-1d", "NT24-7")
AUDITOR = "nt_shenjiju.auditor"
FIRST, SECOND = 250_000_000, 350_000_055
APPROVED = FIRST + SECOND
CONVERTED = 600_000
"""Shares of 1000 fen for what was approved; 55 fen buy none."""


@dataclass
class Equity:
    """A land whose equity cases are walked with figures known beforehand."""

    land: Land

    def actor(self, login: str = AUDITOR) -> Actor:
        with self.land.house.database.session() as session:
            return actor_by_login(session, login, self.land.now)

    def pool(self, measure: str) -> PoolView:
        """The pool of a measure as the auditor sees it."""
        with self.land.house.database.session() as session:
            page = pools(session, self.actor())
        return next(each for each in page.items if each.measure == measure)

    def register(self, measure: str) -> list[RegisterLine]:
        """The 股权台账 of a measure as the auditor sees it, the newest first."""
        with self.land.house.database.session() as session:
            return whole_register(session, self.actor(), RegisterFilter(measure))

    def of(self, case: str) -> CaseEquity:
        """Everything of a case's equity."""
        with self.land.house.database.session() as session:
            return case_equity(session, find_case(session, self.actor(), case).id)

    def granted(self, measure: str = "NT24-7", **terms: Any) -> str:
        """A case whose first tranche waits at the trustee."""
        agreed = entered_terms(**terms)
        return self.land.reached(
            "granted", measure, instalment_fen=FIRST, **agreed, **amounts(APPROVED)
        )

    def incubating(self, measure: str = "NT24-7", **terms: Any) -> str:
        """A case whose first tranche is with the company since 2026-09-01."""
        case = self.granted(measure, **terms)
        self.land.act(case, "transfer_to_company", arrived_on="2026-09-01")
        return case

    def bounce(self, case: str, fen: int = FIRST, **said: Any) -> Any:
        """Let the trustee record that the bank returned the last transfer."""
        slip = {"document_no": "退汇〔2026〕1号", "reason": "账户状态异常"}
        given = {"bounced_fen": fen, **slip, **said}
        return self.land.ask(case, "return_transfer", "trustee", **given)

    def next_tranche(self, case: str) -> None:
        """Pay and transfer the rest, which arrives today."""
        self.land.act(case, "request_midterm")
        self.land.act(case, "conclude_midterm", midterm_result="pass")
        self.land.walk(case, "incubating")

    def converting(self, case: str) -> str:
        """Let a financing of the agreed size trigger the conversion."""
        figures = {"trigger_fen": 2_500_000_000, "trigger_on": "2026-09-10"}
        self.land.act(case, "report_trigger", trigger_kind="financing", **figures)
        self.land.act(case, "give_conversion_notice")
        return case

    def convert(self, case: str, **changes: Any) -> Any:
        """Register a conversion with the figures of the factory, `changes` first."""
        figures = {**entered_round(round_on="2026-09-10"), **computed(), **changes}
        return self.land.act(case, "register_conversion", **figures)

    def sql(self, query: str, *parameters: Any) -> list[Any]:
        return self.land.sql(query, *parameters)


def lend(
    kept: Database, tmp_path_factory: pytest.TempPathFactory, config: pytest.Config
) -> Iterator[Equity]:
    """Yield equity on a kept database with both measures' calls open."""
    yield Equity(found_land(kept, tmp_path_factory.mktemp("equity"), MEASURES, config))
