"""What can be asked of formal documents: lists, where their bytes lie, delivery and remedies."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from caseflow.documents.letters.kinds import LetterBook
from caseflow.documents.letters.models import Letter, LetterDelivery, LetterFile, LetterMark
from caseflow.documents.service import path_of
from caseflow.kernel.calendar import Calendar, local_date
from caseflow.kernel.errors import NotFound, Unavailable

RECONSIDERATION_DAYS: Final = 60
"""行政复议法 20: natural days from knowing of the act."""
LITIGATION_MONTHS: Final = 6
"""行政诉讼法 46: months from knowing of the act."""


@dataclass(frozen=True)
class DeliveryView:
    """One sending of a document, and when it arrived and was read."""

    public_id: str
    method: str
    consent: str | None
    receiver: str | None
    sent_at: datetime
    arrived_at: datetime | None
    read_at: datetime | None


@dataclass(frozen=True)
class LetterView:
    """A document, its files by hash and its deliveries; the remedies run from `delivered_on`.

    `issued`: it has been sent. The hashes are missing until the files are written.
    """

    public_id: str
    kind: str
    title: str
    number: str
    dated_on: date
    version: int
    issued: bool
    pdf_sha256: str | None
    docx_sha256: str | None
    deliveries: tuple[DeliveryView, ...]
    delivered_on: date | None
    reconsideration_until: date | None
    litigation_until: date | None


def find_letter(session: Session, public_id: str) -> Letter:
    """Return a document by its public id; the caller sees to who may see it.

    Raises:
        NotFound: there is none.
    """
    found = session.scalars(select(Letter).where(Letter.public_id == public_id)).one_or_none()
    if found is None:
        raise NotFound(f"没有文书 {public_id!r}。")
    return found


def find_delivery(session: Session, letter: Letter, public_id: str) -> LetterDelivery:
    """Return a delivery of a document.

    Raises:
        NotFound: the document has none of that id.
    """
    query = select(LetterDelivery).where(
        LetterDelivery.letter_id == letter.id, LetterDelivery.public_id == public_id
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"文书 {letter.number} 没有送达记录 {public_id!r}。")
    return found


def is_issued() -> ColumnElement[bool]:
    """Return the condition that a document has been sent to its addressee."""
    return exists().where(LetterDelivery.letter_id == Letter.id)


def deliveries_of(session: Session, letter: Letter) -> list[LetterDelivery]:
    """Return the deliveries of a document, the oldest first."""
    query = select(LetterDelivery).where(LetterDelivery.letter_id == letter.id)
    return list(session.scalars(query.order_by(LetterDelivery.id)))


def letter_view(
    session: Session, letter: Letter, *, book: LetterBook, calendar: Calendar
) -> LetterView:
    """Return a document as its readers see it."""
    deliveries = _delivery_views(session, letter)
    kind = book.kinds.get(letter.kind)
    delivered_on = _delivered_on(deliveries)
    until = (
        _remedies(delivered_on, calendar) if kind and "remedy" in kind.requires else (None, None)
    )
    hashes = _hashes(session, letter)
    return LetterView(
        public_id=letter.public_id,
        kind=letter.kind,
        title=kind.title if kind else letter.kind,
        number=letter.number,
        dated_on=letter.dated_on,
        version=letter.seq,
        issued=bool(deliveries),
        pdf_sha256=hashes.get("pdf"),
        docx_sha256=hashes.get("docx"),
        deliveries=deliveries,
        delivered_on=delivered_on,
        reconsideration_until=until[0],
        litigation_until=until[1],
    )


def _hashes(session: Session, letter: Letter) -> dict[str, str]:
    query = select(LetterFile.format, LetterFile.sha256).where(LetterFile.letter_id == letter.id)
    return {row.format: row.sha256 for row in session.execute(query)}


def _delivery_views(session: Session, letter: Letter) -> tuple[DeliveryView, ...]:
    deliveries = deliveries_of(session, letter)
    query = select(LetterMark).where(LetterMark.delivery_id.in_([each.id for each in deliveries]))
    marks = {(row.delivery_id, row.mark): row.at for row in session.scalars(query)}
    return tuple(
        DeliveryView(
            public_id=each.public_id,
            method=each.method,
            consent=each.consent,
            receiver=each.receiver,
            sent_at=each.sent_at,
            arrived_at=marks.get((each.id, "arrived")),
            read_at=marks.get((each.id, "read")),
        )
        for each in deliveries
    )


def _delivered_on(deliveries: Sequence[DeliveryView]) -> date | None:
    """Return the day of delivery: the first arrival. Source: 民事诉讼法 87、90 (参照)."""
    arrivals = [each.arrived_at for each in deliveries if each.arrived_at is not None]
    return local_date(min(arrivals)) if arrivals else None


def _remedies(delivered_on: date | None, calendar: Calendar) -> tuple[date | None, date | None]:
    """Return the last days of 行政复议 and 行政诉讼; the day of delivery is not counted."""
    if delivered_on is None:
        return None, None
    reconsideration = calendar.project(delivered_on, RECONSIDERATION_DAYS, "days")
    litigation = calendar.project(delivered_on, LITIGATION_MONTHS, "months")
    return reconsideration.on, litigation.on


def path_of_file(files: Path, letter: Letter, file: LetterFile) -> Path:
    """Return where a document's file lies.

    Raises:
        Unavailable: the file is gone or has another size than was stored.
    """
    path = path_of(files, file.sha256)
    if not path.is_file() or path.stat().st_size != file.size:
        raise Unavailable(f"文书 {letter.number} 的文件 {file.sha256[:12]}… 缺失或已损坏。")
    return path
