"""What a list of titles comes to, row by row, under every measure that rewards its kind.

Everything is read in sets, whatever the number of rows; nothing is written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from caseflow.catalogue.parameters.queries import parameters_on
from caseflow.catalogue.queries import LoadedMeasure, status_on
from caseflow.catalogue.quoting import Clause, quote_clause, rule_of
from caseflow.catalogue.titles.models import TitleList
from caseflow.catalogue.titles.queries import Served, serving
from caseflow.funds.bars.queries import STANDING, bars_of
from caseflow.identity.models import APPLICANT_KINDS
from caseflow.identity.queries import DISTRICT_KINDS
from caseflow.identity.successions.queries import families, successions
from caseflow.kernel.benefits.settled import settled_terms
from caseflow.kernel.benefits.sheet import Terms
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import QuoteRefused
from caseflow.kernel.money import Money
from caseflow.kernel.overlap.matters import Matter, normalised
from caseflow.kernel.overlap.rules import terms_of
from caseflow.kernel.titles import LEVELS, Standing, Title, matter_of, standing

FIRST_TIME: Final = "first_time"
NAMED: Final = ("title", "model_filing")
"""The kinds of matter that a list can name."""

ROWS: Final = text("""
    SELECT r.line, r.revision, r.uscc, r.name, r.object, r.object_no, r.grade, r.thing,
        least(r.valid_to, l.valid_to) AS valid_to, EXISTS (SELECT FROM title_revocation v
            WHERE v.list_id = r.list_id AND v.line = r.line) AS revoked,
        ARRAY(SELECT t.measure_id FROM title_match t WHERE t.list_id = r.list_id
            AND t.line = r.line AND t.case_id IS NOT NULL) AS matched
    FROM title_row r JOIN title_list l ON l.id = r.list_id
    WHERE r.list_id = :list AND r.result = 'recorded' AND NOT EXISTS (SELECT FROM title_row n
        WHERE n.list_id = r.list_id AND n.line = r.line AND n.revision > r.revision)
    ORDER BY r.line
""")
TITLES: Final = text("""
    SELECT r.uscc, r.thing, l.level, l.issued_on, l.document_no
    FROM title_row r JOIN title_list l ON l.id = r.list_id
    WHERE l.kind = :kind AND r.uscc = ANY(:codes) AND r.result = 'recorded'
        AND NOT EXISTS (SELECT FROM title_row n
            WHERE n.list_id = r.list_id AND n.line = r.line AND n.revision > r.revision)
""")
FIRMS: Final = text(f"""
    SELECT o.id, o.public_id, o.title, o.kind, o.uscc, o.territory_id,
        (SELECT d.id FROM organisation d WHERE d.territory_id = o.territory_id
            AND d.kind = ANY(:districts) ORDER BY d.id LIMIT 1) AS district_id,
        {STANDING.format(organisation="o.id")} AS bars
    FROM organisation o WHERE o.uscc = ANY(:codes) AND o.kind = ANY(:kinds)
""")
PLACES: Final = text("SELECT id, code, parent_id FROM territory")
CASES: Final = text("""
    SELECT c.measure_id, m.kind, m.key, m.holder, min(c.number) AS number
    FROM case_matter m JOIN "case" c ON c.id = m.case_id
    WHERE m.dropped_seq IS NULL AND m.kind = ANY(:named) AND m.stem = ANY(:stems)
        AND m.holder = ANY(:codes) AND m.key = ANY(:keys)
        AND c.measure_id = ANY(:measures) AND c.parent_id IS NULL
    GROUP BY 1, 2, 3, 4
""")
GIVEN: Final = text("""
    SELECT a.measure, m.kind, m.stem, a.holder, sum(a.amount_fen)::bigint AS fen, count(*) AS times
    FROM award_matter m JOIN award a ON a.id = m.award_id
    WHERE a.status IN ('live', 'superseded') AND a.holder = ANY(:codes)
        AND m.kind = ANY(:named) AND m.stem = ANY(:stems)
        AND a.measure = ANY(:measures) AND a.part_of IS NULL
    GROUP BY 1, 2, 3, 4
""".replace("::", "\\:\\:"))  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """What a case is made of: the firm, its title, and what the clause gives, None if open.

    `note` is what the enterprise is told where less is to be paid, as it has a part already.
    """

    firm: Any
    title: Title
    object: str | None
    matter: Matter | None
    applied_fen: int | None
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """What a row comes to under a measure; a `candidate` where it is to become a case."""

    line: int
    revision: int
    measure: LoadedMeasure
    result: str
    message: str
    candidate: Candidate | None = None


@dataclass
class _Land:
    """All that is known around the rows of a list, by holder, thing and key."""

    found: TitleList
    today: date
    held: Mapping[str, str]
    titles: Mapping[tuple[str, str], list[Title]]
    firms: Mapping[str, Any]
    places: Mapping[int, tuple[str, int | None]]
    cases: dict[tuple[int, str, str, str], str]
    given: dict[tuple[str, str, str, str], tuple[int, int]]


def survey(session: Session, found: TitleList, at: datetime) -> Iterator[Finding]:
    """Yield what every row comes to now that is a title and has no case yet, by line.

    A revoked title makes no case, and still counts as one that its holder has had.
    """
    served = serving(session, found.kind, found.level, organisation_id=found.organisation_id)
    rows = session.execute(ROWS, {"list": found.id}).all()
    if not served or not rows:
        return
    land = _read(session, found, served, rows, local_date(at))
    desks = [_Desk.of(session, land, each, at) for each in served]
    for row in rows:
        for desk in desks:
            if desk.measure.id not in row.matched:
                yield desk.judge(row)


def _read(
    session: Session, found: TitleList, served: tuple[Served, ...], rows: Any, today: date
) -> _Land:
    held = families({row.uscc for row in rows}, successions(session))
    codes = list(held)
    titles: dict[tuple[str, str], list[Title]] = {}
    for row in session.execute(TITLES, {"kind": found.kind, "codes": codes}):
        title = Title(held[row.uscc], row.thing, row.level, row.issued_on, row.document_no)
        titles.setdefault((title.holder, title.thing), []).append(title)
    asked = {"codes": list(set(held.values())), "districts": list(DISTRICT_KINDS),
             "kinds": list(APPLICANT_KINDS)}  # fmt: skip
    matters = [m for row in rows for kind in NAMED if (m := _matter(found, row, kind))]
    measures = {
        "measures": [each.measure.id for each in served],
        "keys": [each.key for each in matters],
        "codes": codes,
    }
    codes_of = {"measures": [each.measure.code for each in served], "codes": codes}
    stems = {"named": list(NAMED), "stems": [each.stem for each in matters]}
    land = _Land(
        found, today, held, titles,
        firms={row.uscc: row for row in session.execute(FIRMS, asked)},
        places={row.id: (row.code, row.parent_id) for row in session.execute(PLACES)},
        cases={(r.measure_id, r.kind, r.key, held[r.holder]): r.number
               for r in session.execute(CASES, {**measures, **stems})},
        given={},
    )  # fmt: skip
    for r in session.execute(GIVEN, {**codes_of, **stems}):
        key = (r.measure, r.kind, r.stem, held[r.holder])
        fen, times = land.given.get(key, (0, 0))
        land.given[key] = (fen + r.fen, times + r.times)
    return land


def _matter(found: TitleList, row: Any, kind: str) -> Matter | None:
    title = {"kind": found.kind, "level": found.level, "issued_on": found.issued_on,
             "thing": row.thing}  # fmt: skip
    return matter_of(kind, title, object_no=row.object_no)


@dataclass
class _Desk:
    """One measure looking at the rows of a list; quotes of the same facts are made once."""

    land: _Land
    served: Served
    terms: Terms
    quotes: dict[tuple[Any, ...], tuple[int | None, str]]

    @classmethod
    def of(cls, session: Session, land: _Land, served: Served, at: datetime) -> "_Desk":
        known = parameters_on(session, served.measure.id, on=land.today, known_at=at)
        return cls(land, served, settled_terms(known), {})

    @property
    def measure(self) -> LoadedMeasure:
        return self.served.measure

    def judge(self, row: Any) -> Finding:
        result, message, candidate = self._judged(row)
        return Finding(row.line, row.revision, self.measure, result, message, candidate)

    def _judged(self, row: Any) -> tuple[str, str, Candidate | None]:
        entry = next((e for e in self.served.entries if e["grade"] in (None, row.grade)), None)
        holder = self.land.held[row.uscc]
        firm = self.land.firms.get(holder)
        refusal = next(self._refusals(row, entry, firm), None)
        if refusal is not None:
            return *refusal, None
        found = self.land.found
        title = Title(holder, row.thing, found.level, found.issued_on, found.document_no)
        stands = standing(title, self.land.titles[holder, row.thing])
        if stands.rank in ("again", "lower"):
            name = "not_first_time" if stands.rank == "again" else "lower_than_earlier"
            return name, _told(stands), None
        assert entry is not None
        return self._asked(row, entry, title, stands)

    def _refusals(
        self, row: Any, entry: Mapping[str, Any] | None, firm: Any
    ) -> Iterator[tuple[str, str]]:
        """Yield why a row makes no case whatever its holder had before, the first first."""
        if row.revoked:
            yield "revoked", ""
        if firm is None:
            yield "unknown_code", "请企业先登记为申报主体，再次匹配即可"
            return
        if entry is None:
            yield "other_grade", f"等次：{row.grade or '未填'}"
        yield from self._out_of_time(row.valid_to)
        yield from self._out_of_reach(firm)

    def _out_of_time(self, valid_to: date | None) -> Iterator[tuple[str, str]]:
        """Yield whether the document's day is outside the policy's life, or the title is over."""
        policy, issued, today = self.measure.policy, self.land.found.issued_on, self.land.today
        first, last = policy.effective_from, policy.effective_to
        in_force = status_on(policy, today) == "in_force"
        if not in_force or first is None or last is None or not first <= issued <= last:
            yield "not_in_period", f"印发日 {issued}；政策有效期 {first} 至 {last}"
        if valid_to is not None and valid_to < today:
            yield "expired", f"有效期至 {valid_to}"

    def _out_of_reach(self, firm: Any) -> Iterator[tuple[str, str]]:
        """Yield why the policy is not for this firm, or not now."""
        if not self._is_inside(firm):
            yield "not_in_territory", self.measure.policy.definition["scope"]["words"]
        if firm.kind not in self.measure.version.definition["applicants"]:
            yield "not_an_applicant", firm.kind
        for bar in bars_of(firm.bars):
            if bar.holds_on(self.land.today):
                yield "barred", f"{bar.from_on} 至 {bar.to_on}，{bar.basis}"

    def _is_inside(self, firm: Any) -> bool:
        scope, places = self.measure.policy.definition["scope"], set()
        place: int | None = firm.territory_id
        while place is not None:
            code, place = self.land.places[place]
            places.add(code)
        parts = scope["territories"] or [scope["territory"]]
        return scope["territory"] in places and not places.isdisjoint(parts)

    def _asked(
        self, row: Any, entry: Mapping[str, Any], title: Title, stands: Standing
    ) -> tuple[str, str, Candidate | None]:
        definition = self.measure.version.definition
        own = definition.get("overlap")
        terms = terms_of(
            self.measure.policy.definition["overlap"], own, self.measure.version.family
        )
        kind = next((each for each in terms.matters if each in NAMED), None)
        matter = _matter(self.land.found, row, kind) if kind else None
        known = matter and self.land.cases.get(
            (self.measure.id, matter.kind, matter.key, title.holder)
        )
        if known:
            return "has_case", known, None
        given = (0, 0)
        if matter is not None:
            key = (self.measure.code, matter.kind, matter.stem, title.holder)
            given = self.land.given.get(key, given)
        whole, why = self._quote(entry, (0, 0))
        left, _ = self._quote(entry, given)
        firm = self.land.firms[title.holder]
        if left == 0:
            return "nothing_left", f"此前已享受{Money.from_fen(given[0])}", None
        note = _difference(given[0], left) if left != whole else ""
        naming = "" if matter else "事项须经办登记"
        told = [_name(row, firm, title), _told(stands), note, why, naming]
        candidate = Candidate(firm, title, row.object or row.object_no, matter, whole, note)
        return "matched", "；".join(filter(None, told)), candidate

    def _quote(self, entry: Mapping[str, Any], given: tuple[int, int]) -> tuple[int | None, str]:
        """Return what the clause gives beside what was given, None where a bureau must decide."""
        key = (entry["grade"], given)
        if key not in self.quotes:
            rule = rule_of(self.measure.version.definition)
            facts = dict(entry["facts"])
            for fact in rule.facts:
                if fact.name == FIRST_TIME:
                    facts[FIRST_TIME] = True
                elif fact.role == "prior" and fact.type in ("fen", "integer"):
                    facts[fact.name] = given[0] if fact.type == "fen" else given[1]
            clause = Clause.of_loaded(self.measure, self.land.today)
            try:
                found = quote_clause(clause, facts, on=self.land.today, terms=self.terms)
                self.quotes[key] = (found.amount_fen, "")
            except QuoteRefused as refusal:
                self.quotes[key] = (None, f"金额待经办核定后推送：{refusal.message}")
        return self.quotes[key]


def _difference(given_fen: int, left_fen: int | None) -> str:
    """Return what is said where a part was given before (补差); the reviewer decides on it."""
    left = "" if left_fen is None else f"，预计补差{Money.from_fen(left_fen)}"
    return f"此前已享受{Money.from_fen(given_fen)}，按差额享受{left}"


def _told(stands: Standing) -> str:
    if stands.earlier is None:
        return ""
    earlier = stands.earlier
    word = "升级" if stands.rank == "upgrade" else "此前已获"
    return f"{word}：{LEVELS[earlier.level]}，{earlier.document_no}（{earlier.issued_on}）"


def _name(row: Any, firm: Any, title: Title) -> str:
    if title.holder != row.uscc:
        return f"由 {row.uscc}（{row.name}）承继"
    return "" if normalised(row.name) == normalised(firm.title) else f"登记名称为 {firm.title}"
