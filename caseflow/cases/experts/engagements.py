"""The service ledger of experts (专家履职台账, 手册§10.16): drawn for what, and what came of it.

One line is one engagement: an expert drawn into the panel of one round of one case. Who may see a
pool reads the lines of all its experts; of a case that is not theirs, neither which nor the score.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final

from psycopg.rows import namedtuple_row
from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.cases.experts.lots import POOL_PARTY
from caseflow.cases.models import Case
from caseflow.cases.queries import visible_cases
from caseflow.catalogue.queries import workflow
from caseflow.database.paging import whole
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.kernel.scoring import WHOLE, alarms, left_out, terms_of, told
from caseflow.reviews.experts.queries import MAX_PAGE, pools_seen

ON_TIME, LATE, WAITING, OVERDUE, RELEASED = TIMINGS = (
    "on_time", "late", "waiting", "overdue", "released",
)  # fmt: skip
"""Of who did not leave: handed in, by the last day or after it; still asked; asked no more."""
PARTS: Final = 3
"""A line's place in the ledger: its draw, its case, its expert."""

TIMES: Final = """(
    SELECT count(DISTINCT f.id) FROM panel_member g JOIN expert_draw f ON f.id = g.draw_id
    WHERE g.person_id = e.person_id AND f.drawn_at <= %(at)s
    AND (f.drawn_at AT TIME ZONE 'Asia/Shanghai')::date > %(today)s::date - interval '12 months')"""
"""How often an expert was drawn in the twelve months that end today."""
CHOSEN: Final = """
    e.organisation_id = ANY(%(pools)s)
    AND (%(expert)s::text IS NULL OR n.public_id = %(expert)s)
    AND (%(bureau)s::text IS NULL OR %(bureau)s IN (b.public_id, b.code))
    AND (%(since)s::date IS NULL
        OR (d.drawn_at AT TIME ZONE 'Asia/Shanghai')::date >= %(since)s::date)
    AND (%(until)s::date IS NULL
        OR (d.drawn_at AT TIME ZONE 'Asia/Shanghai')::date <= %(until)s::date)
"""
LINES: Final = f"""
    SELECT m.case_id, m.round, m.person_id, m.draw_id, n.public_id AS expert, n.name,
        e.employer, b.title AS bureau, v.code AS measure, w.title AS measure_title,
        c.public_id, c.number, c.title, c.workflow_hash, p.stage, p.in_person, p.terms, p.size,
        d.drawn_at, m.status, m.reason, m.left_at, s.scored_at, s.due_on, s.total, k.due_on AS due,
        p.round = (SELECT max(r.round) FROM review_panel r WHERE r.case_id = c.id)
            AND EXISTS (SELECT FROM task t WHERE t.case_id = c.id AND t.role = 'expert'
                AND t.status = 'open') AS is_asked,
        (SELECT json_agg(json_build_array(o.person_id, o.total)) FROM score_sheet o
            WHERE o.case_id = m.case_id AND o.round = m.round) AS sheets,
        {TIMES} AS times
    FROM panel_member m JOIN expert_draw d ON d.id = m.draw_id
    JOIN expert e ON e.person_id = m.person_id JOIN person n ON n.id = m.person_id
    JOIN review_panel p ON p.case_id = m.case_id AND p.round = m.round
    JOIN "case" c ON c.id = m.case_id JOIN measure v ON v.id = c.measure_id
    JOIN measure_version w ON w.id = c.measure_version_id
    LEFT JOIN organisation b ON b.id = (c.parties->>'lead_bureau')::bigint
    LEFT JOIN score_sheet s ON s.case_id = m.case_id AND s.round = m.round
        AND s.person_id = m.person_id
    LEFT JOIN task a ON a.case_id = c.id AND a.role = 'expert' AND a.status = 'open'
    LEFT JOIN clock k ON k.case_id = c.id AND k.name = a.clock
    WHERE {CHOSEN}
"""
PAGE: Final = f"""{LINES} AND (%(after)s::bigint[] IS NULL
        OR ARRAY[-m.draw_id, m.case_id, m.person_id] > %(after)s::bigint[])
    ORDER BY m.draw_id DESC, m.case_id, m.person_id LIMIT %(limit)s
"""
OF_EXPERTS: Final = f"{LINES} AND m.person_id = ANY(%(people)s) ORDER BY m.person_id, m.draw_id"
EXPERTS: Final = f"""
    SELECT e.person_id, n.public_id AS expert, n.name, e.employer,
        (SELECT count(*) FROM expert_recusal r WHERE r.person_id = e.person_id) AS recusals,
        {TIMES} AS times
    FROM expert e JOIN person n ON n.id = e.person_id
    WHERE e.organisation_id = ANY(%(pools)s)
    AND (%(expert)s::text IS NULL OR n.public_id = %(expert)s)
    AND e.person_id > coalesce((SELECT x.id FROM person x WHERE x.public_id = %(after)s), 0)
    ORDER BY e.person_id LIMIT %(limit)s
"""


@dataclass(frozen=True)
class EngagementFilter:
    """Of which expert (public id), of which lead bureau (public id or code), drawn when.

    `since` and `until` are days in Shanghai and count themselves.
    """

    expert: str | None = None
    bureau: str | None = None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True)
class Engagement:
    """An expert drawn for a case; `times_in_year` are draws in the 12 months up to now.

    `timing` is one of `TIMINGS`, None of who left; `due_on` the last day that counts. `trimmed`
    and `alarm` are None until every sheet is in. `case`, `number`, `title`, `score` and
    `reason` are None where the case is not the reader's.
    """

    expert: str
    name: str
    employer: str
    bureau: str | None
    measure: str
    measure_title: str
    stage: str
    stage_title: str
    in_person: bool
    case: str | None
    number: str | None
    title: str | None
    draw: int
    drawn_at: datetime
    status: str
    reason: str | None
    left_at: datetime | None
    timing: str | None
    due_on: date | None
    scored_at: datetime | None
    score: str | None
    trimmed: bool | None
    alarm: bool | None
    times_in_year: int


@dataclass(frozen=True)
class EngagementPage:
    """Engagements, the latest draw first; `next` is given back as `after`, None on the last."""

    items: tuple[Engagement, ...]
    next: str | None


@dataclass(frozen=True)
class ServiceTotal:
    """What an expert's engagements come to; `drawn` counts draws, the others single cases."""

    expert: str
    name: str
    employer: str
    drawn: int
    cases: int
    on_time: int
    late: int
    waiting: int
    overdue: int
    declined: int
    replaced: int
    absent: int
    trimmed: int
    alarms: int
    recusals: int
    times_in_year: int


@dataclass(frozen=True)
class ServicePage:
    """Totals by the order in which experts joined; `next` is given back as `after`."""

    items: tuple[ServiceTotal, ...]
    next: str | None


ALL: Final = EngagementFilter()


@dataclass(frozen=True)
class Look:
    """Who looks at the ledger and when: what they may see, and on which day sheets are late."""

    session: Session
    actor: Actor
    at: datetime

    def asked(self, wanted: EngagementFilter, **more: Any) -> dict[str, Any]:
        """Return the parameters of a query.

        Raises:
            NotAllowed: the actor may see no pool.
        """
        pools = pools_seen(self.session, self.actor)
        if not pools:
            raise NotAllowed("专家履职台账由使用本专家库的牵头部门和审计查阅，您不在这些席位。")
        day = {"at": self.at, "today": local_date(self.at)}
        return {**vars(wanted), **day, "pools": pools, **more}

    def rows(self, query: str, said: Mapping[str, Any]) -> list[Any]:
        """Return the rows of a query as named tuples."""
        driver: Any = self.session.connection().connection.driver_connection
        found: list[Any] = driver.cursor(row_factory=namedtuple_row).execute(query, said).fetchall()
        return found

    def lines(self, rows: Sequence[Any]) -> Iterator[Engagement]:
        """Yield the engagements as the actor may see them."""
        ids = {row.case_id for row in rows}
        query = select(Case.id).where(Case.id.in_(ids), visible_cases(self.actor))
        seen = set(self.session.scalars(query)) if ids else set()
        for row in rows:
            line = _line(self.session, row, local_date(self.at))
            yield line if row.case_id in seen else _veiled(line)


def engagement_list(
    look: Look, wanted: EngagementFilter = ALL, *, after: str | None = None, limit: int = 50
) -> EngagementPage:
    """Return a page of the ledger.

    Raises:
        NotAllowed: the actor may see no pool. InvalidInput: `after` is no page's `next`.
    """
    size = max(1, min(limit, MAX_PAGE))
    said = look.asked(wanted, after=_place(after), limit=size + 1)
    rows = look.rows(PAGE, said)
    items = tuple(look.lines(rows[:size]))
    last = rows[size - 1] if len(rows) > size else None
    return EngagementPage(items, last and f"{last.draw_id}-{last.case_id}-{last.person_id}")


def whole_ledger(look: Look, wanted: EngagementFilter = ALL) -> list[Engagement]:
    """Return every engagement that the filter means, read a page at a time.

    Raises:
        NotAllowed: the actor may see no pool.
    """
    return whole(lambda after: engagement_list(look, wanted, after=after, limit=MAX_PAGE))


def service_totals(
    look: Look, wanted: EngagementFilter = ALL, *, after: str | None = None, limit: int = 50
) -> ServicePage:
    """Return a page of experts, each with what their engagements come to; who has none, too.

    Raises:
        NotAllowed: the actor may see no pool.
    """
    size = max(1, min(limit, MAX_PAGE))
    said = look.asked(wanted, after=after, limit=size + 1)
    experts = look.rows(EXPERTS, said)
    shown = experts[:size]
    own: dict[int, list[Engagement]] = {row.person_id: [] for row in shown}
    rows = look.rows(OF_EXPERTS, {**said, "people": list(own)})
    for row, line in zip(rows, look.lines(rows), strict=True):
        own[row.person_id].append(line)
    items = tuple(_total(row, own[row.person_id]) for row in shown)
    return ServicePage(items, items[-1].expert if len(experts) > size else None)


def whole_totals(look: Look, wanted: EngagementFilter = ALL) -> list[ServiceTotal]:
    """Return the totals of every expert, read a page at a time.

    Raises:
        NotAllowed: the actor may see no pool.
    """
    return whole(lambda after: service_totals(look, wanted, after=after, limit=MAX_PAGE))


def _place(after: str | None) -> list[int] | None:
    """Return what lies before a page, as it is compared: draws run backwards."""
    if after is None:
        return None
    parts = after.split("-")
    if len(parts) != PARTS or not all(part.isdecimal() and part.isascii() for part in parts):
        raise InvalidInput(f"after：{after!r} 不是上一页的 next。", fields={"after": "不是 next"})
    draw, case, person = (min(int(part), 2**63 - 1) for part in parts)
    return [-draw, case, person]


def _veiled(line: Engagement) -> Engagement:
    """Return a line of a case that is not the reader's: what it says of the expert alone."""
    return replace(line, case=None, number=None, title=None, score=None, reason=None)


def _line(session: Session, row: Any, today: date) -> Engagement:
    totals = dict(row.sheets or ())
    is_whole = len(totals) == row.size and row.total is not None
    far = row.person_id in alarms(totals)
    cut = row.person_id in left_out(totals, trimmed=terms_of(row.terms).trimmed)
    return Engagement(
        **{name: getattr(row, name) for name in SAME},
        stage_title=_title(session, row),
        case=row.public_id,
        draw=row.draw_id,
        timing=_timing(row, today),
        due_on=row.due_on or (row.due if _is_waiting(row) else None),
        score=None if row.total is None else told(Fraction(row.total, WHOLE)),
        trimmed=cut if is_whole else None,
        alarm=far if is_whole else None,
        times_in_year=row.times,
    )


OWN: Final = frozenset(
    {"stage_title", "case", "draw", "timing", "due_on", "score", "trimmed", "alarm"}
    | {"times_in_year"}
)
SAME: Final = tuple(each.name for each in fields(Engagement) if each.name not in OWN)
"""What a line tells as it was read."""


def _title(session: Session, row: Any) -> str:
    """Return the title of the state in which the panel judges."""
    states = workflow(session, row.workflow_hash).states.values()
    found = (s.title for s in states if s.stage == row.stage and POOL_PARTY in s.holders)
    return next(found, str(row.stage))


def _is_waiting(row: Any) -> bool:
    return bool(row.status == "seated" and row.scored_at is None and row.is_asked)


def _timing(row: Any, today: date) -> str | None:
    if row.scored_at is not None:
        late = row.due_on is not None and local_date(row.scored_at) > row.due_on
        return LATE if late else ON_TIME
    if row.status != "seated":
        return None
    if not row.is_asked:
        return RELEASED
    return OVERDUE if row.due is not None and today > row.due else WAITING


def _total(row: Any, lines: Iterable[Engagement]) -> ServiceTotal:
    own = list(lines)
    return ServiceTotal(
        expert=row.expert,
        name=row.name,
        employer=row.employer,
        drawn=len({line.draw for line in own}),
        cases=len(own),
        **{name: sum(line.timing == name for line in own) for name in (ON_TIME, LATE)},
        **{name: sum(line.timing == name for line in own) for name in (WAITING, OVERDUE)},
        **{
            name: sum(line.status == name for line in own)
            for name in ("declined", "replaced", "absent")
        },
        trimmed=sum(line.trimmed is True for line in own),
        alarms=sum(line.alarm is True for line in own),
        recusals=row.recusals,
        times_in_year=row.times,
    )
