"""A scratch database full of cases that wait: what the benchmarks are run on."""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from psycopg.rows import namedtuple_row
from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.batches.founding import load_everything, plan_standing_calls
from caseflow.cases.assembly import assemble, signer_of
from caseflow.cases.birth import Newborn, add_birth
from caseflow.cases.opening import Opening, open_case
from caseflow.cases.reading import iso
from caseflow.cases.service import Cases, Outcome, Request
from caseflow.cases.statement import Writes, write
from caseflow.catalogue.places import data_root
from caseflow.database import migration
from caseflow.database.access import Database, locate, open_database, prepare
from caseflow.database.connections import make_road
from caseflow.database.ids import PublicIds
from caseflow.deadlines.queries import load_calendar
from caseflow.funds.service import Appropriation, Hand, appropriate, register_account
from caseflow.identity.models import Organisation, Person
from caseflow.identity.service import assign, register_applicant, register_person
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import Conflict
from caseflow.kernel.shares import CITY
from caseflow.kernel.workflow.vocabulary import SEATS
from caseflow.settings import Settings

MEASURE: Final = "QD26-7a"
FOUNDED_AT: Final = datetime(2026, 10, 12, 9, tzinfo=SHANGHAI)
OPENED_AT: Final = datetime(2026, 10, 13, 9, tzinfo=SHANGHAI)
CLOSES_ON: Final = date(2026, 11, 6)
SAMPLE_USCC: Final = "91320681MA2TE5T28T"
BATCH: Final = 500
"""How many cases are written by one statement while the ground is laid."""
APPLIED: Final = {"applied_fen": 100_000_00}
DOCUMENTS: Final = """
    INSERT INTO document
        (case_id, public_id, kind, name, media_type, size, sha256, uploaded_by, uploaded_at)
    SELECT c.id, left(md5(c.id || d.kind), 22), d.kind, d.kind || '.pdf', 'application/pdf', 1,
        encode(sha256((c.id || d.kind)::bytea), 'hex'), %s, %s
    FROM unnest(%s::bigint[]) AS c (id) CROSS JOIN unnest(%s::text[]) AS d (kind)
"""
SEATED: Final = """
    SELECT a.person_id FROM assignment a JOIN "case" c ON c.id = %s
    WHERE a.organisation_id = (c.parties ->> %s)::bigint AND a.role = %s ORDER BY a.id LIMIT 1
"""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Ground:
    """A founded scratch database, one case in it as the pattern, and its applicant."""

    database: Database
    settings: Settings
    cases: Cases
    applicant_id: int
    pattern: Any

    def person_at(self, seat: str) -> int:
        """Return a person who holds `seat` in the pattern's case."""
        with self.database.connect() as connection:
            place = (self.pattern.id, SEATS[seat].party, SEATS[seat].role)
            row = connection.execute(SEATED, place).fetchone()
        assert row is not None, f"nobody sits at {seat}"
        return int(row[0])


@contextmanager
def ground(settings: Settings, name: str, progress: Progress) -> Iterator[Ground]:
    """Yield a scratch database `name` on the embedded server, dropped at the end.

    Raises:
        Unavailable: the embedded server does not start.
    """
    root = data_root()
    address = locate(replace(settings, database_url=None, owner_url=None), name=name)
    migration.drop_database(address.owner_url)
    prepare(address, root / "migrations")
    database = open_database(address)
    try:
        yield _founded(database, settings, root, progress)
    finally:
        database.close()
        migration.drop_database(address.owner_url)


def _founded(database: Database, settings: Settings, root: Path, progress: Progress) -> Ground:
    ids, signer = PublicIds(random.Random(1)), signer_of(settings)  # noqa: S311 - no secrets here
    with database.session() as session:
        load_everything(session, root, at=FOUNDED_AT, signer=signer, ids=ids, progress=progress)
        firm = register_applicant(
            session,
            kind="enterprise",
            name="启东示例科技有限公司",
            territory_code="huilong",
            ids=ids,
            uscc=SAMPLE_USCC,
        )
        person = register_person(
            session, login="applicant", name="示例申报员", ids=ids, email="applicant@example.test"
        )
        assign(session, person, firm, role="applicant", at=FOUNDED_AT)
        _fund(session, firm, Hand(person.id, FOUNDED_AT, signer), ids)
        opens_on = FOUNDED_AT.date()
        calls = plan_standing_calls(
            session, [MEASURE], opens_on=opens_on, closes_on=CLOSES_ON, at=FOUNDED_AT,
            signer=signer, ids=ids,
        )  # fmt: skip
        firm_id, person_id, call = firm.public_id, person.id, calls[MEASURE].public_id
    cases = assemble(database, settings, root, ids=ids)
    wanted = Opening(MEASURE, firm_id, "算力券申报", person_id, OPENED_AT, call=call)
    opened = open_case(cases, wanted)
    return Ground(database, settings, cases, person_id, _row(database, opened))


def _fund(session: Session, firm: Organisation, hand: Hand, ids: PublicIds) -> None:
    """Give the firm an account and the policy a budget, so that the case can be paid."""
    register_account(
        session, firm.id, holder=firm.title, bank="示例银行", number="6200000001", hand=hand
    )
    finance = session.scalars(
        select(Person.id).where(Person.login == "caizhengju.finance_division")
    ).one()
    budget = Appropriation(
        policy="qidong-2026",
        year=FOUNDED_AT.year,
        share=CITY,
        territory="qidong",
        fen=10**12,
        document_no="测试预算〔2026〕1号",
    )
    appropriate(session, budget, replace(hand, by=finance), ids=ids)


def _row(database: Database, opened: Outcome) -> Any:
    with database.connect() as connection:
        cursor = connection.cursor(row_factory=namedtuple_row)
        query = 'SELECT * FROM "case" WHERE public_id = %s'
        return cursor.execute(query, (opened.case,)).fetchone()


def submitted_cases(
    where: Ground, count: int, *, at: datetime, progress: Progress
) -> list[tuple[int, str]]:
    """Open `count` cases like the pattern, with all documents, and submit them at `at`.

    Returns (id, public id) of each; the ids have no gaps. Every event is a real one: chained,
    keyed, decided by the workflow.
    """
    with where.database.connect() as connection:
        query = "SELECT nextval('entity_id') FROM generate_series(1, %s)"
        ids = sorted(row[0] for row in connection.execute(query, (count,)).fetchall())
        made: list[tuple[int, str]] = []
        for start in range(0, count, BATCH):
            made += _submitted(where, connection, ids[start : start + BATCH], at)
            progress(f"{len(made)}/{count} cases")
    return made


def _submitted(
    where: Ground, connection: Any, ids: Sequence[int], at: datetime
) -> list[tuple[int, str]]:
    cases, pattern = where.cases, where.pattern
    measure = cases.pinned.measure(connection, pattern.measure_version_id)
    workflow = cases.pinned.runner(connection, pattern.workflow_hash).workflow
    calendar = load_calendar(connection)
    writes, made = Writes(), []
    for each in ids:
        newborn = Newborn(
            id=each,
            public_id=cases.ids.new(),
            number=f"{MEASURE}-{at.year}-S{each:07d}",
            title=pattern.title,
            workflow=workflow,
            workflow_hash=pattern.workflow_hash,
            measure=measure,
            applicant_id=pattern.applicant_id,
            applicant_title="启东示例科技有限公司",
            territory_id=pattern.territory_id,
            parties=pattern.parties,
            facts={},
            at=OPENED_AT,
            actor_id=where.applicant_id,
            seat="applicant",
            call_id=pattern.call_id,
            call_closes_on=iso(CLOSES_ON),
        )
        add_birth(writes, newborn, calendar=calendar, office=cases.office)
        made.append((each, newborn.public_id))
    documents = list(measure.required_documents(None))
    with connection.transaction():
        write(connection, writes)
        connection.execute(DOCUMENTS, (where.applicant_id, at, list(ids), documents))
        _submit(where, connection, ids, at)
    return made


def _submit(where: Ground, connection: Any, ids: Sequence[int], at: datetime) -> None:
    request = Request("submit", where.applicant_id, at, APPLIED)
    for result in where.cases.act_many(connection, ids, request).values():
        if not isinstance(result, Outcome):
            raise Conflict(f"a case of the scratch database does not submit: {result.message}")


def settle(database: Database) -> None:
    """Let PostgreSQL know what it has, as its owner: statistics and a checkpoint, untimed."""
    engine, connect = make_road(database.address.owner_url, pool_size=1)
    try:
        with connect() as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
    finally:
        engine.dispose()


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a folder for the files of one run."""
    return tempfile.TemporaryDirectory(prefix="caseflow-bench-")
