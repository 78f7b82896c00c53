"""Making a formal document, writing its files, delivering it (送达): each a use case."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as insert_or_leave
from sqlalchemy.orm import Session

from caseflow.database.ids import PublicIds
from caseflow.documents.letters.fonts import Font, chinese_font
from caseflow.documents.letters.kinds import LetterBook, LetterKind
from caseflow.documents.letters.models import (
    METHODS,
    Letter,
    LetterDelivery,
    LetterFile,
    LetterMark,
)
from caseflow.documents.letters.rendering import FORMATS, docx_of, letter_of, pdf_of
from caseflow.documents.letters.words import FACTS, blocks_of, masked
from caseflow.documents.service import store_file
from caseflow.history import service as history
from caseflow.history.part import Signer
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput

LARGEST_FILE: Final = 20 * 1024 * 1024
UNMASKED: Final = frozenset({"phone", "identifier", "clause"})
"""Facts that are no private person's: an office's telephone, a credit code or what is masked
already, the words of the law."""


@dataclass(frozen=True)
class Press:
    """Where documents are written: their kinds, the file store, where fonts are looked for."""

    book: LetterBook
    files: Path
    font_folders: tuple[Path, ...] | None = None

    def font(self) -> Font:
        """Return the Chinese font to write with.

        Raises:
            Unavailable: there is none; the message names the packages that bring one.
        """
        return chinese_font(self.font_folders)


@dataclass(frozen=True)
class Hand:
    """Who does it and when, with the key that signs and the source of public ids."""

    person_id: int
    at: datetime
    signer: Signer
    ids: PublicIds


@dataclass(frozen=True)
class Draft:
    """A document before it has its number: what it rests on, who issues it, what it says."""

    kind: LetterKind
    stream: int
    seq: int
    issuer_id: int
    office: str
    facts: Mapping[str, Any]
    addressee_id: int | None = None


def make_letter(session: Session, draft: Draft, hand: Hand) -> Letter:
    """Give the document its number; asked for again, return the one that was made.

    Raises:
        InvalidInput: an obligatory text is missing; `fields` names each.
    """
    key = (Letter.kind == draft.kind.letter, Letter.stream == draft.stream, Letter.seq == draft.seq)
    made = session.scalars(select(Letter).where(*key)).one_or_none()
    if made is not None:
        return made
    dated_on = local_date(hand.at)
    facts = {**_clean(draft.facts), "dated_on": dated_on.isoformat()}
    _refuse_incomplete(draft.kind, facts)
    about = "case_id" if draft.addressee_id is not None else "publicity_id"
    row = {
        "public_id": hand.ids.new(),
        "kind": draft.kind.letter,
        about: draft.stream,
        "organisation_id": draft.issuer_id,
        "addressee_id": draft.addressee_id,
        "word": f"{draft.office}{draft.kind.word}",
        "year": dated_on.year,
        "dated_on": dated_on,
        "stream": draft.stream,
        "seq": draft.seq,
        "facts": facts,
        "made_by": hand.person_id,
        "made_at": hand.at,
    }
    letter = session.scalars(insert(Letter).values(row).returning(Letter)).one()
    _record(session, letter.id, "letter_made", hand, number=letter.number, kind=letter.kind)
    return letter


def _clean(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that say something, without anybody's private numbers."""
    return {
        name: value if name in UNMASKED else _without_private_numbers(value)
        for name, value in facts.items()
        if value not in (None, "", [], ())
    }


def _without_private_numbers(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {name: _without_private_numbers(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_private_numbers(each) for each in value]
    return value


def _refuse_incomplete(kind: LetterKind, facts: Mapping[str, Any]) -> None:
    missing = [name for name in kind.requires if not _says_something(facts.get(name))]
    if missing:
        titles = "、".join(FACTS[name] for name in missing)
        told = {name: f"“{kind.title}”须载明{FACTS[name]}" for name in missing}
        raise InvalidInput(f"“{kind.title}”缺少必须载明的内容：{titles}。", fields=told)


def _says_something(value: Any) -> bool:
    return bool(value.strip()) if isinstance(value, str) else value not in (None, [], ())


def write_files(session: Session, letter: Letter, press: Press) -> dict[str, LetterFile]:
    """Return the document's files by format, writing and storing those that are not there yet.

    The first file holds: the same facts, form and font give the same bytes, so that whoever
    writes at the same time, or after a crash, writes the same.

    Raises:
        Unavailable: no Chinese font, a layout that cannot be used, or a full disk.
    """
    found = files_of(session, letter)
    for name in FORMATS:
        if name not in found:
            row = {"letter_id": letter.id, "format": name, **_written(letter, name, press)}
            session.execute(insert_or_leave(LetterFile).values(row).on_conflict_do_nothing())
    return found if len(found) == len(FORMATS) else files_of(session, letter)


def files_of(session: Session, letter: Letter) -> dict[str, LetterFile]:
    """Return the files of a document that are stored, by format."""
    rows = session.scalars(select(LetterFile).where(LetterFile.letter_id == letter.id))
    return {row.format: row for row in rows}


def _written(letter: Letter, name: str, press: Press) -> dict[str, Any]:
    content, font = content_of(letter, name, press)
    stored = store_file(press.files, io.BytesIO(content), limit=LARGEST_FILE)
    form = press.book.form_sha256(press.book.kind(letter.kind))
    return {"sha256": stored.sha256, "size": stored.size, "form_sha256": form, "font": font}


def content_of(letter: Letter, name: str, press: Press) -> tuple[bytes, str | None]:
    """Return a document's bytes in a format, and the family of the font that is embedded.

    Raises:
        Unavailable: no Chinese font, or a layout that cannot be used.
    """
    kind = press.book.kind(letter.kind)
    shown = letter_of(
        kind.title,
        letter.number,
        issuer=letter.facts["issuer"],
        dated_on=letter.dated_on,
        blocks=blocks_of(kind.text, letter.facts),
    )
    if name == "docx":
        return docx_of(shown, press.book.folder), None
    font = press.font()
    return pdf_of(shown, press.book.folder, font=font, dated_on=letter.dated_on), font.family


@dataclass(frozen=True)
class Sending:
    """How a document goes to its addressee; `consent`: when and how e-delivery was agreed to.

    `sent_at`, `arrived_at` and `read_at` are known afterwards for paper; into the inbox a
    document arrives as it is sent.
    """

    method: str
    consent: str | None = None
    receiver: str | None = None
    sent_at: datetime | None = None
    arrived_at: datetime | None = None
    read_at: datetime | None = None


def deliver(session: Session, letter: Letter, sending: Sending, hand: Hand) -> LetterDelivery:
    """Record that a document was sent, and what is known of its arrival.

    Raises:
        InvalidInput: an unknown method, e-delivery without consent, instants out of order or in
            the future.
    """
    sent_at = sending.sent_at or hand.at
    arrived_at = sent_at if sending.method == "inbox" else sending.arrived_at
    known = [at for at in (sent_at, arrived_at, sending.read_at) if at is not None]
    _check(sending, known, hand.at)
    row = {
        "public_id": hand.ids.new(),
        "letter_id": letter.id,
        "method": sending.method,
        "consent": masked(sending.consent) if sending.consent else None,
        "receiver": sending.receiver,
        "sent_at": sent_at,
        "sent_by": hand.person_id,
    }
    delivery = session.scalars(insert(LetterDelivery).values(row).returning(LetterDelivery)).one()
    said = {"delivery": delivery.public_id, "method": delivery.method}
    _record(session, letter.id, "letter_sent", hand, **said, sent_at=sent_at.isoformat())
    for name, at in (("arrived", arrived_at), ("read", sending.read_at)):
        if at is not None:
            mark(session, delivery, name, at=at, hand=hand)
    return delivery


def _check(sending: Sending, known: list[datetime], now: datetime) -> None:
    problems = {}
    if sending.method not in METHODS:
        problems["method"] = f"须为 {'、'.join(METHODS)} 之一"
    elif sending.method != "paper" and not (sending.consent or "").strip():
        problems["consent"] = "电子送达须记载受送达人的同意（何时、以何种方式）"
    if sending.read_at is not None and len(known) < len(("sent", "arrived", "read")):
        problems["arrived_at"] = "阅知（签收）前须先到达"
    if known != sorted(known) or known[-1] > now:
        problems["sent_at"] = "发出、到达、阅知须依次发生，且不得在将来"
    if problems:
        raise InvalidInput("送达记录有误。", fields=problems)


def mark(
    session: Session, delivery: LetterDelivery, name: str, *, at: datetime, hand: Hand
) -> bool:
    """Record that a delivery arrived or was read, once; return whether it was news.

    Raises:
        Conflict (by the session): read before it arrived, or before it was sent.
    """
    row = {"delivery_id": delivery.id, "mark": name, "at": at, "recorded_by": hand.person_id}
    statement = insert_or_leave(LetterMark).values(row).on_conflict_do_nothing()
    is_news = bool(session.scalar(statement.returning(LetterMark.mark)))
    if is_news:
        said = {"delivery": delivery.public_id, "at": at.isoformat()}
        _record(session, delivery.letter_id, f"letter_{name}", hand, **said)
    return is_news


def open_by_addressee(session: Session, deliveries: Iterable[LetterDelivery], hand: Hand) -> None:
    """Record that the addressee opened the document here: what came electronically is read now."""
    for delivery in deliveries:
        if delivery.method != "paper":
            mark(session, delivery, "arrived", at=hand.at, hand=hand)
            mark(session, delivery, "read", at=hand.at, hand=hand)


def _record(session: Session, letter_id: int, name: str, hand: Hand, **payload: Any) -> None:
    """Append to the document's own stream, so that its delivery is chained and signed too."""
    history.append(
        session,
        stream=letter_id,
        name=name,
        actor_id=hand.person_id,
        payload=payload,
        at=hand.at,
        signer=hand.signer,
    )
