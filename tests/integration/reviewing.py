"""A call of 启东 with applicants, experts and a quota, brought to where experts come in."""

import random
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from caseflow.batches.founding import plan_standing_calls
from caseflow.batches.rankings import CallTerms, Ranking, apply_ranking, set_terms
from caseflow.cases.experts.draws import DrawView, PanelOrder, draw_call
from caseflow.cases.service import Outcome, Request
from caseflow.database.ids import PublicIds
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor, actor_by_login
from caseflow.identity.service import assign, register_person
from caseflow.kernel.calendar import local_date
from caseflow.kernel.scoring import Criterion, Terms
from caseflow.reviews.experts.service import Profile, add_expert
from tests.integration.walking import Town

MEASURE = "QD26-5b"
CRITERIA = (Criterion("innovation", "创新性", 60), Criterion("effect", "成效", 40))
OPINION = "申报内容属实，应用成效明显，同意支持。"
ORDER = PanelOrder("评审〔2026〕1号")
_ids = PublicIds(random.Random(91))
_numbers = count(1)


@dataclass
class Round:
    """A call of its own, with what it says of its review, and its cases."""

    town: Town
    call: str
    cases: list[str] = field(default_factory=list)
    measure: str = MEASURE

    def actor(self, login: str | None = None) -> Actor:
        with self.town.house.database.session() as session:
            return actor_by_login(session, login or self.handler(), self.town.now)

    def handler(self) -> str:
        """The lead bureau's handler, by login."""
        rows = self.town.sql(
            "SELECT p.login FROM person p JOIN assignment a ON a.person_id = p.id"
            " JOIN measure_version v ON (v.organisations->>'lead_bureau')::bigint"
            " = a.organisation_id JOIN measure m ON m.id = v.measure_id"
            " WHERE m.code = %s AND a.role = 'bureau_handler' ORDER BY p.id",
            self.measure,
        )
        return str(rows[0][0])

    def applicants(self, number: int, until: str = "expert_panel") -> list[str]:
        """Open so many cases under the call and bring each to where its panel is drawn."""
        for _ in range(number):
            case = self.town.open(self.measure, call=self.call)
            self.town.walk(case, until)
            self.cases.append(case)
            self.town.now += timedelta(minutes=1)
        return self.cases

    def expert(self, employer_uscc: str | None = None, **said: Any) -> str:
        """Add an expert to the pool; returns the public id."""
        login = f"zhuanjia{next(_numbers)}"
        with self.town.house.database.session() as session:
            pool = session.query(Organisation).filter_by(code="zhuanjiaku").one()
            person = register_person(session, login=login, name=f"专家{login}", ids=_ids)
            assign(session, person, pool, role="expert", at=self.town.now)
            hand = actor_by_login(session, login, self.town.now)
            profile = Profile([], "某高校", employer_uscc, **said)
            signer = self.town.house.cases.office.signer
            add_expert(session, hand, login, profile, at=self.town.now, signer=signer)
            return str(person.public_id)

    def uscc(self, case: str) -> str:
        return str(
            self.town.value(
                'SELECT o.uscc FROM organisation o JOIN "case" c ON c.applicant_id = o.id'
                " WHERE c.public_id = %s",
                case,
            )
        )

    def terms(self, *, quota: int | None = 2, tie_rule: tuple[str, ...] = ("effect",)) -> None:
        said = CallTerms(Terms(CRITERIA, trimmed=True), tie_rule, quota)
        set_terms(self.town.house.cases, self.actor(), self.call, said, at=self.town.now)

    def draw(self, order: PanelOrder = ORDER) -> DrawView:
        return draw_call(self.town.house.cases, self.actor(), self.call, order, at=self.town.now)

    def panel(self, case: str) -> list[int]:
        """Return who sits in the newest panel of a case."""
        rows = self.town.sql(
            'SELECT m.person_id FROM panel_member m JOIN "case" c ON c.id = m.case_id'
            " WHERE c.public_id = %s AND m.status = 'seated' AND m.round ="
            " (SELECT max(p.round) FROM review_panel p WHERE p.case_id = c.id)"
            " ORDER BY m.person_id",
            case,
        )
        return [person for (person,) in rows]

    def score(self, case: str, expert: int, innovation: int, effect: int) -> Outcome:
        scores = {"innovation": innovation, "effect": effect}
        payload = {"scores": scores, "note": OPINION}
        request = Request("score_case", expert, self.town.now, payload)
        return self.town.house.cases.act(case, request)

    def scored(self, case: str, innovation: int, effect: int) -> None:
        """Let every expert of the panel give the same points, and walk on to the ranking."""
        for expert in self.panel(case):
            self.score(case, expert, innovation, effect)
        self.town.walk(case, "ranking")

    def rank(self) -> Ranking:
        return apply_ranking(self.town.house.cases, self.actor(), self.call, self.town.now)


def called(town: Town, measure: str = MEASURE) -> Round:
    """Publish a call of its own."""
    today = local_date(town.now)
    with town.house.database.session() as session:
        made = plan_standing_calls(
            session, [measure], opens_on=today, closes_on=today + timedelta(days=300),
            at=town.now, signer=town.house.cases.office.signer, ids=_ids,
        )[measure]  # fmt: skip
        return Round(town, made.public_id, measure=measure)
