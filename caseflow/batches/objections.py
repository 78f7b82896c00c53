"""Objections (异议) to a publicised case: under a real name, with proof, in the window only."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from caseflow.batches.publicity import PublicityView, publicity
from caseflow.cases.service import Cases, Outcome, Request
from caseflow.kernel.calendar import due_at
from caseflow.kernel.errors import Conflict, EventNotAllowed, GuardFailed, NotFound, RequestReused

OBJECT: Final = "object"
OBJECT_AGAIN: Final = "object_again"
LATE: Final = "公示期已于 {} 24:00 届满，不再受理异议；可依法举报、信访（手册§5.8）。"


RESTARTED: Final = "名单已变更，本次公示已停止；重新公示后可对新名单提出异议。"


@dataclass(frozen=True)
class Grounds:
    """What an objection says: who objects, how they are reached, what is wrong and the proof.

    `proof` refers to the documents by number, name or hash.
    """

    real_name: str
    contact: str
    grounds: str
    proof: str


@dataclass(frozen=True)
class Objection:
    """An objection of a signed-in person to a case, named by public id or number."""

    publicity: str
    case: str
    grounds: Grounds
    actor_id: int
    at: datetime
    id: str | None = None


def file_objection(cases: Cases, objection: Objection) -> tuple[Outcome, str]:
    """File an objection; returns what became of it and the case's number.

    The first holds back this one case of the list, another joins it.

    Raises:
        NotFound: no such publicity, or it does not list the case.
        Conflict: the window is over: 举报、信访 remain.
    """
    shown = publicity(cases, objection.publicity)
    named = objection.case
    listed = next((each for each in shown.cases if named in {each.public_id, each.number}), None)
    if listed is None:
        raise NotFound(f"公示 {shown.public_id!r} 中没有办件 {named!r}。")
    _check_window(shown, objection.at)
    return _file(cases, listed.public_id, objection), listed.number


def _check_window(shown: PublicityView, at: datetime) -> None:
    if shown.status == "restarted":
        raise Conflict(RESTARTED)
    if shown.status != "open" or at >= due_at(shown.ends_on):
        raise Conflict(LATE.format(shown.ends_on.isoformat()))


def _file(cases: Cases, case: str, objection: Objection) -> Outcome:
    payload = asdict(objection.grounds)
    who = (objection.actor_id, objection.at, payload)
    try:
        return cases.act(case, Request(OBJECT, *who, id=objection.id))
    except GuardFailed:
        raise
    except (EventNotAllowed, RequestReused):
        return cases.act(case, Request(OBJECT_AGAIN, *who, id=objection.id))
