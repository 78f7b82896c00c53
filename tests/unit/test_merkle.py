"""The tree of RFC 6962: its published roots, the frontier, both proofs, and what they refuse."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.merkle import (
    EMPTY_ROOT,
    Frontier,
    Head,
    consistency_proof,
    inclusion_proof,
    is_consistent,
    is_included,
    leaf_hash,
    node_hash,
    root_of,
    unpacked,
)

DATA = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
"""The roots over the first 1 to 8 of `DATA`, as the tests of certificate transparency have them."""
LEAVES = [leaf_hash(data) for data in DATA]
MANY = [leaf_hash(number.to_bytes(2)) for number in range(70)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_certificate_transparency(size):
    assert root_of(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_three_leaves_by_hand():
    a, b, c = (sha256(b"\x00" + data).digest() for data in (b"a", b"b", b"c"))
    ab = sha256(b"\x01" + a + b).digest()

    assert root_of(map(leaf_hash, (b"a", b"b", b"c"))) == sha256(b"\x01" + ab + c).digest()


def test_a_tree_without_leaves_has_the_hash_of_nothing():
    assert Frontier().root() == EMPTY_ROOT == sha256(b"").digest()


def test_a_leaf_never_passes_for_a_node():
    left, right = LEAVES[:2]

    assert leaf_hash(left + right) != node_hash(left, right)


@given(st.lists(st.integers(0, 9), max_size=12))
def test_growing_in_batches_comes_to_the_same_as_all_at_once(batches):
    frontier, total = Frontier(), 0
    for size in batches:
        frontier = unpacked(frontier.size, frontier.packed()).grown(MANY[total : total + size])
        total += size if total + size <= len(MANY) else len(MANY) - total

    assert frontier == Frontier().grown(MANY[:total])
    assert len(frontier.peaks) == total.bit_count()


@pytest.mark.parametrize(("size", "packed"), [(3, bytes(32)), (2, bytes(64)), (-1, b"")])
def test_a_frontier_of_another_size_is_refused(size, packed):
    with pytest.raises(InvalidInput):
        unpacked(size, packed)


def test_every_leaf_of_every_small_tree_has_a_proof():
    for size in range(1, 20):
        root = root_of(MANY[:size])
        for index in range(size):
            proof = inclusion_proof(MANY[:size], index)
            assert is_included(MANY[index], index, size=size, root=root, proof=proof)


def test_a_proof_is_refused_for_another_leaf_place_size_or_root():
    proof, root = inclusion_proof(LEAVES, 3), root_of(LEAVES)

    def accepted(leaf=LEAVES[3], index=3, size=8, root=root, proof=proof):
        return is_included(leaf, index, size=size, root=root, proof=proof)

    assert accepted()
    assert not accepted(leaf=LEAVES[4])
    assert not accepted(index=4)
    assert not accepted(index=8)
    assert not accepted(index=-1)
    assert not accepted(size=4)
    assert not accepted(root=root_of(LEAVES[:7]))
    assert not accepted(proof=proof[:-1])
    assert not accepted(proof=[*proof, proof[0]])


@pytest.mark.parametrize("index", [-1, 8])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index):
    with pytest.raises(InvalidInput, match="没有第"):
        inclusion_proof(LEAVES, index)


def test_every_small_tree_is_the_beginning_of_every_larger_one():
    for second in range(20):
        whole = Head(second, root_of(MANY[:second]))
        for first in range(second + 1):
            begun = Head(first, root_of(MANY[:first]))
            proof = consistency_proof(MANY[:second], first)
            assert is_consistent(begun, whole, proof)


def test_the_proof_from_three_to_seven_leaves_is_the_one_of_the_rfc():
    a, b, c, d, e, f, g = LEAVES[:7]
    left = node_hash(a, b)
    right = node_hash(node_hash(e, f), g)

    assert consistency_proof(LEAVES[:7], 3) == [c, d, left, right]


def test_a_history_written_anew_is_not_consistent():
    first, second = Head(3, root_of(LEAVES[:3])), Head(7, root_of(LEAVES[:7]))
    proof = consistency_proof(LEAVES[:7], 3)
    forged = [MANY[0], *LEAVES[1:7]]

    assert not is_consistent(first, Head(7, root_of(forged)), consistency_proof(forged, 3))
    assert not is_consistent(Head(3, root_of(forged[:3])), second, proof)
    assert not is_consistent(first, second, proof[:-1])
    assert not is_consistent(first, second, [*proof, proof[0]])
    assert not is_consistent(second, first, [])
    assert not is_consistent(Head(0, bytes(32)), second, [])
    assert not is_consistent(Head(0, EMPTY_ROOT), second, proof)


@pytest.mark.parametrize("first", [-1, 9])
def test_there_is_no_proof_of_a_size_that_never_was(first):
    with pytest.raises(InvalidInput, match="不能证明"):
        consistency_proof(LEAVES, first)
