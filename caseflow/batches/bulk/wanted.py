"""What is asked of many cases: which cases, which event, what it takes of all and of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from caseflow.batches.publicity import PUBLICISE
from caseflow.cases.filters import conditions
from caseflow.cases.models import Case
from caseflow.cases.queries import CaseFilter, lines, visible_cases
from caseflow.cases.service import REPLACE, Cases, Request
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput, NotFound

MOST_CASES: Final = 10_000
TOLD: Final = 10
"""How many wrong names a refusal lists."""
ELSEWHERE: Final = {
    PUBLICISE: "列入公示须经公示办理，公示期由系统计算",
    REPLACE: "补抽专家须随机抽取，不能批量办理",
}
"""Events that bring what no person may choose: they have doors of their own."""


@dataclass(frozen=True)
class Wanted:
    """An event of the cases that are named (public ids or numbers), or of all that a filter finds.

    `payload` is what all share, `values` what single cases have instead or besides, by their name.
    """

    event: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[str, ...] = ()
    filter: CaseFilter | None = None
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def told(self) -> dict[str, Any]:
        """Return all of it as plain data, for the hash that a repetition must share."""
        return {**asdict(self), "cases": list(self.cases)}


@dataclass(frozen=True)
class Chosen:
    """A case of a bulk act: its place in it, and its own part of what the event takes."""

    line: int
    id: int
    public_id: str
    number: str
    workflow_hash: str
    payload: Mapping[str, Any]


def chosen(session: Session, actor: Actor, wanted: Wanted) -> list[Chosen]:
    """Return the cases that are meant, numbered from 1: in the order named, else by age.

    Raises:
        InvalidInput: neither or both of names and filter, no case, too many, or values of others.
        NotFound: a name that is no case the actor may see.
    """
    _check(wanted)
    rows = _named(session, actor, wanted.cases) if wanted.cases else _found(session, actor, wanted)
    if len(rows) > MOST_CASES:
        raise _refused("cases", f"一次至多 {MOST_CASES} 件")
    if not rows:
        raise _refused("filter", "没有符合条件的办件")
    own = _own_values(rows, wanted.values)
    return [
        Chosen(line, row.id, row.public_id, row.number, row.workflow_hash, own.get(row.id, {}))
        for line, row in enumerate(rows, start=1)
    ]


def requests_of(
    cases: Cases, event: str, payload: Mapping[str, Any], items: Iterable[Any],
    *, actor_id: int, at: datetime, public_id: str | None = None,
) -> dict[int, Request]:  # fmt: skip
    """Return each item's request by its case's id; `public_id` is the bulk act's, once it has one.

    The item's request id names it for ever: the same item can happen but once.
    """
    return {
        item.id: cases.vetted(
            Request(
                event,
                actor_id,
                at,
                {**payload, **item.payload},
                id=public_id and f"{public_id}:{item.line}",
            )
        )
        for item in items
    }


def _check(wanted: Wanted) -> None:
    if wanted.event in ELSEWHERE:
        raise _refused("event", ELSEWHERE[wanted.event])
    asked = wanted.filter is not None and any(asdict(wanted.filter).values())
    if bool(wanted.cases) == asked:
        raise _refused("cases", "请列出办件，或给出筛选条件，二者择一")
    if len(wanted.cases) > MOST_CASES:
        raise _refused("cases", f"一次至多 {MOST_CASES} 件")


def _refused(name: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{reason}。", fields={name: reason})


def _columns() -> Any:
    return select(Case.id, Case.public_id, Case.number, Case.workflow_hash)


def _named(session: Session, actor: Actor, names: Sequence[str]) -> list[Any]:
    """Return the cases in the order in which they are named, each once."""
    meant = or_(Case.public_id.in_(names), Case.number.in_(names))
    rows = session.execute(_columns().where(meant, visible_cases(actor))).all()
    known = {name: row for row in rows for name in (row.public_id, row.number)}
    _refuse_unknown(name for name in names if name not in known)
    return list({known[name].id: known[name] for name in names}.values())


def _found(session: Session, actor: Actor, wanted: Wanted) -> list[Any]:
    assert wanted.filter is not None
    query = lines().where(visible_cases(actor), *conditions(wanted.filter))
    columns = (Case.id, Case.public_id, Case.number, Case.workflow_hash)
    query = query.with_only_columns(*columns, maintain_column_froms=True)
    return list(session.execute(query.order_by(Case.id).limit(MOST_CASES + 1)).all())


def _own_values(
    rows: Sequence[Any], values: Mapping[str, Mapping[str, Any]]
) -> dict[int, Mapping[str, Any]]:
    known = {name: row.id for row in rows for name in (row.public_id, row.number)}
    _refuse_unknown(name for name in values if name not in known)
    own: dict[int, Mapping[str, Any]] = {}
    for name, said in values.items():
        if known[name] in own:
            raise _refused("values", f"办件 {name} 的数据出现两次")
        own[known[name]] = said
    return own


def _refuse_unknown(names: Iterable[str]) -> None:
    unknown = list(dict.fromkeys(names))
    if unknown:
        more = f"等 {len(unknown)} 件" if len(unknown) > TOLD else ""
        raise NotFound(f"没有办件 {'、'.join(unknown[:TOLD])}{more}。")
