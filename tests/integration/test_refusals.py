"""What must never happen is refused by the database itself: raw SQL, as owner and as program."""

import random
import tempfile
from collections.abc import Iterator

import psycopg
import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from caseflow.settings import read_settings
from tests.conftest import ROOT
from tests.factories.checks import credit_at
from tests.integration.conftest import House, found_house, shanghai
from tests.integration.kept_database import keep

CASE = '(SELECT id FROM "case")'
PAID = (
    "INSERT INTO payment (case_id, instalment, share, fen, status, ordered_at, paid_at, voucher_no,"
    " payee_id, account_holder, account_bank, account_number, document_no)"
    " SELECT {case}, {instalment}, 'city', {fen}, 'paid', now(), now(), 'V{instalment}',"
    " organisation_id, holder, bank, number, 'D' FROM bank_account WHERE holder LIKE '启东示例%'"
)
ENTRY = (
    "INSERT INTO ledger_entry (stream, seq, case_id, share, source, target, fen, at)"
    " SELECT id, head_seq, id, 'city', '{source}', '{target}', {fen}, '2026-11-06' FROM \"case\""
)


GAP = (
    "INSERT INTO event (stream, seq, at, name, actor_id, guards, payload, salt, body, prev_hash,"
    " hash, mac, key_id, algorithm) SELECT stream, seq + 5, at, name, actor_id, guards, payload,"
    " salt, body, prev_hash, sha256('x'), mac, key_id, algorithm FROM event"
    ' WHERE seq = 1 AND stream IN (SELECT id FROM "case")'
)
TASK_AGAIN = (
    "INSERT INTO task (case_id, state, seat, role, organisation_id, status, opened_at)"
    " SELECT case_id, state, seat, role, organisation_id, 'open', opened_at FROM task"
    " WHERE status = 'open'"
)
TIMER_AGAIN = (
    "INSERT INTO timer (case_id, kind, clock_name, generation, rule, due_on, due_at)"
    " SELECT case_id, kind, clock_name, generation, rule, due_on, due_at FROM timer"
)
NOTICE_AGAIN = (
    "INSERT INTO notification (case_id, person_id, notice, rule, due_on, facts, created_at)"
    " SELECT case_id, person_id, notice, rule, due_on, facts, created_at FROM notification"
)


@pytest.fixture(scope="module")
def standing(server: Server, founded_template: str) -> Iterator[House]:
    """A house with one submitted case, for statements that change nothing: all are refused."""
    home = tempfile.mkdtemp(prefix="caseflow-")
    settings = read_settings({"CASEFLOW_HOME": home, "CASEFLOW_MAC_KEY": "ab" * 32})
    for database in keep(server, founded_template):
        house = found_house(assemble(database, settings, ROOT, ids=PublicIds(random.Random(4))))
        house.submitted()
        with _owner(house) as connection:
            connection.execute(credit_at())
        yield house


def _owner(house: House) -> psycopg.Connection:
    url = house.cases.database.address.owner_url.replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)


def _refuse(connection: psycopg.Connection, statement: str, words: str) -> None:
    with pytest.raises(psycopg.Error, match=words):
        connection.execute(statement)


def _pay(connection: psycopg.Connection, *, instalment: int, fen: int) -> None:
    """Write a payment with the entries that go with it, as an act does."""
    with connection.transaction():
        connection.execute(ENTRY.format(source="available", target="paid", fen=fen))
        connection.execute(PAID.format(case=CASE, instalment=instalment, fen=fen))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE event SET name = 'accept'", "append-only"),
        ("DELETE FROM event", "append-only"),
        ("TRUNCATE event CASCADE", "append-only"),
        ("DELETE FROM amount_step", "append-only"),
        ("UPDATE amount_step SET fen = 1", "append-only"),
        ("UPDATE workflow SET definition = '{}'", "append-only"),
        ('DELETE FROM "case"', "append-only"),
        ("UPDATE \"case\" SET state = 'disbursed'", "cannot stand in"),
        ('UPDATE "case" SET head_seq = head_seq + 1', "cannot stand in"),
        ('UPDATE "case" SET paid_fen = 1', "paid_within_approved"),
        ('UPDATE "case" SET paid_fen = -1', "paid_not_negative"),
        ("UPDATE \"case\" SET outcome = 'disbursed'", "ck_case_ended"),
        (
            GAP,
            "fk_event_previous",
        ),
        (
            "INSERT INTO event SELECT * FROM event LIMIT 1",
            "prev_seq",
        ),
        (PAID.format(case=CASE, instalment=1, fen=1), "exceed|paid_within_approved"),
        ("UPDATE policy_version SET status = 'in_force', effective_to = NULL", "in_force_is_dated"),
        ("UPDATE policy_version SET effective_to = '2020-01-01'", "period"),
        ("UPDATE calendar_year SET confirmed_by = imported_by", "second_person"),
        (
            "INSERT INTO calendar_day VALUES ('2026-01-05', 2027, 'off', 'x')",
            "ck_calendar_day_year",
        ),
        ("UPDATE call SET closes_on = opens_on - 1", "window"),
        (
            TASK_AGAIN,
            "uq_task_open_seat",
        ),
        (
            TIMER_AGAIN,
            "uq_timer_occurrence",
        ),
        (
            NOTICE_AGAIN,
            "uq_notification_once",
        ),
        (
            "UPDATE organisation SET uscc = NULL WHERE kind = 'enterprise'",
            "applicant_identifier",
        ),
        (
            "INSERT INTO case_number SELECT * FROM case_number",
            "pk_case_number",
        ),
    ],
)
def test_even_the_owner_is_refused(standing: House, statement, words):
    with _owner(standing) as connection:
        _refuse(connection, statement, words)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET name = 'x'",
        "DELETE FROM event",
        "TRUNCATE event",
        "UPDATE amount_step SET fen = 1",
        "UPDATE workflow SET name = 'x'",
        "DELETE FROM payment",
        "UPDATE payment SET fen = 1",
        "UPDATE duty SET duty = 'approver'",
        "UPDATE policy_version SET effective_to = '2099-01-01'",
        "UPDATE alembic_version SET version_num = 'x'",
        "DROP TABLE event",
        "ALTER TABLE event DISABLE TRIGGER ALL",
        "SET ROLE postgres",
    ],
)
def test_the_programs_role_may_not_even_try(standing: House, statement):
    with standing.cases.connect() as connection:
        _refuse(connection, statement, "permission denied|must be owner")


def test_a_submission_outside_the_policys_life_is_refused_by_the_database(house: House):
    at = shanghai(11, 6)
    house.open(at)

    with _owner(house) as connection:
        connection.execute("UPDATE policy_version SET effective_to = '2026-11-05'")
        _refuse(
            connection,
            "UPDATE \"case\" SET submitted_at = '2026-11-06 00:00+08'",
            "takes no submission",
        )
        connection.execute("UPDATE \"case\" SET submitted_at = '2026-11-05 23:59+08'")


def test_a_submission_under_a_draft_is_refused_by_the_database(house: House):
    house.open(shanghai(11, 6))

    with _owner(house) as connection:
        connection.execute("ALTER TABLE policy_version DISABLE TRIGGER policy_version_steps")
        connection.execute("UPDATE policy_version SET status = 'consultation_draft'")
        _refuse(
            connection,
            "UPDATE \"case\" SET submitted_at = '2026-11-05 12:00+08'",
            "takes no submission",
        )


def test_a_submission_outside_the_call_is_refused_by_the_database(house: House):
    house.open(shanghai(11, 6))

    with _owner(house) as connection:
        _refuse(
            connection,
            "UPDATE \"case\" SET submitted_at = '2026-11-07 00:00+08'",
            "takes no submission",
        )


def test_paid_never_exceeds_approved_and_no_instalment_is_paid_twice(house: House):
    house.submitted()

    with _owner(house) as connection:
        connection.execute('UPDATE "case" SET approved_fen = 100')
        connection.execute(credit_at())
        _refuse(connection, PAID.format(case=CASE, instalment=1, fen=101), "exceed|paid_within")
        _refuse(connection, PAID.format(case=CASE, instalment=1, fen=60), "the ledger says 0")
        _pay(connection, instalment=1, fen=60)
        _refuse(connection, PAID.format(case=CASE, instalment=1, fen=40), "pk_payment")
        _refuse(connection, PAID.format(case=CASE, instalment=2, fen=41), "exceed|paid_within")
        _refuse(connection, "UPDATE payment SET fen = 61", "refused")
        _refuse(connection, "DELETE FROM payment", "append-only")
        _refuse(connection, 'UPDATE "case" SET approved_fen = 59', "paid_within_approved")
        _pay(connection, instalment=2, fen=40)

    assert house.sql('SELECT paid_fen FROM "case"') == [(100,)]


def test_a_returned_payment_counts_as_unpaid(house: House):
    house.submitted()

    with _owner(house) as connection:
        connection.execute('UPDATE "case" SET approved_fen = 100')
        connection.execute(credit_at())
        _pay(connection, instalment=1, fen=100)
        connection.execute(
            "UPDATE payment SET status = 'returned', paid_at = NULL, voucher_no = NULL"
        )

    assert house.sql('SELECT paid_fen FROM "case"') == [(0,)]


def test_every_function_looks_for_temporary_tables_last(standing: House):
    loose = standing.sql(
        "SELECT p.oid::regprocedure::text FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang"
        " WHERE n.nspname = 'public' AND l.lanname IN ('plpgsql', 'sql')"
        " AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=public, pg_temp']"
    )

    assert loose == []


def test_a_temporary_table_of_the_same_name_deceives_no_trigger(house: House):
    house.submitted()

    with house.cases.connect() as connection:
        connection.execute(
            "CREATE TEMP TABLE event AS SELECT stream, seq, hash, 'disbursed'::text AS to_state"
            " FROM public.event"
        )
        _refuse(connection, "UPDATE public.\"case\" SET state = 'disbursed'", "cannot stand in")
