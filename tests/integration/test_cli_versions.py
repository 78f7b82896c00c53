"""`caseflow policies enact | versions | diff` on files and on a real database."""

from contextlib import contextmanager

import pytest

from caseflow.cli import main
from tests.conftest import _copy
from tests.factories.commands import Result
from tests.factories.drafts import ISSUED_TEXT, QIDONG, draft_root, draft_template

ENACT = (
    "policies", "enact", "qidong-2026", "--doc-no", "启政办规〔2026〕1号",
    "--issued-on", "2026-04-13", "--effective-from", "2026-05-14",
    "--issuer", "启东市人民政府办公室",
)  # fmt: skip


@pytest.fixture(scope="module")
def template(server, empty_template, tmp_path_factory):
    return draft_template(server, empty_template, tmp_path_factory.mktemp("draft"))


@pytest.fixture
def draft(tmp_path, monkeypatch):
    """The draft's folder in the data folder that commands read."""
    folder = draft_root(tmp_path / "data")
    monkeypatch.setenv("CASEFLOW_DATA", str(tmp_path / "data"))
    return folder


@pytest.fixture
def words(tmp_path):
    """A file with the issued words."""
    path = tmp_path / "issued.txt"
    path.write_text(ISSUED_TEXT, encoding="utf-8")
    return path


@pytest.fixture
def run(draft, tmp_path, monkeypatch, capsys):
    """Run commands on the draft's files."""
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)

    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


@pytest.fixture
def loaded(run, server, template, monkeypatch):
    """Run commands on a database of the test's own that has the draft."""
    with contextmanager(_copy)(server, template) as database:
        monkeypatch.setenv("CASEFLOW_DATABASE_URL", database.address.url)
        monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", database.address.owner_url)
        yield run


def policy_file(folder):
    return (folder / "policy.yaml").read_bytes()


@pytest.mark.soak
def test_a_dry_run_tells_what_would_differ_and_writes_nothing(run, draft, words):
    before = policy_file(draft)

    told = run(*ENACT, "--text", words, "--dry-run", "--json")
    seen = run(*ENACT, "--text", words, "--dry-run")

    assert (told.code, seen.code) == (0, 0)
    assert policy_file(draft) == before
    assert told.json["written"] is False
    assert {"path": "status", "before": "consultation_draft", "after": "in_force"} in (
        told.json["changes"]
    )
    assert (told.json["effective_to"], told.json["measures_changed"]) == ("2028-05-13", [])
    assert "effective_words" in seen.out
    assert "+启政办规〔2026〕1号" in seen.out
    assert "Nothing was written" in seen.err


@pytest.mark.soak
def test_enacting_writes_the_files_and_says_how_they_become_a_version(run, draft, words):
    told = run(*ENACT, "--text", words, "--json")

    assert told.code == 0
    assert told.json["written"] is True
    assert "policies load" in told.err
    assert policy_file(draft) == policy_file(QIDONG)
    again = run(*ENACT, "--text", words, "--json")
    assert (again.code, again.json["type"]) == (1, "/problems/invalid-input")
    assert "in_force" in again.json["detail"]


@pytest.mark.soak
def test_words_that_do_not_agree_are_told_one_fault_a_line(run, draft):
    before = policy_file(draft)

    refused = run(*ENACT)

    assert refused.code == 1
    assert policy_file(draft) == before
    assert "policy.yaml:5: [words-not-in-text]" in refused.err
    assert "policy.yaml:12: [date-not-in-text]" in refused.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((*ENACT[:2], "nowhere-2026", *ENACT[3:]), 1, "known: qidong-2026"),
        ((*ENACT, "--effective-to", "2026-05-13"), 1, "is before effective_from"),
        ((*ENACT, "--effective-to", "soon"), 2, "--effective-to"),
        ((*ENACT, "--text", "nowhere.txt"), 2, "nowhere.txt"),
        (ENACT[:3], 2, "--doc-no"),
    ],
)
def test_what_cannot_be_enacted_is_refused(run, arguments, code, words):
    refused = run(*arguments)

    assert refused.code == code
    assert words in refused.err


def test_words_in_another_encoding_are_refused(run, words):
    words.write_bytes("启东".encode("gb18030"))

    refused = run(*ENACT, "--text", words)

    assert (refused.code, "not UTF-8" in refused.err) == (1, True)


def test_a_policy_is_shown_with_its_rules(run):
    shown = run("policies", "show", "qidong-2026", "--json").json

    assert shown["scope"]["territory"] == "qidong"
    assert shown["scope"]["may_follow"] is None
    assert shown["overlap"]["rule"] == "highest_only"
    assert shown["change"]["rule"] == "follows_higher"
    assert (shown["split"], shown["indicators"]) == (None, [])


def test_the_road_from_a_draft_to_its_second_version(loaded, words):
    alone = loaded("policies", "diff", "qidong-2026")
    enacted = loaded(*ENACT, "--text", words, "--json")
    loaded("policies", "load")
    listed = loaded("policies", "versions", "qidong-2026", "--json").json
    table = loaded("policies", "versions", "qidong-2026")
    diff = loaded("policies", "diff", "qidong-2026", "--json").json
    back = loaded("policies", "diff", "qidong-2026", "--from", "2", "--to", "1")

    assert (alone.code, "no version before 1" in alone.err) == (1, True)
    assert [(each["version"], each["status"], each["current"]) for each in listed] == [
        (1, "consultation_draft", False),
        (2, "in_force", True),
    ]
    assert [each["doc_no"] for each in listed] == [None, "启政办规〔2026〕1号"]
    assert "启政办规〔2026〕1号" in table.out
    assert (diff["from"]["version"], diff["to"]["version"]) == (1, 2)
    assert diff["changes"] == enacted.json["changes"]
    assert diff["text"][2:] == enacted.json["text"][2:]
    assert "第 2 版 → 第 1 版" in back.out
    assert "-启政办规〔2026〕1号" in back.out


@pytest.mark.parametrize("command", ["versions", "diff"])
def test_a_policy_that_is_not_loaded_has_no_versions(loaded, command):
    refused = loaded("policies", command, "nowhere-2026", "--json")

    assert refused.code == 1
    assert refused.json["type"] == "/problems/not-found"


def test_a_version_that_is_not_there_is_named(loaded):
    refused = loaded("policies", "diff", "qidong-2026", "--to", "9", "--from", "1")

    assert (refused.code, "it has: 1" in refused.err) == (1, True)
