"""Ten thousand random tampers with a sealed history, from a seed: every one is found and named."""

import random
from itertools import chain

import psycopg
import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.history.checkpoints.notes import Seal, head_of
from caseflow.history.checkpoints.queries import newest_checkpoint, verify_seals
from caseflow.history.checkpoints.service import seal_pending
from caseflow.history.queries import verify
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import (  # noqa: F401 - pytest's fixture
    house_on,
    house_template,
    shanghai,
)
from tests.integration.kept_database import keep

pytestmark = pytest.mark.soak

TAMPERS = 10_000
KEY = bytes.fromhex("ab" * 32)
SEAL = Seal("qidong.example/history", bytes(range(32)))
BYTES = ("body", "hash", "mac", "prev_hash", "salt")
COLUMNS = {
    "name": "name || 'x'",
    "actor_id": "actor_id + 1",
    "at": "at + interval '1 second'",
    "to_state": "coalesce(to_state, '') || 'x'",
    "payload": "payload || '{\"x\": 1}'",
}
EVENT = "stream = %(stream)s AND seq = %(seq)s"
AFTER = "stream = %(stream)s AND seq >= %(seq)s"
LEAF_TOO = f"UPDATE event_leaf SET hash = sha256(hash) WHERE {EVENT}"


def edits(source, row):
    """Return the statements of one tamper with an event, drawn from the seven classes."""
    flipped = source.choice(BYTES)
    place, bit = source.randrange(len(row[flipped])), 1 << source.randrange(8)
    byte = row[flipped][place] ^ bit
    column = source.choice(sorted(COLUMNS))
    return source.choice(
        [
            [f"UPDATE event SET {flipped} = set_byte({flipped}, {place}, {byte}) WHERE {EVENT}"],
            [f"UPDATE event SET {column} = {COLUMNS[column]} WHERE {EVENT}"],
            [f"DELETE FROM event WHERE {EVENT}"],
            [f"DELETE FROM event WHERE {AFTER}"],
            ["DELETE FROM event WHERE stream = %(stream)s"],
            [f"UPDATE event SET hash = sha256(hash) WHERE {EVENT}", LEAF_TOO],
            [f"UPDATE event SET seq = seq + 1000 WHERE {AFTER}"],
        ]
    )


@pytest.fixture
def sealed(server, house_template, tmp_path):  # noqa: F811 - the fixture
    settings = settings_of_templates(str(tmp_path))
    for database in keep(server, house_template):
        house = house_on(assemble(database, settings, ROOT, ids=PublicIds(random.Random(8))))
        for _ in range(5):
            house.submitted()
        with database.connect() as connection:
            while seal_pending(connection, SEAL, at=shanghai(11, 10), most=7):
                pass
        yield database


def test_ten_thousand_tampers_are_found_and_named(sealed):
    source, missed = random.Random(2026), []
    url = sealed.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as rows:
        events = rows.execute("SELECT * FROM event").fetchall()
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        kept = head_of(newest_checkpoint(connection).note, SEAL.verifier)

        for number in range(TAMPERS):
            row = source.choice(events)
            with connection.transaction(force_rollback=True):
                for statement in edits(source, row):
                    connection.execute(statement, {"stream": row["stream"], "seq": row["seq"]})
                seals = verify_seals(connection, SEAL.verifier, witnessed=[kept])
                faults = chain(seals, verify(connection, KEY))
                named = any(fault.stream == row["stream"] for fault in faults)
            if not named:
                missed.append((number, row["stream"], row["seq"]))

    assert missed == []
