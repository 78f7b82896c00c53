"""Recording that one credit code goes on as another."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from caseflow.history.part import Signer
from caseflow.history.service import append
from caseflow.identity.identifiers import check_uscc
from caseflow.identity.queries import Actor
from caseflow.identity.successions.models import KINDS, Succession
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed

RECORDERS: Final = "bureau_reviewer"
"""The role that answers for it; of any bureau, as a succession is nobody's alone."""
LONGEST_NUMBER: Final = 100


@dataclass(frozen=True)
class Following:
    """What is to be recorded: who goes on as whom since when, by which document."""

    predecessor: str
    successor: str
    kind: str
    document_no: str
    effective_on: date


def record_succession(
    session: Session, wanted: Following, actor: Actor, at: datetime, *, signer: Signer
) -> Succession:
    """Record that the rights of a credit code go on with another.

    Raises:
        NotAllowed: not a bureau's reviewer. InvalidInput: a code, kind or number that is none.
        Conflict: the predecessor has a successor already, or the chain would be a ring.
    """
    if not any(holding.role == RECORDERS for holding in actor.assignments):
        raise NotAllowed("登记承继关系须由主管部门复核办理，您不在该席位。")
    number = wanted.document_no.strip()
    if wanted.kind not in KINDS or not 0 < len(number) <= LONGEST_NUMBER:
        reason = f"类别须为 {'、'.join(KINDS)} 之一，并写明依据文号"
        raise InvalidInput(f"{reason}。", fields={"kind": reason})
    row = Succession(
        predecessor=check_uscc(wanted.predecessor), successor=check_uscc(wanted.successor),
        kind=wanted.kind, document_no=number, effective_on=wanted.effective_on,
        recorded_by=actor.id, recorded_at=at,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        reason = "该代码已登记承继单位，或承继关系成环"
        raise Conflict(f"{reason}：{row.predecessor} → {row.successor}。") from error
    said = {name: str(getattr(row, name)) for name in Following.__dataclass_fields__}
    append(
        session, stream=row.id, name="succession_recorded", actor_id=actor.id, payload=said, at=at,
        signer=signer,
    )  # fmt: skip
    return row
