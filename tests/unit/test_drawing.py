"""Who may be drawn for whom, and a draw that anybody can repeat."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.drawing import Candidate, Judged, draw, hash_of, refusal, refuse_size, replay
from caseflow.kernel.errors import InvalidInput

CODE, OTHER = "91320681MA2TE5T28T", "91320681MA1ABCDE0X"
FIRM = Judged(7, "甲公司", CODE, frozenset({50}))
POOL = [Candidate(f"e{n}") for n in range(7)]
SEED = b"seed"


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        (Candidate("e", employer_uscc=CODE), "同一工作单位"),
        (Candidate("e", holdings=frozenset({OTHER, CODE})), "股份"),
        (Candidate("e", seats=frozenset({7})), "在申报主体甲公司任职"),
        (Candidate("e", seats=frozenset({50})), "办理甲公司申报的部门"),
        (Candidate("e", declared=frozenset({7})), "本人声明"),
        (Candidate("e", tied={7: "本人——股东", 1: "x"}), "乙有登记的关联关系：x"),
        (Candidate("e", tied={7: "本人——股东"}), "甲公司有登记的关联关系：本人——股东"),
    ],
)
def test_each_conflict_keeps_an_expert_out_with_its_reason(candidate: Candidate, words: str):
    assert words in refusal(candidate, [Judged(1, "乙", OTHER), FIRM])


def test_somebody_elses_employer_shares_and_seats_keep_nobody_out():
    candidate = Candidate(
        "e", frozenset({"算力"}), OTHER, frozenset({OTHER}), frozenset({51}), frozenset({8}),
        {8: "股东"},
    )  # fmt: skip

    assert refusal(candidate, [FIRM], "算力") == ""
    assert "“医疗”" in refusal(candidate, [FIRM], "医疗")


def test_neither_an_employer_nor_an_applicant_without_a_code_is_a_conflict():
    assert refusal(Candidate("e"), [Judged(7, "某人", None)]) == ""


def test_the_smallest_lots_are_drawn_and_can_be_drawn_again_from_the_record():
    conflicted = Candidate("e7", employer_uscc=CODE)
    drawn = draw([*POOL, conflicted], [FIRM], 5, seed=SEED, seated=["e3", "gone"])

    lots = sorted(
        (hashlib.sha256(SEED + each.key.encode()).digest(), each.key)
        for each in POOL
        if each.key != "e3"
    )
    pool = {each.key: drawn.excluded.get(each.key, "") for each in [*POOL, conflicted]}
    assert drawn.panel == tuple(key for _, key in lots[:5])
    assert set(drawn.excluded) == {"e3", "e7"}
    assert drawn.panel_hash == hash_of(drawn.panel)
    assert replay(pool, 5, seed=SEED) == drawn.panel


def test_an_expert_who_sits_already_keeps_the_reason_of_a_conflict():
    drawn = draw([*POOL, Candidate("x", employer_uscc=CODE)], [FIRM], 3, seed=SEED, seated=["x"])

    assert "同一工作单位" in drawn.excluded["x"]


@given(st.binary(min_size=1, max_size=8), st.permutations(POOL))
def test_the_order_of_the_pool_changes_no_panel(seed: bytes, pool: list[Candidate]):
    assert draw(pool, [], 3, seed=seed).panel == draw(POOL, [], 3, seed=seed).panel


@pytest.mark.parametrize(("count", "seated", "words"), [(8, [], "人数不足"), (7, ["e1"], "已在")])
def test_fewer_experts_than_wanted_are_told_with_why(count: int, seated: list[str], words: str):
    with pytest.raises(InvalidInput, match=words) as refused:
        draw(POOL, [], count, seed=SEED, seated=seated)

    assert refused.value.details["fields"] == {"size": f"至多 {7 - len(seated)}"}


def test_exactly_as_many_as_there_are_can_be_drawn():
    assert len(draw(POOL, [], 7, seed=SEED).panel) == 7


@pytest.mark.parametrize("size", [3, 4, 6])
def test_a_panel_is_odd_and_not_below_the_least(size: int):
    with pytest.raises(InvalidInput, match="单数"):
        refuse_size(size, 5)


@pytest.mark.parametrize("size", [5, 7])
def test_the_least_panel_and_a_larger_odd_one_are_taken(size: int):
    refuse_size(size, 5)
