"""Who follows whom, as it is asked."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from caseflow.identity.models import Person
from caseflow.identity.queries import Actor
from caseflow.identity.successions.models import KINDS, Succession
from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.kernel.titles import last_successor

APPLICANT: Final = "applicant"


@dataclass(frozen=True)
class SuccessionLine:
    """One step of a chain."""

    id: int
    predecessor: str
    successor: str
    kind: str
    kind_title: str
    document_no: str
    effective_on: date
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True)
class SuccessionPage:
    """Steps, the last recorded first; `next` is given back as `after`."""

    items: tuple[SuccessionLine, ...]
    next: str | None


def succession_list(
    session: Session, actor: Actor, *, code: str | None = None, after: str | None = None,
    limit: int = 50,
) -> SuccessionPage:  # fmt: skip
    """Return recorded successions, to people who hold an office; `code` is either side.

    Raises:
        NotAllowed: the actor holds none. InvalidInput: `after` is no id of this list.
    """
    if all(holding.role == APPLICANT for holding in actor.assignments):
        raise NotAllowed("承继关系只供工作人员查阅。")
    query = select(Succession, Person.name).join(Person, Person.id == Succession.recorded_by)
    if code is not None:
        query = query.where(or_(Succession.predecessor == code, Succession.successor == code))
    if after is not None:
        if not (after.isascii() and after.isdigit()):
            raise InvalidInput("after 不是本列表的编号。", fields={"after": "须为 next 的值"})
        query = query.where(Succession.id < int(after))
    rows = session.execute(query.order_by(Succession.id.desc()).limit(limit + 1)).all()
    items = tuple(_line(row, name) for row, name in rows[:limit])
    return SuccessionPage(items, str(items[-1].id) if len(rows) > limit else None)


def successions(session: Session) -> dict[str, str]:
    """Return every step, by the predecessor's code: mergers are few."""
    rows = session.execute(select(Succession.predecessor, Succession.successor))
    return {row.predecessor: row.successor for row in rows}


def families(codes: set[str], steps: dict[str, str]) -> dict[str, str]:
    """Return whose rights are held today by whom: of `codes`, and of all who went on as them."""
    held = {code: last_successor(code, steps) for code in codes}
    ends = set(held.values())
    return held | {code: end for code in steps if (end := last_successor(code, steps)) in ends}


def codes_of(session: Session, code: str) -> list[str]:
    """Return every code under which the rights of a holder were or are held, its own first."""
    return list(families({code}, successions(session)))


def succession_line(session: Session, row: Succession) -> SuccessionLine:
    """Return what is shown of a step."""
    name = session.scalars(select(Person.name).where(Person.id == row.recorded_by)).one()
    return _line(row, name)


def _line(row: Succession, name: str) -> SuccessionLine:
    return SuccessionLine(
        id=row.id, predecessor=row.predecessor, successor=row.successor, kind=row.kind,
        kind_title=KINDS[row.kind], document_no=row.document_no, effective_on=row.effective_on,
        recorded_by=name, recorded_at=row.recorded_at,
    )  # fmt: skip
