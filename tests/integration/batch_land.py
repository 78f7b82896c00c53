"""A batch of 启东 with its people: cases brought to 拟支持, a plan, and what becomes of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from caseflow.batches.plans.drafting import Drafting, draft_plan
from caseflow.batches.plans.proposing import Wish
from caseflow.batches.plans.queries import PlanView
from caseflow.batches.plans.service import (
    Announcing,
    approve_plan,
    publicise_plan,
    return_plan,
    review_plan,
)
from caseflow.batches.publicity import PublicityView
from caseflow.batches.published_list import Contact
from caseflow.batches.sweeps import sweep_all
from caseflow.catalogue.calls.queries import find as find_call
from caseflow.catalogue.calls.service import Mover, Particulars, publish
from caseflow.catalogue.service import Window, plan_call, set_pool
from caseflow.identity.queries import Actor, actor_by_login
from caseflow.kernel.calendar import local_date
from tests.integration.walking import Town

MEASURE = "QD26-7a"
HANDLER, REVIEWER, LEADER = "shujuju.handler", "shujuju.reviewer", "shujuju.leader"
DIVISION_HEAD = "shujuju.division_head"
TOWN_HANDLER, TOWN_HEAD = "huilong_zhen.handler", "huilong_zhen.head"
AUDITOR = "shenjiju.auditor"
MINUTES = "〔2026〕第9号"
FEN = 50_000_000
LOOKED_AT = ("verified_fen", "audited_fen", "reviewed_fen")
CONTACT = Contact("0513-00000000", "sample@example.test", "样例路1号")


@dataclass
class Batch:
    """A call by batch, its cases by public id in the order of their opening."""

    town: Town
    call: str
    days: int = 10
    cases: list[str] = field(default_factory=list)

    def actor(self, login: str) -> Actor:
        with self.town.house.database.session() as session:
            return actor_by_login(session, login, self.town.now)

    def mover(self, login: str) -> Mover:
        return Mover(self.actor(login).id, self.town.now, self.town.house.cases.office.signer)

    @property
    def status(self) -> str:
        return str(self.town.value("SELECT status FROM call WHERE public_id = %s", self.call))

    def events(self) -> list[str]:
        """The names of the call's events in order."""
        rows = self.town.sql(
            "SELECT e.name FROM event e JOIN call k ON k.id = e.stream WHERE k.public_id = %s"
            " ORDER BY e.seq",
            self.call,
        )
        return [name for (name,) in rows]

    def submitted(self, number: int, fen: int = FEN) -> list[str]:
        """Hand in so many cases; returns the new ones."""
        made = []
        for _ in range(number):
            case = self.town.open(MEASURE, call=self.call)
            self.town.walk(case, "submitted", applied_fen=fen)
            made.append(case)
            self.town.now += timedelta(minutes=1)
        self.cases += made
        return made

    def close(self) -> None:
        """Let the days pass until the call is being reviewed."""
        closes_on = self.town.value("SELECT closes_on FROM call WHERE public_id = %s", self.call)
        while local_date(self.town.now) <= closes_on:
            self.town.now += timedelta(days=1)
        self.sweep()

    def sweep(self) -> None:
        sweep_all(self.town.house.cases, self.town.now)
        self.town.swept = max(self.town.swept, self.town.now)

    def proposed(self, number: int, fen: int = FEN) -> list[str]:
        """Hand in so many cases, close the call, bring each to 拟支持."""
        made, found = self.submitted(number, fen), dict.fromkeys(LOOKED_AT, fen)
        for case in made:
            self.town.walk(case, "proposed", **found)
        self.close()
        return made

    def draft(self, lines: Sequence[Wish] | None = None, **said: Any) -> PlanView:
        wanted = Drafting(self.call, tuple(lines) if lines is not None else None, **said)
        cases = self.town.house.cases
        return draft_plan(cases, self.actor(HANDLER), wanted, self.town.now)

    def review(self, plan: str, login: str = REVIEWER) -> PlanView:
        return review_plan(self.town.house.cases, self.actor(login), plan, self.town.now)

    def approve(self, plan: str, login: str = LEADER) -> PlanView:
        cases = self.town.house.cases
        return approve_plan(cases, self.actor(login), plan, minutes_no=MINUTES, at=self.town.now)

    def turn_back(self, plan: str, login: str = REVIEWER) -> PlanView:
        cases = self.town.house.cases
        return return_plan(cases, self.actor(login), plan, reason="金额有误", at=self.town.now)

    def decided(self, lines: Sequence[Wish] | None = None, **said: Any) -> str:
        """Draft, review and approve a plan; returns its public id."""
        plan = self.draft(lines, **said).plan.public_id
        self.review(plan)
        self.approve(plan)
        return plan

    def publicise(self, plan: str, working_days: int | None = None) -> PublicityView:
        said = Announcing("拟支持名单公示", "启政办规〔2026〕1号", CONTACT, working_days)
        cases = self.town.house.cases
        return publicise_plan(cases, self.actor(HANDLER), plan, said, self.town.now)


def support(*cases: str, fen: int = FEN, **said: Any) -> list[Wish]:
    return [Wish(case, "support", fen, **said) for case in cases]


def waitlist(*cases: str) -> list[Wish]:
    return [Wish(case, "waitlist") for case in cases]


def planned(
    town: Town,
    *,
    days: int = 10,
    pool_fen: int | None = None,
    eligible: tuple[date | None, date | None] = (None, None),
    **said: Any,
) -> Batch:
    """A batch that its handler has planned and nobody has published."""
    batch, today = Batch(town, "", days), local_date(town.now)
    with town.house.database.session() as session:
        window = Window(
            today,
            today + timedelta(days=days),
            *eligible,
            says=Particulars(procedure="batch", **said),
        )
        made = plan_call(
            session, measure_code=MEASURE, title="2026年度算力券第一批", window=window,
            by=batch.actor(HANDLER).id, at=town.now, ids=town.house.ids,
            signer=town.house.cases.office.signer,
        )  # fmt: skip
        if pool_fen is not None:
            mover = batch.mover(HANDLER)
            set_pool(
                session, made, rule="first_come", fen=pool_fen, by=mover.by, at=town.now,
                signer=mover.signer,
            )  # fmt: skip
        batch.call = made.public_id
    return batch


def opened(town: Town, **said: Any) -> Batch:
    """A batch that takes applications from today."""
    batch = planned(town, **said)
    with town.house.database.session() as session:
        publish(session, find_call(session, batch.call), batch.mover(REVIEWER))
    return batch
