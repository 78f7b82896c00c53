"""Signing a root and reading it again: Ed25519 over a small text (C2SP signed note, checkpoint).

Whoever keeps such a text and the verifier's key needs nothing else of this program: the tools of
Go's checksum database and of certificate transparency read the same form.
"""

import hashlib
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Final

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.merkle import HASH_BYTES, Head

ED25519: Final = b"\x01"
"""The algorithm's number in a note's key (C2SP signed-note)."""
NAME_BYTES: Final = 4
DASH: Final = "— "
MOST_BYTES: Final = 4096


@dataclass(frozen=True)
class Verifier:
    """Who signs, under which public key: `text` is what an auditor keeps beside checkpoints."""

    origin: str
    public: bytes

    @property
    def name(self) -> bytes:
        """Return the four bytes by which a signature names its key."""
        named = self.origin.encode() + b"\n" + ED25519 + self.public
        return hashlib.sha256(named).digest()[:NAME_BYTES]

    @property
    def text(self) -> str:
        """Return the key as text: origin, name, algorithm and key."""
        return f"{self.origin}+{self.name.hex()}+{b64encode(ED25519 + self.public).decode()}"


@dataclass(frozen=True)
class Seal:
    """The key that signs checkpoints; it is not the key of the rows' MACs."""

    origin: str
    seed: bytes

    @property
    def verifier(self) -> Verifier:
        """Return what checks its signatures."""
        return Verifier(self.origin, bytes(SigningKey(self.seed).verify_key))


def verifier_of(text: str) -> Verifier:
    """Return the verifier whose text an auditor kept.

    Raises:
        InvalidInput: it is not the text of an Ed25519 key, or was changed.
    """
    try:
        origin, name, encoded = text.strip().split("+", 2)
        key = b64decode(encoded, validate=True)
    except ValueError as error:
        raise InvalidInput(f"{text!r} 不是验签公钥；形如 来源+8位十六进制+Base64。") from error
    found = Verifier(origin, key[1:])
    if key[:1] != ED25519 or len(key) != 1 + HASH_BYTES or found.name.hex() != name:
        raise InvalidInput(f"验签公钥 {text!r} 与其指纹不符，或不是 Ed25519 公钥。")
    return found


def signed(head: Head, seal: Seal) -> str:
    """Return the signed text of a head: origin, size, root, an empty line, the signature."""
    text = f"{seal.origin}\n{head.size}\n{b64encode(head.root).decode()}\n"
    signature = SigningKey(seal.seed).sign(text.encode()).signature
    line = b64encode(seal.verifier.name + signature).decode()
    return f"{text}\n{DASH}{seal.origin} {line}\n"


def head_of(note: str, verifier: Verifier) -> Head:
    """Return the head a note signs.

    Raises:
        InvalidInput: it is no such note, of another origin, or not signed with this key.
    """
    text, _, signatures = note.partition("\n\n")
    origin, head = _parsed(f"{text}\n")
    if origin != verifier.origin:
        raise InvalidInput(f"检查点出自 {origin!r}，应为 {verifier.origin!r}。")
    wanted = f"{DASH}{origin} "
    for line in signatures.splitlines():
        if line.startswith(wanted) and _is_signed(f"{text}\n", line[len(wanted) :], verifier):
            return head
    raise InvalidInput(f"检查点不是用 {verifier.text} 对应的私钥签署的。")


def _parsed(text: str) -> tuple[str, Head]:
    try:
        origin, size, root, rest = text.split("\n", 3)
        head = Head(int(size), b64decode(root, validate=True))
    except ValueError as error:
        raise InvalidInput("检查点应有三行：来源、叶子数、Base64 根哈希。") from error
    if rest or str(head.size) != size or len(head.root) != HASH_BYTES:
        raise InvalidInput("检查点应有三行：来源、叶子数、Base64 根哈希。")
    return origin, head


def _is_signed(text: str, encoded: str, verifier: Verifier) -> bool:
    try:
        raw = b64decode(encoded, validate=True)
        VerifyKey(verifier.public).verify(text.encode(), raw[NAME_BYTES:])
    except (ValueError, BadSignatureError):
        return False
    return raw[:NAME_BYTES] == verifier.name
