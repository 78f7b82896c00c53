"""What is asked of indicators: who owns them, what is due of whom, what was reported."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, func, or_, select, true, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.indicators.models import (
    IndicatorDue,
    IndicatorEvidence,
    IndicatorReport,
    PolicyIndicator,
)
from caseflow.catalogue.models import Policy, PolicyVersion
from caseflow.database.paging import last_of
from caseflow.identity.models import Organisation, Person
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import NotFound
from caseflow.kernel.indicators import written
from caseflow.kernel.periods import Period

MAX_PAGE: Final = 200
AUDITOR: Final = "auditor"


@dataclass(frozen=True)
class Owned:
    """An indicator as the policy's current version words it, with the organisations behind it."""

    policy: str
    version: PolicyVersion
    definition: Mapping[str, Any]
    owners: tuple[int, ...]
    gathered_by: int | None

    @property
    def code(self) -> str:
        """Return the indicator's id in its policy."""
        code: str = self.definition["id"]
        return code

    @property
    def by_each(self) -> bool:
        """Return whether each owner reports its own part."""
        return bool(self.definition["reporting"]["by"] == "each")

    def shares(self) -> tuple[tuple[int, ...], ...]:
        """Return the owners of each report that a period needs."""
        return tuple((n,) for n in self.owners) if self.by_each else (self.owners,)

    def share_of(self, organisation: int) -> tuple[int, ...]:
        """Return the owners of the report that an organisation has a hand in."""
        return (organisation,) if self.by_each else self.owners

    def status_on(self, day: date) -> str:
        """Return the policy's legal state."""
        return catalogue.status_on(self.version, day)


@dataclass(frozen=True)
class EvidenceLine:
    """A file that proves a report."""

    line: int
    sha256: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True)
class ReportLine:
    """A value as it was reported, and what became of it: `reported`, `confirmed`, `superseded`."""

    public_id: str
    policy: str
    version: int
    indicator: str
    period: str
    organisation: str
    value: str
    unit: str
    note: str | None
    status: str
    corrects: str | None
    reason: str | None
    reported_by: str
    reported_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    evidence: tuple[EvidenceLine, ...]


@dataclass(frozen=True)
class ReportPage:
    """Reports, the last first; `next` is given back as `after`."""

    items: tuple[ReportLine, ...]
    next: str | None


def owned_indicators(session: Session, policy: str | None = None) -> tuple[Owned, ...]:
    """Return the indicators of the current versions (of one policy), in the order of the annex."""
    query = (
        select(Policy.code, PolicyVersion, PolicyIndicator)
        .join(PolicyVersion, PolicyVersion.policy_id == Policy.id)
        .join(PolicyIndicator, PolicyIndicator.policy_version_id == PolicyVersion.id)
        .where(PolicyVersion.current)
    )
    if policy is not None:
        query = query.where(Policy.code == policy)
    found = []
    for code, version, row in session.execute(query):
        known = {each["id"]: each for each in version.definition["indicators"]}
        definition = known[row.indicator]
        found.append(Owned(code, version, definition, tuple(row.owners), row.gathered_by))
    return tuple(sorted(found, key=lambda each: (each.policy, each.definition["number"])))


def owned_indicator(session: Session, policy: str, code: str) -> Owned:
    """Return one indicator.

    Raises:
        NotFound: the policy is not loaded, or has no such indicator.
    """
    found = owned_indicators(session, policy)
    for each in found:
        if each.code == code:
            return each
    names = "、".join(each.code for each in found) or "无"
    raise NotFound(f"政策 {policy!r} 没有指标 {code!r}；有：{names}。")


def due_for(
    session: Session, owned: Owned, period: Period, organisation: int
) -> IndicatorDue | None:
    """Return what is due for a period of an owner: its own part, or the whole from any of them."""
    query = select(IndicatorDue).where(
        IndicatorDue.policy_id == owned.version.policy_id,
        IndicatorDue.indicator == owned.code,
        IndicatorDue.period == period.code,
    )
    if owned.by_each:
        query = query.where(IndicatorDue.lead_id == organisation)
    return session.scalars(query.order_by(IndicatorDue.id)).first()


def latest_report(session: Session, due: IndicatorDue) -> IndicatorReport | None:
    """Return the report of a period that no other corrects: the live one."""
    query = select(IndicatorReport).where(IndicatorReport.due_id == due.id)
    return session.scalars(query.order_by(IndicatorReport.id.desc())).first()


def visible_reports(actor: Actor) -> ColumnElement[bool]:
    """Return the one rule of what an actor may see, on `IndicatorReport` joined to its due.

    What is confirmed is everybody's; what is not, the owners', the leading bureau's, the auditors'.
    """
    if any(held.role == AUDITOR for held in actor.assignments):
        return true()
    return or_(IndicatorReport.confirmed_at.is_not(None), concerned(actor))


def concerned(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on `IndicatorDue` that the actor sits in an owner or the lead."""
    bureaus = sorted({held.organisation_id for held in actor.assignments})
    owners = type_coerce(IndicatorDue.owners, ARRAY(BigInteger))
    return or_(owners.overlap(bureaus), IndicatorDue.gathered_by.in_(bureaus))


def locked_report(session: Session, actor: Actor, public_id: str) -> IndicatorReport:
    """Return a report, locked until the transaction ends.

    Raises:
        NotFound: there is none that the actor may see; the two are not told apart.
    """
    query = (
        select(IndicatorReport)
        .join(IndicatorDue, IndicatorDue.id == IndicatorReport.due_id)
        .where(IndicatorReport.public_id == public_id, visible_reports(actor))
        .with_for_update(of=IndicatorReport, key_share=True)
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"没有指标报送 {public_id!r}。")
    return found


def report_list(
    session: Session, actor: Actor, *, policy: str, indicator: str | None = None,
    period: str | None = None, after: str | None = None, limit: int = 50,
) -> ReportPage:  # fmt: skip
    """Return a page of the reports of a policy that the actor may see.

    Raises:
        InvalidInput: `after` is no report that the actor may see.
    """
    conditions = [Policy.code == policy, visible_reports(actor)]
    if indicator is not None:
        conditions.append(IndicatorDue.indicator == indicator)
    if period is not None:
        conditions.append(IndicatorDue.period == period)
    if after is not None:
        place = (
            select(IndicatorReport.id)
            .join(IndicatorDue, IndicatorDue.id == IndicatorReport.due_id)
            .where(IndicatorReport.public_id == after, visible_reports(actor))
        )
        conditions.append(IndicatorReport.id < last_of(session, place, after).id)
    size = max(1, min(limit, MAX_PAGE))
    query = _lines().where(*conditions).order_by(IndicatorReport.id.desc()).limit(size + 1)
    rows = session.execute(query).all()
    items = _told(session, rows[:size])
    return ReportPage(items, items[-1].public_id if len(rows) > size else None)


def report_line(session: Session, row: IndicatorReport) -> ReportLine:
    """Return one report as a list shows it."""
    found = session.execute(_lines().where(IndicatorReport.id == row.id)).all()
    return _told(session, found)[0]


def evidence_of(session: Session, actor: Actor, public_id: str, sha256: str) -> IndicatorEvidence:
    """Return a file of a report, for owners, the leading bureau and auditors.

    Raises:
        NotFound: there is no such file that the actor may see.
    """
    is_auditor = any(held.role == AUDITOR for held in actor.assignments)
    query = (
        select(IndicatorEvidence)
        .join(IndicatorReport, IndicatorReport.id == IndicatorEvidence.report_id)
        .join(IndicatorDue, IndicatorDue.id == IndicatorReport.due_id)
        .where(IndicatorReport.public_id == public_id, IndicatorEvidence.sha256 == sha256)
        .where(true() if is_auditor else concerned(actor))
    )
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"指标报送 {public_id!r} 没有佐证材料 {sha256!r}。")
    return found


def titles_of(session: Session, organisations: set[int]) -> dict[int, str]:
    """Return the title of each organisation by its id."""
    query = select(Organisation.id, Organisation.title).where(Organisation.id.in_(organisations))
    return {number: str(title) for number, title in session.execute(query)}


def _lines() -> Any:
    reporter, confirmer = aliased(Person), aliased(Person)
    before, newer = aliased(IndicatorReport), aliased(IndicatorReport)
    corrected = select(func.count()).where(newer.supersedes_id == IndicatorReport.id)
    return (
        select(
            IndicatorReport,
            IndicatorDue,
            Policy.code,
            PolicyVersion.version,
            Organisation.title,
            before.public_id.label("corrects"),
            reporter.name.label("reported_by"),
            confirmer.name.label("confirmed_by"),
            corrected.scalar_subquery().label("corrected"),
        )
        .join(IndicatorDue, IndicatorDue.id == IndicatorReport.due_id)
        .join(Policy, Policy.id == IndicatorDue.policy_id)
        .join(PolicyVersion, PolicyVersion.id == IndicatorReport.policy_version_id)
        .join(Organisation, Organisation.id == IndicatorReport.organisation_id)
        .join(reporter, reporter.id == IndicatorReport.reported_by)
        .outerjoin(confirmer, confirmer.id == IndicatorReport.confirmed_by)
        .outerjoin(before, before.id == IndicatorReport.supersedes_id)
    )


def _told(session: Session, rows: Sequence[Any]) -> tuple[ReportLine, ...]:
    """Return rows of `_lines` with the evidence of all of them, read at once."""
    numbers = [row.IndicatorReport.id for row in rows]
    query = select(IndicatorEvidence).where(IndicatorEvidence.report_id.in_(numbers))
    files: dict[int, list[EvidenceLine]] = {number: [] for number in numbers}
    for each in session.scalars(query.order_by(IndicatorEvidence.line)):
        line = EvidenceLine(each.line, each.sha256, each.name, each.media_type, each.size)
        files[each.report_id].append(line)
    return tuple(_line(row, tuple(files[row.IndicatorReport.id])) for row in rows)


def _line(found: Any, evidence: tuple[EvidenceLine, ...]) -> ReportLine:
    row: IndicatorReport = found.IndicatorReport
    status = "confirmed" if row.confirmed_at else "reported"
    return ReportLine(
        public_id=row.public_id,
        policy=found.code,
        version=found.version,
        indicator=found.IndicatorDue.indicator,
        period=found.IndicatorDue.period,
        organisation=found.title,
        value=written(row.value),
        unit=row.unit,
        note=row.note,
        status="superseded" if found.corrected else status,
        corrects=found.corrects,
        reason=row.reason,
        reported_by=found.reported_by,
        reported_at=row.reported_at,
        confirmed_by=found.confirmed_by,
        confirmed_at=row.confirmed_at,
        evidence=evidence,
    )
