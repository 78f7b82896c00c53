"""Counters of what was promised and paid: their rules, keys and how much is left (手册§5.2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Scope = Literal[
    "object",
    "project_year",
    "enterprise_clause_year",
    "enterprise_policy_year",
    "project_life",
    "enterprise_clause_life",
    "promise",
]
ORDER: Final[tuple[Scope, ...]] = (
    "object",
    "project_year",
    "enterprise_clause_year",
    "enterprise_policy_year",
    "project_life",
    "enterprise_clause_life",
    "promise",
)
"""The order in which ceilings apply (手册§5.2); a promise is what a child's parent was given."""

TITLES: Final[dict[Scope, str]] = {
    "object": "单个支持对象上限",
    "project_year": "单个支持对象每年上限",
    "enterprise_clause_year": "单个企业每年上限",
    "enterprise_policy_year": "单个企业年度总额控制",
    "project_life": "单个支持对象累计上限",
    "enterprise_clause_life": "单个企业累计上限",
    "promise": "已审定的总额（券面、协议金额）",
}

TakeState = Literal["reserved", "final", "released"]


@dataclass(frozen=True)
class StatedAmount:
    """A figure of the clause as its measure states it: so much, counted per what, for how long."""

    fen: int
    per: str
    period: str | None
    words: str
    kind: str = "amount"
    tier: str | None = None


@dataclass(frozen=True)
class CapRule:
    """A ceiling of a measure, not yet anybody's; None is no limit.

    `distinct` names a fact of the case: each of its values has a counter of its own. No clause says
    that money which comes back makes room again, so by default it does not: who had it had the
    year's chance (手册§5.9 adds sanctions, it takes none away). `freed_by_recovery` says otherwise.
    """

    scope: Scope
    title: str
    words: str
    limit_fen: int | None = None
    limit_times: int | None = None
    distinct: str | None = None
    freed_by_recovery: bool = False


@dataclass(frozen=True)
class Subject:
    """Whose case it is, of which year of use, about which object (None: the case itself)."""

    measure: str
    organisation_id: int
    year: int
    root_id: int
    child_id: int | None = None
    object_name: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def policy(self) -> str:
        """Return the part of the measure's code that all measures of its policy share."""
        return self.measure.partition("-")[0]


@dataclass(frozen=True)
class Counter:
    """A ceiling of somebody: the key names it for ever, `root_id` is set where one root owns it."""

    key: str
    scope: Scope
    title: str
    words: str
    limit_fen: int | None
    limit_times: int | None
    root_id: int | None = None
    freed_by_recovery: bool = False


@dataclass(frozen=True)
class Take:
    """What a case takes of each of its counters; `times` is one as long as it takes anything."""

    fen: int
    times: int
    state: TakeState


NOTHING: Final = Take(0, 0, "released")


@dataclass(frozen=True)
class Room:
    """What a counter has for one case: `used_*` without what the case itself holds (`own_fen`)."""

    key: str
    scope: Scope
    title: str
    words: str
    limit_fen: int | None
    used_fen: int
    left_fen: int | None
    limit_times: int | None
    used_times: int
    left_times: int | None
    own_fen: int

    @property
    def most_fen(self) -> int | None:
        """Return the most that the case may take here, None where nothing limits it."""
        return 0 if self.left_times == 0 else self.left_fen
