"""The versions of a policy by HTTP: which there are, and how they differ."""

from contextlib import contextmanager

import pytest

from caseflow.cases.assembly import assemble
from caseflow.catalogue.enacting import enact
from tests.api.client import Client
from tests.api.conftest import application
from tests.conftest import _copy, settings_of_templates
from tests.factories.drafts import (
    ISSUED,
    LOADED_AT,
    amend,
    draft_root,
    draft_template,
    load_into,
)

POLICY = "/policies/qidong-2026"


@pytest.fixture(scope="module")
def client(server, empty_template, tmp_path_factory):
    """A house in which a draft was issued and then amended."""
    home = tmp_path_factory.mktemp("versions")
    template = draft_template(server, empty_template, home / "template")
    folder = draft_root(home / "data")
    with contextmanager(_copy)(server, template) as database:
        enact(folder, ISSUED)
        for change in (lambda _: None, amend):
            change(folder)
            with database.session() as session:
                load_into(session, home / "data", LOADED_AT)
        cases = assemble(database, settings_of_templates(str(home)), home / "data")
        with application(settings_of_templates(str(home)), cases) as app:
            yield Client(app)


def test_versions_are_listed_the_first_first(client):
    found = client.done(client.get(f"{POLICY}/versions"))

    draft, issued, amended = found["items"]
    assert found["policy"] == "qidong-2026"
    assert [each["version"] for each in found["items"]] == [1, 2, 3]
    assert [each["current"] for each in found["items"]] == [False, False, True]
    assert (draft["status"], draft["document_no"], draft["effective_from"]) == (
        "consultation_draft", None, None,
    )  # fmt: skip
    assert (issued["status"], issued["issued_on"]) == ("in_force", "2026-04-13")
    assert amended["loaded_at"] == "2026-03-02T01:00:00+00:00"
    assert amended["content_hash"] != issued["content_hash"]


def test_the_current_version_is_compared_with_the_one_before(client):
    found = client.done(client.get(f"{POLICY}/diff"))

    (measure,) = found["measures_changed"]
    assert (found["before"]["version"], found["after"]["version"]) == (2, 3)
    assert found["changes"] == []
    assert measure["measure"] == "QD26-7a"
    assert {"path": "title", "before": "算力券", "after": "智能算力券"} in measure["changes"]
    assert "+（此件依申请公开）" in found["text"]


def test_any_two_versions_are_compared(client):
    def compared(**query):
        found = client.done(client.get(f"{POLICY}/diff", **query))
        return found["before"]["version"], found["after"]["version"], len(found["changes"])

    assert compared(to="2") == (1, 2, 8)
    assert compared(**{"from": "1"}) == (1, 3, 8)
    assert compared(**{"from": "3", "to": "1"}) == (3, 1, 8)
    assert compared(**{"from": "2", "to": "2"}) == (2, 2, 0)


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/policies/nowhere-2026/versions", {}, 404),
        ("/policies/nowhere-2026/diff", {}, 404),
        (f"{POLICY}/diff", {"to": "9"}, 404),
        (f"{POLICY}/diff", {"to": "1"}, 422),
        (f"{POLICY}/diff", {"to": "0"}, 422),
        (f"{POLICY}/diff", {"from": "-1"}, 422),
        (f"{POLICY}/diff", {"from": "eins"}, 422),
        (f"{POLICY}/diff", {"colour": "red"}, 422),
    ],
)
def test_what_is_not_there_or_not_a_version_is_refused(client, path, query, status):
    answer = client.get(path, **query)

    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"


def test_a_policy_is_shown_with_its_rules_as_data(client):
    shown = client.done(client.get(POLICY))

    assert shown["scope"]["territory"] == "qidong"
    assert shown["overlap"]["rule"] == "highest_only"
    assert shown["change"]["rule"] == "follows_higher"
    assert (shown["split"], shown["indicators"]) == (None, [])
