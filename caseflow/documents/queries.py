"""What can be asked of documents: a case's checklist, its files, and where their bytes lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.documents.models import Document
from caseflow.documents.service import path_of
from caseflow.kernel.errors import NotFound, Unavailable


@dataclass(frozen=True)
class ChecklistItem:
    """One kind of document a measure asks for, and the file that is there for it, if any."""

    kind: str
    title: str
    required: bool
    present: bool
    public_id: str | None = None
    name: str | None = None
    media_type: str | None = None
    size: int | None = None
    uploaded_at: datetime | None = None


def checklist(
    session: Session, case_id: int, documents: Sequence[Mapping[str, Any]]
) -> list[ChecklistItem]:
    """Return the measure's list (`documents`: kind, title, required) with what the case has."""
    found = {document.kind: document for document in current_documents(session, case_id)}
    return [_item(entry, found.get(entry["kind"])) for entry in documents]


def _item(entry: Mapping[str, Any], document: Document | None) -> ChecklistItem:
    kind, title, required = entry["kind"], entry["title"], bool(entry.get("required", False))
    if document is None:
        return ChecklistItem(kind=kind, title=title, required=required, present=False)
    return ChecklistItem(
        kind=kind,
        title=title,
        required=required,
        present=True,
        public_id=document.public_id,
        name=document.name,
        media_type=document.media_type,
        size=document.size,
        uploaded_at=document.uploaded_at,
    )


def current_documents(session: Session, case_id: int) -> list[Document]:
    """Return a case's files that no newer one has replaced, by kind."""
    query = select(Document).where(Document.case_id == case_id, Document.replaced.is_(False))
    return list(session.scalars(query.order_by(Document.kind, Document.id)))


def all_documents(session: Session, case_id: int) -> list[Document]:
    """Return every file a case ever had, in the order they came."""
    query = select(Document).where(Document.case_id == case_id)
    return list(session.scalars(query.order_by(Document.id)))


def find_document(session: Session, case_id: int, public_id: str) -> Document:
    """Return a file of a case, replaced or not.

    Raises:
        NotFound: the case has no such file.
    """
    query = select(Document).where(Document.case_id == case_id, Document.public_id == public_id)
    document = session.scalars(query).one_or_none()
    if document is None:
        raise NotFound(f"办件没有材料 {public_id!r}。")
    return document


def open_file(files: Path, document: Document) -> Path:
    """Return where a document's bytes lie.

    Raises:
        Unavailable: the file is gone or has another size than was stored.
    """
    return stored_file(files, document.sha256, size=document.size, name=document.name)


def stored_file(files: Path, sha256: str, *, size: int, name: str) -> Path:
    """Return where the bytes under a hash lie.

    Raises:
        Unavailable: the file is gone or has another size than was stored.
    """
    path = path_of(files, sha256)
    if not path.is_file() or path.stat().st_size != size:
        raise Unavailable(f"材料 {name}（{sha256[:12]}…）的文件缺失或已损坏。")
    return path
