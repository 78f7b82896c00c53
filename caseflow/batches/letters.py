"""Formal documents that reach people: the public notice of a publicity, telling of a delivery."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.batches.announcements import Announcement, Places, tell
from caseflow.batches.models import Publicity
from caseflow.batches.publicity import PublicityView, publicity
from caseflow.cases.letter_facts import full_title
from caseflow.cases.letters import (
    OpenedFile,
    Wanted,
    asked_texts,
    deliver_letter,
    finish,
    hand_of,
    once,
    opened,
)
from caseflow.cases.models import Case
from caseflow.cases.service import Cases
from caseflow.documents.letters.kinds import PUBLICITY, LetterKind
from caseflow.documents.letters.models import Letter
from caseflow.documents.letters.queries import LetterView, find_letter
from caseflow.documents.letters.service import Draft, Press, Sending, make_letter, write_files
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import NotAllowed, NotFound
from caseflow.kernel.workflow.vocabulary import SEATS

SENT: Final = "letter_sent"
OPENED: Final = 1
"""The event of a publicity's stream that its notice rests on: its opening."""


def make_notice(
    cases: Cases, press: Press, actor: Actor, *, public_id: str, wanted: Wanted, at: datetime
) -> LetterView:
    """Number the notice of a publicity and write its files; asked for again, return the same one.

    Raises:
        NotFound: no such publicity or kind. NotAllowed: not the handler of the bureau.
        InvalidInput: an obligatory text is missing. Unavailable: no Chinese font.
    """
    press.font()
    kind = press.book.kind(wanted.kind, PUBLICITY)
    texts = asked_texts(kind, wanted.texts)
    view = publicity(cases, public_id)

    def number() -> str:
        with cases.database.session() as session:
            row = session.get_one(Publicity, view.id)
            _refuse_stranger(actor, kind, row)
            bureau = session.get_one(Organisation, row.organisation_id)
            facts = {**texts, **_facts(view), "issuer": full_title(session, bureau)}
            draft = Draft(
                kind=kind,
                stream=row.id,
                seq=OPENED,
                issuer_id=bureau.id,
                office=press.book.offices.get(bureau.code or "", bureau.title),
                facts=facts,
            )
            return make_letter(session, draft, hand_of(cases, actor, at)).public_id

    return finish(cases, press, once(number))


def _refuse_stranger(actor: Actor, kind: LetterKind, row: Publicity) -> None:
    seats = [SEATS[seat] for seat in kind.by]
    if not any(actor.holds(row.organisation_id, seat.role) for seat in seats):
        titles = "、".join(seat.title for seat in seats)
        raise NotAllowed(f"“{kind.title}”须由 {titles} 制作，您不在该席位。")


def _facts(view: PublicityView) -> Mapping[str, Any]:
    return {
        "title": view.title,
        "basis": view.basis,
        "cases": [
            {
                "number": each.number,
                "applicant": each.applicant,
                "title": each.title,
                "measure": each.measure,
                "fen": each.fen,
                "territory": each.territory,
            }
            for each in view.cases
        ],
        "starts_on": view.starts_on.isoformat(),
        "ends_on": view.ends_on.isoformat(),
        "working_days": view.working_days,
        "provisional": view.provisional or None,
    }


def open_notice(cases: Cases, press: Press, *, public_id: str, form: str) -> OpenedFile:
    """Return the file of a publicity's notice, for anybody.

    Raises:
        NotFound: no such publicity, or its notice is not made yet.
    """
    view = publicity(cases, public_id)
    with cases.database.session() as session:
        query = select(Letter).where(Letter.publicity_id == view.id).order_by(Letter.id)
        letter = session.scalars(query).first()
        if letter is None:
            raise NotFound(f"公示 {public_id!r} 的公告尚未制作。")
        return opened(letter, write_files(session, letter, press)[form], press)


def send_letter(
    cases: Cases, press: Press, actor: Actor, *, public_id: str, sending: Sending, at: datetime
) -> LetterView:
    """Record a delivery by the issuer; of an electronic one the addressee's people are told.

    Raises:
        NotFound, NotAllowed, InvalidInput: see `cases.letters.deliver_letter`.
    """
    with cases.database.session() as session:
        hand = hand_of(cases, actor, at)
        view = deliver_letter(session, actor, public_id, sending, press=press, hand=hand)
        if sending.method != "paper":
            _tell(session, cases, press, find_letter(session, public_id), view=view, at=at)
        return view


def _tell(
    session: Session, cases: Cases, press: Press, letter: Letter, *, view: LetterView, at: datetime
) -> None:
    """Tell everybody who acts for the addressee: once for each sending."""
    case = session.get_one(Case, letter.case_id)
    facts = {
        "number": case.number,
        "applicant": letter.facts["addressee"],
        "bureau": letter.facts["issuer"],
        "letter_title": view.title,
        "letter_number": view.number,
        "letter_remedy": "remedy" in press.book.kind(letter.kind).requires,
    }
    news = Announcement(view.deliveries[-1].public_id, local_date(at), facts, at)
    for rule in cases.office.notices.for_trigger(SENT):
        roles = [SEATS[seat].role for seat in rule.seats if SEATS[seat].party == "applicant"]
        places: Places = [
            {"case_id": case.id, "organisation_id": letter.addressee_id, "role": role}
            for role in roles
        ]
        tell(session, rule, places, news)
