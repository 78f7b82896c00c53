"""Checkpoints: every event is sealed once, and what chains cannot see is seen."""

import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier

import psycopg
import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.history.checkpoints.notes import Seal, head_of
from caseflow.history.checkpoints.queries import newest_checkpoint, verify_seals
from caseflow.history.checkpoints.service import seal_all, seal_pending
from caseflow.history.queries import frozen, verify
from caseflow.kernel.errors import NotFound
from caseflow.kernel.merkle import leaf_hash, root_of
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import house_on, shanghai
from tests.integration.kept_database import keep

SEAL = Seal("qidong.example/history", bytes(range(32)))
KEY = bytes.fromhex("ab" * 32)
AT = shanghai(11, 10)
LAST = "(SELECT stream, seq FROM event_leaf ORDER BY index DESC LIMIT 1)"


@pytest.fixture(scope="module")
def sealed(server, house_template, tmp_path_factory):
    """A house that is sealed twice; the tests of this module put back what they change."""
    settings = settings_of_templates(str(tmp_path_factory.mktemp("home")))
    for database in keep(server, house_template):
        house = house_on(assemble(database, settings, ROOT, ids=PublicIds(random.Random(8))))
        with database.connect() as connection:
            seal_all(connection, SEAL, at=AT)
            house.submitted()
            seal_all(connection, SEAL, at=AT)
        yield database


@contextmanager
def owner(database):
    """Yield a connection of the owner with the triggers off; what it does is undone."""
    with psycopg.connect(database.address.owner_url.replace("+psycopg", "")) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection
        connection.rollback()


def faults(connection, *witnessed):
    """Return what is found, chains and seals together."""
    found = [*verify(connection, KEY)]
    found += verify_seals(connection, SEAL.verifier, witnessed=witnessed, batch=7)
    return [fault.what for fault in found]


def head(database):
    with database.connect() as connection:
        return head_of(newest_checkpoint(connection).note, SEAL.verifier)


def test_every_event_is_a_leaf_once_and_the_root_is_over_all_of_them(sealed):
    with sealed.connect() as connection:
        leaves = connection.execute(
            "SELECT l.index, l.hash FROM event_leaf l JOIN event USING (stream, seq, hash)"
            " ORDER BY l.index"
        ).fetchall()
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM event_pending)"
        ).fetchone()
        found = newest_checkpoint(connection)

    assert [index for index, _ in leaves] == list(range(counts[0]))
    assert counts[1] == 0
    assert (found.size, found.root) == (
        len(leaves),
        root_of(leaf_hash(each) for _, each in leaves).hex(),
    )


def test_an_untouched_history_is_the_sealed_one(sealed):
    with sealed.connect() as connection, frozen(connection):
        assert faults(connection, head(sealed)) == []


OLDER = "the checkpoint file has {} events, more than are sealed here: an older copy"
MISSING = "it was sealed and is missing"
TAMPERS = {
    "an edited row": (
        "UPDATE event SET body = set_byte(body, 20, 255), hash = sha256(set_byte(body, 20, 255))"
        f" WHERE (stream, seq) IN {LAST}"
    ),
    "the last row of a stream": f"DELETE FROM event WHERE (stream, seq) IN {LAST}",
    "a whole stream": f"DELETE FROM event WHERE stream = (SELECT stream FROM {LAST} AS last)",
    "a stream with its leaves": (
        f"WITH gone AS (SELECT stream FROM {LAST} AS last), leaves AS"
        " (DELETE FROM event_leaf USING gone WHERE event_leaf.stream = gone.stream)"
        " DELETE FROM event USING gone WHERE event.stream = gone.stream"
    ),
    "a leaf out of the middle": "DELETE FROM event_leaf WHERE index = 3",
    "a leaf changed with its event": (
        "WITH leaf AS (UPDATE event_leaf SET hash = sha256('x') WHERE index = 3)"
        " UPDATE event SET hash = sha256('x')"
        " WHERE (stream, seq) IN (SELECT stream, seq FROM event_leaf WHERE index = 3)"
    ),
    "an unsigned checkpoint": (
        "UPDATE checkpoint SET root = sha256('x'), note = replace(note,"
        " encode(root, 'base64'), encode(sha256('x'), 'base64'))"
    ),
}
FOUND = {
    "an edited row": "it is not the event that was sealed",
    "the last row of a stream": MISSING,
    "a whole stream": MISSING,
    "a stream with its leaves": "more than are sealed here: an older copy",
    "a leaf out of the middle": "leaf 3 is missing",
    "a leaf changed with its event": "has another root over the first",
    "an unsigned checkpoint": "was not signed as it stands",
}


@pytest.mark.parametrize("name", TAMPERS)
def test_tampering_is_found(sealed, name):
    with owner(sealed) as connection:
        connection.execute(TAMPERS[name])

        found = faults(connection, head(sealed))

    assert any(FOUND[name] in what for what in found), found


def test_a_history_written_anew_with_every_key_is_found_by_what_was_kept_elsewhere(sealed):
    kept = head(sealed)
    with owner(sealed) as connection:
        connection.execute(f"DELETE FROM event WHERE (stream, seq) IN {LAST}")
        connection.execute("INSERT INTO event_pending SELECT stream, seq, hash FROM event")
        connection.execute("DELETE FROM checkpoint")
        connection.execute("DELETE FROM event_leaf")
        seal_all(connection, SEAL, at=AT)

        within, elsewhere = faults(connection), faults(connection, kept)

    assert within == []
    assert elsewhere == [OLDER.format(kept.size)]


def test_an_older_copy_of_the_database_is_found_even_when_it_goes_on(sealed, house):
    kept = head(sealed)
    with house.cases.connect() as connection:
        seal_all(connection, SEAL, at=AT)
        older = faults(connection, kept)
        house.submitted()
        house.submitted()
        seal_all(connection, SEAL, at=AT)
        gone_on = faults(connection, kept)

    assert older == [OLDER.format(kept.size)]
    assert gone_on == [f"the checkpoint file has another root over the first {kept.size} events"]


def test_tampering_before_the_seal_is_found_too(sealed):
    with owner(sealed) as connection:
        connection.execute("INSERT INTO event_pending SELECT 1, 1, sha256('gone')")

        waiting = faults(connection)
        seal_all(connection, SEAL, at=AT)
        after = faults(connection)

    assert waiting == ["it was to be sealed and is missing"]
    assert after == ["it was sealed and is missing"]


def test_an_event_taken_from_the_queue_is_missed(sealed):
    with owner(sealed) as connection:
        connection.execute("SET session_replication_role = origin")
        connection.execute(
            "INSERT INTO event (stream, seq, at, name, actor_id, guards, payload, salt, body,"
            " prev_hash, hash, mac, key_id, algorithm) SELECT 1, 1, at, name, actor_id, guards,"
            " payload, salt, body, prev_hash, sha256('x'), mac, key_id, algorithm"
            " FROM event LIMIT 1"
        )
        pending = connection.execute("DELETE FROM event_pending RETURNING stream, seq").fetchall()

        found = faults(connection)

    assert pending == [(1, 1)]
    assert "it is neither sealed nor pending" in found


def test_sealing_again_does_nothing(sealed):
    with sealed.connect() as connection:
        before = newest_checkpoint(connection)

        assert seal_pending(connection, SEAL, at=AT) == 0
        assert newest_checkpoint(connection) == before


def test_any_number_of_sealers_seal_every_event_once_in_one_line(house):
    start = Barrier(4)

    def work(_):
        with house.cases.connect() as connection:
            start.wait()
            return sum(iter(lambda: seal_pending(connection, SEAL, at=AT, most=3), 0))

    with ThreadPoolExecutor(4) as sealers:
        sealed = sum(sealers.map(work, range(4)))

    events, leaves, numbers = house.sql(
        "SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM event_leaf),"
        " (SELECT array_agg(number ORDER BY size) FROM checkpoint)"
    )[0]
    assert sealed == leaves == events
    assert numbers == list(range(1, -(-events // 3) + 1))
    with house.cases.connect() as connection:
        assert faults(connection) == []


WAITING = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"


def test_a_sealer_waits_for_the_other_and_goes_on_where_it_ended(house):
    connect = house.cases.connect
    with connect() as first, connect() as second, ThreadPoolExecutor(1) as other:
        with first.transaction():
            seal_pending(first, SEAL, at=AT, most=3)
            waits = other.submit(seal_pending, second, SEAL, at=AT, most=3)
            while not first.execute(WAITING, (second.info.backend_pid,)).fetchone()[0]:
                first.execute("SELECT pg_stat_clear_snapshot()")

        assert waits.result() == 3
        assert newest_checkpoint(first).size == 6


def test_nothing_is_sealed_at_first(sealed):
    with owner(sealed) as connection:
        connection.execute("DELETE FROM checkpoint")
        with pytest.raises(NotFound, match="尚无检查点"):
            newest_checkpoint(connection)


FORK = (
    "INSERT INTO checkpoint (number, prev_size, size, root, frontier, note, at)"
    " SELECT number + {step}, {prev}, {size}, root, frontier, note, at FROM checkpoint"
    " ORDER BY number DESC LIMIT 1"
)
DENIED = ("url", "42501")
ATTACKS = {
    "a second checkpoint of one number": FORK.format(step=0, prev="prev_size", size="size"),
    "a checkpoint that does not grow": FORK.format(step=1, prev="size", size="size"),
    "a checkpoint that follows another size": FORK.format(step=1, prev="size - 1", size="size"),
    "a checkpoint after a gap": FORK.format(step=2, prev="size", size="size"),
    "a second beginning": FORK.format(step=1, prev="NULL", size="size"),
    "a root that is not in the note": (
        "INSERT INTO checkpoint (number, prev_size, size, root, frontier, note, at)"
        " SELECT number + 1, size, size, sha256('x'), frontier, note, at FROM checkpoint"
    ),
    "a leaf after a gap": "INSERT INTO event_leaf VALUES (999999, DEFAULT, 1, 1, sha256('x'))",
    "a leaf before the first": "INSERT INTO event_leaf VALUES (-1, DEFAULT, 1, 1, sha256('x'))",
    "an event sealed twice": (
        "INSERT INTO event_leaf (index, stream, seq, hash)"
        " SELECT index + 1, stream, seq, hash FROM event_leaf ORDER BY index DESC LIMIT 1"
    ),
    "a changed leaf": "UPDATE event_leaf SET seq = seq + 1",
    "a deleted leaf": "DELETE FROM event_leaf",
    "a changed checkpoint": "UPDATE checkpoint SET at = now()",
    "a deleted checkpoint": "DELETE FROM checkpoint",
    "a truncated tree": "TRUNCATE event_leaf, checkpoint",
}


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("url", ["owner_url", "url"])
def test_the_database_refuses(sealed, name, url):
    address = getattr(sealed.address, url).replace("+psycopg", "")

    with psycopg.connect(address) as connection, pytest.raises(psycopg.Error) as caught:
        connection.execute(ATTACKS[name])

    assert caught.value.sqlstate.startswith("23") or (url, caught.value.sqlstate) == DENIED


def test_the_program_puts_nothing_in_the_queue_but_events(sealed):
    with sealed.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("INSERT INTO event_pending VALUES (1, 1, sha256('x'))")
