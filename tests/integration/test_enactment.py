"""From a draft to a document in force: nothing before, everything after, and versions that stay."""

import random
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest

from caseflow.batches.sweeps import sweep_all
from caseflow.cases.assembly import assemble
from caseflow.cases.opening import Opening, open_case
from caseflow.cases.service import Cases
from caseflow.catalogue import enacting, queries
from caseflow.catalogue.differences import Change
from caseflow.database.ids import PublicIds
from caseflow.identity.service import register_applicant
from caseflow.kernel.errors import InvalidInput, NotFound, PolicyClosed
from tests.conftest import _copy, settings_of_templates
from tests.factories.drafts import (
    ISSUED,
    LOADED_AT,
    amend,
    draft_root,
    draft_template,
    issued,
    load_into,
)
from tests.factories.identity import uscc_number
from tests.integration.conftest import found_house, shanghai

CODE = "qidong-2026"
ISSUED_AT = shanghai(4, 13)
AMENDED_AT = shanghai(11, 9)


@dataclass
class Catalogue:
    """A founded city whose only policy is what the files of `folder` say."""

    folder: Path
    root: Path
    cases: Cases

    def load(self, at: datetime) -> None:
        with self.cases.database.session() as session:
            load_into(session, self.root, at)

    def issue(self) -> None:
        enacting.enact(self.folder, ISSUED)
        self.load(ISSUED_AT)

    def amend(self) -> None:
        amend(self.folder)
        self.load(AMENDED_AT)

    def sql(self, query, *parameters):
        with self.cases.connect() as connection:
            return connection.execute(query, parameters).fetchall()

    def versions(self, on):
        with self.cases.database.session() as session:
            return queries.policy_versions(session, CODE, on=on)

    def difference(self, **chosen):
        with self.cases.database.session() as session:
            return queries.version_difference(session, CODE, on=date(2026, 12, 1), **chosen)

    def pinned(self, case):
        return self.sql(
            'SELECT p.version FROM "case" c JOIN measure_version v ON v.id = c.measure_version_id'
            " JOIN policy_version p ON p.id = v.policy_version_id WHERE c.public_id = %s",
            case,
        )[0][0]


@pytest.fixture(scope="module")
def template(server, empty_template, tmp_path_factory):
    return draft_template(server, empty_template, tmp_path_factory.mktemp("draft"))


def founded(server, template, folder):
    root = folder / "data"
    draft = draft_root(root)
    with contextmanager(_copy)(server, template) as database:
        settings = settings_of_templates(str(folder))
        cases = assemble(database, settings, root, ids=PublicIds(random.Random(2)))
        yield Catalogue(draft, root, cases)


@pytest.fixture
def catalogue(server, template, tmp_path):
    """A catalogue of the test's own, with the draft."""
    yield from founded(server, template, tmp_path)


@pytest.fixture(scope="module")
def after_issue(server, template, tmp_path_factory):
    """A catalogue that took nothing while its policy was a draft, which then was issued."""
    for catalogue in founded(server, template, tmp_path_factory.mktemp("issued")):
        with pytest.raises(PolicyClosed, match="征求意见稿"):
            found_house(catalogue.cases)
        with pytest.raises(PolicyClosed, match="尚为征求意见稿"):
            match_a_title(catalogue, shanghai(10, 12))
        catalogue.issue()
        yield catalogue


def match_a_title(catalogue, at):
    """Open a case that needs no call: the bureau matches a title by itself."""
    with catalogue.cases.database.session() as session:
        firm = register_applicant(
            session, kind="enterprise", name="启东乙智能科技有限公司", territory_code="huilong",
            ids=PublicIds(random.Random(9)), uscc=uscc_number(7),
        )  # fmt: skip
        name = firm.public_id
    (handler,) = catalogue.sql("SELECT id FROM person WHERE login = 'shujuju.handler'")
    return open_case(catalogue.cases, Opening("QD26-8c", name, "备案奖励", handler[0], at))


def test_nothing_is_called_or_opened_under_a_draft_and_both_are_once_it_is_issued(after_issue):
    catalogue, at = after_issue, shanghai(10, 12)

    house = found_house(catalogue.cases)
    submitted = house.submitted()

    assert catalogue.pinned(submitted) == 2
    assert house.state(submitted) == "submitted"
    (handler,) = catalogue.sql("SELECT id FROM person WHERE login = 'shujuju.handler'")
    opening = Opening("QD26-8c", house.applicant, "备案奖励", handler[0], at)
    assert catalogue.pinned(open_case(catalogue.cases, opening).case) == 2


def test_the_load_of_the_issued_document_names_the_draft_it_replaces(after_issue):
    events = after_issue.sql(
        "SELECT e.name, e.payload FROM event e JOIN policy p ON p.id = e.stream ORDER BY e.seq"
    )
    assert [name for name, _ in events] == ["policy_loaded", "policy_loaded"]
    before, after = (payload for _, payload in events)
    assert (before["version"], before["replaces"], before["status"]) == (
        1, None, "consultation_draft",
    )  # fmt: skip
    assert (after["version"], after["replaces"], after["status"]) == (2, 1, "in_force")
    assert after["document_no"] == "启政办规〔2026〕1号"
    assert (after["measures_added"], after["measures_changed"]) == ([], [])


def test_the_versions_of_a_policy_keep_what_they_were(after_issue):
    old, new = after_issue.versions(date(2028, 5, 14))

    assert (old.version, old.current, old.status) == (1, False, "consultation_draft")
    assert (old.document_no, old.effective_from, old.loaded_at) == (None, None, LOADED_AT)
    assert (new.version, new.current, new.status) == (2, True, "expired")
    assert (new.issued_on, new.effective_from) == (date(2026, 4, 13), date(2026, 5, 14))


def test_the_issued_version_differs_from_the_draft_where_it_was_enacted(after_issue):
    found = after_issue.difference()

    changed = {change.path: (change.before, change.after) for change in found.difference.policy}
    assert (found.before.version, found.after.version) == (1, 2)
    assert changed["status"] == ("consultation_draft", "in_force")
    assert changed["doc_no"] == (None, "启政办规〔2026〕1号")
    assert changed["effective_from"] == (None, "2026-05-14")
    assert found.difference.measures_changed == ()
    assert "+本措施自2026年5月14日起施行，有效期至2028年5月13日。" in found.difference.text
    assert found.difference.text[:2] == ("--- qidong-2026/1", "+++ qidong-2026/2")


@pytest.mark.soak
def test_a_case_keeps_the_version_it_pinned_when_the_policy_is_amended(catalogue):
    catalogue.issue()
    house = found_house(catalogue.cases)
    case = house.submitted(shanghai(11, 6))
    catalogue.amend()

    house.act(case, "accept", "huilong_zhen.handler", shanghai(11, 10))

    amended = catalogue.difference()
    (measure,) = amended.difference.measures_changed
    assert catalogue.pinned(case) == 2
    assert (amended.before.version, amended.after.version) == (2, 3)
    assert amended.difference.policy == ()
    assert measure.measure == "QD26-7a"
    assert measure.changes[-2:] == (
        Change("title", "算力券", "智能算力券"),
        Change("workflow_hash", *(row[0] for row in _workflows(catalogue))),
    )
    assert "-（此件公开发布）" in amended.difference.text


def _workflows(catalogue):
    return catalogue.sql(
        "SELECT v.workflow_hash FROM measure_version v JOIN measure m ON m.id = v.measure_id"
        " JOIN policy_version p ON p.id = v.policy_version_id"
        " WHERE m.code = 'QD26-7a' AND p.version > 1 ORDER BY p.version"
    )


def test_any_two_versions_are_compared_in_either_direction(after_issue):
    back = after_issue.difference(begin=2, end=1)
    none = after_issue.difference(begin=2)

    assert Change("status", "in_force", "consultation_draft") in back.difference.policy
    assert (none.difference.policy, none.difference.text) == ((), ())


def test_a_version_that_is_not_there_is_named(after_issue):
    with pytest.raises(NotFound, match="no version 9; it has: 1, 2"):
        after_issue.difference(begin=9)
    with (
        after_issue.cases.database.session() as session,
        pytest.raises(NotFound, match="no policy"),
    ):
        queries.policy_versions(session, "nowhere-2026", on=LOADED_AT.date())


def test_a_draft_whose_last_day_passes_has_lapsed_and_is_not_issued_any_more(catalogue):
    with pytest.raises(InvalidInput, match="no version before 1"):
        catalogue.difference()
    last, after = shanghai(5, 13, 23, 59, year=2028), shanghai(5, 14, 0, 5, year=2028)
    before = sweep_all(catalogue.cases, last).life.ended
    (seen,) = catalogue.versions(after.date())

    ended = sweep_all(catalogue.cases, after).life.ended

    assert before == ()
    assert seen.status == "lapsed"  # the day decides, whether or not the sweep has run
    assert [status for _, status in ended] == ["lapsed"]
    assert catalogue.sql("SELECT status FROM policy_version") == [("lapsed",)]
    assert catalogue.sql("SELECT name FROM event WHERE name LIKE 'policy_l%%' ORDER BY at") == [
        ("policy_loaded",),
        ("policy_lapsed",),
    ]
    with pytest.raises(PolicyClosed, match="未印发"):
        match_a_title(catalogue, after)
    with pytest.raises(InvalidInput, match="lapsed"):
        enacting.enact(catalogue.folder, issued(issued_on=after.date()))
