"""What a recovery may never do is refused by the database: raw SQL, as owner and as program."""

from collections.abc import Iterator

import psycopg
import pytest

from caseflow.database import migration
from tests.conftest import ROOT
from tests.integration.claiming import CITY, DISTRICT, FEN, Claims, town_on
from tests.integration.kept_database import keep

RECEIPT = (
    "INSERT INTO recovery_receipt (recovery_id, seq, share, case_id, fen, received_on, voucher_no,"
    " recorded_by, recorded_at) SELECT r.id, c.head_seq, '{share}', r.case_id, {fen}, '2026-09-15',"
    " '{voucher}', r.opened_by, '2026-09-16T00:00:00Z' FROM recovery r"
    " JOIN \"case\" c ON c.id = r.id WHERE c.title = '{title}'"
)
EVENT = (
    "INSERT INTO event (stream, seq, at, name, actor_id, from_state, to_state, guards, payload,"
    " salt, body, prev_hash, hash, mac, key_id, algorithm) SELECT e.stream, e.seq + 1, e.at,"
    " 'record_receipt', e.actor_id, e.to_state, e.to_state, e.guards, e.payload, e.salt, e.body,"
    " e.hash, sha256(e.hash), e.mac, e.key_id, e.algorithm FROM event e"
    ' JOIN "case" c ON c.id = e.stream AND c.head_seq = e.seq'
    " WHERE c.title ~ '^due'"
)
MOVED = (
    'UPDATE "case" SET head_seq = head_seq + 1, head_hash = sha256(head_hash)'
    " WHERE title ~ '^due'"
)
SECOND = (
    'INSERT INTO "case" (id, public_id, number, title, parent_id, root_id, child_kind, measure_id,'
    " measure_version_id, policy_version_id, workflow_hash, applicant_id, territory_id, parties,"
    " state, head_seq, head_hash, facts, corrections_made, created_at)"
    " SELECT id + 100000, 'x', 'x', title, parent_id, root_id, child_kind, measure_id,"
    " measure_version_id, policy_version_id,"
    " workflow_hash, applicant_id, territory_id, parties, state, head_seq, head_hash, facts, 0,"
    " created_at FROM \"case\" WHERE title = 'due'"
)
RULING = (
    "UPDATE recovery SET decided_fen = {fen}, document_no = 'x', decided_by = opened_by,"
    " decided_at = now() WHERE decided_fen IS NULL"
)


def receipt(fen: int, *, title: str = "due", share: str = "city", voucher: str = "V") -> str:
    return RECEIPT.format(fen=fen, title=title, share=share, voucher=voucher)


@pytest.fixture(scope="module")
def standing(server, paid_template, tmp_path_factory) -> Iterator[Claims]:
    """The stock with an event of a receipt on each recovery that is due, and a fen received.

    Nothing is changed.
    """
    for database in keep(server, paid_template):
        claims = Claims(town_on(database, tmp_path_factory.mktemp("home")))
        claims.owner(EVENT)
        claims.owner(MOVED)
        claims.receive(claims.decided(claims.of("paid"), FEN), 1)
        yield claims


REFUSED = [
    (receipt(FEN + 1), "exceed what it has paid|received_within_decided|recovered_within_paid"),
    (receipt(1, share="district"), "district share of case"),
    (receipt(CITY + 1, title="due by both"), "city share of case"),
    (receipt(DISTRICT + 1, title="due by both", share="district"), "district share of case"),
    (receipt(-1), "ck_recovery_receipt_fen"),
    (receipt(1, share="county"), "ck_recovery_receipt_share"),
    (receipt(1, title="ruling"), "without the event that says so"),
    ("UPDATE recovery SET decided_fen = decided_fen - 1", "fixed|num_nulls|decided_by_document"),
    ("UPDATE recovery SET document_no = 'x' WHERE decided_fen IS NOT NULL", "fixed"),
    ("UPDATE recovery SET received_fen = 1 WHERE decided_fen IS NOT NULL", "sum of its receipts"),
    ('UPDATE "case" SET recovered_fen = 1 WHERE paid_fen > 0', "sum of its receipts"),
    ("UPDATE recovery SET offset_words = 'x' WHERE decided_fen IS NULL", "ck_recovery_offset"),
    ("UPDATE recovery SET withdrawn_at = now() WHERE decided_fen IS NULL", "ck_recovery_withdrawn"),
    (
        "UPDATE recovery SET interest_fen = 1 WHERE decided_fen IS NULL",
        "ck_recovery_interest",
    ),
    (RULING.format(fen=FEN + 1), "exceeds the"),
    (RULING.format(fen=0), "ck_recovery_decided"),
    (
        "UPDATE recovery SET decided_fen = 1 WHERE decided_fen IS NULL",
        "ck_recovery_decided_by_document",
    ),
    (SECOND, "uq_case_open_recovery"),
]
OWNERS = [
    ("UPDATE recovery SET ground = 'breach'", "fixed"),
    ("UPDATE recovery SET ground = 'bad_mood'", "fixed|ck_recovery_ground"),
    ("DELETE FROM recovery", "append-only"),
    ("TRUNCATE recovery_receipt", "append-only"),
    (
        "UPDATE hold SET lifted_at = now(), lifted_by = placed_by WHERE kind = 'clawback_open'",
        "追缴尚未办结",
    ),
]


@pytest.mark.parametrize(("statement", "words"), REFUSED)
def test_neither_owner_nor_program_gets_past_the_constraints(standing: Claims, statement, words):
    with pytest.raises(psycopg.Error, match=words):
        standing.owner(statement)
    with pytest.raises(psycopg.Error, match=words):
        standing.town.sql(statement)


@pytest.mark.parametrize(("statement", "words"), OWNERS)
def test_even_the_owner_changes_nothing_that_was_written(standing: Claims, statement, words):
    with pytest.raises(psycopg.Error, match=words):
        standing.owner(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recovery_receipt SET fen = 1",
        "DELETE FROM recovery_receipt",
        "TRUNCATE recovery_receipt",
        "UPDATE recovery SET ground = 'breach'",
        "UPDATE recovery SET case_id = id",
        "DELETE FROM recovery",
        "UPDATE bar SET to_on = to_on + 1",
        "DELETE FROM bar",
        "ALTER TABLE recovery DISABLE TRIGGER ALL",
    ],
)
def test_the_programs_role_may_not_even_try(standing: Claims, statement: str):
    with pytest.raises(psycopg.Error, match=r"permission denied|must be owner"):
        standing.town.sql(statement)


def test_a_receipt_once_written_stays(standing: Claims):
    assert standing.town.value("SELECT sum(fen) FROM recovery_receipt") == 1

    for statement in ("UPDATE recovery_receipt SET fen = 2", "DELETE FROM recovery_receipt"):
        with pytest.raises(psycopg.Error, match="append-only"):
            standing.owner(statement)


def test_a_payment_that_came_back_is_not_returned_by_the_bank_as_well(standing: Claims):
    with pytest.raises(psycopg.Error, match="recovered_within_paid"):
        standing.owner(
            "UPDATE payment SET status = 'returned', paid_at = NULL, voucher_no = NULL"
            ' WHERE case_id = (SELECT id FROM "case" WHERE public_id = %s)',
            standing.of("paid"),
        )


@pytest.mark.soak
def test_the_migration_is_taken_back_and_made_again(server, empty_template):
    name = "recovery_downgraded"
    url = server.url(name)
    migration.create_database(url, template=empty_template)
    try:
        migration.downgrade(url, ROOT / "migrations", "0003")
        with psycopg.connect(url.replace("+psycopg", "")) as connection:
            left = connection.execute(
                "SELECT to_regclass('recovery'), to_regclass('bar'),"
                " to_regprocedure('bar_is_fixed()')"
            ).fetchone()
        migration.upgrade(url, ROOT / "migrations")
    finally:
        migration.drop_database(url)

    assert left == (None, None, None)
