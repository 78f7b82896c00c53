"""A family's picture shows its road, and the gallery in workflows/pictures is up to date."""

import re
from collections import defaultdict
from contextlib import nullcontext
from functools import cache
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from caseflow.catalogue.drawing import ems
from caseflow.catalogue.family_board import Ending, Line, Way, family_board
from caseflow.catalogue.family_drawing import CARD_WIDTH, WIDTH, family_svg
from caseflow.catalogue.library import load_library
from tests.conftest import EVERYTHING
from tests.definitions.definitions import SOUND, library_with, sound_text
from tests.definitions.families import library, untraced

LIBRARY = library()
GALLERY = EVERYTHING / "workflows" / "pictures"
SVG = "{http://www.w3.org/2000/svg}"
SMALL = load_library(SOUND)


MEASURED = {"vouchers", "research", "platforms"}


@cache
def drawn(name):
    """The picture of a real family; all but a few are drawn without measuring."""
    with nullcontext() if name in MEASURED else untraced():
        return family_svg(name, LIBRARY)


@pytest.fixture(scope="module")
def demo():
    return family_board("demo", SMALL)


@pytest.fixture(scope="module")
def vouchers():
    return family_board("vouchers", LIBRARY)


def card(board, title):
    return next(each for each in board.cards if each.title == title)


def test_a_card_is_a_stage_with_its_states_in_the_order_of_the_road(demo):
    assert [each.title for each in demo.cards] == ["审核", "公示", "拨付"]
    assert [row.title for row in card(demo, "审核").rows] == ["审核中", "复核中"]


def test_a_row_says_who_holds_a_state_and_how_long(demo):
    row = card(demo, "审核").rows[0]

    assert (row.holders, row.limit) == ("牵头部门经办", "5个工作日")
    assert row.lines == (Line("onward", "提出意见"),)


def test_a_clock_until_a_date_and_a_state_without_one(demo, tmp_path):
    text = re.sub(r"    clock: .*\n", "", sound_text("stages/publicity.yaml"))
    without = family_board("demo", load_library(library_with(tmp_path, publicity=text)))

    assert card(demo, "公示").rows[0].limit == "公示期"
    assert card(without, "公示").rows[0].limit == ""


def test_the_road_goes_from_card_to_card_and_to_its_goal(demo):
    assert demo.ways == (Way(1, 2, "复核通过"), Way(2, 3, "公示期满"))
    assert (demo.last, demo.goal) == (Way(3, 0, "拨付"), "已拨付")


def test_a_stage_that_a_measure_may_leave_out_says_so(demo):
    assert [each.is_optional for each in demo.cards] == [False, True, False]


def test_what_can_happen_anywhere_is_told_once_and_without_passed_deadlines(demo):
    assert demo.anywhere == (
        "撤回（申报主体）：审核环节 → 已撤回",
        "中止（牵头部门经办）：审核环节 → 中止（30日）",
    )


def test_ways_back_and_ends_stand_at_their_card(demo):
    assert card(demo, "公示").lines == (Line("back", "异议成立 → 1 审核"),)
    assert card(demo, "拨付").lines == (Line("back", "可退回 1 审核、2 公示"),)
    assert card(demo, "审核").endings == (Ending("不予支持", "bad"),)


def test_a_child_is_named_where_it_is_opened(demo):
    assert card(demo, "审核").lines == (Line("child", "子办件：分期"),)


def test_a_state_beside_the_road_says_how_a_case_gets_there_and_goes_on(vouchers):
    aside = card(vouchers, "受理").asides[0]

    assert aside.title == "补齐补正"
    assert "一次性告知补正" in aside.entered_by
    assert aside.left_by == "补正后重新提交"


def test_resuming_is_no_way_into_a_state_beside_the_road(vouchers):
    entered = {title for each in vouchers.cards for a in each.asides for title in a.entered_by}

    assert not entered & {"恢复办理", "中止期满自动恢复"}


def test_a_road_that_turns_back_is_told_in_its_card(vouchers):
    rows = card(vouchers, "第三方专项审计").rows

    assert rows[0].lines[0].mark == "jump"
    assert rows[0].lines[0].text.endswith("业务主管部门审核")


def test_the_seats_of_a_joint_check_share_its_name(vouchers):
    assert card(vouchers, "部门联审").rows[0].holders.startswith("联审：信用、市场监管")


def test_a_stage_used_again_refers_to_its_first_card():
    again = [each for each in family_board("research", LIBRARY).cards if not each.rows]

    assert again
    assert all(re.match(r"各环节同 \d+ ", each.lines[0].text) for each in again)


@pytest.mark.parametrize("name", LIBRARY.families)
def test_no_words_of_a_picture_overlap_or_leave_it(name):
    lines = defaultdict(list)
    for text in ET.fromstring(drawn(name)).iter(f"{SVG}text"):
        x, width = int(text.get("x")), ems(text.text) * int(text.get("font-size"))
        begin = x - {"start": 0, "middle": width / 2, "end": width}[text.get("text-anchor")]
        lines[text.get("y")].append((begin, begin + width, text.text))

    for spans in lines.values():
        ordered = sorted(spans)
        assert ordered[0][0] >= 0
        assert ordered[-1][1] <= WIDTH, ordered[-1]
        for (_, end, words), (begin, _, others) in pairwise(ordered):
            assert end <= begin, (words, others)


def test_a_picture_names_its_workflow_and_is_always_drawn_alike(demo):
    picture = family_svg("demo", SMALL)

    assert f"<!-- workflow demo {demo.workflow_hash} -->" in picture
    assert picture == family_svg("demo", load_library(SOUND))


def test_an_optional_card_is_dashed_and_explained():
    picture = ET.fromstring(family_svg("demo", SMALL))
    cards = [each for each in picture.iter(f"{SVG}rect") if each.get("width") == str(CARD_WIDTH)]

    assert [each.get("stroke-dasharray") is not None for each in cards] == [False, True, False]
    assert any("虚线框" in text.text for text in picture.iter(f"{SVG}text"))


def test_long_words_are_broken_where_they_pause(tmp_path):
    holders = ", ".join(
        f"cosign.{each}"
        for each in (
            "credit",
            "market",
            "tax",
            "safety",
            "environment",
            "statistics",
            "social_security",
        )
    )
    text = sound_text("stages/pay.yaml").replace("holder: finance.treasury", f"holder: [{holders}]")
    picture = family_svg("demo", load_library(library_with(tmp_path, pay=text)))

    shown = re.findall(r">([^<>]*(?:信用|统计|人社)[^<>]*)</text>", picture)
    assert len(shown) > 1
    assert all(words.endswith("、") for words in shown[:-1])


def test_a_word_without_pauses_is_broken_where_the_line_is_full(tmp_path):
    text = sound_text("stages/review.yaml").replace("title: 再次申报", "title: 再次申报")
    text = text.replace("from: checking\n    to: $again", "from: checking\n    to: checking")
    text = text.replace("title: 再次申报", f"title: {'再次申报' * 20}")
    text = text.replace("exits: [pass, reject, again]", "exits: [pass, reject]")
    family = sound_text("demo.yaml").replace(", again: none", "")
    library = load_library(library_with(tmp_path, review=text, demo=family))

    shown = re.findall(r">((?:再|次|申|报)+)</text>", family_svg("demo", library))
    assert "".join(shown) == "再次申报" * 20
    assert len(shown) == 3


def test_a_family_without_events_anywhere_has_no_note():
    assert family_board("period", SMALL).anywhere == ()
    assert "办理期间随时可发生" not in family_svg("period", SMALL)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", LIBRARY.families)
def test_the_gallery_is_up_to_date(name):
    """If not: caseflow workflows gallery -o workflows/pictures."""
    assert (GALLERY / f"{name}.svg").read_text(encoding="utf-8") == drawn(name)


def test_the_gallery_has_no_picture_of_what_is_gone():
    assert {path.stem for path in GALLERY.iterdir()} == set(LIBRARY.families)
