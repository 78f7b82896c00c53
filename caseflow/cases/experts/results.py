"""What panels said of cases: sheets, means, alarms; the 专家评审汇总表 of 手册§10.3."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from psycopg.rows import namedtuple_row
from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.cases.experts.draws import DrawView, draw_view
from caseflow.cases.filters import CITY_SEES
from caseflow.cases.models import Case
from caseflow.cases.queries import find_case
from caseflow.catalogue.models import Call, MeasureVersion
from caseflow.funds.sheets import About, Column, Sheet, workbook
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import NotAllowed, NotFound
from caseflow.kernel.ranking import Entry
from caseflow.kernel.scoring import WHOLE, Terms, alarms, mean_of, terms_of, told
from caseflow.reviews.experts.models import ExpertDraw, PanelMember
from caseflow.reviews.experts.queries import AUDITORS, MAX_PAGE, OFFICIALS

GONE: Final = frozenset({"rejected", "not_accepted", "withdrawn", "lapsed", "terminated"})
"""The outcomes of cases that left; who was paid has not."""
RESULTS: Final = """
    SELECT c.id, c.public_id, c.number, c.title, c.state, c.outcome, c.head_seq AS version,
        coalesce(c.submitted_at, c.created_at) AS submitted_at, c.workflow_hash,
        (c.facts->>'rank')::int AS rank, (c.facts->>'score')::int AS entered,
        a.title AS applicant, p.stage, p.size, p.terms,
        (SELECT json_agg(json_build_object('expert', n.public_id, 'name', n.name,
            'status', m.status, 'reason', m.reason, 'person', m.person_id, 'scores', s.scores,
            'total', s.total, 'opinion', s.opinion) ORDER BY n.public_id)
          FROM panel_member m JOIN person n ON n.id = m.person_id
          LEFT JOIN score_sheet s ON s.case_id = m.case_id AND s.round = m.round
            AND s.person_id = m.person_id
          WHERE m.case_id = c.id AND m.round = p.round) AS members,
        (SELECT json_agg(d.pool ORDER BY d.id) FROM expert_draw d WHERE d.id IN
            (SELECT m.draw_id FROM panel_member m WHERE m.case_id = c.id
              AND m.round = p.round)) AS pools,
        f.named_at, f.freed_at, f.promoted, f.case_id IS NOT NULL AS has_place
    FROM "case" c JOIN organisation a ON a.id = c.applicant_id
    LEFT JOIN LATERAL (SELECT * FROM review_panel p WHERE p.case_id = c.id
        AND p.stage = coalesce(%(stage)s, p.stage) ORDER BY p.round DESC LIMIT 1) p ON true
    LEFT JOIN shortlist_place f ON f.case_id = c.id
    WHERE {which} AND (%(stage)s::text IS NULL OR p.stage IS NOT NULL)
    AND c.number > %(after)s ORDER BY c.number LIMIT %(limit)s
"""
OF_CALL: Final = RESULTS.format(
    which=f"c.call_id = %(key)s AND c.submitted_at IS NOT NULL AND {CITY_SEES}"
)
OF_CASE: Final = RESULTS.format(which="c.id = %(key)s")


@dataclass(frozen=True)
class SheetView:
    """One expert's sheet; `score` in points with two decimals, `alarm`: beyond 2σ (偏离预警)."""

    expert: str
    name: str
    scores: Mapping[str, int]
    score: str
    opinion: str
    alarm: bool


@dataclass(frozen=True)
class LeftView:
    """Who left a panel or could not be drawn, and why."""

    expert: str
    reason: str


@dataclass(frozen=True)
class ReviewView:
    """A case as its panel sees it: the sheets, the mean (trimmed where so said), its rank.

    `stage` is the stage in which the panel judges, None where none was drawn.
    """

    case: str
    number: str
    title: str
    applicant: str
    state: str
    stage: str | None
    size: int | None
    waiting: int | None
    trimmed: bool
    score: str | None
    rank: int | None
    conclusion: str
    sheets: tuple[SheetView, ...]
    left: tuple[LeftView, ...]


@dataclass(frozen=True)
class ReviewPage:
    """Reviews of a call by case number; `next` is given back as `after`, None on the last page."""

    items: tuple[ReviewView, ...]
    next: str | None


@dataclass(frozen=True)
class Window:
    """Which reviews are meant: of one stage (None: of each case the newest), a page of them."""

    stage: str | None = None
    after: str = ""
    limit: int | None = None


WHOLE_CALL: Final = Window()


@dataclass(frozen=True)
class DrawPage:
    """The draws of a case; of each the cases that it was for, by number."""

    items: tuple[DrawView, ...]


@dataclass(frozen=True)
class Result:
    """A case's review as it was read, with its exact score."""

    row: Any
    terms: Terms
    totals: Mapping[int, int]

    @property
    def score(self) -> Fraction | None:
        """Return the mean where every sheet is in; of an older workflow, what was entered."""
        if self.row.size is not None and len(self.totals) == self.row.size:
            return mean_of(list(self.totals.values()), trimmed=self.terms.trimmed)
        return None if self.row.entered is None else Fraction(self.row.entered)

    def entry(self, score: Fraction) -> Entry:
        """Return what the ranking compares: sub-scores are means over all sheets, untrimmed."""
        sheets = [each["scores"] for each in self.members if each["scores"]]
        means = {
            each.code: Fraction(sum(sheet[each.code] for sheet in sheets), len(sheets))
            for each in self.terms.criteria
            if sheets
        }
        row = self.row
        return Entry(row.public_id, row.number, score, means, row.submitted_at)

    @property
    def members(self) -> Sequence[Mapping[str, Any]]:
        """Return who was drawn into the panel, those who left included."""
        return self.row.members or ()


def results(connection: Any, query: str, key: int, window: Window = WHOLE_CALL) -> list[Result]:
    """Return the reviews that `query` (OF_CALL, OF_CASE) finds, by case number."""
    cursor = connection.cursor(row_factory=namedtuple_row)
    said = {"key": key, **vars(window)}
    return [_result(row) for row in cursor.execute(query, said).fetchall()]


def _result(row: Any) -> Result:
    terms = terms_of(row.terms) if row.terms else Terms()
    sheets = [each for each in row.members or () if each["total"] is not None]
    return Result(row, terms, {each["person"]: each["total"] for each in sheets})


def case_review(
    session: Session, actor: Actor, public_id: str, *, stage: str | None = None
) -> ReviewView:
    """Return a case's sheets and opinions (评审意见表); for its lead bureau and 审计 alone.

    Raises:
        NotFound: no case that the actor may see, or no panel of it judged in `stage`.
        NotAllowed: not of the lead bureau.
    """
    case = find_case(session, actor, public_id)
    refuse_strangers(actor, {case.parties["lead_bureau"]})
    for found in results(_driver(session), OF_CASE, case.id, Window(stage)):
        return view(found)
    raise NotFound(f"本办件在 {stage!r} 环节没有专家评审。")


def case_draws(session: Session, actor: Actor, public_id: str) -> DrawPage:
    """Return the recorded draws of a case's panels, the first first: anybody can draw again.

    Raises:
        NotFound: no case that the actor may see. NotAllowed: not of the lead bureau or 审计.
    """
    case = find_case(session, actor, public_id)
    refuse_strangers(actor, {case.parties["lead_bureau"]})
    drawn = select(PanelMember.draw_id).where(PanelMember.case_id == case.id)
    query = select(ExpertDraw).where(ExpertDraw.id.in_(drawn)).order_by(ExpertDraw.id)
    items = []
    for row in session.scalars(query):
        cases = select(PanelMember.case_id).where(PanelMember.draw_id == row.id)
        numbers = select(Case.number).where(Case.id.in_(cases)).order_by(Case.number)
        items.append(draw_view(row, session.scalars(numbers).all()))
    return DrawPage(tuple(items))


def call_reviews(
    session: Session, actor: Actor, call: str, *, stage: str | None = None
) -> tuple[ReviewView, ...]:
    """Return the reviews of all of a call's cases, by number; for the lead bureau and 审计 alone.

    Raises:
        NotFound: no such call. NotAllowed: not of the lead bureau.
    """
    found = find_call(session, actor, call)
    return tuple(view(each) for each in results(_driver(session), OF_CALL, found.id, Window(stage)))


def review_page(
    session: Session,
    actor: Actor,
    call: str,
    *,
    stage: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> ReviewPage:
    """Return a page of `call_reviews`.

    Raises:
        As `call_reviews`.
    """
    size = max(1, min(limit, MAX_PAGE))
    found = find_call(session, actor, call)
    window = Window(stage, after or "", size + 1)
    rows = results(_driver(session), OF_CALL, found.id, window)
    items = tuple(view(each) for each in rows[:size])
    return ReviewPage(items, items[-1].number if len(rows) > size else None)


def find_call(session: Session, actor: Actor, public_id: str) -> Call:
    """Return a call whose reviews the actor may see.

    Raises:
        NotFound: no such call. NotAllowed: not of the lead bureau.
    """
    found = session.scalars(select(Call).where(Call.public_id == public_id)).one_or_none()
    if found is None:
        raise NotFound(f"没有申报通知 {public_id!r}。")
    lead = MeasureVersion.organisations["lead_bureau"].as_integer()
    query = select(lead).where(MeasureVersion.measure_id == found.measure_id)
    refuse_strangers(actor, set(session.scalars(query)))
    return found


def refuse_strangers(actor: Actor, leads: set[int]) -> None:
    """Refuse who is neither of a lead bureau nor an auditor.

    Raises:
        NotAllowed: as said.
    """
    for each in actor.assignments:
        if each.role in AUDITORS or (each.role in OFFICIALS and each.organisation_id in leads):
            return
    raise NotAllowed("专家评审结果由牵头部门办理，审计可查阅，您不在这些席位。")


def view(found: Result) -> ReviewView:
    """Return a review as it is told."""
    far, row = alarms(found.totals), found.row
    score = found.score
    return ReviewView(
        case=row.public_id,
        number=row.number,
        title=row.title,
        applicant=row.applicant,
        state=row.state,
        stage=row.stage,
        size=row.size,
        waiting=None if row.size is None else row.size - len(found.totals),
        trimmed=found.terms.trimmed,
        score=None if score is None else told(score),
        rank=row.rank,
        conclusion=_conclusion(found),
        sheets=tuple(
            SheetView(
                expert=each["expert"],
                name=each["name"],
                scores=each["scores"],
                score=told(Fraction(each["total"], WHOLE)),
                opinion=each["opinion"],
                alarm=each["person"] in far,
            )
            for each in found.members
            if each["total"] is not None
        ),
        left=(*_left(found), *_excluded(row)),
    )


def _left(found: Result) -> list[LeftView]:
    gone = [each for each in found.members if each["status"] != "seated"]
    return [LeftView(each["expert"], each["reason"]) for each in gone]


def _excluded(row: Any) -> list[LeftView]:
    """Return who was out of the first draw, with why; later draws leave out who sits already."""
    first = (row.pools or [{}])[0]
    return [LeftView(key, why) for key, why in sorted(first.items()) if why]


def _conclusion(found: Result) -> str:
    row = found.row
    if row.has_place and row.freed_at is None:
        return "递补入围" if row.promoted else "入围"
    if row.has_place or row.outcome in GONE:
        return "已退出"
    if row.state.partition("#")[0] == "waitlisted":
        return "候补"
    return "评审中" if found.score is None else "已评分"


def summary_sheet(reviews: Sequence[ReviewView], actor: Actor, title: str, at: datetime) -> bytes:
    """Return the 专家评审汇总表 (手册§10.3) and the opinions (评审意见表) as an XLSX file."""
    most = max((len(each.sheets) for each in reviews), default=0)
    experts = tuple(Column(f"专家{n}", f"expert{n}", "text") for n in range(1, most + 1))
    about = About(f"专家评审汇总表：{title}", f"截至 {local_date(at)}", at, actor.name)
    columns = (
        Column("项目编号", "number"), Column("项目名称", "title"), *experts,
        Column("去高去低均分", "score"), Column("名次", "rank", "number"),
        Column("结论", "conclusion"), Column("回避情况", "left"), Column("备注", "note"),
    )  # fmt: skip
    opinions = (
        Column("项目编号", "number"), Column("项目名称", "title"), Column("专家", "name"),
        Column("得分", "score"), Column("评审意见", "opinion"), Column("偏离预警", "alarm"),
    )  # fmt: skip
    said = [line for each in reviews for line in _opinions(each)]
    told_about = About(f"评审意见表：{title}", about.period, at, actor.name)
    return workbook(
        [
            Sheet("专家评审汇总表", about, columns, [_summary(each) for each in reviews]),
            Sheet("评审意见表", told_about, opinions, said),
        ]
    )


def _summary(review: ReviewView) -> dict[str, Any]:
    scores = {f"expert{n}": each.score for n, each in enumerate(review.sheets, start=1)}
    noted = [f"{each.name} 偏离预警" for each in review.sheets if each.alarm]
    if review.score is not None and not review.trimmed:
        noted.append("未去高去低")
    return {
        "number": review.number,
        "title": review.title,
        **scores,
        "score": review.score,
        "rank": review.rank,
        "conclusion": review.conclusion,
        "left": "；".join(each.reason for each in review.left),
        "note": "；".join(noted),
    }


def _opinions(review: ReviewView) -> list[dict[str, Any]]:
    return [
        {
            "number": review.number,
            "title": review.title,
            "name": each.name,
            "score": each.score,
            "opinion": each.opinion,
            "alarm": "是" if each.alarm else "",
        }
        for each in review.sheets
    ]


def _driver(session: Session) -> Any:
    return session.connection().connection.driver_connection
