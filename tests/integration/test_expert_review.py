"""A small call from the draw to 递补: recusal by rule, sheets, a tie, a quota, a withdrawal."""

import io
from collections.abc import Iterator

import pytest
from openpyxl import load_workbook

from caseflow.batches.publicity import Listing, open_publicity
from caseflow.batches.rankings import preview_ranking, promote_next
from caseflow.cases.blind import HIDDEN
from caseflow.cases.detail import case_detail
from caseflow.cases.experts.draws import PanelOrder, replace_expert
from caseflow.cases.experts.results import call_reviews, case_review, summary_sheet
from caseflow.cases.queries import CaseFilter, case_list, find_case, find_judged_case
from caseflow.cases.service import Request
from caseflow.cases.task_list import my_tasks
from caseflow.database.access import Database
from caseflow.kernel.drawing import hash_of, replay
from caseflow.kernel.errors import Conflict, GuardFailed, InvalidInput, NotAllowed, NotFound
from caseflow.kernel.workflow.vocabulary import AMOUNTS
from caseflow.rehearsal.samples import SAMPLE_CONTACT
from tests.integration.kept_database import keep
from tests.integration.reviewing import MEASURE, OPINION, Round, called
from tests.integration.walking import Town, found_town, together, visit

pytestmark = pytest.mark.soak

MINUTES = "会议纪要〔2026〕3号"
POINTS = ((90, 80), (80, 95), (90, 80), (70, 70), (62, 62), (95, 95))
"""Of 创新性 (60) and 成效 (40): two at 86 that only time tells apart, a third by 成效."""


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=(MEASURE,))


@pytest.fixture
def town(founded) -> Iterator[Town]:
    for town in visit(founded):
        town.now = max(town.now, town.swept)
        yield town


def ready(town: Town, number: int, quota: int, points=((80, 80),)) -> Round:
    """Return a call of which so many cases are scored; the last points stand for the rest."""
    call = called(town)
    call.applicants(number)
    call.terms(quota=quota)
    call.draw()
    for case, said in zip(call.cases, (*points, *(points[-1],) * number), strict=False):
        call.scored(case, *said)
    return call


def publicise(call: Round, *cases: str) -> None:
    listing = Listing(cases, "公示", "会议", SAMPLE_CONTACT, 5, call.actor().id, call.town.now)
    open_publicity(call.town.house.cases, listing)


def publicised_apart(call: Round, *cases: str) -> None:
    """See that a case that was promoted is not in one list with another."""
    with pytest.raises(Conflict, match="补充公示"):
        publicise(call, *cases)
    for case in cases:
        publicise(call, case)


def promote(call: Round) -> str:
    return promote_next(
        call.town.house.cases, call.actor(), call.call,
        reason="第一名撤回", minutes_no=MINUTES, at=call.town.now,
    ).case  # fmt: skip


def taken(call: Round) -> tuple[int, int]:
    return call.town.sql(
        "SELECT s.taken, s.quota FROM shortlist s JOIN call c ON s.key = 'call:' || c.id"
        " WHERE c.public_id = %s",
        call.call,
    )[0]


def test_a_call_is_drawn_scored_ranked_and_a_free_place_is_filled_in_turn(town: Town):
    call = called(town)
    cases = call.applicants(6)
    out = call.expert(call.uscc(cases[0]))
    call.expert()
    call.terms()

    drawn = call.draw()
    for case, points in zip(cases, POINTS, strict=True):
        call.scored(case, *points)
    seen = preview_ranking(town.house.cases, call.actor(), call.call, town.now)
    ranking = call.rank()
    with pytest.raises(GuardFailed, match="名额已满"):
        promote(call)
    town.act(cases[5], "withdraw")
    freed = taken(call)
    with pytest.raises(GuardFailed, match="候补第一名"):
        town.act(cases[2], "promote")
    promoted = promote(call)
    for case in cases[:2]:
        town.walk(case, "publicity_pending")
    publicised_apart(call, *cases[:2])

    assert drawn.pool[out].startswith("与申报主体")
    experts = town.value("SELECT count(*) FROM expert")
    assert (len(drawn.panel), len(drawn.pool), out in drawn.panel) == (5, experts, False)
    assert [line.case for line in ranking.lines] == [cases[i] for i in (5, 1, 0, 2, 3, 4)]
    assert [line.result for line in ranking.lines] == ["shortlisted"] * 2 + ["waitlisted"] * 4
    assert [line.result for line in seen.lines] == [line.result for line in ranking.lines]
    assert [line.score for line in ranking.lines][:4] == ["95.00", "86.00", "86.00", "86.00"]
    assert "“成效”95.00 高于 80.00" in ranking.lines[1].reason
    assert "提交时间在先" in ranking.lines[2].reason
    assert (freed, taken(call), promoted) == ((1, 2), (2, 2), cases[0])
    assert town.state(cases[0]) == town.state(cases[1]) == "publicity"


@pytest.mark.soak
def test_nobody_is_promoted_once_a_title_is_issued(town: Town):
    call = ready(town, 3, 2)
    first, second, third = (line.case for line in call.rank().lines)
    town.walk(first, "named")
    town.act(first, "issue_title")
    town.act(second, "withdraw")

    with pytest.raises(GuardFailed, match="命名文件已经印发"):
        promote(call)

    assert town.state(third) == "waitlisted"
    assert taken(call) == (1, 2)


@pytest.mark.soak
def test_a_ranking_waits_for_every_case_and_of_two_handlers_one_takes_the_last_place(town: Town):
    call = ready(town, 2, 1)
    late = town.open(MEASURE, call=call.call)
    town.walk(late, "expert_panel")
    with pytest.raises(Conflict, match="尚有 1 件未完成评审"):
        call.rank()

    answers = together(*[lambda c=case: town.act(c, "record_rank", rank=1) for case in call.cases])

    assert sorted(answer.state for answer in answers) == ["joint_check", "waitlisted"]
    assert taken(call) == (1, 1)


def test_the_score_follows_from_the_sheets_and_an_outsider_writes_none(town: Town):
    call = called(town)
    (case,) = call.applicants(1)
    call.expert()
    call.expert()
    call.terms()
    drawn = call.draw()
    panel = call.panel(case)
    ids = dict(
        town.sql("SELECT id, public_id FROM person WHERE id IN (SELECT person_id FROM expert)")
    )
    stranger = next(key for key, name in ids.items() if name not in drawn.panel)

    with pytest.raises(NotAllowed, match="不在本办件抽取的专家组"):
        call.score(case, stranger, 80, 80)
    first = call.score(case, panel[0], 0, 0)
    with pytest.raises(NotAllowed, match="只评一次"):
        call.score(case, panel[0], 100, 100)
    for expert in panel[1:4]:
        call.score(case, expert, 59, 60)
    last = call.score(case, panel[4], 100, 100)

    assert first.state == "expert_review"
    assert last.events == ("score_case", "conclude_expert_review")
    assert last.state == "expert_failed"


@pytest.mark.soak
def test_the_pass_mark_is_reached_by_the_exact_mean_and_missed_by_a_fraction(town: Town):
    call = called(town)
    cases = call.applicants(2)
    call.terms()
    call.draw()
    for case, effect in zip(cases, (60, 59), strict=True):
        outcome = [call.score(case, each, 60, effect) for each in call.panel(case)][-1]

        assert outcome.state == ("onsite_check" if effect == 60 else "expert_failed")


def test_who_withdraws_is_replaced_by_lot_and_the_draw_can_be_repeated(town: Town):
    call = called(town)
    (case,) = call.applicants(1)
    for _ in range(2):
        call.expert()
    call.terms()
    first = call.draw()
    left = call.panel(case)[0]
    cases, handler = town.house.cases, call.actor()
    with pytest.raises(InvalidInput):
        cases.act(case, Request("replace_expert", handler.id, town.now, {"reason": "x"}))
    cases.act(case, Request("decline_review", left, town.now, {"reason": "与申报主体有亲属关系"}))
    again = replace_expert(cases, handler, case, "一名专家回避", at=town.now)

    gone = town.value("SELECT public_id FROM person WHERE id = %s", left)
    assert again.pool[gone]
    assert again.panel[0] not in first.panel
    for drawn in (first, again):
        assert replay(drawn.pool, drawn.size, seed=bytes.fromhex(drawn.seed)) == drawn.panel
        assert hash_of(list(drawn.panel)) == drawn.panel_hash
    assert len(call.panel(case)) == 5
    assert left not in call.panel(case)
    told = """SELECT e.payload->>'panel_hash' FROM event e JOIN "case" c ON c.id = e.stream
        WHERE c.public_id = %s AND e.name = 'replace_expert'"""
    assert town.value(told, case) == again.panel_hash


def test_too_few_or_an_even_number_are_not_drawn_and_once_a_panel_is_the_terms_hold(town: Town):
    call = called(town)
    (case,) = call.applicants(1)

    with pytest.raises(GuardFailed, match="尚未抽取"):
        town.act(case, "draw_experts")
    for size in (3, 6):
        with pytest.raises(InvalidInput, match="5 人以上的单数"):
            call.draw(PanelOrder("评审〔2026〕1号", size=size))
    with pytest.raises(InvalidInput, match="可抽取的专家只有 0 名"):
        call.draw(PanelOrder("评审〔2026〕1号", field="量子"))

    assert town.state(case) == "expert_panel"
    assert town.sql('SELECT 1 FROM review_panel p JOIN "case" c ON c.id = p.case_id'
                    " WHERE c.public_id = %s", case) == []  # fmt: skip
    the_terms_hold_once_a_panel_is_drawn(call)


def the_terms_hold_once_a_panel_is_drawn(call: Round) -> None:
    for quota in (0, 11):
        with pytest.raises(InvalidInput, match="名额"):
            call.terms(quota=quota)
    with pytest.raises(InvalidInput, match="同分排序规则"):
        call.terms(tie_rule=("moon",))
    call.terms()
    call.draw()

    with pytest.raises(Conflict, match="不得再改"):
        call.terms(quota=3)


def test_an_expert_judges_a_file_without_a_name_and_sees_only_assigned_cases(town: Town):
    call = called(town)
    (case,) = call.applicants(1)
    call.expert()
    call.expert()
    call.terms()
    call.draw()
    panel = call.panel(case)
    expert, other = (call.actor(login_of(town, each)) for each in (panel[0], outside(town, panel)))
    with town.house.database.session() as session:
        seen = case_detail(session, expert, case, town.now, pinned=town.house.cases.pinned)
        (line,) = case_list(session, expert, CaseFilter(text=seen.case.number)).items
        before = [task.case for task in my_tasks(session, expert, town.now).items]
        unassigned = [task.case for task in my_tasks(session, other, town.now).items]
        with pytest.raises(NotAllowed, match="盲评"):
            find_case(session, expert, case)
        with pytest.raises(NotFound):
            find_judged_case(session, other, case)
    call.score(case, panel[0], 80, 80)
    with town.house.database.session() as session:
        after = [task.case for task in my_tasks(session, expert, town.now).items]

    assert seen.case.applicant_title == line.applicant_title == HIDDEN
    assert set(seen.facts) <= set(AMOUNTS)
    assert (seen.tasks, seen.payments, seen.amounts) == ((), (), ())
    assert {(each.public_id, each.name) for each in seen.documents} == {(None, None)}
    assert "score_case" in {option.event for option in seen.events}
    assert case in before
    assert case not in unassigned + after


def login_of(town: Town, person: int) -> str:
    return str(town.value("SELECT login FROM person WHERE id = %s", person))


def outside(town: Town, panel: list[int]) -> int:
    """Return an expert who does not sit in the panel."""
    return int(town.value("SELECT min(person_id) FROM expert WHERE person_id <> ALL(%s)", panel))


@pytest.mark.soak
def test_the_summary_has_a_column_for_each_expert_and_says_who_was_out_and_why(town: Town):
    call = called(town)
    (case,) = call.applicants(1)
    call.expert(call.uscc(case))
    for _ in range(2):
        call.expert()
    call.terms()
    call.draw(PanelOrder("评审〔2026〕1号", size=7))
    panel = call.panel(case)
    for expert in panel:
        far = expert == panel[0]
        call.score(case, expert, 40 if far else 90, 40 if far else 90)
    with town.house.database.session() as session:
        reviews = call_reviews(session, call.actor(), call.call)
        content = summary_sheet(reviews, call.actor(), "算例", town.now)
        with pytest.raises(NotAllowed, match="牵头部门"):
            call_reviews(session, call.actor("caizhengju.treasury"), call.call)
        alone = case_review(session, call.actor(), case)

    book = load_workbook(io.BytesIO(content))
    rows = list(book["专家评审汇总表"].iter_rows(values_only=True))
    heading = next(row for row in rows if row[0] == "序号")
    assert alone == reviews[0]
    assert [title for title in heading if title][:4] == ["序号", "项目编号", "项目名称", "专家1"]
    assert [title for title in heading if title][-5:] == [
        "去高去低均分", "名次", "结论", "回避情况", "备注",
    ]  # fmt: skip
    assert (reviews[0].score, reviews[0].trimmed) == ("90.00", True)
    assert [sheet.alarm for sheet in reviews[0].sheets].count(True) == 1
    assert any("同一工作单位" in each.reason for each in reviews[0].left)
    assert OPINION in {
        cell for row in book["评审意见表"].iter_rows(values_only=True) for cell in row
    }
