import hashlib
import hmac
import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseflow.kernel.event_bytes import (
    GENESIS,
    LEAF,
    EventFacts,
    authenticate,
    canonical,
    chain,
    commit,
    encode,
)

SALT = bytes(range(16))
PAYLOAD = {"note": "同意。", "score": 80}
FACTS = EventFacts(
    stream=1001,
    seq=7,
    at="2026-11-16T01:30:00.000000+00:00",
    name="accept",
    actor_id=42,
    acting_for_id=None,
    seat="lead_bureau.handler",
    organisation_id=3,
    from_state="submitted",
    to_state="bureau_review",
    workflow_hash="ab" * 32,
    guards="documents_complete",
    request_id=None,
    payload_commitment=commit(SALT, canonical(PAYLOAD)),
)

# Version 1, pinned: changing a byte here breaks the chain of every house that is running.
GOLDEN_COMMITMENT = "3f6fd91255cf6dfa0157451e295923f46bbf0c64e229b4949b3d7cd43049624c"
GOLDEN_BODY = (
    "01"  # version
    "01" "00000004" "31303031"  # stream 1001
    "01" "00000001" "37"  # seq 7
    "01" "00000020" "323032362d31312d31365430313a33303a30302e3030303030302b30303a3030"  # at
    "01" "00000006" "616363657074"  # accept
    "01" "00000002" "3432"  # actor 42
    "00"  # acting for nobody
    "01" "00000013" "6c6561645f6275726561752e68616e646c6572"  # lead_bureau.handler
    "01" "00000001" "33"  # organisation 3
    "01" "00000009" "7375626d6974746564"  # submitted
    "01" "0000000d" "6275726561755f726576696577"  # bureau_review
    "01" "00000040" + "6162" * 32 +  # workflow hash
    "01" "00000012" "646f63756d656e74735f636f6d706c657465"  # documents_complete
    "00"  # no request id
    "01" "00000020" + GOLDEN_COMMITMENT
)  # fmt: skip
GOLDEN_HASH = "d79de7e8f65d01075a7899dd8de88fa5dff6f2349063c05196df205173595d7a"
GOLDEN_MAC = "c4d0796555962ba4ba197712d95679b91efb521971799d9270ab9afe2d22ede6"


# --- version 1


def test_the_bytes_of_version_one_are_pinned():
    assert encode(FACTS).hex() == GOLDEN_BODY


def test_the_commitment_of_version_one_is_pinned():
    assert canonical(PAYLOAD) == '{"note":"同意。","score":80}'.encode()
    assert FACTS.payload_commitment.hex() == GOLDEN_COMMITMENT
    assert hashlib.sha256(b"\x00\x10" + SALT + canonical(PAYLOAD)).hexdigest() == GOLDEN_COMMITMENT


def test_the_hash_and_the_mac_of_version_one_are_pinned():
    digest = chain(GENESIS, encode(FACTS))

    assert digest.hex() == GOLDEN_HASH
    assert hashlib.sha256(b"\x00" + bytes(32) + encode(FACTS)).digest() == digest
    assert authenticate(b"\xab" * 32, digest).hex() == GOLDEN_MAC
    assert hmac.new(b"\xab" * 32, digest, "sha256").hexdigest() == GOLDEN_MAC


# --- no two events have the same bytes

TEXT = st.text(max_size=8)
NUMBER = st.integers(0, 2**63 - 1)
EVENTS = st.builds(
    EventFacts,
    stream=NUMBER,
    seq=NUMBER,
    at=TEXT,
    name=TEXT,
    actor_id=NUMBER,
    acting_for_id=st.none() | NUMBER,
    seat=st.none() | TEXT,
    organisation_id=st.none() | NUMBER,
    from_state=st.none() | TEXT,
    to_state=st.none() | TEXT,
    workflow_hash=st.none() | TEXT,
    guards=TEXT,
    request_id=st.none() | TEXT,
    payload_commitment=st.binary(max_size=40),
)
NAMES = EventFacts._fields
OPTIONAL = [name for name, kind in EventFacts.__annotations__.items() if "None" in str(kind)]


@settings(deadline=None)  # drawing is slow on a busy machine
@given(EVENTS, EVENTS)
def test_distinct_events_have_distinct_bytes(one, other):
    assert (encode(one) == encode(other)) is (one == other)


@settings(deadline=None)  # drawing is slow on a busy machine
@given(EVENTS, EVENTS, st.sampled_from(NAMES))
def test_one_other_field_gives_other_bytes(one, other, name):
    changed = one._replace(**{name: getattr(other, name)})

    assert (encode(one) == encode(changed)) is (one == changed)


@settings(deadline=None)  # drawing is slow on a busy machine
@given(EVENTS)
def test_the_bytes_can_be_read_back_field_by_field(event):
    written = [getattr(event, name) for name in NAMES]

    expected = [
        None if value is None else value if isinstance(value, bytes) else str(value).encode()
        for value in written
    ]
    assert list(_read(encode(event))) == expected


@given(TEXT, TEXT)
def test_text_cannot_move_from_a_field_into_the_next(one, other):
    moved = FACTS._replace(from_state=one + other, to_state="")

    assert (encode(moved) == encode(FACTS._replace(from_state=one, to_state=other))) is (
        other == ""
    )


@pytest.mark.parametrize("name", OPTIONAL)
def test_nothing_is_not_the_empty_text(name):
    assert encode(FACTS._replace(**{name: None})) != encode(FACTS._replace(**{name: ""}))


def test_every_field_is_in_the_bytes_in_its_order():
    assert len(list(_read(encode(FACTS)))) == len(NAMES)


# --- chain and MAC


def test_a_hash_depends_on_what_went_before_and_on_the_body():
    first = chain(GENESIS, b"body")

    assert chain(first, b"body") != first
    assert chain(GENESIS, b"bodz") != first
    assert len(first) == 32


def test_a_leaf_cannot_be_taken_for_an_inner_node():
    inner = hashlib.sha256(b"\x01" + GENESIS + b"body").digest()

    assert LEAF == b"\x00"
    assert chain(GENESIS, b"body") != inner


def test_a_mac_depends_on_the_key():
    digest = chain(GENESIS, b"body")

    assert authenticate(b"k" * 32, digest) != authenticate(b"l" * 32, digest)
    assert authenticate(b"k" * 32, digest) != authenticate(b"k" * 32, GENESIS)


# --- commitments


def test_a_commitment_depends_on_salt_and_payload():
    assert commit(b"a", b"x") != commit(b"b", b"x")
    assert commit(b"a", b"x") != commit(b"a", b"y")


@given(st.binary(max_size=6), st.binary(max_size=6), st.binary(max_size=6), st.binary(max_size=6))
def test_a_byte_cannot_move_from_the_salt_into_the_payload(salt, payload, salt_2, payload_2):
    same = (salt, payload) == (salt_2, payload_2)

    assert (commit(salt, payload) == commit(salt_2, payload_2)) is same


# --- the one JSON text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def test_keys_are_sorted_and_chinese_stays_chinese():
    assert (
        canonical({"b": 1, "a": ["同意", None, True]}) == '{"a":["同意",null,true],"b":1}'.encode()
    )


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=5))
def test_the_order_of_keys_does_not_matter(value):
    turned = dict(reversed(value.items()))

    assert canonical(turned) == canonical(value)


@settings(deadline=None)  # drawing is slow on a busy machine
@given(JSON)
def test_the_canonical_text_says_the_same(value):
    assert json.loads(canonical(value)) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_json_has_no_canonical_text(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"score": value})


def _read(raw):
    assert raw[:1] == b"\x01"
    at = 1
    while at < len(raw):
        present = raw[at]
        if not present:
            at += 1
            yield None
            continue
        length = int.from_bytes(raw[at + 1 : at + 5])
        yield raw[at + 5 : at + 5 + length]
        at += 5 + length
