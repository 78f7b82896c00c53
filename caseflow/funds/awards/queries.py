"""What can be asked of the ledger of awards: who stands in the way, and what somebody was given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from caseflow.funds.awards.models import OWN_SOURCE, Award, AwardMatter
from caseflow.kernel.errors import Conflict
from caseflow.kernel.money import Money

MAX_PAGE: Final = 200
MOST_COMPARED: Final = 500
"""How many awards and cases of one holder are compared for likeness: the newest."""

IN_THE_WAY: Final = """
    SELECT a.public_id, a.clause, a.amount_fen, n.kind, n.key
      FROM "case" c
      CROSS JOIN LATERAL (
        SELECT m.kind, m.key FROM case_matter m WHERE m.case_id = c.id AND m.dropped_seq IS NULL
        UNION SELECT * FROM unnest(%(kinds)s::text[], %(keys)s::text[])) AS m
      JOIN award_matter n ON n.claims AND n.kind = m.kind AND n.key = m.key
      JOIN award a ON a.id = n.award_id AND a.root_id IS DISTINCT FROM c.root_id
      JOIN organisation o ON o.id = c.applicant_id
       AND (n.holder IN ('', (SELECT max(h.holder) FROM case_matter h WHERE h.case_id = c.id))
           OR heir_of(n.holder) = heir_of(o.uscc))
     WHERE c.public_id = %(case)s ORDER BY a.id LIMIT 1
"""

OF_HOLDER: Final = f"""
    (SELECT json_build_object('id', a.public_id, 'root', a.root_id, 'holder', %(holder)s::text,
        'policy', a.policy, 'measure', a.measure, 'family', a.family, 'level', a.level,
        'place', a.place, 'title', coalesce(o.title, a.clause),
        'total_fen', a.amount_fen + a.carried_fen, 'status', a.status),
        (SELECT json_agg(json_build_object('kind', n.kind, 'key', n.key, 'from', n.cost_from,
            'to', n.cost_to, 'items', n.items)) FROM award_matter n WHERE n.award_id = a.id)
       FROM award a LEFT JOIN "case" o ON o.id = a.case_id
      WHERE a.holder = ANY(%(holders)s) AND a.status = 'live'
      ORDER BY a.id DESC LIMIT {MOST_COMPARED})
    UNION ALL
    (SELECT json_build_object('id', o.public_id, 'root', o.root_id, 'holder', %(holder)s::text,
        'policy', q.code, 'measure', r.code, 'family', v.family, 'level', 'city', 'place', q.city,
        'title', o.title, 'total_fen', case_asked_fen(o.facts), 'status', 'pending'),
        (SELECT json_agg(json_build_object('kind', n.kind, 'key', n.key, 'from', n.cost_from,
            'to', n.cost_to, 'items', n.items)) FROM case_matter n
          WHERE n.case_id = o.id AND n.dropped_seq IS NULL)
       FROM "case" o JOIN measure_version v ON v.id = o.measure_version_id
       JOIN measure r ON r.id = o.measure_id JOIN policy q ON q.id = r.policy_id
      WHERE o.applicant_id IN (SELECT %(organisation)s::bigint
            UNION SELECT f.id FROM organisation f WHERE f.uscc = ANY(%(holders)s))
        AND o.outcome IS NULL AND o.approved_fen IS NULL
        AND o.submitted_at IS NOT NULL ORDER BY o.id DESC LIMIT {MOST_COMPARED})
"""


@dataclass(frozen=True)
class AwardLine:
    """An award in a list; a person's number is not among its fields.

    `matters` are written kind:key; `part_of` the award whose amount contains this one's.
    """

    public_id: str
    holder_title: str
    uscc: str | None
    policy: str | None
    measure: str | None
    clause: str
    level: str
    place: str
    amount_fen: int
    granted_on: date
    source: str
    source_id: str
    status: str
    matters: tuple[str, ...]
    part_of: str | None


@dataclass(frozen=True)
class AwardPage:
    """Awards, the newest first; `next` is given back as `after`, None on the last page."""

    items: tuple[AwardLine, ...]
    next: str | None


@dataclass(frozen=True)
class YearLine:
    """§10.11 企业享受政策台账: what one holder had in a year under one clause, by source.

    Parts of an award are not counted again. The yearly ceiling is kept elsewhere (年度总额控制).
    """

    holder_title: str
    year: int
    clause: str
    times: int
    amount_fen: int
    source: str


def already_given(
    connection: Any, public_id: str, named: Sequence[Mapping[str, Any]] = ()
) -> Conflict:
    """Return the refusal of a case whose matter another live award has, naming that award.

    `named` are matters that it was just about to name.
    """
    keys = {"kinds": [each["kind"] for each in named], "keys": [each["key"] for each in named]}
    found = connection.execute(IN_THE_WAY, {"case": public_id, **keys}).fetchone()
    if found is None:
        return Conflict("同一事项刚由另一项支持占用，请重新办理。")
    other, clause, fen, kind, key = found
    return Conflict(
        f"同一事项（{kind}:{key}）已有享受记录 {other}：{clause}，{Money.from_fen(fen)}；"
        "请先由复核决定如何处理（decide_overlap）。",
        other=other,
    )


def claims_of_holder(
    connection: Any, holder: str, organisation_id: int, holders: Sequence[str]
) -> list[dict[str, Any]]:
    """Return one row a matter of all that a holder has or asks for; without matters, one row.

    `holders` are the holder's codes: its own, and those of whom it follows (承继).
    """
    asked = {"holder": holder, "organisation": organisation_id, "holders": list(holders)}
    return [
        {**head, "matters": matters or []}
        for head, matters in connection.execute(OF_HOLDER, asked).fetchall()
    ]


def award_list(
    session: Session, condition: ColumnElement[bool], *, after: str | None = None, limit: int = 50
) -> AwardPage:
    """Return a page of the awards that meet `condition`, the newest first."""
    size = max(1, min(limit, MAX_PAGE))
    query = select(Award).where(condition).order_by(Award.id.desc()).limit(size + 1)
    if after is not None:
        last = select(Award.id).where(Award.public_id == after).scalar_subquery()
        query = query.where(Award.id < last)
    found = session.scalars(query).all()
    matters = _matters(session, found)
    whole = _containing(session, found)
    items = tuple(_line(award, matters, whole) for award in found[:size])
    return AwardPage(items, items[-1].public_id if len(found) > size else None)


def year_lines(session: Session, condition: ColumnElement[bool]) -> tuple[YearLine, ...]:
    """Return the yearly totals of awards that stand, those that were topped up included."""
    year = func.extract("year", Award.granted_on)
    columns = (Award.holder_title, year, Award.clause, Award.source)
    query = (
        select(Award.holder_title, year, Award.clause, func.count(), func.sum(Award.amount_fen),
               Award.source)
        .where(condition, Award.status.in_(("live", "superseded")), Award.part_of.is_(None))
        .group_by(*columns)
        .order_by(*columns)
    )  # fmt: skip
    return tuple(
        YearLine(title, int(of), clause, times, int(fen), source)
        for title, of, clause, times, fen, source in session.execute(query)
    )


def awards_of_applicant(organisation_id: int, holders: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition of what an applicant was given, by whichever system, under any code."""
    return or_(Award.organisation_id == organisation_id, Award.holder.in_(holders))


def _matters(session: Session, awards: Sequence[Award]) -> Mapping[int, list[str]]:
    query = select(AwardMatter.award_id, AwardMatter.kind, AwardMatter.key).where(
        AwardMatter.award_id.in_([award.id for award in awards])
    )
    found: dict[int, list[str]] = {}
    for award_id, kind, key in session.execute(query.order_by(AwardMatter.kind, AwardMatter.key)):
        found.setdefault(award_id, []).append(f"{kind}:{key}")
    return found


def _containing(session: Session, awards: Sequence[Award]) -> Mapping[int, str]:
    wanted = {award.part_of for award in awards if award.part_of is not None}
    query = select(Award.id, Award.public_id).where(Award.id.in_(wanted))
    return {row.id: row.public_id for row in session.execute(query)} if wanted else {}


def _line(award: Award, matters: Mapping[int, list[str]], whole: Mapping[int, str]) -> AwardLine:
    own = award.source == OWN_SOURCE
    return AwardLine(
        public_id=award.public_id,
        holder_title=award.holder_title,
        uscc=None if award.holder.startswith("~") else award.holder,
        policy=award.policy,
        measure=award.measure,
        clause=award.clause,
        level=award.level,
        place=award.place,
        amount_fen=award.amount_fen,
        granted_on=award.granted_on,
        source=award.source,
        source_id="" if own else award.source_id,
        status=award.status,
        matters=tuple(matters.get(award.id, ())),
        part_of=whole.get(award.part_of) if award.part_of is not None else None,
    )
