import re
from xml.etree import ElementTree as ET

import pytest

from caseflow.catalogue.drawing import mermaid, svg
from caseflow.catalogue.picture import picture
from tests.definitions.definitions import compile_demo, library_with, sound_text
from tests.definitions.families import compiled_measure, compiled_policies

TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.fixture(scope="module")
def demo():
    return compile_demo()["M-1"]


@pytest.fixture(scope="module")
def drawn(demo):
    return ET.fromstring(svg(demo))


def words(drawn):
    return {"".join(element.itertext()) for element in drawn.iter(TEXT)}


def test_a_picture_shows_who_holds_a_state_and_how_long(demo):
    node = picture(demo).nodes["reviewing"]

    assert node.lines == ("审核中", "牵头部门经办", "审核时限 5个工作日")


def test_a_clock_that_runs_until_a_date_is_shown_without_a_number(demo):
    assert picture(demo).nodes["publicity"].lines[-1] == "公示期"


def test_a_state_of_the_system_needs_no_clock(tmp_path):
    text = sound_text("stages/publicity.yaml")
    text = re.sub(r"    clock: .*\n", "", text)

    node = picture(compile_demo(library_with(tmp_path, publicity=text))["M-1"]).nodes["publicity"]

    assert node.lines == ("公示", "系统")


def test_the_main_road_is_thick_and_reaches_its_end(demo):
    arrows = picture(demo).arrows

    assert arrows["reviewing", "checking"].style == "main"
    assert arrows["paying", "disbursed"].style == "main"
    assert arrows["publicity", "reviewing"].style == "plain"


def test_a_refusal_ends_beside_its_state(demo):
    shown = picture(demo)

    assert shown.nodes["reviewing/rejected"].kind == "end-bad"
    assert "rejected" not in shown.nodes


def test_what_stays_or_goes_back_is_written_into_the_state(demo):
    small = picture(demo).nodes["paying"].small

    assert small == ("↻ 拨付超期（系统）", "↩ 可退回：审核中、公示")


def test_what_can_happen_anywhere_is_in_one_note(demo):
    note = picture(demo).nodes["anywhere"]

    assert note.small == ("↻ 超过承诺时限（系统）：审核、决定、拨付环节",)


def test_a_way_out_from_anywhere_is_one_dashed_line(tmp_path):
    text = sound_text("stages/anytime.yaml").replace(
        "    phases: [review]\n    except: [suspended]\n    to: $withdraw", "    to: $withdraw"
    )
    text = text.replace(
        "    phases: [review]\n    except: [suspended]\n    to: suspended",
        "    except: [suspended]\n    to: suspended",
    )

    arrows = picture(compile_demo(library_with(tmp_path, anytime=text))["M-1"]).arrows

    dashed = {way for way, arrow in arrows.items() if arrow.style == "dashed"}
    assert dashed == {
        ("anywhere", "anywhere/withdraw"),
        ("anywhere", "suspended"),
        ("suspended", "anywhere"),
    }
    assert arrows["suspended", "anywhere"].labels == ("恢复 → 原环节", "中止期满（系统） → 原环节")


def test_two_events_of_one_way_share_a_line_and_the_main_one_is_named_first(tmp_path):
    text = sound_text("stages/review.yaml").replace(
        "events:\n", "events:\n  skip: {title: 略过, from: reviewing, to: checking, by: system}\n"
    )

    arrows = picture(compile_demo(library_with(tmp_path, review=text))["M-1"]).arrows

    assert arrows["reviewing", "checking"].labels == ("提出意见", "略过（系统）")
    assert arrows["reviewing", "checking"].style == "main"


def test_two_branches_of_one_event_to_one_state_are_named_once(tmp_path):
    text = sound_text("stages/review.yaml").replace("to: $reject}", "to: checking}")
    text = text.replace("from: checking\n    to: $again", "from: checking\n    to: $reject")
    text = text.replace(
        "by: applicant", "by: applicant\n    requires: [reason, reason_code, remedy]"
    )

    arrows = picture(compile_demo(library_with(tmp_path, review=text))["M-1"]).arrows

    assert arrows["reviewing", "checking"].labels == ("提出意见",)


@pytest.mark.soak
def test_a_workflow_without_such_events_has_no_note():
    child = compile_demo()["M-1/period"]

    assert "anywhere" not in picture(child).nodes
    assert "分期申领" in svg(child)


def test_the_svg_has_the_title_the_phases_and_every_label(drawn):
    shown = words(drawn)

    assert {"示范措施", "审核中", "牵头部门经办", "提出意见", "■审核　■决定　■拨付"} <= shown


def test_no_placeholder_is_left_in_the_svg(drawn):
    assert not [text for text in words(drawn) if re.fullmatch("0+", text)]


def test_every_box_is_wide_enough_for_its_words(drawn):
    for group in drawn.iter("{http://www.w3.org/2000/svg}g"):
        path = group.find("{http://www.w3.org/2000/svg}path")
        if group.get("class") != "node" or path is None:
            continue
        xs = [float(x) for x in re.findall(r"(-?[\d.]+),-?[\d.]+", path.get("d"))]
        for text in group.iter(TEXT):
            needed = len(re.findall(r"[\u4e00-\u9fff（）：]", text.text)) * float(
                text.get("font-size")
            )
            assert max(xs) - min(xs) > needed, text.text


def test_a_workflow_is_always_drawn_alike(demo):
    assert svg(demo) == svg(compile_demo()["M-1"])
    assert mermaid(demo) == mermaid(compile_demo()["M-1"])


def test_the_mermaid_text_has_boxes_ends_and_a_thick_road(demo):
    text = mermaid(demo)

    assert "title: 示范措施\n---\nflowchart TD" in text
    assert re.search(r'n\d+\["审核中<br/>牵头部门经办<br/>审核时限 5个工作日.*"\]:::review', text)
    assert re.search(r'n\d+\(\["已拨付"\]\):::end_good', text)
    assert re.search(r'n0 ==>\|"提出意见"\| n\d+', text)
    assert "classDef end_bad fill:" in text


def test_a_quotation_mark_does_not_break_the_mermaid_text(tmp_path):
    text = sound_text("stages/review.yaml").replace("title: 审核中", "title: '\"<审核>\"'")

    drawn = mermaid(compile_demo(library_with(tmp_path, review=text))["M-1"])

    assert '["#quot;#lt;审核>#quot;<br/>' in drawn


# --- the workflows of all measures


EVERY = pytest.param(compiled_policies, marks=pytest.mark.soak, id="every measure")


def measures_that_differ():
    return {id_: compiled_measure(id_) for id_ in ("QD26-7a", "WX-3c", "NT26-3b")}


@pytest.mark.no_cover
@pytest.mark.parametrize("compiled", [measures_that_differ, EVERY])
def test_every_workflow_of_a_measure_can_be_drawn_with_all_its_boxes(compiled):
    for flows in compiled().values():
        for flow in flows.values():
            text, shown = mermaid(flow), picture(flow)
            assert f"title: {flow.title}\n" in text, flow.name
            for code, state in flow.states.items():
                assert state.end or shown.nodes[code].lines[0] == state.title, (flow.name, code)
            assert "flowchart TD" in text
            assert "main" in {arrow.style for arrow in shown.arrows.values()}, flow.name


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "id_",
    [
        "NT26-1d",
        pytest.param("WX-3c", marks=pytest.mark.soak),
        pytest.param("YC-3", marks=pytest.mark.soak),
    ],
)
def test_the_largest_workflows_are_drawn_with_every_word(id_):
    flow = compiled_measure(id_)[id_]

    shown = words(ET.fromstring(svg(flow)))

    assert flow.title in shown
    assert {state.title for state in flow.states.values() if state.end is None} <= shown
    assert not [text for text in shown if re.fullmatch("0+", text)]
