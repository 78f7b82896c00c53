"""Whether two parties are related by what is registered, and by which ties."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.ties import (
    LEVELS,
    REASONS,
    Relation,
    Tie,
    Ties,
    percent_words,
    read_percent,
)

PERSON, OTHER_PERSON = "~K-AA11", "~K-BB22"
STATE = "11320681000000000X"


def org(letter: str) -> str:
    """Return something of the length of a credit code."""
    return "9" + letter * 17


A, B, C, D, E, F = map(org, "ABCDEF")


def ties(*rows: tuple) -> Ties:
    """Return ties of (kind, holder, held[, percent])."""
    return Ties(
        Tie(number, kind, holder, held, Decimal(percent[0]) if percent else None)
        for number, (kind, holder, held, *percent) in enumerate(rows, start=1)
    )


def share(holder: str, held: str, percent: str = "60") -> tuple:
    return "shareholder", holder, held, percent


def found(known: Ties, one: str = A, other: str = B) -> tuple[str, str, list[int]]:
    relation = known.relation(one, other)
    back = known.relation(other, one)
    assert (relation.grade, relation.reason) == (back.grade, back.reason)
    return relation.grade, relation.reason, [tie.id for tie in relation.path]


def test_without_a_tie_two_parties_are_unrelated_and_one_is_related_to_itself():
    assert found(ties()) == ("unrelated", "none", [])
    assert found(ties(share(C, A), share(D, B))) == ("unrelated", "none", [])
    assert found(ties(), A, A) == ("related", "same_party", [])


@pytest.mark.parametrize("kind", ["shareholder", "controller", "director", "supervisor", "officer"])
def test_whoever_holds_or_runs_the_other_is_related_however_little(kind):
    percent = ("0.000001",) if kind == "shareholder" else ()

    assert found(ties((kind, PERSON, B, *percent)), PERSON) == ("related", "direct", [1])


def test_of_two_equal_reasons_both_ends_tell_the_same():
    known = ties(share(C, B, "1"), share(A, C, "25"), share(C, A, "1"))

    assert found(known) == ("small", "indirect", [2, 1])
    assert known.relation(A, B).words == known.relation(B, A).words


def test_the_same_controller_is_a_relation():
    known = ties(("controller", PERSON, A), ("controller", PERSON, B))

    assert found(known) == ("related", "common_owner", [1, 2])


@pytest.mark.parametrize(
    ("percent", "grade"),
    [("24.999999", "small"), ("25", "related"), ("25.000001", "related")],
)
def test_a_common_owner_counts_from_25_percent_on(percent, grade):
    assert found(ties(share(C, A, percent), share(C, B))) == (grade, "common_owner", [1, 2])
    assert found(ties(share(C, A), share(C, B, percent))) == (grade, "common_owner", [1, 2])


def test_owners_are_looked_for_level_by_level_on_both_sides():
    two_up = ties(share(C, A), share(D, C), share(E, B), share(D, E))
    known = two_up.relation(A, B)

    assert [tie.id for tie in known.path] == [1, 2, 4, 3]
    assert (known.grade, known.share) == ("related", Fraction(60))
    assert known.words == "双方同为第三方控制或持股，较低一方持股60%"


@pytest.mark.parametrize(("levels", "grade"), [(LEVELS, "related"), (LEVELS + 1, "unrelated")])
def test_so_many_levels_and_no_more(levels, grade):
    chain = [A, *(org(chr(ord("G") + n)) for n in range(levels - 1)), B]

    known = ties(*(share(up, down) for down, up in pairwise(chain)))

    assert known.relation(A, B).grade == grade


@pytest.mark.parametrize(
    ("upper", "lower", "grade", "counted"),
    [
        ("25", "30", "related", "30"),  # enough of the middle: what the middle has
        ("24", "30", "small", "7.2"),  # else the shares are multiplied
        ("24", "100", "small", "24"),
        ("60", "24", "small", "24"),
    ],
)
def test_an_indirect_holding_counts_as_the_tax_return_has_it(upper, lower, grade, counted):
    relation = ties(share(A, C, upper), share(C, B, lower)).relation(A, B)

    assert (relation.grade, relation.reason) == (grade, "indirect")
    assert relation.share == Fraction(counted)
    assert [tie.id for tie in relation.path] == [1, 2]


def test_several_ways_add_up_and_the_largest_is_told():
    known = ties(share(A, C), share(C, B, "15"), share(A, D), share(D, B, "10"))
    more = ties(share(A, C), share(C, B, "10"), share(A, D), share(D, B, "15"))

    assert found(known) == ("related", "indirect", [1, 2])
    assert found(more) == ("related", "indirect", [3, 4])


def test_nobody_has_more_than_the_whole():
    known = ties(("controller", PERSON, A), share(PERSON, A, "40"), share(PERSON, B))

    assert known.holders(A)[PERSON].share == 100
    assert found(known) == ("related", "common_owner", [1, 3])


def test_those_who_hold_each_other_are_looked_through_once():
    known = ties(share(C, A), share(A, C, "10"), share(D, C), share(C, D, "10"), share(D, B))

    assert found(known) == ("related", "common_owner", [1, 3, 5])


def test_two_enterprises_of_the_state_are_not_related_by_that_alone():
    known = ties(share(STATE, A, "100"), share(STATE, B, "100"))

    assert found(known) == ("small", "state_owner", [1, 2])
    assert "国家控股" in known.relation(A, B).words


@pytest.mark.parametrize(("percent", "grade"), [("24", "small"), ("25", "related")])
def test_an_officer_of_one_who_owns_the_other(percent, grade):
    known = ties(("director", PERSON, A), share(PERSON, B, percent))

    assert found(known) == (grade, "serving_owner", [1, 2])


@pytest.mark.parametrize(("percent", "grade"), [("24", "unrelated"), ("25", "related")])
def test_an_officer_of_the_parent_is_related_to_its_subsidiary(percent, grade):
    known = ties(("supervisor", PERSON, C), share(C, B, percent))
    told = [1, 2] if grade == "related" else []

    assert found(known, PERSON)[::2] == (grade, told)


def test_one_person_on_both_boards_is_a_hint():
    known = ties(("director", PERSON, A), ("officer", OTHER_PERSON, A), ("director", PERSON, B))

    assert found(known) == ("small", "serving_both", [1, 3])


@pytest.mark.parametrize("kind", ["same_address", "same_phone"])
def test_a_shared_address_or_phone_is_a_hint(kind):
    assert found(ties((kind, A, B))) == ("small", "alike", [1])
    assert found(ties((kind, A, C))) == ("unrelated", "none", [])


def test_the_graver_goes_before_the_shorter_and_the_shorter_before_the_larger():
    hint_and_owner = ties(("same_phone", A, B), share(C, A), share(D, C), share(D, B))
    short_and_long = ties(share(C, A, "30"), share(C, B, "30"), share(D, C), share(D, B))

    assert found(hint_and_owner) == ("related", "common_owner", [2, 3, 4])
    assert found(short_and_long) == ("related", "common_owner", [1, 2])


# --- what must be known before "unrelated" may be said


def test_a_party_whose_owners_are_unknown_is_missing_and_people_and_the_state_have_none():
    known = ties(("director", PERSON, A), ("same_address", A, B))

    assert known.gaps(A) == (A,)
    assert known.gaps(PERSON) == ()
    assert known.gaps(STATE) == ()


@pytest.mark.parametrize(
    ("percents", "gaps"), [(["75"], (A,)), (["75.000001"], ()), (["40", "36"], ()), (["40"], (A,))]
)
def test_what_is_not_registered_may_be_too_little_to_matter(percents, gaps):
    people = [f"~K-{number}" for number in range(len(percents))]

    known = ties(*(share(each, A, p) for each, p in zip(people, percents, strict=True)))

    assert known.gaps(A) == gaps


def test_two_levels_must_be_known_of_those_who_hold_enough():
    known = ties(share(C, A, "76"), share(D, A, "24"), share(E, C, "80"))

    assert known.gaps(A) == ()
    assert ties(share(C, A, "76")).gaps(A) == (C,)
    assert ties(("controller", C, A), ("controller", PERSON, C)).gaps(A) == ()


# --- shares


@pytest.mark.parametrize(
    ("text", "share"),
    [("33.333333", "33.333333"), (" 5% ", "5"), ("100", "100"), ("0.000001％", "0.000001")],
)
def test_a_share_is_read_exactly(text, share):
    assert read_percent(text) == Decimal(share)


@pytest.mark.parametrize(
    "text", ["0", "0.0000001", "100.000001", "101", "-5", "5,5", "1e1", "", "五", "1000", ".5"]
)
def test_what_is_no_share_is_refused(text):
    with pytest.raises(InvalidInput) as error:
        read_percent(text)

    assert "percent" in error.value.fields


@pytest.mark.parametrize(
    ("share", "words"), [("25", "25%"), ("100", "100%"), ("7.205", "7.21%"), ("0.004", "0%")]
)
def test_a_share_is_told_to_the_hundredth(share, words):
    assert percent_words(Fraction(Decimal(share))) == words


def test_every_reason_has_words():
    for reason in REASONS:
        assert "{" not in Relation("small", reason, share=Fraction(1)).words
    assert Relation("related", "direct").words.startswith("一方直接")


CODES = (A, B, C, D, E, F, PERSON)
RANDOM = st.lists(
    st.tuples(
        st.sampled_from(["shareholder", "controller", "director", "same_phone"]),
        st.sampled_from(CODES), st.sampled_from(CODES[:-1]), st.integers(1, 100),
    ).filter(lambda row: row[1] != row[2]),
    max_size=12,
)  # fmt: skip


@settings(max_examples=40)
@given(RANDOM)
def test_a_relation_is_mutual_proved_by_its_path_and_never_undone_by_more_ties(rows):
    made = [
        (kind, holder, held, str(n)) if kind == "shareholder" else (kind, holder, held)
        for kind, holder, held, n in rows
    ]
    known = ties(*made)

    grade, _, path = found(known)
    more = ties(*made, share(A, F, "1")).relation(A, B)

    proof = Ties(tie for tie in known._ties if tie.id in path)
    if grade != "unrelated":
        assert proof.relation(A, B).grade != "unrelated"
    assert (grade == "related") <= (more.grade == "related")
