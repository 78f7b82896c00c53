"""The notes that name the bureaus of a clause, in the five forms of the five texts."""

from types import SimpleNamespace

import pytest

from caseflow.catalogue.bureau_notes import BureauNotes
from caseflow.catalogue.policies import BureauNote
from caseflow.catalogue.words import Words, sections
from tests.definitions.families import policies
from tests.definitions.golden import ALL

WUXI = BureauNote(before="（", between=("、", "，"), after=("负责）", "按职责分工负责）"))
YANCHENG = BureauNote(before="（责任单位：", between=("、", "，"), after=("）",))


def notes(form, *names):
    """Notes of that form in a policy whose measures know these names."""
    files = SimpleNamespace(
        policy=SimpleNamespace(bureau_note=form), measures=[SimpleNamespace(bureaus=names)]
    )
    return BureauNotes.of(files)


def first_names(found, text, after=0):
    return found.next_names(Words.of(text), after)


def test_a_name_may_have_parentheses_of_its_own():
    district, zone = "各有关县（市、区）", "盐城经济技术开发区"
    known = notes(YANCHENG, district, zone, "市数据局")
    text = f"予以综合支持。（责任单位：{district}、{zone}，市数据局）"

    assert first_names(known, text) == [district, zone, "市数据局"]


def test_the_note_of_yc_3_is_read_from_the_text_itself():
    files = policies()["yancheng-ai-plus"]
    words = Words.of(files.text)
    known, part = BureauNotes.of(files), sections(files.policy, words).found[3]

    assert known.next_names(words, part.start) == [
        "各有关县（市、区）", "盐城经济技术开发区", "盐南高新区", "市数据局", "市工信局",
    ]  # fmt: skip
    assert known.written(words, part) == [
        "（责任单位：各有关县（市、区）、盐城经济技术开发区、盐南高新区，市数据局，市工信局）"
    ]


@pytest.mark.parametrize(
    ("note", "names"),
    [
        ("（市工业和信息化局负责）", ["市工业和信息化局"]),
        ("（市工业和信息化局，市委网信办按职责分工负责）", ["市工业和信息化局", "市委网信办"]),
        ("（市工业和信息化局、市贸促会按职责分工负责）", ["市工业和信息化局", "市贸促会"]),
        (
            "（市委网信办，市贸促会、市工业和信息化局按职责分工负责）",
            ["市委网信办", "市贸促会", "市工业和信息化局"],
        ),
    ],
)
def test_separators_and_endings_may_be_mixed(note, names):
    known = notes(WUXI, "市工业和信息化局", "市委网信办", "市贸促会")

    assert first_names(known, f"给予奖励。{note}") == names


def test_a_parenthesis_that_names_nobody_is_passed_over():
    known = notes(WUXI, "市科技局")
    text = "全国重点实验室（基地），分阶段给予奖励。（科研单位负责）（市科技局负责）"

    assert first_names(known, text) == ["市科技局"]


def test_a_note_with_a_name_that_no_measure_knows_is_none():
    known = notes(WUXI, "市科技局")

    assert first_names(known, "（市科技局、市体育局负责）") == []
    assert first_names(known, "（市科技局、负责）") == []
    assert first_names(known, "（市科技局办理）") == []
    assert first_names(known, "市科技局负责") == []


def test_the_longer_of_two_names_that_begin_alike_is_read():
    form = BureauNote(before="(责任单位:", between=("、",), after=(")",))
    known = notes(form, "市委", "市委人才办", "数据局", "市数据局")

    assert first_names(known, "(责任单位:市委人才办、数据局、市数据局)") == [
        "市委人才办", "数据局", "市数据局",
    ]  # fmt: skip


def test_white_space_inside_a_note_does_not_matter():
    known = notes(YANCHENG, "市 科技局", "市财政局")

    assert first_names(known, "（责任单位：市科\n技局、 市财政局）") == ["市科技局", "市财政局"]


def test_the_first_note_after_the_clause_is_the_one():
    known = notes(WUXI, "市科技局", "市数据局")
    text = "甲。（市科技局负责）乙。（市数据局负责）"

    assert first_names(known, text, after=text.index("乙")) == ["市数据局"]
    assert first_names(known, text, after=text.index("甲")) == ["市科技局"]
    assert first_names(known, text, after=len(text)) == []


@pytest.mark.parametrize("code", ALL)
def test_every_note_of_a_text_is_found_and_names_the_bureaus_of_the_golden_table(code):
    files, golden = policies()[code], ALL[code]
    words, known = Words.of(files.text), BureauNotes.of(files)
    written = {
        "、".join(known.name.findall(note))
        for part in sections(files.policy, words).found.values()
        for note in known.written(words, part)
    }

    assert written == {row[3] for row in golden.rows}
