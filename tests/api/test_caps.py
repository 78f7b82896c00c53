"""Ceilings over HTTP: told before a plan is drawn up, and named where a plan is too much."""

import pytest

from tests.api.story import APPLICANT, BEFORE_COSIGNING, COSIGNERS, FEN, HANDLER, REVIEWER, Story

LIMIT = 200_000_000


OWNER = "wang.fang"


def caps(story: Story, case: str, login: str = HANDLER):
    return story.client.done(story.client.get(f"/cases/{case}/caps", login))


def proposed(story: Story, firm: str) -> str:
    """Bring a case of a firm of OWNER's to where a plan is to be drawn up."""
    case = story.draft(OWNER, applicant=firm)
    story.complete(case, OWNER)
    (_, submit, payload), *others = BEFORE_COSIGNING
    story.run(case, ((OWNER, submit, payload), *others))
    for login in COSIGNERS:
        story.run(case, ((login, "answer_seat", {"verdict": "pass", "note": "无异议"}),))
    return case


def plan(story: Story, case: str, fen: int):
    story.check(case)
    said = {"cut_code": "decision", "reason": "会议研究核减"}
    return story.client.act(case, HANDLER, "draft_plan", planned_fen=fen, **said)


def test_what_is_left_is_told_before_anything_is_planned(shared_story: Story):
    found = caps(shared_story, shared_story.draft(), APPLICANT)

    (cap,) = found["caps"]
    assert (cap["title"], cap["words"]) == ("单个企业每年最高", "单个企业每年最高200万元")
    assert cap["key"].startswith("year:QD26-7a:")
    assert cap["key"].endswith(":2026")
    assert (cap["limit_fen"], cap["used_fen"], cap["left_fen"]) == (LIMIT, 0, LIMIT)
    assert found["own_fen"] == LIMIT
    assert found["priors"] == {"granted_this_year_fen": 0}


@pytest.mark.soak
def test_what_another_case_has_planned_is_not_planned_again_until_it_is_returned(
    shared_story: Story,
):
    story, firm = shared_story, shared_story.register(OWNER, number=2)
    first, second = proposed(story, firm), proposed(story, firm)
    story.client.done(plan(story, first, FEN))

    (own,), (others,) = caps(story, first)["caps"], story.show(second)["caps"]
    refused = plan(story, second, LIMIT - FEN + 1)
    priors = caps(story, second)["priors"]

    assert (own["own_fen"], own["used_fen"], own["left_fen"]) == (FEN, 0, LIMIT)
    assert (others["own_fen"], others["used_fen"], others["left_fen"]) == (0, FEN, LIMIT - FEN)
    assert priors == {"granted_this_year_fen": FEN}
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/guard-failed")
    assert "上限200万元，已占用10万元，尚余190万元" in refused.json["detail"]
    assert refused.json["caps"] == [others]
    assert plan(story, second, LIMIT - FEN).status_code == 200
    _a_plan_returned_is_not_held_against_the_next_one(story, first, second)


def _a_plan_returned_is_not_held_against_the_next_one(
    story: Story, first: str, second: str
) -> None:
    for case in (first, second):
        story.client.done(story.client.act(case, REVIEWER, "return_plan", reason="重新核算"))
    story.client.done(plan(story, second, LIMIT - 1))

    events = {each["event"]: each for each in story.show(first, HANDLER)["events"]}

    assert events["draft_plan"]["blocked"] == []
    assert plan(story, first, 2).status_code == 409
    assert plan(story, first, 1).status_code == 200


@pytest.mark.parametrize("path", ["/cases/nothing/caps", "/cases/{case}/caps"])
def test_nobody_is_told_the_ceilings_of_a_case_he_may_not_see(shared_story: Story, path: str):
    case = shared_story.draft()

    answer = shared_story.client.get(path.format(case=case), "kejiju.handler")

    assert answer.status_code == 404
