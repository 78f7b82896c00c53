"""A defence (答辩) judged on site: its own panel by lot, face to face, absences, computed score.

At the end, the ledger of what all these experts did.
"""

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook

from caseflow.batches.rankings import CallTerms, set_terms
from caseflow.cases.blind import HIDDEN, refuse_blind
from caseflow.cases.detail import CaseDetail, case_detail
from caseflow.cases.experts.draws import ABSENT, Leaving, PanelOrder, draw_panel, replace_expert
from caseflow.cases.experts.engagement_sheet import service_sheet
from caseflow.cases.experts.engagements import (
    Engagement,
    EngagementFilter,
    Look,
    engagement_list,
    service_totals,
    whole_ledger,
    whole_totals,
)
from caseflow.cases.experts.results import call_reviews, case_draws, case_review, review_page
from caseflow.cases.queries import find_case, find_judged_case, visible_cases
from caseflow.cases.service import Outcome, Request
from caseflow.cases.task_list import my_tasks
from caseflow.database.access import Database
from caseflow.kernel.calendar import local_date, shanghai_instant
from caseflow.kernel.drawing import replay
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from caseflow.kernel.scoring import Criterion, Terms
from tests.integration.kept_database import keep
from tests.integration.reviewing import OPINION, ORDER, Round, called
from tests.integration.walking import Town, found_town

pytestmark = pytest.mark.soak

MEASURE = "QD26-9a"
SHEET = (Criterion("stage", "现场答辩", 100),)


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


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
    return CallTerms(Terms(SHEET, trimmed=True), stage=stage)


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
    assert drawn[4].events == ("score_case", "conclude_defence", "pass_unranked")
    assert town.state(case) == "background_check"
    assert replay(second.pool, 5, seed=bytes.fromhex(second.seed)) == second.panel
    assert second.seed != first.seed
    assert second.pool[day.recused].startswith("与申报主体")
    assert (of_first.stage, of_first.score) == ("expert_review", "85.00")
    assert (of_defence.stage, of_defence.score) == ("defence", "60.00")
    assert of_defence.conclusion == "已评分"
    assert {*of_defence.sheets[0].scores} == {"stage"}
    assert town.value('SELECT facts ? \'defence_score\' FROM "case" WHERE public_id = %s',
                      case) is False  # fmt: skip


def test_a_fraction_below_the_pass_mark_fails_and_a_new_defence_is_a_new_draw(day: Day):
    case, town = day.call.cases[1], day.town

    for expert, points in zip(day.draw(case), (60, 59, 59, 60, 60), strict=True):
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


@pytest.mark.soak
def test_a_call_with_places_ranks_by_the_score_of_the_defence(day: Day):
    town, call = day.town, called(day.town, MEASURE)
    first, second = call.applicants(2)
    terms = CallTerms(Terms(SHEET), ("stage",), quota=1, stage="defence")
    set_terms(town.house.cases, call.actor(), call.call, terms, at=town.now)
    call.draw()
    for case in (first, second):
        town.walk(case, "defence_panel")
    call.draw()
    for case, points in ((first, 70), (second, 90)):
        for expert in call.panel(case):
            day.score(case, expert, points)
    stood = [town.state(case) for case in (first, second)]

    ranking = call.rank()

    assert stood == ["ranking", "ranking"]
    assert [(e.case, e.score) for e in ranking.lines] == [(second, "90.00"), (first, "70.00")]
    assert (ranking.tie_rule, ranking.quota) == (("stage",), 1)
    assert [town.state(case) for case in (first, second)] == ["waitlisted", "background_check"]
    with day.session() as session:
        told = call_reviews(session, call.actor(), call.call, stage="defence")
    assert [(each.case, each.conclusion) for each in told] == [(first, "候补"), (second, "入围")]


# --- the service ledger (专家履职台账)


@pytest.fixture(scope="module")
def far(day: Day) -> str:
    """A case that seven experts judge, of whom one is far from the others."""
    town, case = day.town, day.town.open(MEASURE, call=day.call.call)
    town.walk(case, "defence_panel")
    order = PanelOrder("答辩〔2026〕3号", size=7)
    draw_panel(town.house.cases, day.call.actor(), case, order, at=town.now)
    for expert, points in zip(day.call.panel(case), (90, 90, 90, 90, 90, 90, 40), strict=True):
        day.score(case, expert, points)
    return case


def look(day: Day, session: Any, login: str | None = None, at: datetime | None = None) -> Look:
    return Look(session, day.call.actor(login), at or day.town.now)


def lines_of(day: Day, case: str, stage: str = "defence") -> list[Engagement]:
    with day.session() as session:
        whole = whole_ledger(look(day, session))
    return [each for each in whole if (each.case, each.stage) == (case, stage)]


def test_the_ledger_says_who_was_trimmed_and_who_was_far_off(day: Day, far):
    lines = {line.score: line for line in lines_of(day, far)}
    even = [line for line in lines_of(day, far) if line.score == "90.00"]

    assert (lines["40.00"].trimmed, lines["40.00"].alarm) == (True, True)
    assert sorted(line.trimmed for line in even) == [False] * 5 + [True]
    assert {line.alarm for line in even} == {False}
    assert {line.timing for line in even} == {"on_time"}
    assert {line.stage_title for line in even} == {"答辩路演"}


def test_the_ledger_says_who_was_absent_and_who_is_still_asked(day: Day, defended):
    lines = lines_of(day, defended)
    (away,) = [line for line in lines if line.status == "absent"]

    assert (away.reason, away.timing, away.trimmed) == ("因病未到场", None, None)
    assert sorted(str(line.timing) for line in lines) == ["None", "on_time", *["waiting"] * 4]
    assert {line.trimmed for line in lines} == {None}


def test_a_panel_that_was_drawn_anew_is_asked_no_more(day: Day):
    case, town = day.call.cases[3], day.town
    town.act(case, "redraw_experts", reason="一名专家失职")

    assert {line.timing for line in lines_of(day, case)} == {"released"}


def test_a_sheet_is_late_after_the_last_day_and_overdue_while_it_is_missing(day: Day):
    case, town = day.call.cases[4], day.town
    first, second, third, *_ = day.call.panel(case)
    due_on = town.clock(case, "defence")[2]

    for number, expert in ((0, first), (1, second)):
        town.now = shanghai_instant(due_on + timedelta(days=number), hour=10)
        day.score(case, expert, 80)
    with day.session() as session:
        found = {
            row.expert: row.timing
            for row in whole_ledger(look(day, session))
            if (row.case, row.stage) == (case, "defence")
        }

    named = dict(day.town.sql("SELECT id, public_id FROM person"))
    told = [found[named[each]] for each in (first, second, third)]
    assert told == ["on_time", "late", "overdue"]


@pytest.mark.soak
def test_the_ledger_is_paged_filtered_and_summed(day: Day, far):
    with day.session() as session:
        whole = whole_ledger(look(day, session))
        pages = [engagement_list(look(day, session), limit=7)]
        while pages[-1].next:
            pages.append(engagement_list(look(day, session), after=pages[-1].next, limit=7))
        one = whole_ledger(look(day, session), EngagementFilter(expert=whole[0].expert))
        bureau = whole_ledger(look(day, session), EngagementFilter(bureau="rencaiban"))
        other = whole_ledger(look(day, session), EngagementFilter(bureau="shujuju"))
        days = [local_date(each.drawn_at) for each in whole]
        first, last = min(days), max(days)
        within = whole_ledger(look(day, session), EngagementFilter(since=first, until=last))
        after = whole_ledger(look(day, session), EngagementFilter(since=last + timedelta(days=1)))
        before = whole_ledger(look(day, session), EngagementFilter(until=first - timedelta(days=1)))
        totals = whole_totals(look(day, session))
        two = service_totals(look(day, session), limit=2)
        rest = service_totals(look(day, session), after=two.next)
        for wrong in ("moon", "1-2", "1-2-x"):
            with pytest.raises(InvalidInput, match="上一页的 next"):
                engagement_list(look(day, session), after=wrong)

    assert [each for page in pages for each in page.items] == whole
    assert {each.expert for each in one} == {whole[0].expert}
    assert (bureau, within) == (whole, whole)
    assert (other, after, before) == ([], [], [])
    assert [*two.items, *rest.items] == totals
    assert sum(each.cases for each in totals) == len(whole)
    assert sum(each.absent for each in totals) == 1
    assert sum(each.alarms for each in totals) == 1
    mine = next(each for each in totals if each.expert == whole[0].expert)
    assert mine.drawn == mine.times_in_year == len({each.draw for each in one})
    assert mine.cases == len(one)


@pytest.mark.parametrize(("ahead", "counted"), [(-1, True), (0, False), (1, False)])
def test_a_draw_counts_for_twelve_months(day: Day, ahead, counted):
    with day.session() as session:
        newest = engagement_list(look(day, session), limit=1).items[0]
        drawn_on = local_date(newest.drawn_at)
        on = drawn_on.replace(year=drawn_on.year + 1) + timedelta(days=ahead)
        later = look(day, session, at=shanghai_instant(on, hour=9))
        (again,) = engagement_list(later, limit=1).items

    assert (again.times_in_year > 0) == counted


def test_the_ledger_is_for_who_may_see_the_pool_and_tells_others_nothing_of_a_case(day: Day):
    with day.session() as session:
        whole = whole_ledger(look(day, session))
        elsewhere = whole_ledger(look(day, session, "shujuju.handler"))
        auditor = whole_ledger(look(day, session, "shenjiju.auditor"))
        for login in ("shuiwuju.cosign", day.login(day.first[0])):
            with pytest.raises(NotAllowed, match="履职台账"):
                whole_ledger(look(day, session, login))

    assert auditor == whole
    assert {(e.case, e.number, e.title, e.score, e.reason) for e in elsewhere} == {(None,) * 5}
    assert [e.status for e in elsewhere] == [e.status for e in whole]


def test_the_ledger_as_a_file_has_the_lines_and_the_totals(day: Day):
    with day.session() as session:
        wanted = EngagementFilter(bureau="rencaiban")
        book = load_workbook(io.BytesIO(service_sheet(look(day, session), wanted)))
        whole = whole_ledger(look(day, session))

    summed, told = book["专家履职汇总"], book["专家履职明细"]
    rows = list(told.iter_rows(values_only=True))
    heading = next(n for n, row in enumerate(rows) if row[0] == "序号")
    assert len(rows) - heading - 1 == len(whole)
    assert {row[0]: row[1] for row in rows[:heading]}["筛选条件"] == "牵头部门 rencaiban"
    assert "缺席" in {cell for row in rows for cell in row}
    assert "近12个月抽取次数" in {cell.value for row in summed.iter_rows() for cell in row}
