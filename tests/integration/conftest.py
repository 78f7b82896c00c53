"""A voucher case and the people around it, moved by the same services the doors use."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from caseflow.batches.founding import plan_standing_calls
from caseflow.batches.sweeps import sweep_all
from caseflow.cases.assembly import assemble
from caseflow.cases.opening import Opening, open_case
from caseflow.cases.service import Cases, Outcome, Request
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from caseflow.documents.models import Document
from caseflow.funds.service import Hand
from caseflow.identity.models import Person
from caseflow.identity.service import assign, register_applicant, register_person
from caseflow.kernel.calendar import SHANGHAI
from caseflow.rehearsal.treasury import give_account
from tests.conftest import (
    ROOT,
    _copy,
    make_template,
    open_as_program,
    settings_of_templates,
    untraced,
)
from tests.integration.claiming import Claims, make_stock, town_on
from tests.integration.kept_database import keep
from tests.integration.letter_desk import desk, kept_desk, paid, rejected

__all__ = ["desk", "kept_desk", "paid", "rejected"]
"""Fixtures of formal documents, beside those of this file."""

MEASURED = (
    "test_cli", "test_demo", "test_bench", "test_checks", "test_plans", "test_case_migrations",
    "test_indicators", "test_award_imports", "test_fact_sources", "test_road", "test_recomputing",
    "test_identity", "test_ties", "test_documents", "test_recovery.", "test_bars",
    "test_worker", "test_expert_review", "test_summary_sheets", "test_bulk_acts", "test_history",
    "test_exports", "test_budget_acts", "test_reductions", "test_notifications",
)  # fmt: skip
"""What reaches lines that no test of the API does; the doors of both kinds reach nearly all."""


@pytest.fixture(scope="module", autouse=True)
def traced_once(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Iterator[None]:
    """Measure no line twice where that takes long: tracing makes half as slow again."""
    name = request.path.name
    is_measured = name.startswith(MEASURED) or name.endswith("_doors.py")
    with nullcontext() if is_measured else untraced(pytestconfig):
        yield


MEASURE = "QD26-7a"
FIRM = "启东示例科技有限公司"
CALL_OPENS, CALL_CLOSES = date(2026, 10, 12), date(2026, 11, 6)


def shanghai(month: int, day: int, hour: int = 9, minute: int = 0, *, year: int = 2026) -> datetime:
    """An instant of the fixture's calendar."""
    return datetime(year, month, day, hour, minute, tzinfo=SHANGHAI)


@dataclass
class House:
    """A founded city with an applicant, a call, and everybody's login."""

    cases: Cases
    people: dict[str, int]
    applicant: str
    call: str
    ids: PublicIds

    def open(self, at: datetime, **changes: Any) -> Outcome:
        """Open a draft of the voucher measure."""
        wanted = {
            "measure": MEASURE,
            "applicant": self.applicant,
            "title": "行业垂类模型算力券",
            "actor_id": self.people["applicant1"],
            "at": at,
            "call": self.call,
            "matter_on": date(2026, 10, 31),
        }
        return open_case(self.cases, Opening(**{**wanted, **changes}))

    def attach_all(self, case: str, at: datetime) -> None:
        """Put a row for every required document of the case."""
        with self.cases.database.session() as session:
            driver = session.connection().connection.driver_connection
            case_id, version = driver.execute(
                'SELECT id, measure_version_id FROM "case" WHERE public_id = %s', (case,)
            ).fetchone()
            measure = self.cases.pinned.measure(driver, version)
            session.add_all(
                Document(
                    case_id=case_id,
                    public_id=self.ids.new(),
                    kind=kind,
                    name=f"{kind}.pdf",
                    media_type="application/pdf",
                    size=1,
                    sha256="a" * 64,
                    uploaded_by=self.people["applicant1"],
                    uploaded_at=at,
                )
                for kind in measure.required_documents(None)
            )

    def act(self, case: str, event: str, who: str, at: datetime, **payload: Any) -> Outcome:
        """Let one person act."""
        return self.cases.act(case, Request(event, self.people[who], at, payload))

    def submitted(self, at: datetime | None = None) -> str:
        """Return the public id of a freshly submitted case."""
        at = at or shanghai(11, 6, 16, 20)
        case = self.open(at).case
        self.attach_all(case, at)
        self.act(case, "submit", "applicant1", at, applied_fen=100_000_000)
        return case

    def sweep(self, at: datetime) -> Any:
        """Let the worker's sweeps run until nothing is due."""
        return sweep_all(self.cases, at)

    def clock(self, case: str, name: str) -> Any:
        """Return (status, consumed, due_on, provisional) of a clock."""
        return self.sql(
            "SELECT k.status, k.consumed, k.due_on, k.provisional FROM clock k"
            ' JOIN "case" c ON c.id = k.case_id WHERE c.public_id = %s AND k.name = %s',
            case,
            name,
        )[0]

    def state(self, case: str) -> str:
        """Return where the case stands."""
        return str(self.sql('SELECT state FROM "case" WHERE public_id = %s', case)[0][0])

    def sql(self, query: str, *parameters: Any) -> list[Any]:
        """Return the rows of a query by the program's role."""
        with self.cases.connect() as connection:
            return connection.execute(query, parameters).fetchall()


@pytest.fixture(scope="session")
def house_template(server: Server, founded_template: str) -> str:
    """启东 with one firm in 汇龙镇 and an open call for the compute voucher."""

    def found(name: str) -> None:
        database = open_as_program(server, name)
        settings = settings_of_templates(tempfile.gettempdir())
        found_house(assemble(database, settings, ROOT, ids=PublicIds(random.Random(2))))
        database.close()

    return make_template(server, "template_house", founded_template, found)


@pytest.fixture
def house(cases: Cases) -> House:
    """The founded house in a database of its own; see `city`."""
    return house_on(cases)


def house_on(cases: Cases) -> House:
    """Return the people and the call of a copy of the house's template."""
    with cases.connect() as connection:
        people = dict(connection.execute("SELECT login, id FROM person").fetchall())
        firm = connection.execute(
            "SELECT public_id FROM organisation WHERE title = %s", (FIRM,)
        ).fetchone()[0]
        call = connection.execute("SELECT public_id FROM call").fetchone()[0]
    return House(cases, people, firm, call, PublicIds(random.Random(5)))


def found_house(cases: Cases) -> House:
    """Register the firm and its person, plan the call and open it."""
    at = shanghai(10, 12)
    ids = PublicIds(random.Random(3))
    with cases.database.session() as session:
        firm = register_applicant(
            session,
            kind="enterprise",
            name=FIRM,
            territory_code="huilong",
            ids=ids,
            uscc="91320681MA2TE5T28T",
        )
        person = register_person(
            session, login="applicant1", name="示例申报员", ids=ids, email="applicant1@example.test"
        )
        assign(session, person, firm, role="applicant", at=at)
        give_account(session, firm, Hand(person.id, at, cases.office.signer))
        calls = plan_standing_calls(
            session,
            [MEASURE],
            opens_on=CALL_OPENS,
            closes_on=CALL_CLOSES,
            at=at,
            signer=cases.office.signer,
            ids=ids,
        )
        people = dict(session.execute(select(Person.login, Person.id)).all())
        found = House(cases, people, firm.public_id, calls[MEASURE].public_id, ids)
    sweep_all(cases, at)
    return found


@pytest.fixture(scope="session")
def paid_template(server: Server, founded_template: str) -> str:
    """启东 with cases that were paid, and recoveries of such cases; see `claiming.STOCK`."""
    return make_stock(server, founded_template)


@pytest.fixture
def claims(server: Server, paid_template: str, tmp_path: Path) -> Iterator[Claims]:
    """What was paid in 启东, in a database of its own."""
    for database in _copy(server, paid_template):
        yield Claims(town_on(database, tmp_path))


@pytest.fixture(scope="module")
def standing_claims(
    server: Server,
    paid_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Claims]:
    """The same for the tests of a module that change nothing: everything they ask is refused."""
    for database in keep(server, paid_template):
        yield Claims(town_on(database, tmp_path_factory.mktemp("home")))
