"""Matching a list of titles: cases begin without an application and are pushed (免申即享).

Cases are made in sets: one statement opens a set, one more pushes it. A set is one transaction, so
a killed run has whole sets, and the next run makes the rest.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from caseflow.batches.title_survey import Candidate, Finding, survey
from caseflow.cases.birth import Newborn, add_birth
from caseflow.cases.reading import Asker, read_locked
from caseflow.cases.service import Cases, Request
from caseflow.cases.statement import Writes, write
from caseflow.catalogue.seating import parties_of
from caseflow.catalogue.titles.models import TitleList
from caseflow.catalogue.titles.queries import find_list, serving
from caseflow.catalogue.titles.service import HANDLER, Hand, record_matching, refuse_stranger
from caseflow.database.parts import packed
from caseflow.deadlines.queries import load_calendar
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import CaseflowError, Conflict
from caseflow.kernel.titles import LEVELS

SET: Final = 500
SEAT: Final = "lead_bureau.handler"
PUSH: Final = "push"
LONGEST_TITLE: Final = 200
NUMBERS: Final = """
    INSERT INTO case_number (measure_id, year, last) VALUES (%(measure)s, %(year)s, %(count)s)
    ON CONFLICT (measure_id, year) DO UPDATE SET last = case_number.last + %(count)s RETURNING last
"""
IDS: Final = "SELECT nextval('entity_id') FROM generate_series(1, %s)"
TAKEN: Final = text(
    "SELECT line, measure_id FROM title_match WHERE list_id = :list AND case_id IS NOT NULL"
)
MATCHED: Final = text("""
    INSERT INTO title_match (list_id, line, measure_id, revision, result, message, case_id,
        matched_by, matched_at)
    SELECT :list, r.line, r.measure_id, r.revision, r.result, r.message, r.case_id, :by, :at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (line int, measure_id bigint, revision int,
        result text, message text, case_id bigint)
    ORDER BY r.line
    ON CONFLICT ON CONSTRAINT pk_title_match DO UPDATE SET revision = excluded.revision,
        result = excluded.result, message = excluded.message, case_id = excluded.case_id,
        matched_by = excluded.matched_by, matched_at = excluded.matched_at
    WHERE title_match.case_id IS NULL
""")
LOCK: Final = text("SELECT pg_advisory_xact_lock(:list)")


@dataclass(frozen=True)
class Matching:
    """How many rows came to which result, and how many cases were pushed to their enterprises."""

    title_list: str
    counts: dict[str, int]
    pushed: int


def match_titles(
    cases: Cases,
    actor: Actor,
    public_id: str,
    at: datetime,
    *,
    step: Callable[[str], None] = lambda _: None,
) -> Matching:
    """Make a case of every row that is due one, and push it where its amount is known.

    `step` is called after each set with how many rows are done, of how many. Rows that came to
    nothing may come to a case the next time (e.g. once the enterprise has registered).

    Raises:
        NotFound: no such list. NotAllowed: not a handler of the bureau that imported it.
        Conflict: no measure of this bureau rewards such titles.
    """
    with cases.database.session() as session:
        found = find_list(session, actor, public_id)
        refuse_stranger(actor, found, HANDLER, "匹配名单须由导入部门经办办理")
        if not serving(session, found.kind, found.level, organisation_id=found.organisation_id):
            raise Conflict(f"本部门没有奖励{LEVELS[found.level]}“{found.kind}”的条款。")
        findings = list(survey(session, found, at))
        session.expunge_all()  # what was read goes on without its session
    counts: Counter[str] = Counter()
    pushed = 0
    for first in range(0, len(findings), SET):
        some = findings[first : first + SET]
        with cases.database.session() as session:
            pushed += _Set(cases, session, found, actor, at).match(some)
        counts.update(each.result for each in some)
        step(f"{first + len(some)}/{len(findings)}")
    with cases.database.session() as session:
        record_matching(session, found, Hand(actor, at, cases.office.signer), counts)
    return Matching(found.public_id, dict(counts), pushed)


@dataclass(frozen=True)
class _Set:
    """One set of a list's rows in one transaction, written by the hand of `actor`."""

    cases: Cases
    session: Session
    found: TitleList
    actor: Actor
    at: datetime

    @property
    def driver(self) -> Any:
        """Return psycopg's connection under the session."""
        return self.session.connection().connection.driver_connection

    def match(self, some: Sequence[Finding]) -> int:
        """Write what the rows come to; returns how many of them were pushed."""
        known = {"list": self.found.id}
        self.session.execute(LOCK, known)
        taken = {(row.line, row.measure_id) for row in self.session.execute(TAKEN, known)}
        fresh = [each for each in some if (each.line, each.measure.id) not in taken]
        born = self._open(fresh)
        due = {
            born[number]: each.candidate
            for number, each in enumerate(fresh)
            if each.candidate is not None and each.candidate.applied_fen is not None
        }
        refused = self._push(due)
        rows = [
            {
                "line": each.line,
                "measure_id": each.measure.id,
                "revision": each.revision,
                "result": each.result,
                "case_id": born.get(number),
                "message": refused.get(born.get(number, 0), each.message),
            }
            for number, each in enumerate(fresh)
        ]
        said = {"rows": packed(rows).decode(), "by": self.actor.id, "at": self.at}
        self.session.execute(MATCHED, {**known, **said})
        return len(due) - len(refused)

    def _open(self, fresh: Sequence[Finding]) -> dict[int, int]:
        """Open a case for every candidate by one statement; returns ids by place in `fresh`."""
        wanted = [number for number, each in enumerate(fresh) if each.candidate]
        if not wanted:
            return {}
        ids = [row[0] for row in self.driver.execute(IDS, (len(wanted),)).fetchall()]
        numbers = self._numbers([fresh[each] for each in wanted])
        writes, calendar = Writes(), load_calendar(self.driver)
        for place, case_id, number in zip(wanted, ids, numbers, strict=True):
            newborn = self._newborn(fresh[place], case_id, number)
            add_birth(writes, newborn, calendar=calendar, office=self.cases.office)
        write(self.driver, writes)
        return dict(zip(wanted, ids, strict=True))

    def _numbers(self, wanted: Sequence[Finding]) -> list[str]:
        """Return a speaking number for each, taken for each measure at once."""
        year, last = local_date(self.at).year, {}
        for measure_id, count in Counter(each.measure.id for each in wanted).items():
            asked = {"measure": measure_id, "year": year, "count": count}
            last[measure_id] = self.driver.execute(NUMBERS, asked).fetchone()[0] - count
        made = []
        for each in wanted:
            last[each.measure.id] += 1
            made.append(f"{each.measure.code}-{year}-{last[each.measure.id]:06d}")
        return made

    def _newborn(self, each: Finding, case_id: int, number: str) -> Newborn:
        candidate = each.candidate
        assert candidate is not None
        cases, found, firm = self.cases, self.found, candidate.firm
        measure = cases.pinned.measure(self.driver, each.measure.version.id)
        parties = parties_of(measure.organisations)
        parties |= {"applicant": firm.id, "district": firm.district_id or parties["lead_bureau"]}
        return Newborn(
            id=case_id,
            public_id=cases.ids.new(),
            number=number,
            title="·".join(filter(None, (found.kind, candidate.object)))[:LONGEST_TITLE],
            workflow=cases.pinned.runner(self.driver, measure.workflow_hash).workflow,
            workflow_hash=measure.workflow_hash,
            measure=measure,
            applicant_id=firm.id,
            applicant_title=firm.title,
            territory_id=firm.territory_id,
            parties=parties,
            facts=self._facts(),
            at=self.at,
            actor_id=self.actor.id,
            seat=SEAT,
            matter_on=found.issued_on.isoformat(),
            matters=(candidate.matter,) if candidate.matter else (),
            holder=firm.uscc,
        )

    def _facts(self) -> dict[str, Any]:
        """Return what the list says of every case; the day of the document is the matter's."""
        day = self.found.issued_on.isoformat()
        return {"title_level": self.found.level, "first_time": True, "title_date": day}

    def _push(self, due: Mapping[int, Candidate]) -> dict[int, str]:
        """Push the cases by one read and one statement; each enterprise is asked to confirm.

        Returns why of those that may not be pushed: they wait in 系统匹配 for the handler.
        """
        acts, refused = [], {}
        asker = Asker(self.actor.id, self.at)
        for reading in read_locked(self.driver, sorted(due), asker) if due else ():
            payload = {
                **self._facts(),
                "applied_fen": due[reading.id].applied_fen,
                "document_no": self.found.document_no,
            }
            if due[reading.id].note:
                payload["note"] = due[reading.id].note
            request = Request(PUSH, self.actor.id, self.at, payload)
            try:
                acts.append(self.cases.decide(self.driver, reading, request))
            except CaseflowError as error:
                refused[reading.id] = f"未推送：{error.message}"
        if acts:
            write(self.driver, self.cases.gather(self.driver, acts))
        return refused
