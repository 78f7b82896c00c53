"""Recoveries driven along their chain: paid cases, leads, and what the database says of them."""

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import select

from caseflow.cases.assembly import assemble
from caseflow.cases.facts import facts_of
from caseflow.cases.opening import Opening, open_case
from caseflow.cases.reading import Asker, read_case
from caseflow.cases.recoveries.service import RecoveryOpening, open_recovery
from caseflow.cases.service import Outcome, Request
from caseflow.catalogue.places import data_root
from caseflow.clock import VirtualClock
from caseflow.database.access import Database
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from caseflow.funds.service import Appropriation, appropriate
from caseflow.identity.models import Person
from caseflow.kernel.calendar import local_date
from caseflow.rehearsal.applicants import Applicant
from caseflow.rehearsal.house import House
from caseflow.settings import read_settings
from tests.conftest import make_template, open_as_program
from tests.integration.walking import BEGINS, Town, at, found_town

MEASURE = "QD26-7a"
FEN = 1_000_000
CITY, DISTRICT = 4_000, 6_001
"""100.01 yuan, 4:6, the city's floor. (手册§5.3)"""
STOCKED: Final = at(9, 28)
"""After everything in the stock; a Monday."""
HEAD, AUDITOR = "lead_bureau.division_head", "auditor"
RULING = {
    "offset_allowed": False,
    "reason": "资金未用于租用智能算力。",
    "remedy": "可自知道之日起六十日内申请行政复议。",
    "document_no": "启数追〔2026〕1号",
}
PAID: Final = """
    WITH entry AS (
        INSERT INTO ledger_entry (stream, seq, case_id, share, source, target, fen, at)
        SELECT id, head_seq, id, %(share)s, %(source)s, 'paid', %(fen)s, %(at)s
        FROM "case" WHERE public_id = %(case)s)
    INSERT INTO payment (case_id, instalment, share, fen, status, ordered_at, paid_at, paid_on,
        voucher_no, payee_id, account_holder, account_bank, account_number, document_no)
    SELECT c.id, 1, %(share)s, %(fen)s, 'paid', %(at)s, %(at)s,
        (%(at)s::timestamptz AT TIME ZONE 'Asia/Shanghai')::date, 'PZ-' || c.number,
        a.organisation_id, a.holder, a.bank, a.number, '启财〔2026〕1号'
    FROM "case" c JOIN bank_account a ON a.organisation_id = c.applicant_id AND a.until IS NULL
    WHERE c.public_id = %(case)s
"""
"""A share paid by hand, with the entry that goes with it, in one statement."""


class Claims:
    """A town whose cases are paid and claimed back."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.vouchers = 0

    @contextmanager
    def beforehand(self) -> Iterator[None]:
        """Play what happened before the tests' time: no clock of the stock runs out meanwhile."""
        now, self.town.now = self.town.now, BEGINS
        yield
        assert self.town.now <= STOCKED
        self.town.now = now

    def of(self, title: str) -> str:
        """Return the public id of a case of the stock."""
        return str(self.town.value('SELECT public_id FROM "case" WHERE title = %s', title))

    def paid_case(self, recovery: str) -> str:
        """Return the case that a recovery is about."""
        return str(
            self.town.value(
                'SELECT p.public_id FROM "case" p JOIN "case" c ON c.parent_id = p.id'
                " WHERE c.public_id = %s",
                recovery,
            )
        )

    def ruling(self, case: str) -> str:
        """Return a recovery of the case that waits for its decision."""
        recovery = self.open(case).case
        self.town.walk(recovery, "recovery_ruling")
        return recovery

    def paid(self, fen: int = FEN) -> str:
        """Return a case that has ended, paid `fen` in one order."""
        case = self.town.open()
        self.town.walk(case, applied_fen=fen)
        assert self.town.state(case) == "disbursed"
        return case

    def paid_by_both(self, shares: Sequence[int] = (CITY, DISTRICT)) -> str:
        """Return a running case of which each share has paid its part."""
        case = self.town.open()
        self.town.walk(case, "payment_requested", applied_fen=sum(shares))
        self._give_the_district_a_budget()
        self.town.check(case)
        roads = (("city", "committed"), ("district", "available"))
        for (share, source), fen in zip(roads, shares, strict=True):
            if fen:
                said = {"share": share, "source": source, "fen": fen, "at": self.town.now}
                self.owner(PAID, **said, case=case)
        return case

    def _give_the_district_a_budget(self) -> None:
        """The text of 启东 names no shares, so its districts have no budget of their own."""
        with self.town.house.database.session() as session:
            finance = select(Person.id).where(Person.login == "huilong_zhen.finance")
            hand = self.town.house.hand(self.town.now)
            wanted = Appropriation(
                policy="qidong-2026",
                year=2026,
                share="district",
                territory="huilong",
                fen=10**9,
                document_no="汇财预〔2026〕1号",
            )
            by = session.scalars(finance).one()
            appropriate(session, wanted, replace(hand, by=by), ids=self.town.house.ids)

    def owner(self, statement: str, *parameters: Any, **named: Any) -> None:
        """Run a statement as the database's owner, to whom no grant says no."""
        url = self.town.house.database.address.owner_url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement, named or parameters or None)

    def open(self, case: str, seat: str = HEAD, **changes: Any) -> Outcome:
        """Open a recovery of a paid case."""
        wanted = {"ground": "misuse", "evidence": "审计抽查", **changes}
        person = self.town.person(case, seat)
        opening = RecoveryOpening(case=case, actor_id=person, at=self.town.now, **wanted)
        return open_recovery(self.town.house.cases, opening)

    def applicant_of(self, case: str) -> Applicant:
        """Return the organisation of a case, and the person who applies for it."""
        row = self.town.sql(
            'SELECT o.id, o.public_id, o.title, p.id, p.login FROM "case" c'
            " JOIN organisation o ON o.id = c.applicant_id"
            " JOIN assignment a ON a.organisation_id = o.id JOIN person p ON p.id = a.person_id"
            " WHERE c.public_id = %s",
            case,
        )[0]
        return Applicant(*row)

    def reopen(self, recovery: str) -> Outcome:
        """Open another case of the same applicant."""
        return self._open_for(self.applicant_of(recovery))

    def reached_by(self, applicant: Applicant, state: str) -> str:
        """Return another case of the applicant that has come to `state`."""
        case = self._open_for(applicant).case
        self.town.walk(case, state, applied_fen=FEN)
        return case

    def _open_for(self, applicant: Applicant) -> Outcome:
        wanted = Opening(
            measure=MEASURE,
            applicant=applicant.public_id,
            title="又一项目",
            actor_id=applicant.person_id,
            at=self.town.now,
            call=self.town.calls[MEASURE],
            matter_on=local_date(self.town.now),
        )
        return open_case(self.town.house.cases, wanted)

    def draft_before_the_bar(self, applicant: Applicant) -> str:
        """Return a draft of the applicant, opened the day before the tests' decision."""
        self.town.now = STOCKED - timedelta(days=1)
        return self._open_for(applicant).case

    def let_the_bar_end_on(self, day: date, recovery: str) -> None:
        """Put a bar in the place of a recovery's that ends on a day."""
        self.owner("ALTER TABLE bar DISABLE TRIGGER bar_fixed")
        self.owner(
            "UPDATE bar SET from_on = %s, to_on = %s WHERE recovery_id ="
            ' (SELECT id FROM "case" WHERE public_id = %s)',
            day - timedelta(days=365),
            day,
            recovery,
        )
        self.owner("ALTER TABLE bar ENABLE TRIGGER bar_fixed")

    def open_as(self, person: int, case: str) -> Outcome:
        """Open a recovery as a person, of whatever is said to be a case."""
        opening = RecoveryOpening(case, "misuse", "审计抽查", person, self.town.now)
        return open_recovery(self.town.house.cases, opening)

    def act_as(self, person: int, case: str, event: str, **payload: Any) -> Outcome:
        """Let one person ask for an event."""
        return self.town.house.cases.act(case, Request(event, person, self.town.now, payload))

    @contextmanager
    def seated_also(self, person: int, *roles: str) -> Iterator[None]:
        """Give a person more seats in the organisation where they sit, for a while."""
        for role in roles:
            self.owner(
                "INSERT INTO assignment (person_id, organisation_id, role, valid_from) SELECT"
                " person_id, organisation_id, %s, valid_from FROM assignment WHERE person_id = %s"
                " LIMIT 1",
                role,
                person,
            )
        yield
        self.owner(
            "DELETE FROM assignment WHERE person_id = %s AND role = ANY(%s)", person, list(roles)
        )

    def facts(self, case: str) -> dict[str, Any]:
        """Return what the guards of the case read now."""
        house, at = self.town.house.cases, self.town.now
        with house.connect() as connection:
            reading = read_case(connection, case, Asker(house.office.system_id, at))
            assert reading is not None
            measure = house.pinned.measure(connection, reading.measure_version_id)
            workflow = house.pinned.runner(connection, reading.workflow_hash).workflow
            return facts_of(reading, measure, workflow, at)

    def pinned_version(self, case: str) -> int:
        """Return the measure version that a case is pinned to."""
        return int(
            self.town.value('SELECT measure_version_id FROM "case" WHERE public_id = %s', case)
        )

    def forget_the_recovery_of(self, case: str) -> None:
        """Pin a case to a version of its measure that has no recovery yet."""
        self.owner(
            "INSERT INTO policy_version SELECT (jsonb_populate_record(p, jsonb_build_object("
            "'id', 900001, 'version', 99, 'current', false, 'content_hash', 'before'))).*"
            " FROM policy_version p WHERE p.current"
        )
        written = self.town.value(
            "SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute"
            " WHERE attrelid = 'measure_version'::regclass AND attnum > 0"
            " AND attgenerated = '' AND NOT attisdropped"
        )
        self.owner(
            f"INSERT INTO measure_version ({written}) SELECT {written} FROM (SELECT"
            " (jsonb_populate_record(v, jsonb_build_object('id', 900002,"
            " 'policy_version_id', 900001, 'children', v.children - 'recovery'))).*"
            ' FROM measure_version v JOIN "case" c ON c.measure_version_id = v.id'
            " WHERE c.public_id = %s) made",
            case,
        )
        self.owner('ALTER TABLE "case" DISABLE TRIGGER USER')
        self.owner('UPDATE "case" SET measure_version_id = 900002 WHERE public_id = %s', case)
        self.owner('ALTER TABLE "case" ENABLE TRIGGER USER')

    def ruling_without(self, name: str) -> dict[str, Any]:
        """Return what a decision says, but for one thing."""
        return {key: value for key, value in {**RULING, "recovery_fen": 1}.items() if key != name}

    def decided(self, case: str, fen: int, state: str = "recovery_due", **said: Any) -> str:
        """Return a recovery of which `fen` were decided, walked on to `state`."""
        recovery = self.ruling(case)
        self.town.act(recovery, "order_recovery", **{**RULING, "recovery_fen": fen, **said})
        self.town.walk(recovery, state)
        return recovery

    def receive(self, recovery: str, fen: int, voucher: str | None = None) -> Outcome:
        """Record a receipt under a voucher of its own."""
        self.vouchers += 1
        day = local_date(self.town.now).isoformat()
        said = {"receipt_fen": fen, "received_on": day}
        voucher = voucher or f"SK-{recovery[:6]}-{self.vouchers}"
        return self.town.act(recovery, "record_receipt", voucher_no=voucher, **said)

    def shares(self, recovery: str) -> list[tuple[int, int]]:
        """Return (city, district) fen of each receipt in order."""
        return self.town.sql(
            "SELECT sum(fen) FILTER (WHERE share = 'city')::int,"
            " sum(fen) FILTER (WHERE share = 'district')::int FROM recovery_receipt"
            ' WHERE recovery_id = (SELECT id FROM "case" WHERE public_id = %s)'
            " GROUP BY seq ORDER BY seq",
            recovery,
        )

    def recovered(self, case: str) -> int:
        """Return what the paid case's own row says came back."""
        return int(self.town.value('SELECT recovered_fen FROM "case" WHERE public_id = %s', case))

    def holds(self, case: str) -> list[tuple[str, bool]]:
        """Return (kind, whether it was lifted) of the case's holds."""
        return self.town.sql(
            'SELECT h.kind, h.lifted_at IS NOT NULL FROM hold h JOIN "case" c ON c.id = h.case_id'
            " WHERE c.public_id = %s ORDER BY h.seq",
            case,
        )


def lend(claims: Claims) -> Iterator[Claims]:
    """Lend what was paid to a test, and dismiss the leads that it leaves open."""
    claims.town.now = STOCKED
    yield claims
    for (lead,) in claims.town.sql(
        "SELECT public_id FROM \"case\" WHERE state = 'recovery_lead' AND outcome IS NULL"
    ):
        claims.town.act(lead, "dismiss_lead")


def stock(town: Town) -> None:
    """Put one case of each kind that the tests begin with into the town's database."""
    claims = Claims(town)
    for title, made in STOCK.items():
        town.now = BEGINS
        claims.owner('UPDATE "case" SET title = %s WHERE public_id = %s', title, made(claims))


def make_stock(server: Server, founded_template: str) -> str:
    """Return the name of a template with the stock."""

    def found(name: str) -> None:
        database = open_as_program(server, name)
        folder = Path(tempfile.mkdtemp(prefix="caseflow-"))
        stock(found_town(database, folder, measures=[MEASURE]))
        database.close()

    return make_template(server, "template_paid", founded_template, found)


STOCK: Final[dict[str, Callable[[Claims], str]]] = {
    "paid": lambda claims: claims.paid(),
    "paid by both": lambda claims: claims.paid_by_both(),
    "ruling": lambda claims: claims.ruling(claims.paid()),
    "due": lambda claims: claims.decided(claims.paid(), FEN),
    "due by both": lambda claims: claims.decided(claims.paid_by_both(), CITY + DISTRICT),
}
"""Cases by their title: paid and ended, paid and running, and recoveries of such cases."""


def town_on(database: Database, folder: Path) -> Town:
    """Return the town of a database in which it was founded before."""
    settings = read_settings({"CASEFLOW_HOME": str(folder), "CASEFLOW_MAC_KEY": "ab" * 32})
    cases = assemble(database, settings, data_root(), ids=PublicIds(random.Random(8)))
    house = House(
        cases=cases,
        database=database,
        clock=VirtualClock(database.connect),
        root=data_root(),
        files=folder / "files",
        upload_limit=settings.upload_limit,
    )
    with database.connect() as connection:
        calls = connection.execute(
            "SELECT m.code, c.public_id FROM call c JOIN measure m ON m.id = c.measure_id"
        ).fetchall()
    return Town(house, dict(calls), now=STOCKED)
