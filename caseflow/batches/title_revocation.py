"""A title is revoked: what is unpaid stops, what was paid opens a recovery (手册§4.7、§5.9)."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import text

from caseflow.cases.recoveries.service import RecoveryOpening, open_recovery
from caseflow.cases.service import Cases, Request
from caseflow.catalogue.titles.models import TitleList
from caseflow.catalogue.titles.queries import find_list
from caseflow.catalogue.titles.service import Hand, Line, correct_row, revoke_title
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import CaseflowError
from caseflow.kernel.workflow.vocabulary import REMEDY

REVOKE: Final = "revoke_title"
GROUND: Final = "title_revoked"
REASON_CODE: Final = "condition_not_met"
CASES: Final = text("""
    SELECT c.public_id, c.number, c.outcome, c.paid_fen, c.recovered_fen
    FROM title_match t JOIN "case" c ON c.id = t.case_id
    WHERE t.list_id = :list AND t.line = :line ORDER BY c.id
""")


@dataclass(frozen=True)
class Consequence:
    """What became of a case. `done`: stopped, recovery_opened, nothing (it ended unpaid), refused.

    A refusal says why; asking for the same revocation again tries once more.
    """

    case: str
    number: str
    done: str
    message: str
    recovery: str | None = None


@dataclass(frozen=True)
class Revoked:
    """A revoked title and what became of its cases; `already`: it was recorded before."""

    title_list: str
    line: int
    document_no: str
    already: bool
    consequences: tuple[Consequence, ...]


@dataclass(frozen=True)
class Revocation:
    """Which line's title was revoked by which document, when and why."""

    title_list: str
    line: int
    document_no: str
    reason: str
    revoked_on: date


@dataclass(frozen=True)
class Corrected:
    """A corrected line; `revision` counts from 1."""

    title_list: str
    line: int
    revision: int
    uscc: str
    name: str


def correct(
    cases: Cases, actor: Actor, title_list: str, line: Line, at: datetime, *, reason: str
) -> Corrected:
    """Correct a line of a list: what it should have said, and why; see `correct_row`."""
    with cases.database.session() as session:
        found = find_list(session, actor, title_list)
        hand = Hand(actor, at, cases.office.signer)
        row = correct_row(session, found, line, hand, reason=reason)
        return Corrected(found.public_id, row.line, row.revision, row.uscc, row.name)


def revoke(cases: Cases, actor: Actor, wanted: Revocation, at: datetime) -> Revoked:
    """Record that a title was revoked, then stop its unpaid case or open a recovery of a paid one.

    The record stands whatever becomes of the cases; each is an act of the actor's own.

    Raises:
        See `revoke_title`.
    """
    with cases.database.session() as session:
        found = find_list(session, actor, wanted.title_list)
        hand = Hand(actor, at, cases.office.signer)
        row, is_new = revoke_title(
            session, found, wanted.line, hand, document_no=wanted.document_no,
            reason=wanted.reason, revoked_on=wanted.revoked_on,
        )  # fmt: skip
        number, reason = row.document_no, row.reason
        told = [tuple(each) for each in session.execute(
            CASES, {"list": found.id, "line": wanted.line}
        )]  # fmt: skip
        words = _words(found, number, reason)
    done = tuple(_consequence(cases, actor, each, words, number, at=at) for each in told)
    return Revoked(wanted.title_list, wanted.line, number, not is_new, done)


def _words(found: TitleList, number: str, reason: str) -> str:
    return f"{found.document_no} 认定的“{found.kind}”已依据 {number} 撤销：{reason}"


def _consequence(
    cases: Cases, actor: Actor, case: tuple[str, str, str | None, int, int], words: str,
    number: str, *, at: datetime,
) -> Consequence:  # fmt: skip
    public_id, told, outcome, paid_fen, recovered_fen = case
    try:
        if paid_fen > recovered_fen:
            lead = RecoveryOpening(public_id, GROUND, words, actor.id, at,
                                   request_id=f"title-revoked-{public_id}")  # fmt: skip
            opened = open_recovery(cases, lead)
            return Consequence(public_id, told, "recovery_opened", opened.number, opened.case)
        if outcome is not None:
            return Consequence(public_id, told, "nothing", "已办结，没有需要追回的资金")
        payload = {"reason": words, "reason_code": REASON_CODE, "document_no": number,
                   "remedy": REMEDY}  # fmt: skip
        cases.act(public_id, Request(REVOKE, actor.id, at, payload))
    except CaseflowError as error:
        return Consequence(public_id, told, "refused", error.message)
    return Consequence(public_id, told, "stopped", "已停止兑现")
