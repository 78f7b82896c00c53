"""What a case pins, by id and hash: never changed once written, so read once a process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any, Final

from psycopg.rows import namedtuple_row

from caseflow.catalogue.measures import ALLOWANCE, ALLOWANCE_LENGTH
from caseflow.catalogue.quoting import rule_of, subject_of
from caseflow.kernel.benefits.model import Cap
from caseflow.kernel.benefits.parameters import controlling
from caseflow.kernel.caps.counters import counters_of, left_of, most_of
from caseflow.kernel.caps.model import CapRule, StatedAmount, Subject
from caseflow.kernel.caps.rules import rules_of
from caseflow.kernel.errors import NotFound
from caseflow.kernel.money import FEN_PER_YUAN
from caseflow.kernel.overlap.rules import OverlapTerms, terms_of
from caseflow.kernel.workflow.machine import Runner
from caseflow.kernel.workflow.model import Workflow

MONTHS_A_YEAR: Final = 12
SUPPORT_OBJECT: Final = "support_object"
"""The entered fact that names what a case is about, where an applicant has several."""
FROM_CALL: Final = "申报通知"
STATED: Final = ("per", "period", "words", "kind", "tier")
"""What a ceiling needs to know of an amount besides its yuan."""


@dataclass(frozen=True)
class MeasureInfo:
    """One version of a measure as its cases need it; `organisations` maps parties to ids.

    `parameters` is what a bureau filled in where the clause is open, by name.
    """

    version_id: int
    measure_id: int
    policy_version_id: int
    code: str
    title: str
    family: str
    workflow_hash: str
    children: Mapping[str, str]
    organisations: Mapping[str, Any]
    definition: Mapping[str, Any]
    policy_split: Mapping[str, Any] | None = None

    @property
    def split(self) -> Mapping[str, Any] | None:
        """Return who bears the money: the measure's own rule before the policy's."""
        return self.definition.get("split") or self.policy_split

    @cached_property
    def benefit_caps(self) -> tuple[Cap, ...]:
        """Return the cuts of the measure's benefit rule."""
        return rule_of(self.definition).caps

    def cap_rules(self, settled: Mapping[str, Any]) -> tuple[CapRule, ...]:
        """Return the ceilings on which its cases draw, in the order in which they apply.

        `settled` is what the bureau's parameters say of them on the case's day; mostly nothing.
        """
        return self._rules(settled) if settled else self._own_cap_rules

    @cached_property
    def year_controls(self) -> Mapping[str, str]:
        """Return what its bureau must settle before a plan (AMB-10): titles by parameter."""
        return {kind.name: kind.title for kind in controlling(subject_of(self.definition))}

    @cached_property
    def _own_cap_rules(self) -> tuple[CapRule, ...]:
        return self._rules({})

    @cached_property
    def told_apart(self) -> frozenset[str]:
        """Return the facts that tell apart whose counter of a ceiling a case draws on."""
        distinct = {rule.distinct for rule in self._own_cap_rules if rule.distinct}
        return frozenset({SUPPORT_OBJECT, *distinct})

    @cached_property
    def whole_room_fen(self) -> int | None:
        """Return the most that its ceilings leave a case before anybody has drawn on them."""
        nobody = Subject(self.code, organisation_id=0, year=0, root_id=0)
        return most_of(left_of(counters_of(self._own_cap_rules, nobody), {}, {}))

    def _rules(self, settled: Mapping[str, Any]) -> tuple[CapRule, ...]:
        stated = [
            StatedAmount(
                fen=amount["yuan"] * FEN_PER_YUAN,
                **{name: amount[name] for name in STATED if name in amount},
            )
            for amount in self.definition["benefit"]["amounts"]
        ]
        return rules_of(stated, self.benefit_caps, settled)

    policy: str = ""
    city: str = ""
    policy_overlap: Mapping[str, Any] = field(default_factory=dict)
    _ceilings: dict[str | None, int | None] = field(default_factory=dict, init=False, repr=False)
    _documents: dict[str | None, tuple[str, ...]] = field(
        default_factory=dict, init=False, repr=False
    )

    @cached_property
    def overlap_terms(self) -> OverlapTerms:
        """Return what the clause says of overlaps (就高不重复)."""
        return terms_of(self.policy_overlap, self.definition.get("overlap"), self.family)

    def ceiling_fen(self, child_kind: str | None) -> int | None:
        """Return the highest figure of the clause that one case may reach, in fen.

        None where the text states none. A child case (a year, a period) may not reach the ceiling
        of the whole life; the parent may. Where the clause has a figure for one object, that of
        an enterprise's year binds several cases together and none of them alone. A sum per month
        or year of an allowance counts as often as the case has months or years.
        """
        if child_kind not in self._ceilings:
            self._ceilings[child_kind] = self._ceiling_fen(child_kind)
        return self._ceilings[child_kind]

    def _ceiling_fen(self, child_kind: str | None) -> int | None:
        stated = self.definition["benefit"]["amounts"]
        single = [amount for amount in stated if not _of_a_year(amount)]
        amounts = [
            amount["yuan"] * FEN_PER_YUAN * self._times(amount, child_kind)
            for amount in single or stated
            if child_kind is None or amount.get("kind") != "life_cap"
        ]
        return max(amounts, default=None)

    def _times(self, amount: Mapping[str, Any], child_kind: str | None) -> int:
        if self.definition["benefit"]["form"] != ALLOWANCE:
            return 1
        months, periods = map(self._parameter, ALLOWANCE_LENGTH)
        months *= periods if child_kind is None else 1
        return months if amount["period"] == "month" else -(-months // MONTHS_A_YEAR)

    def _parameter(self, name: str) -> int:
        said = self.definition["workflow"]["parameters"][name]
        return int(said["value"] if isinstance(said, Mapping) else said)

    def required_documents(
        self, child_kind: str | None, added: Sequence[Mapping[str, Any]] = ()
    ) -> tuple[str, ...]:
        """Return the kinds of documents without which the case is not complete."""
        if added:
            return self._required(child_kind, added)
        if child_kind not in self._documents:
            self._documents[child_kind] = self._required(child_kind, ())
        return self._documents[child_kind]

    def _required(
        self, child_kind: str | None, added: Sequence[Mapping[str, Any]]
    ) -> tuple[str, ...]:
        return tuple(each["kind"] for each in self.checklist(child_kind, added) if each["required"])

    def checklist(
        self, child_kind: str | None, added: Sequence[Mapping[str, Any]] = ()
    ) -> list[Mapping[str, Any]]:
        """Return the documents asked for; a child case asks for those of its own kind.

        `added` are those of the call: what the measure leaves optional is asked for by it.
        """
        own = [each for each in self.definition["documents"] if each.get("child") == child_kind]
        if child_kind is not None or not added:
            return own
        wanted = {each["kind"] for each in added}
        known = {each["kind"] for each in own}
        asked = [{**each, "required": each["required"] or each["kind"] in wanted} for each in own]
        more = [
            {**each, "required": True, "source": FROM_CALL}
            for each in added
            if each["kind"] not in known
        ]
        return [*asked, *more]


def _of_a_year(amount: Mapping[str, Any]) -> bool:
    """Return whether a figure counts everything an enterprise gets in a year."""
    return bool(amount["per"] == "enterprise" and amount["period"] == "year")


QUERY = """
    SELECT v.id AS version_id, v.measure_id, v.policy_version_id, m.code, v.title, v.family,
        v.workflow_hash, v.children, v.organisations, v.definition, p.code AS policy, p.city,
        pv.definition->'split' AS policy_split, pv.definition->'overlap' AS policy_overlap
    FROM measure_version v JOIN measure m ON m.id = v.measure_id
    JOIN policy p ON p.id = m.policy_id
    JOIN policy_version pv ON pv.id = v.policy_version_id WHERE v.id = %s
"""


class Pinned:
    """The process's memory of measure versions and runnable workflows."""

    def __init__(self) -> None:
        self._measures: dict[int, MeasureInfo] = {}
        self._runners: dict[str, Runner] = {}
        self._lock = Lock()

    def measure(self, connection: Any, version_id: int) -> MeasureInfo:
        """Return a measure version; the database is asked once."""
        known = self._measures.get(version_id)
        if known is None:
            cursor = connection.cursor(row_factory=namedtuple_row)
            row = cursor.execute(QUERY, (version_id,)).fetchone()
            if row is None:
                raise NotFound(f"There is no measure version {version_id}.")
            known = MeasureInfo(**row._asdict())
            self._measures[version_id] = known
        return known

    def runner(self, connection: Any, workflow_hash: str) -> Runner:
        """Return the workflow of that hash, ready to run; the database is asked once."""
        known = self._runners.get(workflow_hash)
        if known is None:
            row = connection.execute(
                "SELECT definition FROM workflow WHERE hash = %s", (workflow_hash,)
            ).fetchone()
            if row is None:
                raise NotFound(f"There is no workflow {workflow_hash}.")
            with self._lock:
                known = self._runners.setdefault(workflow_hash, Runner(Workflow.from_data(row[0])))
        return known
