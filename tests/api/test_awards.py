"""The ledger, imports and the check for overlaps by HTTP: who may, and what comes back."""

import pytest

from tests.api.story import (
    APPLICANT,
    AUDITOR,
    FEN,
    FINANCE,
    HANDLER,
    REVIEWER,
    TOWN,
    Story,
)
from tests.factories.identity import uscc_number

ROW = {
    "source_id": "NT-1", "name": "启东第1智能科技有限公司", "uscc": uscc_number(1),
    "clause": "算力券", "level": "city", "place": "qidong", "amount_fen": 5_000_000,
    "granted_on": "2026-05-20",
    "matters": [{"kind": "contract", "key": "HT-2026-001"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def case(shared_story: Story) -> str:
    """A submitted case whose matters nobody has named, of a firm that has no other."""
    return submitted_by(shared_story, "wu.liu", shared_story.register("wu.liu", number=6))


def submitted_by(story: Story, login: str, firm: str) -> str:
    """Submit a case of another firm than the story's."""
    case = story.draft(login, applicant=firm)
    story.complete(case, login)
    story.run(case, ((login, "submit", {"applied_fen": FEN}),))
    return case


def send(story: Story, *rows: dict, login: str = FINANCE, **body):
    return story.client.post(
        "/awards/imports", login, {"source": "nantong", "rows": list(rows), **body}
    )


def test_rows_are_recorded_one_by_one_and_a_dry_run_keeps_nothing(shared_story: Story):
    story, row = shared_story, {**ROW, "source_id": "NT-11", "uscc": uscc_number(11), "matters": []}
    bad = {**row, "source_id": "NT-12", "amount_fen": 1.5}

    tried = story.client.done(send(story, row, bad, dry_run=True))
    sent = story.client.done(send(story, row, bad))
    again = story.client.done(send(story, row))

    assert (tried["recorded"], tried["refused"], tried["dry_run"]) == (1, 1, True)
    assert [row["result"] for row in sent["rows"]] == ["recorded", "refused"]
    assert (again["recorded"], again["already"]) == (0, 1)
    assert again["rows"][0]["award"] == sent["rows"][0]["award"]


@pytest.mark.parametrize(
    "body",
    [{"rows": []}, {"rows": [7]}, {"source": ""}, {"source": "caseflow"}, {"dry_run": "yes"}],
)
def test_a_body_that_is_no_import_is_refused(shared_story: Story, body: dict):
    assert send(shared_story, ROW, **body).status_code == 422


@pytest.mark.parametrize("login", [APPLICANT, TOWN, HANDLER, AUDITOR])
def test_imports_are_for_finance_and_reviewers(shared_story: Story, login: str):
    assert send(shared_story, ROW, login=login).status_code == 403


def test_an_applicants_ledger_is_paged_and_shown_to_whom_it_concerns(shared_story: Story):
    story, login, stranger = shared_story, "wu.san", "qian.yi"
    firm = story.register(login, number=3)
    story.register(stranger, number=2)
    given = {**ROW, "name": "启东第3智能科技有限公司", "uscc": uscc_number(3), "matters": []}
    rows = [{**given, "source_id": f"NT-3{n}", "amount_fen": n} for n in (1, 2, 3)]
    story.client.done(send(story, *rows))
    submitted_by(story, login, firm)
    path = f"/applicants/{firm}/awards"

    first = story.client.done(story.client.get(path, login, limit=2))
    rest = story.client.done(story.client.get(path, HANDLER, after=first["page"]["next"]))

    assert [line["amount_fen"] for line in first["page"]["items"]] == [3, 2]
    assert [line["amount_fen"] for line in rest["page"]["items"]] == [1]
    assert rest["page"]["next"] is None
    assert [(year["times"], year["amount_fen"]) for year in first["years"]] == [(3, 6)]
    for login, status in ((AUDITOR, 200), (TOWN, 200), (stranger, 404), ("kejiju.handler", 404)):
        assert story.client.get(path, login).status_code == status, login


def test_a_case_is_told_what_it_meets_and_the_reviewer_decides(shared_story: Story):
    story = shared_story
    told = story.client.done(send(story, ROW))["rows"][0]
    case = story.submitted()
    matters = [{"kind": "contract", "key": "ht-2026-００１"}]

    story.client.done(story.client.act(case, APPLICANT, "name_matters", matters=matters))
    found = story.client.done(story.client.get(f"/cases/{case}/overlaps", APPLICANT))

    (clash,) = found["clashes"]
    assert (clash["other"], clash["grade"]) == (told["award"], "same")
    assert (clash["proposal"], clash["pay_fen"]) == ("top_up", 5_000_000)
    assert found["matters"] == ["contract:HT-2026-001"]
    assert "不重复" in found["words"]
    assert story.show(case, APPLICANT)["overlaps"] == ["同一事项（contract:HT-2026-001）：补差"]
    for login, status in ((AUDITOR, 200), (REVIEWER, 200), ("kejiju.handler", 404)):
        assert story.client.get(f"/cases/{case}/overlaps", login).status_code == status


def test_another_firms_support_is_nameless_to_the_applicant(shared_story: Story):
    story, matters = shared_story, [{"kind": "contract", "key": "ZZXK-77815"}]
    other = {"source_id": "NT-9", "name": "启东乙公司", "uscc": uscc_number(9), "matters": matters}
    story.client.done(send(story, {**ROW, **other}))
    case = submitted_by(story, "wu.si", story.register("wu.si", number=4))
    story.client.done(story.client.act(case, TOWN, "name_matters", matters=matters))

    mine = story.client.done(story.client.get(f"/cases/{case}/overlaps", "wu.si"))
    theirs = story.client.done(story.client.get(f"/cases/{case}/overlaps", HANDLER))

    assert (mine["clashes"][0]["title"], mine["clashes"][0]["total_fen"]) == (
        "另一单位",
        None,
    )
    assert theirs["clashes"][0]["total_fen"] == 5_000_000


@pytest.mark.parametrize(
    "matters",
    [
        "contract:HT-1", [], [7], [{"kind": "contract"}], [{"kind": "deed", "key": "HT-2026-1"}],
        [{"kind": "contract", "key": "无"}],
        [{"kind": "contract", "key": "HT-1", "items": {"a": 1.5}}],
    ],
)  # fmt: skip
def test_a_matter_that_is_none_is_refused(shared_story: Story, case: str, matters):
    answer = shared_story.client.act(case, "wu.liu", "name_matters", matters=matters)

    assert answer.status_code == 422
    assert "matters" in answer.get_json()["fields"]
