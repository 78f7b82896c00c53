"""A consultation draft becomes the document that was issued, whole or not at all."""

import stat
from dataclasses import replace
from datetime import date

import pytest

from caseflow.catalogue import enacting
from caseflow.catalogue.linting import lint
from caseflow.catalogue.loading import read_policy
from caseflow.kernel.errors import DefinitionError, InvalidInput
from tests.definitions.families import cities, library
from tests.factories.drafts import (
    ISSUED,
    ISSUED_TEXT,
    QIDONG,
    change,
    draft_folder,
    issued,
)

pytestmark = pytest.mark.no_cover


@pytest.fixture(scope="module")
def checks():
    return {
        "library": library(),
        "city": cities()["qidong"],
    }


@pytest.fixture
def draft(tmp_path):
    return draft_folder(tmp_path)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def refused(folder, wanted, checks, error=DefinitionError):
    """Return the error; the folder must be what it was."""
    before = contents(folder)
    with pytest.raises(error) as caught:
        enacting.enact(folder, wanted, **checks)
    assert contents(folder) == before
    return caught.value


def rules(error):
    return [(problem.rule, problem.file.rsplit("/", 1)[-1]) for problem in error.problems]


def test_a_draft_is_without_fault_before_it_is_issued(draft, checks):
    files = read_policy(draft)

    assert lint(files, **checks) == []
    assert (files.policy.status, files.policy.doc_no, files.policy.effective_from) == (
        "consultation_draft", None, None,
    )  # fmt: skip


def test_the_draft_becomes_the_document_that_was_issued(draft, checks):
    made = enacting.enact(draft, ISSUED, **checks)

    assert made.policy == read_policy(QIDONG).policy
    assert made.hash == read_policy(QIDONG).hash
    assert (draft / "text.txt").read_bytes() == (QIDONG / "text.txt").read_bytes()


def test_comments_and_order_stay_but_for_those_that_said_why_there_was_nothing(draft, checks):
    enacting.enact(draft, ISSUED, **checks)

    assert (draft / "policy.yaml").read_bytes() == (QIDONG / "policy.yaml").read_bytes()


def test_without_library_and_city_the_packaged_ones_are_asked(draft):
    assert enacting.enact(draft, ISSUED).policy.status == "in_force"


def test_preparing_writes_nothing_and_tells_what_would_differ(draft, checks):
    before = contents(draft)

    difference = enacting.prepare(draft, ISSUED, **checks).difference

    assert contents(draft) == before
    assert [each.path for each in difference.policy] == [
        "doc_no", "effective_from", "effective_words", "issued_on", "issuer", "legal_form",
        "status", "support_ends_before",
    ]  # fmt: skip
    assert (difference.measures_added, difference.measures_removed) == ((), ())
    assert difference.measures_changed == ()
    assert "-本措施自2026年x月x日起施行，有效期至2028年5月13日。" in difference.text
    assert "+本措施自2026年5月14日起施行，有效期至2028年5月13日。" in difference.text


def test_another_last_day_replaces_the_drafts(draft, checks):
    text = ISSUED_TEXT.replace("2028年5月13日", "2028年12月31日")
    wanted = issued(effective_to=date(2028, 12, 31), text=text)

    made = enacting.enact(draft, wanted, **checks)

    assert made.policy.effective_to == date(2028, 12, 31)
    assert made.policy.effective_words == "本措施自2026年5月14日起施行，有效期至2028年12月31日。"
    assert "effective_to: 2028-12-31  # inclusive" in (draft / "policy.yaml").read_text("utf-8")


def test_a_sentence_broken_by_the_scan_is_found(draft, checks):
    text = ISSUED_TEXT.replace("5月14日起施行，有效期", "5月14日起施行，\n有效期")

    made = enacting.enact(draft, issued(text=text), **checks)

    assert made.policy.effective_words == "本措施自2026年5月14日起施行，有效期至2028年5月13日。"


def test_given_words_need_not_be_found(draft, checks):
    words = "2026年5月14日起施行，有效期至2028年5月13日"

    made = enacting.enact(draft, issued(effective_words=words), **checks)

    assert made.policy.effective_words == words


@pytest.mark.parametrize(
    "title",
    [
        "甲: 乙",
        "null",
        *(
            pytest.param(each, marks=pytest.mark.soak)
            for each in ("甲 # 乙", "2026-01-01", "'甲", "- 甲", '甲"乙')
        ),
    ],
)
def test_a_value_is_written_so_that_it_reads_the_same(draft, checks, title):
    text = ISSUED_TEXT.replace("为贯彻发展", f"{title}\n为贯彻发展")

    assert enacting.enact(draft, issued(text=text, title=title), **checks).policy.title == title


def test_a_read_only_text_stays_read_only(draft, checks):
    (draft / "text.txt").chmod(0o444)

    enacting.enact(draft, ISSUED, **checks)

    assert stat.S_IMODE((draft / "text.txt").stat().st_mode) == 0o444
    assert not [path for path in draft.iterdir() if path.suffix == ".new"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"effective_to": date(2026, 5, 13)}, "effective_to"),
        ({"effective_from": date(2028, 5, 14)}, "effective_to"),
        ({"issued_on": date(2028, 5, 14), "effective_from": date(2028, 5, 14)}, "status"),
        ({"doc_no": " "}, "doc_no"),
        ({"title": ""}, "title"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field(draft, checks, changes, field):
    error = refused(draft, issued(**changes), checks, InvalidInput)

    assert set(error.fields) == {field}


def test_a_life_of_one_day_can_be(draft, checks):
    text = ISSUED_TEXT.replace("2026年5月14日起", "2028年5月13日起")

    made = enacting.enact(draft, issued(effective_from=date(2028, 5, 13), text=text), **checks)

    assert made.policy.effective_from == made.policy.effective_to


def test_a_draft_is_issued_on_its_last_day_and_has_lapsed_the_day_after(draft, checks):
    day = date(2028, 5, 13)
    text = ISSUED_TEXT.replace("2026年4月13日", "2028年5月13日").replace("5月14日起", "5月13日起")
    text = text.replace("自2026年", "自2028年")
    wanted = issued(issued_on=day, effective_from=day, text=text)
    late = replace(wanted, issued_on=date(2028, 5, 14))

    assert "lapsed" in refused(draft, late, checks, InvalidInput).message
    assert enacting.enact(draft, wanted, **checks).policy.issued_on == day


def test_a_document_is_issued_once(draft, checks):
    enacting.enact(draft, ISSUED, **checks)

    assert "in_force" in refused(draft, ISSUED, checks, InvalidInput).message


def test_words_that_do_not_say_the_dates_are_told_together_with_file_and_line(draft, checks):
    error = refused(draft, issued(text=None), checks)

    assert set(rules(error)) == {
        ("words-not-in-text", "policy.yaml"),
        ("date-not-in-text", "policy.yaml"),
    }
    lines = (draft / "policy.yaml").read_text("utf-8").split("\n")
    assert {lines[p.line - 1].split(":")[0] for p in error.problems} == {
        "doc_no", "issuer", "issued_on", "effective_from",
    }  # fmt: skip
    assert {problem.file for problem in error.problems} == {str(draft / "policy.yaml")}


def test_an_issued_clause_that_a_measure_does_not_have_is_told(draft, checks):
    text = ISSUED_TEXT.replace("单个企业每年最高200万元", "单个企业每年最高300万元")

    error = refused(draft, issued(text=text), checks)

    assert ("clause-not-in-text", "QD26-7a.yaml") in rules(error)


def test_a_draft_without_a_last_day_needs_one(draft, checks):
    change(draft / "policy.yaml", {"effective_to: 2028-05-13": "effective_to: null"})

    error = refused(draft, ISSUED, checks)
    made = enacting.enact(draft, issued(effective_to=date(2028, 5, 13)), **checks)

    assert "effective_to" in error.message
    assert str(draft) in error.message
    assert made.hash == read_policy(QIDONG).hash


def test_a_folder_that_cannot_be_written_is_left_as_it_was(draft, checks):
    prepared = enacting.prepare(draft, ISSUED, **checks)
    before = contents(draft)
    missing = draft / "gone" / "policy.yaml"
    broken = replace(prepared, contents={**prepared.contents, missing: b""})

    with pytest.raises(OSError, match="gone"):
        enacting.write(broken)

    assert contents(draft) == before


def test_a_file_that_cannot_be_moved_brings_back_those_that_were(draft, checks):
    prepared = enacting.prepare(draft, ISSUED, **checks)
    before = contents(draft)
    same_again = draft / ".." / draft.name / "text.txt"  # its new words are gone by then
    broken = replace(prepared, contents={**prepared.contents, same_again: b"x"})

    with pytest.raises(FileNotFoundError):
        enacting.write(broken)

    assert contents(draft) == before


def test_empty_values_and_values_on_several_lines_are_replaced_whole(draft, checks):
    change(
        draft / "policy.yaml",
        {
            "issued_on: null": "issued_on:",
            "title: 启东市推动人工智能": "title:\n  启东市推动人工智能",
            "effective_words: ": "effective_words: >-\n  ",
            "doc_no: null  # not issued": "doc_no: null  # will be 启政办规〔2026〕1号",
        },
    )

    enacting.enact(draft, issued(title="启东市推动人工智能产业发展与赋能应用若干措施"), **checks)

    written = (draft / "policy.yaml").read_text("utf-8")
    assert "\nissued_on: 2026-04-13\n" in written
    assert (
        "\neffective_words: 本措施自2026年5月14日起施行，有效期至2028年5月13日。\nscope" in written
    )
    assert "\ndoc_no: 启政办规〔2026〕1号  # will be 启政办规〔2026〕1号\n" in written
