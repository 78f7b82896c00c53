"""Formal documents (文书) of cases: making, listing, opening and delivering them, as somebody."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, select, true
from sqlalchemy.orm import Session

from caseflow.cases.letter_facts import Ground, facts_of_case, full_title, ground_of
from caseflow.cases.models import Case
from caseflow.cases.queries import APPLICANT, AUDITOR, OFFICIAL_ROLES, find_case, visible_cases
from caseflow.cases.service import Cases
from caseflow.deadlines.queries import load_calendar
from caseflow.documents.letters.kinds import CASE, LetterKind, load_letters
from caseflow.documents.letters.models import Letter, LetterFile
from caseflow.documents.letters.queries import (
    LetterView,
    deliveries_of,
    find_delivery,
    find_letter,
    is_issued,
    letter_view,
    path_of_file,
)
from caseflow.documents.letters.receipt import receipt_of
from caseflow.documents.letters.service import (
    Draft,
    Hand,
    Press,
    Sending,
    deliver,
    make_letter,
    mark,
    open_by_addressee,
    write_files,
)
from caseflow.identity.models import Organisation
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound
from caseflow.kernel.workflow.vocabulary import SEATS
from caseflow.settings import Settings

LETTERS: Final = Path("notifications", "letters")
MAX_PAGE: Final = 200

_letter_book = cache(load_letters)
"""A process reads a folder of kinds once."""


@dataclass(frozen=True)
class Wanted:
    """Which document is asked for: its kind, what is added to it, the event it rests on.

    `version` None: the last event of the case that makes such a document.
    """

    kind: str
    texts: Mapping[str, str] = field(default_factory=dict)
    version: int | None = None


@dataclass(frozen=True)
class LetterPage:
    """Documents, the newest first; `next` is given back as `after`, None on the last page."""

    items: tuple[LetterView, ...]
    next: str | None


@dataclass(frozen=True)
class OpenedFile:
    """A document's file as it is sent to a reader."""

    name: str
    path: Path
    sha256: str

    @property
    def form(self) -> str:
        """Return the format, as in the name's extension."""
        return self.name.rpartition(".")[2]


def press_of(settings: Settings, root: Path) -> Press:
    """Return the press of a house: kinds from `root`, files in the house's store."""
    return Press(book=_letter_book(root / LETTERS), files=settings.files)


def hand_of(cases: Cases, actor: Actor, at: datetime) -> Hand:
    """Return the hand of somebody who makes or delivers documents."""
    return Hand(actor.id, at, cases.office.signer, cases.ids)


def make_case_letter(
    cases: Cases, press: Press, actor: Actor, *, case: str, wanted: Wanted, at: datetime
) -> LetterView:
    """Number a document of the case and write its files; asked for again, return the same one.

    The number is given in a short transaction of its own; a file that is lost on the way is
    written when the document is opened.

    Raises:
        NotFound: no such case or kind. NotAllowed: not in a seat that makes it.
        InvalidInput: no event makes it, or an obligatory text is missing.
        Unavailable: no Chinese font; no number is taken.
    """
    press.font()
    kind = press.book.kind(wanted.kind, CASE)
    texts = asked_texts(kind, wanted.texts)

    def number() -> str:
        with cases.database.session() as session:
            found = find_case(session, actor, case)
            ground = _ground(session, cases, found, kind, wanted.version)
            party = issuing_party(kind, ground)
            _refuse_stranger(actor, kind, found, party)
            draft = _draft(session, press, ground, kind, party=party, texts=texts)
            return make_letter(session, draft, hand_of(cases, actor, at)).public_id

    return finish(cases, press, once(number))


def once(number: Callable[[], str]) -> str:
    """Return the document that `number` makes, or the one that was made at the same time."""
    try:
        return number()
    except Conflict:  # the key of kind and event was taken meanwhile: now it is found
        return number()


def finish(cases: Cases, press: Press, public_id: str) -> LetterView:
    """Write the files of a numbered document where they are not yet, and return it."""
    with cases.database.session() as session:
        letter = find_letter(session, public_id)
        write_files(session, letter, press)
        return view_of(session, letter, press)


def view_of(session: Session, letter: Letter, press: Press) -> LetterView:
    """Return a document as its readers see it."""
    return letter_view(session, letter, book=press.book, calendar=load_calendar(session))


def _ground(
    session: Session, cases: Cases, case: Case, kind: LetterKind, version: int | None
) -> Ground:
    driver = session.connection().connection.driver_connection
    workflow = cases.pinned.runner(driver, case.workflow_hash).workflow
    measure = cases.pinned.measure(driver, case.measure_version_id)
    return ground_of(session, case, kind, workflow=workflow, measure=measure, version=version)


def asked_texts(kind: LetterKind, texts: Mapping[str, str]) -> Mapping[str, str]:
    """Return the texts that the maker adds, which the kind must ask for.

    Raises:
        InvalidInput: a text that the kind does not ask for.
    """
    unknown = dict.fromkeys(texts.keys() - set(kind.asks), f"“{kind.title}”不需要补充此项")
    if unknown:
        raise InvalidInput(f"“{kind.title}”只可补充：{'、'.join(kind.asks)}。", fields=unknown)
    return texts


def issuing_party(kind: LetterKind, ground: Ground) -> str:
    """Return the party that issues: the event's own where it may, else the first that may."""
    parties = [SEATS[seat].party for seat in kind.by if SEATS[seat].party in ground.case.parties]
    acted = SEATS[ground.event.seat].party if ground.event.seat in SEATS else None
    if acted in parties:
        return str(acted)
    if not parties:
        raise InvalidInput(f"办件 {ground.case.number} 没有可制作“{kind.title}”的单位。")
    return parties[0]


def _refuse_stranger(actor: Actor, kind: LetterKind, case: Case, party: str) -> None:
    seats = [SEATS[seat] for seat in kind.by if SEATS[seat].party == party]
    if not any(actor.holds(case.parties[party], seat.role) for seat in seats):
        titles = "、".join(seat.title for seat in seats)
        raise NotAllowed(f"“{kind.title}”须由 {titles} 制作和送达，您不在该席位。")


def _draft(
    session: Session,
    press: Press,
    ground: Ground,
    kind: LetterKind,
    *,
    party: str,
    texts: Mapping[str, str],
) -> Draft:
    issuer = session.get_one(Organisation, ground.case.parties[party])
    told = {name: value for name, value in facts_of_case(session, ground, kind).items() if value}
    return Draft(
        kind=kind,
        stream=ground.case.id,
        seq=ground.event.seq,
        issuer_id=issuer.id,
        office=press.book.offices.get(issuer.code or "", issuer.title),
        facts={"issuer": full_title(session, issuer), **texts, **told},
        addressee_id=ground.case.applicant_id,
    )


def case_letters(
    session: Session,
    actor: Actor,
    case: str,
    *,
    press: Press,
    after: str | None = None,
    limit: int = 50,
) -> LetterPage:
    """Return the documents of a case that the actor may see.

    Raises:
        NotFound: there is no case, or no document `after`, that the actor may see.
    """
    found = find_case(session, actor, case)
    query = select(Letter).where(Letter.case_id == found.id, _shown_to(actor))
    if after is not None:
        query = query.where(Letter.id < find_letter(session, after).id)
    size = max(1, min(limit, MAX_PAGE))
    rows = session.scalars(query.order_by(Letter.id.desc()).limit(size + 1)).all()
    items = tuple(view_of(session, row, press) for row in rows[:size])
    return LetterPage(items, items[-1].public_id if len(rows) > size else None)


def _shown_to(actor: Actor) -> ColumnElement[bool]:
    """Return which documents of a visible case are shown: to outsiders those sent to them."""
    roles = {each.role for each in actor.assignments}
    if roles & OFFICIAL_ROLES or AUDITOR in roles:
        return true()
    own = [each.organisation_id for each in actor.assignments if each.role == APPLICANT]
    return and_(is_issued(), Letter.addressee_id.in_(own))


def visible_letter(session: Session, actor: Actor, public_id: str) -> Letter:
    """Return a document that the actor may see: of a visible case, or of a publicity.

    Raises:
        NotFound: there is none, or none that the actor may see; the two are not told apart.
    """
    letter = find_letter(session, public_id)
    if letter.case_id is None:
        return letter
    of_case = select(Case.id).where(Case.id == letter.case_id, visible_cases(actor))
    query = select(Letter).where(
        Letter.id == letter.id, Letter.case_id.in_(of_case), _shown_to(actor)
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"没有文书 {public_id!r}。")
    return found


def open_letter(
    session: Session, actor: Actor, public_id: str, *, form: str, press: Press, hand: Hand
) -> OpenedFile:
    """Return a document's file; the addressee's opening it is recorded as having read it.

    Raises:
        NotFound: there is none that the actor may see. Unavailable: it cannot be written or read.
    """
    letter = visible_letter(session, actor, public_id)
    if letter.addressee_id is not None and actor.holds(letter.addressee_id, APPLICANT):
        open_by_addressee(session, deliveries_of(session, letter), hand)
    return opened(letter, write_files(session, letter, press)[form], press)


def opened(letter: Letter, file: LetterFile, press: Press) -> OpenedFile:
    """Return a stored file under the name a reader saves it by."""
    path = path_of_file(press.files, letter, file)
    kind = press.book.kinds.get(letter.kind)
    name = f"{kind.title if kind else letter.kind} {letter.number}.{file.format}"
    return OpenedFile(name, path, file.sha256)


def deliver_letter(
    session: Session, actor: Actor, public_id: str, sending: Sending, *, press: Press, hand: Hand
) -> LetterView:
    """Record a delivery by the organisation that issued the document.

    Raises:
        NotFound, NotAllowed: not visible, not in its seat. InvalidInput: see `deliver`; or the
            document is for the public and addressed to nobody.
    """
    letter = _own_letter(session, actor, public_id, press)
    deliver(session, letter, sending, hand)
    return view_of(session, letter, press)


def mark_delivery(
    session: Session,
    actor: Actor,
    public_id: str,
    *,
    delivery: str,
    marks: Mapping[str, datetime],
    press: Press,
    hand: Hand,
) -> LetterView:
    """Record that a delivery `arrived` or was `read` (签收), as the issuer learned afterwards.

    Raises:
        NotFound, NotAllowed: not visible, not in its seat. InvalidInput: an instant to come.
    """
    letter = _own_letter(session, actor, public_id, press)
    found = find_delivery(session, letter, delivery)
    for name, instant in sorted(marks.items()):
        if instant > hand.at:
            raise InvalidInput("送达记录有误。", fields={f"{name}_at": "不得在将来"})
        mark(session, found, name, at=instant, hand=hand)
    return view_of(session, letter, press)


def _own_letter(session: Session, actor: Actor, public_id: str, press: Press) -> Letter:
    """Return a document that the actor's seat may deliver."""
    letter = visible_letter(session, actor, public_id)
    kind = press.book.kind(letter.kind)
    if letter.case_id is None:
        raise InvalidInput(f"“{kind.title}”面向社会公开，无须送达。")
    roles = {SEATS[seat].role for seat in kind.by}
    if not any(actor.holds(letter.organisation_id, role) for role in roles):
        raise NotAllowed(f"文书 {letter.number} 须由制发单位送达，您不在该席位。")
    return letter


def receipt_file(
    session: Session, actor: Actor, public_id: str, *, form: str, press: Press, at: datetime
) -> tuple[str, bytes]:
    """Return name and content of a document's receipt of delivery (送达回证).

    Raises:
        NotFound: there is none that the actor may see. Unavailable: no Chinese font.
        InvalidInput: the document is for the public and delivered to nobody.
    """
    letter = visible_letter(session, actor, public_id)
    if letter.addressee_id is None:
        raise InvalidInput(f"文书 {letter.number} 面向社会公开，无须送达。")
    content = receipt_of(
        view_of(session, letter, press),
        addressee=letter.facts["addressee"],
        issuer=letter.facts["issuer"],
        press=press,
        form=form,
        dated_on=local_date(at),
    )
    return f"送达回证 {letter.number}.{form}", content


def kinds_listed(press: Press) -> list[dict[str, Any]]:
    """Return every kind as it is listed: what makes it, who, and what it must say."""
    names = ("letter", "title", "of", "word", "events", "into", "outcomes", "by", "requires",
             "asks", "basis", "source")  # fmt: skip
    return [{name: getattr(kind, name) for name in names} for kind in press.book.kinds.values()]
