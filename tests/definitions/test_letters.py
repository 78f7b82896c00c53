"""The kinds of formal documents: what they rest on is there, and faults have their line."""

import io
import shutil
from pathlib import Path

import pytest
from docx import Document
from pypdf import PdfReader

from caseflow.documents.letters.fonts import FAMILIES, chinese_font
from caseflow.documents.letters.kinds import CASE, load_letters
from caseflow.documents.letters.rendering import docx_of, letter_of, pdf_of
from caseflow.documents.letters.words import FACTS
from caseflow.kernel.errors import DefinitionError, NotFound, Unavailable
from tests.conftest import EVERYTHING
from tests.definitions.families import library
from tests.factories.letters import DATED_ON, shown

FOLDER = EVERYTHING / "notifications" / "letters"
BOOK = load_letters(FOLDER)
LIBRARY = library()
EVENTS = {event for stage in LIBRARY.stages.values() for event in stage.data["events"]}
STATES = {state for stage in LIBRARY.stages.values() for state in stage.data.get("states", {})}
CLOCKS = {
    state["clock"]["name"]
    for stage in LIBRARY.stages.values()
    for state in stage.data.get("states", {}).values()
    if isinstance(state.get("clock"), dict)
}
WANTED = {
    "acceptance", "correction", "non_acceptance", "rejection", "special_procedure", "approval",
    "publicity", "payment", "recovery_notice", "recovery_decision", "receipt",
}  # fmt: skip
OBLIGATORY = {
    "non_acceptance": {"reason", "remedy"},
    "rejection": {"reason", "remedy", "clause"},
    "recovery_decision": {"reason", "remedy"},
    "correction": {"items", "deadline_on"},
    "approval": {"approved_fen", "remedy"},
}
KIND = """\
letter: {name}
title: 某书
of: case
word: 某
events: [accept]
by: [district.handler]
basis: 惯例
source: 惯例
"""


def test_every_kind_of_the_handbook_is_there():
    assert set(BOOK.kinds) >= WANTED


def test_no_kind_names_an_event_state_or_clock_that_is_gone():
    kinds = BOOK.kinds.values()

    assert {event for kind in kinds for event in kind.events} - EVENTS == set()
    assert {state for kind in kinds for state in kind.into} - STATES == set()
    assert {clock for kind in kinds for clock in kind.clocks} - CLOCKS - {"service"} == set()


@pytest.mark.parametrize("name", OBLIGATORY)
def test_what_the_law_demands_is_obligatory(name):
    assert set(BOOK.kind(name).requires) >= OBLIGATORY[name]


@pytest.mark.parametrize("kind", BOOK.kinds.values(), ids=lambda kind: kind.letter)
def test_what_is_obligatory_is_also_said(kind):
    unsaid = [name for name in kind.requires if name not in kind.text]

    assert unsaid == []


@pytest.mark.parametrize("kind", BOOK.kinds.values(), ids=lambda kind: kind.letter)
def test_every_kind_can_be_filled_with_every_fact_and_with_none(kind):
    assert shown(kind)
    assert docx_of(
        letter_of(kind.title, "", issuer="局", dated_on=DATED_ON, blocks=shown(kind)), FOLDER
    )


def test_words_are_never_markup_in_either_format():
    words = "#strong[甲] $x$ *乙* <w:p>&amp; {{ letter.number }}"
    block = {"kind": "paragraph", "text": words}
    letter = letter_of("某书", "", issuer="局", dated_on=DATED_ON, blocks=[block])

    pdf = pdf_of(letter, FOLDER, font=chinese_font(), dated_on=DATED_ON)
    docx = Document(io.BytesIO(docx_of(letter, FOLDER)))

    assert words in [paragraph.text for paragraph in docx.paragraphs]
    assert words.replace(" ", "") in PdfReader(io.BytesIO(pdf)).pages[0].extract_text().replace(
        " ", ""
    )


def test_an_unknown_kind_is_told_with_those_that_are_known():
    with pytest.raises(NotFound, match="可用：acceptance、approval"):
        BOOK.kind("receipt", CASE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "letters"))


@pytest.mark.parametrize(
    ("change", "rule", "line"),
    [
        (("by: [district.handler]", "by: [nobody]"), "letter-unknown", 6),
        (("basis: 惯例", "basis: 惯例\nrequires: [nonsense]"), "letter-unknown", 8),
        (("basis: 惯例", "basis: 惯例\nasks: [clause]"), "letter-unknown", 8),
        (("basis: 惯例", "basis: 惯例\noutcomes: [lost]"), "letter-unknown", 8),
        (("letter: extra", "letter: other"), "letter-name", 1),
        (("word: 某\n", ""), "letter-number", 3),
        (("of: case", "of: publicity"), "letter-event", 3),
        (("basis: 惯例", "basis: 惯例\nnonsense: 1"), "definition-key", 8),
        (("of: case", "of: anything"), "definition-value", 3),
    ],
)
def test_a_faulty_kind_is_refused_with_file_and_line(folder, change, rule, line):
    for kind in BOOK.kinds.values():
        (folder / f"{kind.letter}.yaml").unlink()  # they are read in every test otherwise
    (folder / "extra.yaml").write_text(KIND.format(name="extra").replace(*change))
    (folder / "extra.zh-CN.txt").write_text("某\n")

    with pytest.raises(DefinitionError) as refused:
        load_letters(folder)

    assert [(each.rule, each.line) for each in refused.value.problems] == [(rule, line)]
    assert refused.value.problems[0].file.endswith("extra.yaml")


def test_words_and_layouts_must_be_there_and_good(folder):
    (folder / "extra.yaml").write_text(KIND.format(name="extra"))
    (folder / "receipt.zh-CN.txt").write_text("{{ nonsense }}")
    (folder / "letter.docx").unlink()

    with pytest.raises(DefinitionError) as refused:
        load_letters(folder)

    assert {each.rule for each in refused.value.problems} == {
        "letter-text", "letter-template", "letter-layout",
    }  # fmt: skip


def test_the_form_changes_with_words_and_layout(folder):
    before = BOOK.form_sha256(BOOK.kind("rejection"))
    with (folder / "letter.typ").open("a") as file:
        file.write("// another\n")

    assert load_letters(folder).form_sha256(BOOK.kind("rejection")) != before


def test_a_layout_that_typst_cannot_use_is_told(folder):
    letter = letter_of("某书", "某〔2026〕1号", issuer="局", dated_on=DATED_ON, blocks=[])
    font = chinese_font()
    (folder / "letter.typ").write_text("#nonsense")

    with pytest.raises(Unavailable, match="unknown variable"):
        pdf_of(letter, folder, font=font, dated_on=DATED_ON)

    (folder / "letter.typ").write_text('#set text(font: "No Such Font")\n甲')
    with pytest.raises(Unavailable, match="no such font"):
        pdf_of(letter, folder, font=font, dated_on=DATED_ON)


def test_the_font_is_one_with_every_simplified_character():
    assert chinese_font().family in FAMILIES


def test_every_fact_has_a_chinese_title():
    assert all(title and not title.isascii() for title in FACTS.values())
