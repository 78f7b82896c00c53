"""The text of a checkpoint: signed, read again, and refused when anything of it was changed."""

import pytest

from caseflow.history.checkpoints.notes import Seal, Verifier, head_of, signed, verifier_of
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.merkle import Head

SEAL = Seal("qidong.example/history", bytes(range(32)))
HEAD = Head(1234, bytes(range(32, 64)))
NOTE = signed(HEAD, SEAL)


def test_a_note_is_origin_size_root_and_a_signature_line():
    lines = NOTE.split("\n")

    assert lines[:4] == [
        "qidong.example/history",
        "1234",
        "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=",
        "",
    ]
    assert lines[4].startswith("— qidong.example/history ")


def test_what_was_signed_is_read_again():
    assert head_of(NOTE, verifier_of(SEAL.verifier.text)) == HEAD


def test_the_key_is_that_of_rfc_8032():
    seed = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")

    assert Seal("x", seed).verifier.public.hex() == (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    )


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace("1234", "1235"),
        NOTE.replace("ICEi", "ICEj"),
        NOTE.replace("1234", "01234"),
        NOTE.replace("qidong", "haimen"),
        NOTE.replace("— qidong", "— haimen"),
        NOTE[:-10] + "\n",
        NOTE.replace("\n\n", "\nmore\n\n"),
        NOTE.replace("1234", "many"),
        "",
    ],
)
def test_a_changed_note_is_refused(note):
    with pytest.raises(InvalidInput, match="检查点"):
        head_of(note, SEAL.verifier)


def test_another_key_of_the_same_origin_is_refused():
    other = Seal(SEAL.origin, bytes(32)).verifier

    with pytest.raises(InvalidInput, match="不是用"):
        head_of(NOTE, other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        SEAL.verifier.text[:-4],
        SEAL.verifier.text.replace("qidong", "haimen"),
        Verifier("x", bytes(31)).text,
    ],
)
def test_a_changed_key_is_refused(text):
    with pytest.raises(InvalidInput, match="验签公钥"):
        verifier_of(text)
