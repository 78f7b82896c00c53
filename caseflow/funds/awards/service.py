"""Recording awards that other systems paid: once each, whoever is asked how often."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from caseflow.catalogue.models import Policy, PolicyVersion
from caseflow.database.ids import PublicIds
from caseflow.funds.awards.models import OWN_SOURCE, Award, AwardMatter
from caseflow.funds.awards.rows import GrantedAward, read_award
from caseflow.identity.models import Organisation, Territory
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.kernel.overlap.matters import Commit, normalised
from caseflow.kernel.overlap.rules import TRIGGERS

IMPORTERS: Final = frozenset({"finance_division", "bureau_reviewer"})
"""The roles that answer for what other systems paid; a second person's sign is not asked."""
MOST_ROWS: Final = 5000
PER_HOLDER: Final = "enterprise_and_project"


@dataclass(frozen=True)
class RowResult:
    """What became of a row; `message` says why.

    recorded; already: the same again; clash: recorded, but another award has the matter; refused.
    """

    line: int
    result: str
    award: str | None = None
    message: str = ""


@dataclass(frozen=True)
class Importing:
    """Who imports from which system, when; `commit` keeps people's numbers out."""

    source: str
    actor: Actor
    at: datetime
    ids: PublicIds
    commit: Commit


def import_awards(
    session: Session, rows: Sequence[tuple[int, Mapping[str, Any]]], importing: Importing
) -> tuple[RowResult, ...]:
    """Record each (line, row) that can be, and say of each what became of it.

    A row is known by its source's own id for ever: the same again changes nothing, another
    content under it is refused. A dry run is the same, rolled back by the caller.

    Raises:
        NotAllowed: the actor's roles do not answer for imports. InvalidInput: no source, too many.
    """
    if not any(holding.role in IMPORTERS for holding in importing.actor.assignments):
        raise NotAllowed("登记其他系统的享受记录须由财政业务科室或主管部门复核办理，您不在该席位。")
    source = normalised(importing.source).lower()
    if not source or source == OWN_SOURCE or len(rows) > MOST_ROWS:
        reason = f"须写明来源系统（不得为 {OWN_SOURCE}），一次至多 {MOST_ROWS} 行"
        raise InvalidInput(f"{reason}。", fields={"source": reason})
    places = {row.title: row.code for row in session.scalars(select(Territory))}
    desk = _Desk(session, importing, source, places, _holding_cities(session))
    return tuple(desk.record(line, row) for line, row in rows)


def counted(results: Iterable[RowResult]) -> dict[str, int]:
    """Return how many rows came to each result."""
    found = dict.fromkeys(("recorded", "already", "clash", "refused"), 0)
    for each in results:
        found[each.result] += 1
    return found


def _holding_cities(session: Session) -> frozenset[str]:
    """Return the cities whose policies ask for the same enterprise and the same project."""
    query = select(Policy.city, PolicyVersion.definition["overlap"]["against"].astext).join(
        PolicyVersion, PolicyVersion.policy_id == Policy.id
    )
    rows = session.execute(query.where(PolicyVersion.current))
    return frozenset(city for city, against in rows if TRIGGERS[against] == PER_HOLDER)


@dataclass(frozen=True)
class _Desk:
    session: Session
    importing: Importing
    source: str
    places: Mapping[str, str]
    holding_cities: frozenset[str]

    def record(self, line: int, row: Mapping[str, Any]) -> RowResult:
        try:
            told = read_award(row, self.importing.commit, self.places)
        except InvalidInput as error:
            return RowResult(line, "refused", message=error.message)
        known = self._known(told)
        if known is not None:
            return self._again(line, told, known)
        try:
            with self.session.begin_nested():
                award = self._add(told)
        except DBAPIError as error:
            return RowResult(line, "refused", message=f"数据库拒绝：{error.orig}".split("\n")[0])
        return self._told(line, award)

    def _known(self, told: GrantedAward) -> Award | None:
        query = select(Award).where(Award.source == self.source, Award.source_id == told.source_id)
        return self.session.scalars(query).one_or_none()

    def _again(self, line: int, told: GrantedAward, known: Award) -> RowResult:
        new = {k: v for k, v in asdict(told).items() if k not in {"name", "matters"}}
        if all(getattr(known, name) == value for name, value in new.items()):
            return RowResult(line, "already", known.public_id)
        message = (
            f"来源编号 {told.source_id} 已登记为 {known.public_id}，内容不同；已登记的不得更改"
        )
        return RowResult(line, "refused", known.public_id, message)

    def _add(self, told: GrantedAward) -> Award:
        values = {k: v for k, v in asdict(told).items() if k not in {"name", "matters"}}
        award = Award(
            **values,
            public_id=self.importing.ids.new(),
            organisation_id=self._organisation(told),
            holder_title=told.name,
            scope=told.scope,
            per_holder=told.level == "city" and told.place in self.holding_cities,
            source=self.source,
            recorded_by=self.importing.actor.id,
            recorded_at=self.importing.at,
        )
        self.session.add(award)
        self.session.flush()
        for each in told.matters:
            self.session.add(
                AwardMatter(
                    award_id=award.id, kind=each.kind, key=each.key, stem=each.stem,
                    cost_from=each.cost_from, cost_to=each.cost_to, items=dict(each.items),
                )
            )  # fmt: skip
        self.session.flush()
        return award

    def _organisation(self, told: GrantedAward) -> int | None:
        query = select(Organisation.id).where(Organisation.uscc == told.holder)
        return self.session.scalars(query).one_or_none()

    def _told(self, line: int, award: Award) -> RowResult:
        """Say whether another award has a matter of this one: a finding for the auditors."""
        mine = select(AwardMatter).where(AwardMatter.award_id == award.id, ~AwardMatter.claims)
        for matter in self.session.scalars(mine.execution_options(populate_existing=True)):
            held = (
                select(Award.public_id)
                .join(AwardMatter, AwardMatter.award_id == Award.id)
                .where(
                    AwardMatter.claims,
                    AwardMatter.scope == matter.scope,
                    AwardMatter.kind == matter.kind,
                    AwardMatter.key == matter.key,
                    AwardMatter.holder == matter.holder,
                )
            )
            other = self.session.scalars(held).first()
            message = (
                f"已登记；同一事项 {matter.kind}:{matter.key} 已有享受记录 {other}，疑为重复享受"
            )
            return RowResult(line, "clash", award.public_id, message)
        return RowResult(line, "recorded", award.public_id)
