"""One growing Merkle tree over everything that happened (RFC 6962 §2.1): frontier and proofs.

A leaf is 0x00 and its data, an inner node 0x01 and its children, so that neither passes for the
other. Every function takes and gives hashes of 32 bytes.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from caseflow.kernel.errors import InvalidInput

HASH_BYTES: Final = 32
LEAF: Final = b"\x00"
NODE: Final = b"\x01"
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
"""The root of the tree without leaves."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf that holds `data`."""
    return hashlib.sha256(LEAF + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node over its two children."""
    return hashlib.sha256(NODE + left + right).digest()


@dataclass(frozen=True)
class Frontier:
    """All that is needed to let a tree grow: the roots of its perfect subtrees, largest first.

    There is one of them for every 1 in the binary form of `size`: at most 64 hashes.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def grown(self, leaves: Iterable[bytes]) -> "Frontier":
        """Return the frontier after leaf hashes were added: about one hashing a leaf."""
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            peak, filled = leaf, size
            while filled & 1:
                peak = node_hash(peaks.pop(), peak)
                filled >>= 1
            peaks.append(peak)
            size += 1
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        """Return the root of the tree."""
        if not self.peaks:
            return EMPTY_ROOT
        *rest, root = self.peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root

    def packed(self) -> bytes:
        """Return the peaks one after the other."""
        return b"".join(self.peaks)


def unpacked(size: int, packed: bytes) -> Frontier:
    """Return the frontier of a tree of `size` leaves from its packed peaks.

    Raises:
        InvalidInput: these are not the peaks of so many leaves.
    """
    if size < 0 or len(packed) != HASH_BYTES * size.bit_count():
        raise InvalidInput(f"{len(packed)} 字节不是 {size} 片叶子的前沿。")
    starts = range(0, len(packed), HASH_BYTES)
    return Frontier(size, tuple(packed[start : start + HASH_BYTES] for start in starts))


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes."""
    return Frontier().grown(leaves).root()


def _split(size: int) -> int:
    """Return the largest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the siblings on the way from leaf `index` to the root, the lowest first.

    Raises:
        InvalidInput: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise InvalidInput(f"没有第 {index} 片叶子：共有 {len(leaves)} 片，从 0 数起。")
    proof: list[bytes] = []
    while len(leaves) > 1:
        middle = _split(len(leaves))
        left, right = leaves[:middle], leaves[middle:]
        if index < middle:
            proof.append(root_of(right))
            leaves = left
        else:
            proof.append(root_of(left))
            leaves, index = right, index - middle
    return proof[::-1]


def is_included(leaf: bytes, index: int, *, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether the proof leads from leaf hash `leaf` at `index` to the root of `size`."""
    if not 0 <= index < size:
        return False
    rest = iter(proof)
    try:
        found = _climb(leaf, index, size, rest)
    except StopIteration:
        return False
    return found == root and next(rest, None) is None


def _climb(leaf: bytes, index: int, size: int, proof: Iterator[bytes]) -> bytes:
    if size == 1:
        return leaf
    middle = _split(size)
    if index < middle:
        left = _climb(leaf, index, middle, proof)
        return node_hash(left, next(proof))
    right = _climb(leaf, index - middle, size - middle, proof)
    return node_hash(next(proof), right)


def consistency_proof(leaves: Sequence[bytes], first: int) -> list[bytes]:
    """Return the hashes that show that the tree began with its first `first` leaves.

    Raises:
        InvalidInput: the tree never had so many leaves.
    """
    if not 0 <= first <= len(leaves):
        raise InvalidInput(f"共有 {len(leaves)} 片叶子，不能证明前 {first} 片。")
    if first in {0, len(leaves)}:
        return []
    proof: list[bytes] = []
    is_whole = True
    while first != len(leaves):
        middle = _split(len(leaves))
        left, right = leaves[:middle], leaves[middle:]
        if first <= middle:
            proof.append(root_of(right))
            leaves = left
        else:
            proof.append(root_of(left))
            leaves, first, is_whole = right, first - middle, False
    return [*([] if is_whole else [root_of(leaves)]), *proof[::-1]]


@dataclass(frozen=True)
class Head:
    """The size of a tree and its root."""

    size: int
    root: bytes


def is_consistent(first: Head, second: Head, proof: Sequence[bytes]) -> bool:
    """Return whether the proof shows that `second` is `first` with leaves added at its end."""
    if first.size == 0:
        return first.root == EMPTY_ROOT and not proof
    if first.size > second.size:
        return False
    rest = iter(proof)
    try:
        found = _grow(first.size, second.size, first.root, rest)
    except StopIteration:
        return False
    return found == (first.root, second.root) and next(rest, None) is None


def _grow(
    first: int, second: int, known: bytes | None, proof: Iterator[bytes]
) -> tuple[bytes, bytes]:
    """Return the two roots the proof leads to; `known` is the first while on its left edge."""
    if first == second:
        both = known if known is not None else next(proof)
        return both, both
    middle = _split(second)
    if first <= middle:
        old, new = _grow(first, middle, known, proof)
        return old, node_hash(new, next(proof))
    old, new = _grow(first - middle, second - middle, None, proof)
    left = next(proof)
    return node_hash(left, old), node_hash(left, new)
