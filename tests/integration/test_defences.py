"""A defence (答辩) judged on site: its own panel by lot, face to face, absences, computed score."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from caseflow.batches.rankings import CallTerms, set_terms
from caseflow.cases.blind import HIDDEN, refuse_blind
from caseflow.cases.detail import CaseDetail, case_detail
from caseflow.cases.experts.draws import ABSENT, Leaving, PanelOrder, draw_panel, replace_expert
from caseflow.cases.experts.results import call_reviews, case_draws, case_review, review_page
from caseflow.cases.queries import find_case, find_judged_case, visible_cases
from caseflow.cases.service import Outcome, Request
from caseflow.cases.task_list import my_tasks
from caseflow.database.access import Database
from caseflow.kernel.drawing import replay
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from caseflow.kernel.scoring import Criterion, Terms
from tests.integration.kept_database import keep
from tests.integration.reviewing import OPINION, ORDER, Round, called
from tests.integration.walking import Town, found_town

MEASURE = "QD26-9a"
SHEET = (Criterion("stage", "现场答辩", 100),)


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template, "defences")


@dataclass
class Day:
    """A call of 人才 with five projects that passed the first review, and who sat in it."""

    call: Round
    first: list[int]
    recused: str

    @property
    def town(self) -> Town:
        return self.call.town

    def score(self, case: str, expert: int, points: int) -> Outcome:
        payload = {"scores": {"stage": points}, "note": OPINION}
        request = Request("score_case", expert, self.town.now, payload)
        return self.town.house.cases.act(case, request)

    def draw(self, case: str) -> list[int]:
        draw_panel(self.town.house.cases, self.call.actor(), case, ORDER, at=self.town.now)
        return self.call.panel(case)

    def session(self) -> Any:
        return self.town.house.database.session()

    def seen(self, case: str, person: int) -> CaseDetail:
        with self.session() as session:
            actor = self.call.actor(self.login(person))
            pinned = self.town.house.cases.pinned
            return case_detail(session, actor, case, self.town.now, pinned=pinned)

    def may_open_papers(self, case: str, person: int) -> bool:
        with self.session() as session:
            actor = self.call.actor(self.login(person))
            found = find_judged_case(session, actor, case)
            with suppress(NotAllowed):
                refuse_blind(session, actor, found, visible_cases)
                return True
        return False

    def asked(self, person: int) -> list[str]:
        with self.session() as session:
            found = my_tasks(session, self.call.actor(self.login(person)), self.town.now)
        return [task.case for task in found.items]

    def login(self, person: int) -> str:
        return str(self.town.value("SELECT login FROM person WHERE id = %s", person))


@pytest.fixture(scope="module")
def day(kept, tmp_path_factory) -> Day:
    town = found_town(kept, tmp_path_factory.mktemp("town"), measures=(MEASURE,))
    call = called(town, MEASURE)
    for _ in range(3):
        call.expert()
    call.applicants(5)
    handler = call.actor()
    with pytest.raises(InvalidInput, match="须为 expert_review、defence 之一"):
        set_terms(town.house.cases, handler, call.call, said("moon"), at=town.now)
    set_terms(town.house.cases, handler, call.call, said("defence"), at=town.now)
    recused = call.expert(call.uscc(call.cases[0]))
    call.draw()
    first = call.panel(call.cases[0])
    for case in call.cases:
        town.walk(case, "defence_panel")
    return Day(call, first, recused)


def said(stage: str) -> CallTerms:
    """Return the sheet of one stage, which the first review does not share."""
    return CallTerms(Terms(SHEET), stage=stage)


def test_a_defence_has_its_own_panel_and_its_score_follows_from_the_sheets(day: Day):
    case, town = day.call.cases[0], day.town

    panel = day.draw(case)
    drawn = [day.score(case, each, points) for each, points in zip(panel, (60,) * 5, strict=True)]
    with day.session() as session:
        first, second = case_draws(session, day.call.actor(), case).items
        of_first = case_review(session, day.call.actor(), case, stage="expert_review")
        of_defence = case_review(session, day.call.actor(), case)
        with pytest.raises(NotFound, match="没有专家评审"):
            case_review(session, day.call.actor(), case, stage="moon")

    assert [each.events for each in drawn[:4]] == [("score_case",)] * 4
    assert drawn[4].events == ("score_case", "conclude_defence")
    assert town.state(case) == "background_check"
    assert replay(second.pool, 5, seed=bytes.fromhex(second.seed)) == second.panel
    assert second.seed != first.seed
    assert second.pool[day.recused].startswith("与申报主体")
    assert (of_first.stage, of_first.score) == ("expert_review", "85.00")
    assert (of_defence.stage, of_defence.score) == ("defence", "60.00")
    assert {*of_defence.sheets[0].scores} == {"stage"}
    assert town.value('SELECT facts ? \'defence_score\' FROM "case" WHERE public_id = %s',
                      case) is False  # fmt: skip


def test_a_fraction_below_the_pass_mark_fails_and_a_new_defence_is_a_new_draw(day: Day):
    case, town = day.call.cases[1], day.town

    for expert, points in zip(day.draw(case), (60, 60, 60, 60, 59), strict=True):
        outcome = day.score(case, expert, points)
    town.act(case, "order_new_defence")
    with pytest.raises(InvalidInput, match="defence_score"):
        town.act(case, "draw_experts", defence_score=90)
    again = day.draw(case)

    assert outcome.state == "defence_failed"
    assert town.state(case) == "defence"
    rounds = town.sql(
        "SELECT p.round, p.stage, p.in_person FROM review_panel p"
        ' JOIN "case" c ON c.id = p.case_id WHERE c.public_id = %s ORDER BY 1',
        case,
    )
    assert rounds == [(1, "expert_review", False), (2, "defence", True), (3, "defence", True)]
    assert len(again) == 5


@pytest.fixture(scope="module")
def defended(day: Day) -> str:
    """A case whose panel sits and waits for the applicant."""
    case = day.call.cases[2]
    day.draw(case)
    return case


def test_who_judges_a_defence_knows_whom_and_opens_the_papers_but_no_accounts(day: Day, defended):
    expert = day.call.panel(defended)[0]

    found = day.seen(defended, expert)

    assert found.case.applicant_title not in (HIDDEN, "")
    assert HIDDEN not in (found.case.applicant, found.case.title)
    assert all(each.public_id for each in found.documents if each.uploaded_at)
    assert (found.tasks, found.amount_chain, found.payments, found.checks) == ((), (), (), ())
    assert {event.event for event in found.events} >= {"score_case", "decline_review"}
    assert defended in day.asked(expert)
    with day.session() as session, pytest.raises(NotAllowed, match="只查阅申报材料"):
        find_case(session, day.call.actor(day.login(expert)), defended)
    assert day.may_open_papers(defended, expert)


def test_who_judged_the_first_review_alone_still_sees_it_blind_and_has_no_task(day: Day, defended):
    alone = next(each for each in day.first if each not in day.call.panel(defended))

    found = day.seen(defended, alone)

    assert found.case.applicant_title == HIDDEN
    assert {each.public_id for each in found.documents} == {None}
    assert defended not in day.asked(alone)
    assert not day.may_open_papers(defended, alone)
    with pytest.raises(NotAllowed, match="不在本办件抽取的专家组"):
        day.score(defended, alone, 90)


def test_who_stays_away_is_noted_as_absent_and_a_lot_fills_the_place(day: Day, defended):
    cases, handler, town = day.town.house.cases, day.call.actor(), day.town
    away, other = day.call.panel(defended)[1:3]
    key = town.value("SELECT public_id FROM person WHERE id = %s", away)
    with pytest.raises(InvalidInput, match="退出原因"):
        replace_expert(cases, handler, defended, "x", at=town.now, leaving=Leaving(key, "ill"))

    leaving = Leaving(key, ABSENT)
    again = replace_expert(cases, handler, defended, "因病未到场", at=town.now, leaving=leaving)
    day.score(defended, other, 80)

    rows = town.sql(
        'SELECT m.status, m.reason FROM panel_member m JOIN "case" c ON c.id = m.case_id'
        " WHERE c.public_id = %s AND m.person_id = %s AND m.status <> 'seated'",
        defended,
        away,
    )
    assert rows == [("absent", "因病未到场")]
    assert key not in again.panel
    assert len(day.call.panel(defended)) == 5
    with pytest.raises(NotAllowed):
        day.score(defended, away, 90)


def test_cases_of_a_call_are_drawn_for_in_rooms_of_their_own(day: Day):
    here, there = day.call.cases[3:5]
    late = day.town.open(MEASURE, call=day.call.call)
    day.town.walk(late, "expert_panel")

    with pytest.raises(Conflict, match="请指明一个（stage）：defence、expert_review"):
        day.call.draw()
    with pytest.raises(InvalidInput, match="不在本批等待"):
        day.call.draw(PanelOrder("答辩〔2026〕1号", cases=(here, "moon")))
    room = day.call.draw(PanelOrder("答辩〔2026〕1号", stage="defence", cases=(here,)))
    rest = day.call.draw(PanelOrder("答辩〔2026〕1号", stage="defence"))
    online = day.call.draw(PanelOrder("评审〔2026〕2号"))

    assert [len(each.cases) for each in (room, rest, online)] == [1, 1, 1]
    assert day.town.state(here) == day.town.state(there) == "defence"
    assert day.town.state(late) == "expert_review"
    away = day.town.value("SELECT public_id FROM person WHERE id = %s", day.call.panel(late)[0])
    with pytest.raises(InvalidInput, match="不登记缺席"):
        replace_expert(
            day.town.house.cases, day.call.actor(), late, "x", at=day.town.now,
            leaving=Leaving(away, ABSENT),
        )  # fmt: skip


def test_the_reviews_of_a_call_are_told_by_stage_and_by_page(day: Day):
    with day.session() as session:
        handler = day.call.actor()
        whole = call_reviews(session, handler, day.call.call, stage="expert_review")
        pages = [review_page(session, handler, day.call.call, stage="expert_review", limit=2)]
        while pages[-1].next:
            pages.append(
                review_page(
                    session, handler, day.call.call, stage="expert_review", limit=2,
                    after=pages[-1].next,
                )
            )  # fmt: skip
        none = review_page(session, handler, day.call.call, stage="moon")

    assert [each for page in pages for each in page.items] == list(whole)
    assert {each.stage for each in whole} == {"expert_review"}
    assert max(len(page.items) for page in pages) == 2
    assert (none.items, none.next) == ((), None)
