"""How two states of a policy differ: every value that differs, none that does not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.catalogue.differences import (
    Change,
    Content,
    MeasureChanges,
    compare,
    differences,
)
from caseflow.catalogue.loading import read_policy
from tests.factories.drafts import QIDONG

SCALARS = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "甲", "乙"])
KEYS = ("id", "kind", "child", "words")
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.fixed_dictionaries(dict.fromkeys(KEYS, inner)),
    max_leaves=12,
)
DEFINITIONS = st.fixed_dictionaries({"a": PLAIN, "b": PLAIN})


def paths(before, after):
    return [change.path for change in differences(before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"doc_no": None}, {"doc_no": "甲1号"}, [Change("doc_no", None, "甲1号")]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [Change("a.b", 1, 2)]),
        ({"a": {"b": 1}}, {"a": None}, [Change("a", {"b": 1}, None)]),
        ({"a": True}, {"a": 1}, [Change("a", True, 1)]),
        ({"a": ["甲", "乙"]}, {"a": ["乙", "甲"]}, [Change("a", ["甲", "乙"], ["乙", "甲"])]),
        ({"a": ("甲",)}, {"a": ["甲"]}, []),
        ({}, {"a": []}, []),
        ({"a": {}}, {}, []),
        ({}, {"a": False}, [Change("a", None, False)]),
        ({"b": 1, "a": 1}, {"a": 2, "b": 2}, [Change("a", 1, 2), Change("b", 1, 2)]),
    ],
)
def test_a_value_that_differs_is_told_with_its_path(before, after, expected):
    assert differences(before, after) == tuple(expected)


def test_items_with_a_name_are_matched_by_it():
    before = {"open_questions": [{"id": "AMB-01", "text": "甲"}, {"id": "AMB-02", "text": "乙"}]}
    after = {"open_questions": [{"id": "AMB-02", "text": "丙"}, {"id": "AMB-03", "text": "丁"}]}

    assert differences(before, after) == (
        Change("open_questions[id=AMB-01]", {"id": "AMB-01", "text": "甲"}, None),
        Change("open_questions[id=AMB-02].text", "乙", "丙"),
        Change("open_questions[id=AMB-03]", None, {"id": "AMB-03", "text": "丁"}),
    )


def test_a_document_is_named_by_its_kind_and_its_child():
    own = {"kind": "invoices", "child": None, "title": "发票"}
    child = {"kind": "invoices", "child": "year", "title": "年度发票"}

    assert paths({"documents": [own, child]}, {"documents": [own, {**child, "title": "票据"}]}) == [
        "documents[kind=invoices,child=year].title"
    ]


def test_items_without_a_name_or_with_one_name_twice_are_matched_by_position():
    amounts = [{"kind": "amount", "yuan": 1}, {"kind": "amount", "yuan": 2}]

    assert paths(
        {"amounts": amounts}, {"amounts": [amounts[0], {"kind": "amount", "yuan": 3}]}
    ) == ["amounts[1].yuan"]
    assert paths({"a": [{"id": 1}, {"id": 1}]}, {"a": [{"id": 1}]}) == ["a[1]"]


def test_another_order_of_named_items_is_a_change():
    one, two = {"number": 1}, {"number": 2}

    assert differences({"a": [one, two]}, {"a": [two, one]}) == (
        Change("a[order]", ["number=1", "number=2"], ["number=2", "number=1"]),
    )


@given(DEFINITIONS, DEFINITIONS)
def test_what_is_the_same_has_no_difference_and_what_is_not_has_one(before, after):
    assert differences(before, before) == ()
    assert bool(differences(before, after)) == (in_order(before) != in_order(after))


def in_order(value):
    return json.dumps(value, sort_keys=True)


def test_a_policy_does_not_differ_from_itself_read_back_from_json():
    files = read_policy(QIDONG)
    data = files.policy.to_data()

    assert differences(data, {**data, "articles": [dict(a) for a in data["articles"]]}) == ()


def test_measures_come_and_go_in_the_order_of_their_ids():
    old = {"M-1a": {"title": "甲"}, "M-10a": {"title": "乙"}, "M-2": {"title": "丙"}}
    new = {"M-10a": {"title": "丁"}, "M-11": {}, "M-3b": {}, "M-3a": {}, "M-1a": {"title": "戊"}}

    found = compare(Content("v1", {}, old, "一\n二\n"), Content("v2", {}, new, "一\n三\n"))

    assert found.policy == ()
    assert found.measures_added == ("M-3a", "M-3b", "M-11")
    assert found.measures_removed == ("M-2",)
    assert found.measures_changed == (
        MeasureChanges("M-1a", (Change("title", "甲", "戊"),)),
        MeasureChanges("M-10a", (Change("title", "乙", "丁"),)),
    )
    assert found.text == ("--- v1", "+++ v2", "@@ -1,3 +1,3 @@", " 一", "-二", "+三", " ")
