import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.event_bytes import canonical
from caseflow.kernel.money import MOST_FEN
from caseflow.kernel.workflow.model import Branch, Fact, Step
from caseflow.kernel.workflow.payload import (
    LONGEST_LIST,
    LONGEST_TEXT,
    MOST_INTEGER,
    checked,
)
from caseflow.kernel.workflow.vocabulary import AMOUNTS, INPUTS

FACTS = {
    fact.name: fact
    for fact in (
        Fact("audited", "boolean", "审计通过"),
        Fact("score", "integer", "评审得分"),
        Fact("spent_fen", "fen", "投入"),
        Fact("signed_on", "date", "签订日期"),
        Fact("opinion", "text", "意见"),
        Fact("level", "choice", "级别", choices=("国家级", "省级")),
        Fact("proofs", "list", "证明"),
        Fact("given_for", "matters", "事项"),
        Fact("sheet", "scores", "评分表"),
    )
}
NAN, INFINITY = math.nan, math.inf
HUGE = pytest.param(10**5000, id="a number too long to print")
LONGEST = "字" * LONGEST_TEXT
NUMBERS_OF_NO_TYPE = (1.0, 0.5, NAN, INFINITY, "1", "１", "", None, [], [1], {}, True, False)


def step(*, requires=(), accepts=()):
    return Step(
        "act", "a", "办理", (Branch("b"),), ("applicant",), requires=requires, accepts=accepts
    )


def fault_of(name, value):
    """Return why `value` is refused for the fact, None when it is taken."""
    try:
        checked(step(requires=(name,)), {name: value}, FACTS)
    except InvalidInput as refused:
        return refused.fields[name]
    return None


# --- each type: what is taken


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("audited", True),
        ("audited", False),
        ("score", 0),
        ("score", 1),
        ("score", MOST_INTEGER),
        ("spent_fen", 0),
        ("spent_fen", 1),
        ("spent_fen", MOST_FEN),
        ("signed_on", "2026-05-14"),
        ("signed_on", "2028-02-29"),
        ("opinion", "同意。"),
        ("opinion", "𠮷😀"),
        ("opinion", "a"),
        pytest.param("opinion", LONGEST, id="the longest text"),
        ("opinion", " x\n"),
        ("level", "国家级"),
        ("level", "省级"),
        ("proofs", ["合同"]),
        ("proofs", ["页"] * LONGEST_LIST),
        pytest.param("proofs", [LONGEST], id="the longest item"),
    ],
)
def test_a_value_of_the_type_is_taken(name, value):
    assert fault_of(name, value) is None


# --- each type: what is refused


@pytest.mark.parametrize("value", [0, 1, 1.0, NAN, "true", "是", "", None, [], [True], {}])
def test_only_true_and_false_are_a_boolean(value):
    assert fault_of("audited", value) == "须为 true 或 false"


@pytest.mark.parametrize("value", NUMBERS_OF_NO_TYPE)
def test_only_a_whole_number_is_an_integer(value):
    assert fault_of("score", value) == "须为整数"


@pytest.mark.parametrize("value", [-1, MOST_INTEGER + 1, 10**30, -(10**30), HUGE])
def test_an_integer_lies_within_its_bounds(value):
    assert fault_of("score", value) == "须在 0 与 1000000000000 之间"


@pytest.mark.parametrize(
    "value",
    [*NUMBERS_OF_NO_TYPE, "1000.50", -1, MOST_FEN + 1, 10**30, -(10**30), HUGE],
)
def test_an_amount_is_a_whole_number_of_fen(value):
    assert fault_of("spent_fen", value) == "须为以分计的非负整数"


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-29",
        "2026-13-01",
        "2026-5-14",
        "20260514",
        "2026-W20-4",
        "2026-05-14T00:00:00",
        "2026-05-14 ",
        "２０２６-０５-１４",
        "\ud800026-05-14",
        "0000-01-01",
        "2026-05-1\x00",
        "",
        20260514,
        1.0,
        NAN,
        True,
        None,
        [],
        ["2026-05-14"],
        {},
    ],
)
def test_a_date_is_written_in_full_with_ascii_digits(value):
    assert fault_of("signed_on", value).endswith("YYYY-MM-DD")


@pytest.mark.parametrize(
    "value", ["", " ", "\n\t", "\u3000", 1, 1.0, NAN, True, None, [], ["x"], {}]
)
def test_a_text_is_not_empty_and_nothing_else(value):
    assert fault_of("opinion", value) == "须为非空文字"


@pytest.mark.parametrize("value", ["a\x00", "\x00", "\ud800", "同意\udfff。"])
def test_a_text_holds_nothing_that_cannot_be_stored(value):
    assert fault_of("opinion", value) == "不得含有空字符或残缺字符"


def test_a_text_is_not_longer_than_its_bound():
    assert fault_of("opinion", LONGEST + "字") == "不得超过 4000 字"


@pytest.mark.parametrize(
    "value", ["市级", "国家级 ", "", 0, 1, 1.0, NAN, True, None, [], ["国家级"], {}]
)
def test_a_choice_is_one_of_its_words(value):
    assert fault_of("level", value) == "须为下列之一：国家级、省级"


@pytest.mark.parametrize(
    "value", [[], ["x"] * (LONGEST_LIST + 1), "合同", ("合同",), {"0": "合同"}, 1, 1.0, True, None]
)
def test_a_list_has_one_to_a_hundred_items(value):
    assert fault_of("proofs", value) == "须为 1 至 100 项的列表"


@pytest.mark.parametrize(
    ("item", "fault"),
    [
        ("", "须为非空文字"),
        (1, "须为非空文字"),
        (None, "须为非空文字"),
        (["合同"], "须为非空文字"),
        ("a\x00", "不得含有空字符或残缺字符"),
        pytest.param(LONGEST + "字", "不得超过 4000 字", id="too long an item"),
    ],
)
def test_every_item_of_a_list_is_a_text(item, fault):
    assert fault_of("proofs", ["合同", item]) == fault


# --- the whole payload


def test_what_is_required_must_be_given_and_what_is_accepted_may_be():
    act = step(requires=("score",), accepts=("opinion",))

    assert checked(act, {"score": 1}, FACTS).payload == {"score": 1}
    assert checked(act, {"score": 1, "opinion": "好"}, FACTS).facts == {"score": 1, "opinion": "好"}
    with pytest.raises(InvalidInput) as refused:
        checked(act, {"opinion": "好"}, FACTS)
    assert refused.value.fields == {"score": "必填"}


def test_a_value_of_null_is_not_given():
    with pytest.raises(InvalidInput) as refused:
        checked(step(accepts=("score",)), {"score": None}, FACTS)

    assert refused.value.fields == {"score": "须为整数"}


def test_a_word_that_the_step_does_not_take_is_refused_with_those_it_takes():
    with pytest.raises(InvalidInput) as refused:
        checked(step(requires=("score",), accepts=("opinion",)), {"score": 1, "级别": 1}, FACTS)

    assert refused.value.fields == {"级别": "“办理”不收此项；可填：score、opinion"}


def test_a_step_that_takes_nothing_says_so():
    with pytest.raises(InvalidInput, match="不收此项；可填：无"):
        checked(step(), {"score": 1}, FACTS)


def test_a_known_fact_is_refused_where_the_step_does_not_take_it():
    with pytest.raises(InvalidInput):
        checked(step(requires=("score",)), {"score": 1, "spent_fen": 1}, FACTS)


def test_every_fault_is_named_at_once():
    with pytest.raises(InvalidInput) as refused:
        checked(
            step(requires=("score", "audited"), accepts=("opinion",)),
            {"score": True, "opinion": "", "moon": 1},
            FACTS,
        )

    assert list(refused.value.fields) == ["audited", "score", "opinion", "moon"]
    assert refused.value.message.startswith("“办理”所填内容有误：audited：必填；score：须为整数；")


def test_inputs_stay_in_the_payload_and_amounts_become_facts():
    act = step(requires=("note", "planned_fen"))

    given = checked(act, {"note": "同意。", "planned_fen": 5}, AMOUNTS)

    assert given.payload == {"note": "同意。", "planned_fen": 5}
    assert given.facts == {"planned_fen": 5}


@pytest.mark.parametrize("name", [name for name, fact in INPUTS.items() if fact.sample is not None])
def test_the_sample_of_an_input_is_good(name):
    assert checked(step(requires=(name,)), {name: INPUTS[name].sample}, {}).facts == {}


@settings(deadline=None)  # drawing is slow on a busy machine
@given(
    st.sampled_from(sorted(FACTS)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=5,
    ),
)
def test_any_json_is_either_refused_or_can_be_hashed(name, value):
    if fault_of(name, value) is None:
        assert canonical({name: value})


@pytest.mark.parametrize(
    "value",
    [
        [{"kind": "contract", "key": "HT-2026-001"}],
        [{"kind": "person", "key": f"~K1-{'0' * 40}:2026-05"}],
    ],
)
def test_matters_come_in_in_their_normal_form(value):
    assert checked(step(requires=("given_for",)), {"given_for": value}, FACTS).facts == {
        "given_for": value
    }


@pytest.mark.parametrize(
    "value",
    [
        [{"kind": "contract", "key": "ht-2026-001"}],
        [{"kind": "person", "key": "320681198512310021"}],
        [{"kind": "person", "key": "320681198512310021:2026-05"}],
        [{"kind": "deed", "key": "HT-2026-001"}],
        [],
        "contract:HT-2026-001",
    ],
)
def test_matters_in_any_other_form_are_refused_without_a_number(value):
    with pytest.raises(InvalidInput) as caught:
        checked(step(requires=("given_for",)), {"given_for": value}, FACTS)

    assert "320681198512310021" not in caught.value.message


@pytest.mark.parametrize("value", [{"a": 0}, {"a": 100, "b": 7}])
def test_a_sheet_of_whole_points_is_taken(value):
    assert fault_of("sheet", value) is None


@pytest.mark.parametrize(
    "value", [{}, [], None, "a", {"": 1}, {1: 1}, {"a": 1.5}, {"a": -1}, {"a": True}]
)
def test_what_is_no_sheet_of_whole_points_is_refused(value):
    assert fault_of("sheet", value)
