"""Who is tied to whom, as it is asked: the list, and whether two parties are related on a day."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from caseflow.identity.models import Person
from caseflow.identity.queries import Actor
from caseflow.identity.successions.queries import families, successions
from caseflow.identity.ties.models import PERSON, KnownPerson, Tie
from caseflow.identity.ties.service import percent_text
from caseflow.kernel.errors import InvalidInput, NotAllowed, NotFound
from caseflow.kernel.ties import GRADES, KINDS, LEVELS, OWNING, Relation, Ties
from caseflow.kernel.ties import Tie as Plain
from caseflow.kernel.titles import last_successor

OUTSIDERS: Final = frozenset({
    "applicant", "expert", "audit_firm", "trustee", "bank", "fund_manager", "guarantor",
    "platform_operator",
})  # fmt: skip
"""Roles that hold no office: the register has the names of people."""


@dataclass(frozen=True)
class TieLine:
    """A tie; of a person's end there is a name and no code. `percent` is exact, as text."""

    public_id: str
    kind: str
    kind_title: str
    holder: str | None
    holder_title: str
    held: str
    held_title: str
    percent: str | None
    source: str
    valid_from: date
    valid_to: date | None
    file_sha256: str | None
    recorded_by: str
    recorded_at: datetime
    struck_at: datetime | None
    struck_reason: str | None


@dataclass(frozen=True)
class TiePage:
    """Ties, the last recorded first; `next` is given back as `after`."""

    items: tuple[TieLine, ...]
    next: str | None


@dataclass(frozen=True)
class RelationView:
    """How two codes stand to each other on a day, why, and the ties that prove it, in order.

    `missing` are the codes whose owners the register does not know: without them nobody may say
    that the two are unrelated.
    """

    one: str
    other: str
    on: date
    grade: str
    grade_title: str
    reason: str
    path: tuple[TieLine, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class KnownView:
    """Somebody of this house whom the register knows, since when, and how many ties they have."""

    login: str
    name: str
    recorded_at: datetime
    ties: int


class Register:
    """The ties around some parties that hold on one day, with their records."""

    def __init__(
        self, ties: Iterable[Plain], rows: Mapping[int, Tie], heirs: Mapping[str, str]
    ) -> None:
        self._ties, self._rows, self._heirs = Ties(ties), rows, heirs

    def relation(self, one: str, other: str) -> Relation:
        """Return how two of the parties stand to each other; a predecessor is its successor."""
        return self._ties.relation(self._today(one), self._today(other))

    def missing(self, code: str) -> tuple[str, ...]:
        """Return whose owners must be known before a party may be called unrelated."""
        return self._ties.gaps(self._today(code))

    def proof(self, relation: Relation) -> list[Tie]:
        """Return the records of a relation's path."""
        return [self._rows[tie.id] for tie in relation.path]

    def _today(self, code: str) -> str:
        return self._heirs.get(code, code)


def register_on(session: Session, codes: Collection[str], on: date, at: datetime) -> Register:
    """Return the register around `codes` as it was known at `at` of the day `on`.

    Every level of owners is one question to the database, whatever the number of codes.
    """
    steps = successions(session)
    heirs = families(set(codes), steps)
    wanted, seen = set(heirs), set[str]()
    rows: dict[int, Tie] = {}
    for _ in range(LEVELS + 1):
        seen |= wanted
        query = select(Tie).where(Tie.held.in_(wanted), holds_on(on), _known_at(at))
        found = session.scalars(query.order_by(Tie.id)).all() if wanted else ()
        rows |= {tie.id: tie for tie in found}
        owners = {tie.holder for tie in found if tie.kind in OWNING and tie.holder[0] != PERSON}
        wanted = set(families(owners, steps)) - seen
    plain = (_plain(tie, steps) for tie in rows.values())
    return Register([tie for tie in plain if tie.holder != tie.held], rows, heirs)


def _plain(tie: Tie, steps: Mapping[str, str]) -> Plain:
    ends = (last_successor(tie.holder, steps), last_successor(tie.held, steps))
    return Plain(tie.id, tie.kind, *ends, tie.percent)


def holds_on(day: date) -> ColumnElement[bool]:
    """Return the condition that a tie holds on a day, its first and its last inside."""
    return and_(Tie.valid_from <= day, or_(Tie.valid_to.is_(None), Tie.valid_to >= day))


def _known_at(at: datetime) -> ColumnElement[bool]:
    return and_(Tie.recorded_at <= at, or_(Tie.struck_at.is_(None), Tie.struck_at > at))


def known_codes(session: Session, people: Collection[int]) -> dict[int, str]:
    """Return the key in the register of each of these people whom it knows."""
    query = select(KnownPerson.person_id, KnownPerson.code)
    rows = session.execute(query.where(KnownPerson.person_id.in_(people)))
    return {row.person_id: row.code for row in rows}


def refuse_outsider(actor: Actor) -> None:
    """Refuse who holds no office.

    Raises:
        NotAllowed: as said.
    """
    if all(holding.role in OUTSIDERS for holding in actor.assignments):
        raise NotAllowed("关联关系登记只供工作人员查阅。")


def tie_list(
    session: Session, actor: Actor, *, code: str | None = None, kind: str | None = None,
    on: date | None = None, login: str | None = None, after: str | None = None, limit: int = 50,
) -> TiePage:  # fmt: skip
    """Return recorded ties, to people who hold an office; `code` is either end, `login` the holder.

    With `on` only those that hold on that day and were not struck out.

    Raises:
        NotAllowed: the actor holds no office. NotFound: `after` is no tie.
    """
    refuse_outsider(actor)
    query = select(Tie, Person.name).join(Person, Person.id == Tie.recorded_by)
    if code is not None:
        query = query.where(or_(Tie.holder == code, Tie.held == code))
    if kind is not None:
        query = query.where(Tie.kind == kind)
    if on is not None:
        query = query.where(holds_on(on), Tie.struck_at.is_(None))
    if login is not None:
        theirs = select(KnownPerson.code).join(Person, Person.id == KnownPerson.person_id)
        query = query.where(Tie.holder.in_(theirs.where(Person.login == login)))
    if after is not None:
        query = query.where(Tie.id < find_tie(session, after).id)
    rows = session.execute(query.order_by(Tie.id.desc()).limit(limit + 1)).all()
    items = tuple(_line(row, name) for row, name in rows[:limit])
    return TiePage(items, items[-1].public_id if len(rows) > limit else None)


def find_tie(session: Session, public_id: str) -> Tie:
    """Return a tie.

    Raises:
        NotFound: there is none of that id.
    """
    found = session.scalars(select(Tie).where(Tie.public_id == public_id)).one_or_none()
    if found is None:
        raise NotFound(f"没有关联关系 {public_id!r}。")
    return found


def relation_view(
    session: Session, actor: Actor, one: str, other: str, *, on: date, at: datetime
) -> RelationView:
    """Return how two credit codes stand to each other on a day, to people who hold an office.

    Raises:
        NotAllowed: the actor holds none. InvalidInput: a code is missing.
    """
    refuse_outsider(actor)
    if not one or not other:
        raise InvalidInput("须写明双方的统一社会信用代码。", fields={"one": "必填"})
    register = register_on(session, {one, other}, on, at)
    found = register.relation(one, other)
    missing = dict.fromkeys((*register.missing(one), *register.missing(other)))
    return RelationView(
        one=one, other=other, on=on, grade=found.grade, grade_title=GRADES[found.grade],
        reason=found.words, missing=tuple(missing),
        path=tuple(tie_line(session, row) for row in register.proof(found)),
    )  # fmt: skip


def tie_line(session: Session, row: Tie) -> TieLine:
    """Return what is shown of a tie."""
    name = session.scalars(select(Person.name).where(Person.id == row.recorded_by)).one()
    return _line(row, name)


def known_view(session: Session, known: KnownPerson) -> KnownView:
    """Return what is shown of somebody whom the register knows; never their key."""
    person = session.get_one(Person, known.person_id)
    query = select(func.count()).where(Tie.holder == known.code, Tie.struck_at.is_(None))
    ties = session.scalars(query).one()
    return KnownView(person.login, person.name, known.recorded_at, ties)


def proof_data(row: Tie) -> dict[str, Any]:
    """Return a tie as evidence has it: plain JSON data, with its source."""
    return {
        "tie": row.public_id, "kind": row.kind, "holder": row.holder,
        "holder_title": row.holder_title, "held": row.held, "held_title": row.held_title,
        "percent": percent_text(row.percent), "source": row.source,
        "valid_from": row.valid_from.isoformat(),
        "valid_to": row.valid_to.isoformat() if row.valid_to else None,
    }  # fmt: skip


def path_words(path: Iterable[Tie]) -> str:
    """Return a path as people read it: 甲 持股 60% → 乙；丙."""
    return "；".join(
        f"{row.holder_title}为{row.held_title}的{KINDS[row.kind]}"
        + (f"（{percent_text(row.percent)}%）" if row.percent is not None else "")
        for row in path
    )


def _line(row: Tie, name: str) -> TieLine:
    return TieLine(
        public_id=row.public_id, kind=row.kind, kind_title=KINDS[row.kind],
        holder=None if row.holder[0] == PERSON else row.holder, holder_title=row.holder_title,
        held=row.held, held_title=row.held_title, percent=percent_text(row.percent),
        source=row.source, valid_from=row.valid_from, valid_to=row.valid_to,
        file_sha256=row.file_sha256, recorded_by=name, recorded_at=row.recorded_at,
        struck_at=row.struck_at, struck_reason=row.struck_reason,
    )  # fmt: skip
