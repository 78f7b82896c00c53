"""Titles: their things as keys, whose they are today, and which recognition is the first."""

from datetime import date

import pytest

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.titles import (
    LONGEST_THING,
    Title,
    last_successor,
    matter_of,
    standing,
    thing_of,
)

FIRM, OTHER = "91320681MA000001T0", "91320681MA000002T0"
DAY = date(2026, 8, 3)


def title(level: str = "provincial", on: date = DAY, no: str = "B", **changes: str) -> Title:
    said = {"holder": FIRM, "thing": "机床", "level": level, "document_no": no, **changes}
    return Title(issued_on=on, **said)


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("五轴 机床（Ａ型）", "五轴机床(A型)"),
        ("“启智”大模型，v2", "启智大模型V2"),
        (None, ""),
        ("，", ""),
        ("甲" * LONGEST_THING, "甲" * LONGEST_THING),
    ],
)
def test_a_thing_is_written_as_a_key(text: str | None, thing: str):
    assert thing_of(text) == thing


def test_two_long_names_never_become_one():
    first, second = thing_of("甲" * LONGEST_THING + "一"), thing_of("甲" * LONGEST_THING + "二")

    assert first != second
    assert first.startswith("甲" * LONGEST_THING + "-")


@pytest.mark.parametrize(
    ("before", "rank"),
    [
        (title("provincial", date(2026, 8, 2), "A"), "again"),
        (title("national", date(2020, 1, 1), "A"), "lower"),
        (title("city", date(2026, 8, 2), "A"), "upgrade"),
        (title("provincial", date(2026, 8, 4), "A"), "first"),
        (title("provincial", DAY, "A"), "again"),
        (title("provincial", DAY, "C"), "first"),
        (title("national", DAY, "C"), "lower"),
        (title("city", DAY, "A"), "first"),
        (title("provincial", date(2026, 8, 2), "B"), "first"),
        (title("provincial", date(2026, 8, 2), "A", thing="车床"), "first"),
        (title("provincial", date(2026, 8, 2), "A", holder=OTHER), "first"),
    ],
)
def test_the_first_has_no_earlier_one_at_its_level_or_above(before: Title, rank: str):
    found = standing(title(), [before])

    assert found.rank == rank
    assert found.earlier == (None if rank == "first" else before)


def test_the_highest_earlier_one_decides():
    national, city = title("national", date(2024, 1, 1), "N"), title("city", date(2025, 1, 1), "C")

    assert standing(title(), [city, national]).earlier == national


def test_a_title_is_held_by_the_end_of_the_chain():
    steps = {"A": "B", "B": "C"}

    assert [last_successor(code, steps) for code in "ABCD"] == ["C", "C", "C", "D"]


def test_a_ring_of_successors_is_refused():
    with pytest.raises(InvalidInput):
        last_successor("A", {"A": "B", "B": "A"})


def test_a_title_is_a_matter_with_level_and_year():
    said = {"kind": "智能工厂", "level": "national", "issued_on": DAY, "thing": "一厂"}

    matter = matter_of("title", said)

    assert matter is not None
    assert (matter.kind, matter.key, matter.stem) == (
        "title",
        "智能工厂:国家级:2026:一厂",
        "智能工厂:一厂",
    )


def test_a_holders_own_title_has_no_thing():
    said = {"kind": "专精特新企业", "level": "provincial", "issued_on": DAY, "thing": ""}

    matter = matter_of("title", said)

    assert matter is not None
    assert matter.key == "专精特新企业:省级:2026"


def test_a_filing_is_known_by_its_number_or_by_nothing():
    said = {"kind": "备案", "level": "national", "issued_on": DAY, "thing": "启智大模型"}

    matter = matter_of("model_filing", said, object_no="苏备 2026-0007")

    assert matter is not None
    assert matter.key == "苏备2026-0007"
    assert matter_of("model_filing", said) is None
