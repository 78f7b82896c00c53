"""Taking files in: written whole or not at all, stored once by their hash, put to a case."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from caseflow.database.ids import PublicIds
from caseflow.documents.kinds import HEAD_BYTES, check_content, check_kind, safe_name
from caseflow.documents.models import Document
from caseflow.history.part import Signer
from caseflow.history.service import append
from caseflow.kernel.errors import InvalidInput, NotFound, TooLarge, Unavailable

CHUNK_BYTES: Final = 64 * 1024
INCOMING: Final = "incoming"
"""The folder of files that are still being written; what lies there after a crash is rubbish."""


UPLOADED: Final = "document_uploaded"


@dataclass(frozen=True)
class Uploader:
    """Who brings a file and when, with the key that signs."""

    by: int
    at: datetime
    signer: Signer


@dataclass(frozen=True)
class StoredFile:
    """A file on the disk under its hash."""

    sha256: str
    size: int


@dataclass(frozen=True)
class ReceivedFile:
    """A stored file with the name and the media type it was found to have."""

    stored: StoredFile
    name: str
    media_type: str


def path_of(files: Path, sha256: str) -> Path:
    """Return where the file of that hash lies: `files/ab/cdef…`."""
    return files / sha256[:2] / sha256[2:]


def receive_file(files: Path, stream: BinaryIO, *, name: str, limit: int) -> ReceivedFile:
    """Check and store an uploaded file; what is refused leaves nothing behind.

    Raises:
        TooLarge: more than `limit` bytes.
        InvalidInput: empty, or not what its name says.
        Unavailable: the disk is full or does not answer.
    """
    shown = safe_name(name)
    kinds: list[str] = []

    def check(path: Path) -> None:
        with path.open("rb") as file:
            kinds.append(check_kind(shown, file.read(HEAD_BYTES)))
        check_content(path, kinds[0])

    stored = store_file(files, stream, limit=limit, check=check)
    return ReceivedFile(stored=stored, name=shown, media_type=kinds[0])


def store_file(
    files: Path, stream: BinaryIO, *, limit: int, check: Callable[[Path], None] | None = None
) -> StoredFile:
    """Store a stream of at most `limit` bytes under its hash; the same bytes are stored once.

    It is written beside, forced to the disk, looked at by `check`, and only then moved to its
    place, so that a file under a hash is always whole.

    Raises:
        TooLarge: more than `limit` bytes.
        InvalidInput: empty, or refused by `check`.
        Unavailable: the disk is full or does not answer.
    """
    with _disk(), _incoming(files) as (path, file):
        stored = _copy(stream, file, limit=limit)
        if check is not None:
            check(path)
        _adopt(path, path_of(files, stored.sha256))
    return stored


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"文件没有保存：{error.strerror or error}。请稍后重试。") from error


@contextmanager
def _incoming(files: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Yield a fresh file that is gone afterwards unless it was moved away."""
    folder = files / INCOMING
    folder.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=folder)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


def _copy(stream: BinaryIO, file: BinaryIO, *, limit: int) -> StoredFile:
    digest, size = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            message = f"文件超过 {limit} 字节的上限"
            raise TooLarge(f"{message}。", fields={"file": message})
        digest.update(chunk)
        _write_all(file, chunk)
    if size == 0:
        raise InvalidInput("文件是空的。", fields={"file": "文件是空的"})
    os.fsync(file.fileno())
    return StoredFile(sha256=digest.hexdigest(), size=size)


def _write_all(file: BinaryIO, chunk: bytes) -> None:
    """Write every byte; a disk that is nearly full takes a part first and then refuses."""
    rest = memoryview(chunk)
    while rest:
        rest = rest[file.write(rest) :]


def _adopt(path: Path, target: Path) -> None:
    """Move a whole file to its place and make the move itself durable."""
    target.parent.mkdir(parents=True, exist_ok=True)
    path.chmod(0o440)
    path.replace(target)
    for folder in (target.parent, target.parent.parent):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def upload(
    session: Session, case: tuple[int, str], hand: Uploader, *, kind: str, received: ReceivedFile,
    allowed_kinds: Collection[str], ids: PublicIds,
) -> Document:  # fmt: skip
    """Put a file to a case (id, number) by hand of a person, in whose history it is an event.

    A paper moves no case: its version stays, and its hash comes into the case's own history with
    the act that asks for complete papers.

    Raises:
        As `attach`.
    """
    case_id, number = case
    row = attach(
        session, case_id, kind=kind, received=received, by=hand.by, at=hand.at,
        allowed_kinds=allowed_kinds, ids=ids,
    )  # fmt: skip
    payload = {"case": number, "document": row.public_id, "kind": kind, "sha256": row.sha256}
    append(
        session, stream=hand.by, name=UPLOADED, actor_id=hand.by, payload=payload, at=hand.at,
        signer=hand.signer,
    )  # fmt: skip
    return row


def attach(
    session: Session,
    case_id: int,
    *,
    kind: str,
    received: ReceivedFile,
    by: int,
    at: datetime,
    allowed_kinds: Collection[str],
    ids: PublicIds,
) -> Document:
    """Put a stored file to a case under a kind of its checklist; it replaces the one before.

    The case's row is locked, so of two uploads at once exactly one is current in the end.


    Raises:
        InvalidInput: `kind` is not on the checklist of the case's measure.
        NotFound: there is no such case.
    """
    if kind not in allowed_kinds:
        message = f"{kind!r} 不在本条款的材料清单中；可用：{'、'.join(sorted(allowed_kinds))}"
        raise InvalidInput(f"{message}。", fields={"kind": message})
    lock = text('SELECT id FROM "case" WHERE id = :id FOR NO KEY UPDATE')
    if session.execute(lock, {"id": case_id}).scalar_one_or_none() is None:
        raise NotFound(f"没有编号为 {case_id} 的办件。")
    session.execute(
        update(Document)
        .where(Document.case_id == case_id, Document.kind == kind, Document.replaced.is_(False))
        .values(replaced=True)
    )
    document = Document(
        case_id=case_id,
        public_id=ids.new(),
        kind=kind,
        name=received.name,
        media_type=received.media_type,
        size=received.stored.size,
        sha256=received.stored.sha256,
        uploaded_by=by,
        uploaded_at=at,
        replaced=False,
    )
    session.add(document)
    session.flush()
    return document
