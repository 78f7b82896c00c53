"""Cases of every measure driven along their main road to wherever a test wants them.

What a test asks of a case goes through `act()`; the steps in between are played by the rehearsal's
player, so that a road that changes in a definition does not have to be told here again.
"""

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from caseflow.batches.founding import plan_standing_calls
from caseflow.batches.publicity import Listing, close_due, open_publicity
from caseflow.batches.sweeps import sweep_all, sweep_timers
from caseflow.cases.assembly import assemble
from caseflow.cases.opening import Opening, open_case
from caseflow.cases.service import Outcome, Request
from caseflow.catalogue.places import data_root
from caseflow.clock import VirtualClock
from caseflow.database.access import Database
from caseflow.database.ids import PublicIds
from caseflow.documents.models import Document
from caseflow.kernel.calendar import SHANGHAI, local_date
from caseflow.kernel.errors import CaseflowError
from caseflow.kernel.workflow.judging import SEATS_PANEL, TAKES_SHEET
from caseflow.kernel.workflow.machine import Runner
from caseflow.kernel.workflow.model import Step
from caseflow.rehearsal.applicants import Applicant, enlist
from caseflow.rehearsal.checks import clear, snapshot_of
from caseflow.rehearsal.house import House
from caseflow.rehearsal.player import ANSWER, COMPLETE, PUBLICISE, Player
from caseflow.rehearsal.queries import Standing, standings
from caseflow.rehearsal.samples import SAMPLE_CONTACT, explained, payload_for
from caseflow.reviews.checks.service import Finding, Recorder, Subject, record_check
from caseflow.settings import read_settings

BEGINS = datetime(2026, 9, 7, 9, tzinfo=SHANGHAI)
"""A Monday in the life of the policy; every test begins here, whatever ran before it."""

FAMILIES = {
    "vouchers": "QD26-7a",
    "investment": "QD26-8a",
    "research": "QD26-2a",
    "titles": "QD26-8c",
    "platforms": "QD26-4",
    "scenarios": "QD26-5b",
    "events": "QD26-6",
    "talent": "QD26-9a",
    "interest": "QD26-10a",
    "funds": "QD26-10b",
}
ALSO = ("QD26-1a", "QD26-5a")  # stages that the ones above leave out: 备案, 配套基数

MOST_STEPS = 120
_workflows: dict[str, Runner] = {}
"""What one module has read from its database, by hash: the next need not read it again."""
ROOT_OF = 'SELECT root_id FROM "case" WHERE public_id = %s'


def at(month: int, day: int, hour: int = 9, minute: int = 0, *, year: int = 2026) -> datetime:
    """An instant in Shanghai."""
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


@dataclass
class Town:
    """启东 with an open call for every measure; `now` is the test's own time."""

    house: House
    calls: dict[str, str]
    now: datetime = BEGINS
    with_life: bool = False
    swept: datetime = BEGINS
    seen: datetime = BEGINS
    """The latest instant since somebody came to visit."""
    player: Player = field(init=False)

    def __post_init__(self) -> None:
        self.player = Player(self.house)

    def sql(self, query: str, *parameters: Any) -> list[Any]:
        """Return the rows of a query by the program's role."""
        with self.house.cases.connect() as connection:
            return connection.execute(query, parameters).fetchall()

    def value(self, query: str, *parameters: Any) -> Any:
        """Return the one value of a query."""
        return self.sql(query, *parameters)[0][0]

    def state(self, case: str) -> str:
        """Return where the case stands."""
        return str(self.value('SELECT state FROM "case" WHERE public_id = %s', case))

    def outcome(self, case: str) -> str | None:
        """Return how the case ended, None while it is open."""
        return self.value('SELECT outcome FROM "case" WHERE public_id = %s', case)

    def clock(self, case: str, name: str) -> Any:
        """Return (status, consumed, due_on) of a clock."""
        return self.sql(
            'SELECT k.status, k.consumed, k.due_on FROM clock k JOIN "case" c ON c.id = k.case_id'
            " WHERE c.public_id = %s AND k.name = %s",
            case,
            name,
        )[0]

    def events(self, case: str) -> list[str]:
        """Return the names of the case's events in order."""
        rows = self.sql(
            'SELECT e.name FROM event e JOIN "case" c ON c.id = e.stream WHERE c.public_id = %s'
            " ORDER BY e.seq",
            case,
        )
        return [name for (name,) in rows]

    def seats(self, case: str) -> list[str]:
        """Return the seats that have an open task, in order."""
        rows = self.sql(
            'SELECT t.seat FROM task t JOIN "case" c ON c.id = t.case_id'
            " WHERE c.public_id = %s AND t.status = 'open' ORDER BY t.seat",
            case,
        )
        return [seat for (seat,) in rows]

    def payments(self, case: str) -> list[Any]:
        """Return (fen, status) of the payment orders."""
        return self.sql(
            'SELECT p.fen, p.status FROM payment p JOIN "case" c ON c.id = p.case_id'
            " WHERE c.public_id = %s ORDER BY p.instalment",
            case,
        )

    def children(self, case: str) -> list[str]:
        """Return the public ids of the child cases, the oldest first."""
        rows = self.sql(
            'SELECT k.public_id FROM "case" k JOIN "case" c ON c.id = k.parent_id'
            " WHERE c.public_id = %s ORDER BY k.id",
            case,
        )
        return [child for (child,) in rows]

    def standing(self, case: str) -> Standing | None:
        """Return where an open case stands, None when it has ended."""
        with self.house.cases.connect() as connection:
            root = connection.execute(ROOT_OF, (case,)).fetchone()[0]
            found = standings(connection, [root])
        return next((each for each in found if each.public_id == case), None)

    def step(self, case: str, event: str) -> Step:
        """Return the step that `event` is where the case stands."""
        standing = self.standing(case)
        assert standing is not None, f"{case} has ended"
        step = self.player.workflow(standing).step(standing.state, event)
        assert step is not None, f"no {event} in {standing.state}"
        return step

    def open(self, measure: str = "QD26-7a", **changes: Any) -> str:
        """Open a case of a fresh applicant and return its public id."""
        applicant = self.enlist()
        wanted = Opening(
            measure=measure,
            applicant=applicant.public_id,
            title="行业垂类模型项目",
            actor_id=applicant.person_id,
            at=self.now,
            call=self.calls[measure],
            matter_on=local_date(self.now),
        )
        workflow_hash, lead = self.sql(
            "SELECT v.workflow_hash, v.organisations->>'lead_bureau' FROM measure_version v"
            " JOIN measure m ON m.id = v.measure_id WHERE m.code = %s",
            measure,
        )[0]
        seat = self.player.workflow_of(workflow_hash).opened_by[0]
        parties = {"lead_bureau": int(lead), "applicant": applicant.id}
        opener = self.player.people(parties, seat)[0]
        return open_case(self.house.cases, replace(wanted, actor_id=opener, **changes)).case

    def enlist(self) -> Applicant:
        """Register a made-up enterprise in 汇龙镇."""
        with self.house.database.session() as session:
            return enlist(
                session,
                kind="enterprise",
                number=self.value("SELECT count(*) + 1 FROM organisation WHERE code IS NULL"),
                territory="huilong",
                hand=self.house.hand(self.now),
                ids=self.house.ids,
            )

    def reached(self, state: str, measure: str = "QD26-7a", **given: Any) -> str:
        """Return a new case that has come to `state` by the main road."""
        case = self.open(measure)
        self.walk(case, state, **given)
        assert self.state(case) == state
        return case

    def walk(self, case: str, until: str | None = None, **given: Any) -> None:
        """Play main events, `given` before the samples, until the case is in `until` or over."""
        for _ in range(MOST_STEPS):
            standing = self.standing(case)
            if standing is None or standing.state == until:
                return
            step = self.player.next_step(standing)
            if step is None:
                self.wait(case)
            elif step.event == PUBLICISE:
                self.publicise(case)
            else:
                self._play(standing, step, given)
        raise AssertionError(f"{case} stays in {self.state(case)}")

    def _play(self, case: Standing, step: Step, given: dict[str, Any]) -> None:
        case = self.with_documents(case, step)
        said = {k: v for k, v in given.items() if k in (*step.requires, *step.accepts)}
        if {SEATS_PANEL, TAKES_SHEET} & {*step.effects}:
            self.player.play(case, step, self.now, given=said)
            return
        seats = case.seats if ANSWER in step.effects else [None]
        for seat in seats:
            person = self.player.person(case, step, only=seat) if seat else None
            self.player.act(case, step, self.now, person=person, given=said)

    def with_documents(self, case: Standing, step: Step) -> Standing:
        """Put a row for every document that the step wants and that is not there yet."""
        if COMPLETE not in step.guards:
            return case
        required = self.player.measure(case).required_documents(case.child_kind)
        missing = [kind for kind in required if kind not in case.documents]
        if not missing:
            return case
        by, paper = self.person(case.public_id, step.by[0]), snapshot_of(self.house)
        with self.house.database.session() as session:
            session.add_all(
                Document(
                    case_id=case.id,
                    public_id=self.house.ids.new(),
                    kind=kind,
                    name=f"{kind}.txt",
                    media_type=paper.media_type,
                    size=paper.size,
                    sha256=paper.sha256,
                    uploaded_by=by,
                    uploaded_at=self.now,
                )
                for kind in missing
            )
        return replace(case, documents=[*case.documents, *missing])

    def wait(self, case: str) -> None:
        """Let time pass until the clock of the case's state, or of a child, runs out."""
        due = self.value(
            'SELECT min(k.due_at) FROM clock k JOIN "case" c ON c.id = k.case_id'
            " WHERE c.public_id = %s AND k.status = 'running' AND k.due_at > %s",
            case,
            self.now,
        )
        assert due is not None, f"nothing runs in {self.state(case)}"
        self.sweep(due + timedelta(minutes=5))

    def publicise(self, *listed: str, working_days: int = 5) -> None:
        """List cases of one bureau in a publicity."""
        standing = self.standing(listed[0])
        assert standing is not None
        step = self.step(listed[0], PUBLICISE)
        lister = self.player.person(standing, step)
        for case in listed:
            clear(self.house, case, step, lister, self.now)
        listing = Listing(
            cases=listed,
            title="拟支持项目公示",
            basis="会议研究决定",
            contact=SAMPLE_CONTACT,
            working_days=working_days,
            actor_id=lister,
            at=self.now,
        )
        open_publicity(self.house.cases, listing)

    def sweep(self, until: datetime | None = None) -> None:
        """Let the test's time be `until` and the worker do all that is due."""
        self.now = until or self.now
        self.swept, self.seen = max(self.swept, self.now), max(self.seen, self.now)
        cases = self.house.cases
        if self.with_life:
            sweep_all(cases, self.now)
            return
        while close_due(cases, self.now) + sweep_timers(cases, self.now).claimed:
            pass

    def person(self, case: str, seat: str) -> int:
        """Return who sits in a seat of the case, anybody for the public."""
        if seat == "public":
            return int(self.value("SELECT id FROM person WHERE login = 'nanyang_zhen.handler'"))
        parties = self.value('SELECT parties FROM "case" WHERE public_id = %s', case)
        people = self.player.people(parties, seat)
        assert people, f"nobody sits in {seat}"
        return people[0]

    def ask(self, case: str, event: str, seat: str, **payload: Any) -> Outcome:
        """Let who sits in `seat` ask for `event` with exactly this payload."""
        request = Request(event, self.person(case, seat), self.now, payload)
        return self.house.cases.act(case, request)

    def act(
        self, case: str, event: str, seat: str | None = None, *, checked: bool = True, **given: Any
    ) -> Outcome:
        """Let the step's seat (or `seat`) take it; samples stand for what is not given.

        `checked`: what the step needs to have been checked was, and passed.
        """
        standing, step = self.standing(case), self.step(case, event)
        assert standing is not None
        who = seat or step.by[0]
        person = self.person(case, who) if who in {"public", seat} else None
        standing = self.with_documents(standing, step)
        person = person or self.player.person(standing, step)
        if checked:
            clear(self.house, case, step, person, self.now)
        said = {**self.sample(standing, step, given), **given}
        payload = explained(step, standing.facts, said)
        return self.house.cases.act(case, Request(event, person, self.now, payload))

    def check(self, case: str, result: str = "pass", kind: str = "credit", **said: Any) -> str:
        """Record a check of the case's applicant, made now unless `at` says when; its public id."""
        at = said.pop("at", self.now)
        number, applicant = self.sql(
            'SELECT id, applicant_id FROM "case" WHERE public_id = %s', case
        )[0]
        operator = self.value("SELECT id FROM person WHERE login = 'fagaiwei.cosign'")
        finding = Finding(kind, result, "信用中国", at, **said)
        with self.house.database.session() as session:
            by = Recorder(operator, at, self.house.ids, self.house.cases.office.signer)
            subject = Subject(applicant, number, case)
            snapshot = snapshot_of(self.house)
            return record_check(session, finding, snapshot, subject=subject, by=by).public_id

    def sample(self, case: Standing, step: Step, given: dict[str, Any]) -> dict[str, Any]:
        """Return a payload that the step accepts where the case stands."""
        said = {"paid_fen": case.paid_fen, "case_number": case.number}
        facts = {**case.facts, **said, "today": local_date(self.now).isoformat()}
        ceiling_fen = self.player.measure(case).ceiling_fen(case.child_kind)
        workflow = self.player.workflow(case)
        payload = payload_for(workflow, step, facts, ceiling_fen, given=given)
        return {name: value for name, value in payload.items() if name != "instalment_fen"}

    def assert_sound(self) -> None:
        """Nothing is stuck, nothing ended still waits, no timer is forgotten, no fen too many."""
        self.sweep()
        late = "SELECT * FROM timer WHERE fired_at IS NULL AND due_at <= %s"
        with self.house.cases.connect() as connection:
            broken = connection.execute(BROKEN, prepare=True).fetchone()
            found = {name: connection.execute(query).fetchall()
                     for (name, query), is_so in zip(NEVER.items(), broken, strict=True)
                     if is_so}  # fmt: skip
            forgotten = connection.execute(late, (self.now,)).fetchall()
        assert not found, found
        assert not forgotten, forgotten


NEVER = {
    "an open case without a task, a running clock or an open child": """
        SELECT c.number, c.state FROM "case" c WHERE c.outcome IS NULL
        AND NOT EXISTS (SELECT FROM task t
            WHERE t.case_id = c.id AND t.status = 'open' AND t.state = c.state)
        AND NOT EXISTS (SELECT FROM clock k WHERE k.case_id = c.id AND k.status = 'running')
        AND NOT EXISTS (SELECT FROM "case" k WHERE k.parent_id = c.id AND k.outcome IS NULL)""",
    "an open task of another state or of an ended case": """
        SELECT c.number, c.state, t.state FROM task t JOIN "case" c ON c.id = t.case_id
        WHERE t.status = 'open' AND (t.state <> c.state OR c.outcome IS NOT NULL)""",
    "a clock of an ended case": """
        SELECT c.number, k.name FROM clock k JOIN "case" c ON c.id = k.case_id
        WHERE c.outcome IS NOT NULL AND k.status <> 'ended'""",
    "an open child of an ended parent": """
        SELECT c.number FROM "case" c JOIN "case" p ON p.id = c.parent_id
        WHERE c.outcome IS NULL AND p.outcome IS NOT NULL""",
    "a running clock without its timer": """
        SELECT c.number, k.name FROM clock k JOIN "case" c ON c.id = k.case_id
        WHERE k.status = 'running' AND NOT EXISTS (SELECT FROM timer t WHERE t.case_id = k.case_id
            AND t.clock_name = k.name AND t.generation = k.generation AND t.kind = 'expiry'
            AND t.due_at = k.due_at AND t.fired_at IS NULL)""",
    "a living timer of a clock that is over": """
        SELECT c.number, t.clock_name, t.rule FROM timer t
        JOIN clock k ON k.case_id = t.case_id AND k.name = t.clock_name
            AND k.generation = t.generation
        JOIN "case" c ON c.id = t.case_id
        WHERE t.fired_at IS NULL AND (k.status IN ('ended', 'stopped')
            OR (k.status = 'expired' AND t.kind = 'expiry'))""",
    "a timer that was refused": "SELECT * FROM timer WHERE problem IS NOT NULL",
    "a case that is not where its history says": """
        SELECT c.number FROM "case" c JOIN event e ON e.stream = c.id AND e.seq = c.head_seq
        WHERE e.to_state <> c.state
            OR EXISTS (SELECT FROM event l WHERE l.stream = c.id AND l.seq > c.head_seq)""",
    "money beyond what was decided": """
        SELECT c.number, c.paid_fen, c.approved_fen FROM "case" c
        LEFT JOIN LATERAL (SELECT coalesce(sum(p.fen), 0) AS ordered,
            coalesce(sum(p.fen) FILTER (WHERE p.status = 'paid'), 0) AS paid
            FROM payment p WHERE p.case_id = c.id) AS p ON true
        WHERE p.paid <> c.paid_fen OR p.ordered > coalesce(c.approved_fen, 0)
            OR c.approved_fen > (c.facts->>'publicised_fen')::bigint""",
    "an account that is not the sum of its entries": """
        SELECT a.* FROM ledger_account a WHERE a.balance_fen <> (
            SELECT coalesce(sum(CASE WHEN e.target = a.kind THEN e.fen ELSE -e.fen END), 0)
            FROM ledger_entry e WHERE e.line_id = a.line_id AND a.kind IN (e.source, e.target))""",
    "budget that an ended case and its children still hold": """
        SELECT root.number, e.kind, sum(e.fen) FROM "case" root
        JOIN "case" c ON c.root_id = root.id
        JOIN (SELECT case_id, target AS kind, fen FROM ledger_entry
            UNION ALL SELECT case_id, source, -fen FROM ledger_entry) e ON e.case_id = c.id
        WHERE root.outcome IS NOT NULL AND e.kind IN ('reserved', 'committed', 'released')
        GROUP BY root.number, e.kind HAVING sum(e.fen) <> 0""",
    "a payment that the budget does not know": """
        SELECT root.number FROM "case" root JOIN "case" c ON c.root_id = root.id
        GROUP BY root.number, root.id HAVING sum(c.paid_fen) <> (
            SELECT coalesce(sum(CASE WHEN e.target = 'paid' THEN e.fen ELSE -e.fen END), 0)
            FROM ledger_entry e JOIN "case" k ON k.id = e.case_id
            WHERE k.root_id = root.id AND 'paid' IN (e.source, e.target))""",
    "a refusal without reason, code or remedy": """
        SELECT c.number, e.name, e.payload FROM "case" c
        JOIN event e ON e.stream = c.id AND e.seq = c.head_seq
        WHERE c.outcome IN ('rejected', 'not_accepted', 'terminated')
        AND NOT e.payload ?& ARRAY['reason', 'reason_code', 'remedy']""",
}
BROKEN = "SELECT " + ", ".join(f"EXISTS ({query})" for query in NEVER.values())
"""All of them in one statement; only what is so is asked for its rows."""


def found_town(
    database: Database,
    folder: Path,
    *,
    begins: datetime = BEGINS,
    measures: Sequence[str] = (*FAMILIES.values(), *ALSO),
) -> Town:
    """Return a town on a founded database with a standing call for each measure."""
    settings = read_settings({"CASEFLOW_HOME": str(folder), "CASEFLOW_MAC_KEY": "ab" * 32})
    ids = PublicIds(random.Random(4))
    cases = assemble(database, settings, data_root(), ids=ids)
    cases.pinned._runners = _workflows
    house = House(
        cases=cases,
        database=database,
        clock=VirtualClock(database.connect),
        root=data_root(),
        files=folder / "files",
        upload_limit=settings.upload_limit,
    )
    with database.session() as session:
        calls = plan_standing_calls(
            session,
            list(measures),
            opens_on=local_date(begins),
            closes_on=local_date(at(5, 13, year=2028)),
            at=begins,
            signer=cases.office.signer,
            ids=ids,
        )
        public_ids = {measure: call.public_id for measure, call in calls.items()}
    return Town(house, public_ids)


def visit(town: Town) -> Iterator[Town]:
    """Lend the town to a test at the beginning of its time, and look at everything after it."""
    town.now, town.seen, town.with_life = BEGINS, BEGINS, False
    yield town
    town.now = max(town.now, town.seen)
    town.assert_sound()


def together(*acts: Callable[[], object]) -> list[object]:
    """Run the acts at the same time; an error is a result."""
    results: list[object] = []
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results.append(act())
        except CaseflowError as error:
            results.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
