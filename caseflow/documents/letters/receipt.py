"""The receipt of delivery (送达回证): a form filled with what is known of a document's delivery."""

from datetime import date, datetime
from typing import Any, Final

from caseflow.documents.letters.kinds import RECEIPT
from caseflow.documents.letters.queries import DeliveryView, LetterView
from caseflow.documents.letters.rendering import docx_of, instant_in_words, letter_of, pdf_of
from caseflow.documents.letters.service import Press
from caseflow.documents.letters.words import blocks_of
from caseflow.kernel.calendar import SHANGHAI

METHOD_TITLES: Final = {
    "inbox": "电子送达（系统）",
    "email": "电子送达（电子邮件）",
    "paper": "纸质送达",
}


def receipt_of(
    view: LetterView, *, addressee: str, issuer: str, press: Press, form: str, dated_on: date
) -> bytes:
    """Return the receipt of a document's deliveries as PDF or DOCX; without any, a blank form.

    Raises:
        Unavailable: no Chinese font, or a layout that cannot be used.
    """
    kind = press.book.kind(RECEIPT, RECEIPT)
    facts = {
        "letter_title": view.title,
        "letter_number": view.number,
        "addressee": addressee,
        "issuer": issuer,
        "deliveries": [_delivery(each) for each in view.deliveries],
    }
    blocks = blocks_of(kind.text, facts)
    shown = letter_of(kind.title, "", issuer=issuer, dated_on=dated_on, blocks=blocks)
    if form == "docx":
        return docx_of(shown, press.book.folder)
    return pdf_of(shown, press.book.folder, font=press.font(), dated_on=dated_on)


def _delivery(each: DeliveryView) -> dict[str, Any]:
    return {
        "method": METHOD_TITLES[each.method],
        "consent": each.consent,
        "receiver": each.receiver,
        "sent": _told(each.sent_at),
        "arrived": _told(each.arrived_at),
        "read": _told(each.read_at),
    }


def _told(at: datetime | None) -> str | None:
    return instant_in_words(at.astimezone(SHANGHAI)) if at else None
