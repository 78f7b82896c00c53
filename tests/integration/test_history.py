"""The history is append-only, chained, keyed and complete."""

import random
from collections.abc import Iterator

import psycopg
import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.history.queries import frozen, history, verify
from caseflow.history.verifying import verify_in_parts
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import House, house_on, shanghai
from tests.integration.kept_database import keep

KEY = bytes.fromhex("ab" * 32)


@pytest.fixture(scope="module")
def kept(server, house_template, tmp_path_factory) -> Iterator[House]:
    """A house with an accepted case, for tests that change nothing for good."""
    settings = settings_of_templates(str(tmp_path_factory.mktemp("history")))
    for database in keep(server, house_template):
        house = house_on(assemble(database, settings, ROOT, ids=PublicIds(random.Random(2))))
        case = house.submitted()
        house.act(case, "accept", "huilong_zhen.handler", shanghai(11, 9), note="材料齐全")
        yield house


def _tamper(house: House, statement: str) -> list[str]:
    """Return what the verifier finds after the owner changed history with the triggers off.

    What was changed is rolled back.
    """
    url = house.cases.database.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(statement)
        found = [f"{fault.seq} {fault.what}" for fault in verify(connection, KEY)]
        connection.rollback()
    return found


def test_an_untouched_history_is_whole(kept: House):
    assert _tamper(kept, "SELECT 1") == []


def test_a_changed_payload_is_found(kept: House):
    found = _tamper(kept, "UPDATE event SET payload = '{\"applied_fen\": 2}' WHERE name = 'submit'")

    assert found == ["2 its payload is not the one it commits to"]


@pytest.mark.soak
def test_two_processes_find_in_one_instant_what_one_finds(house: House):
    for _ in range(2):
        house.submitted()
    address = house.cases.database.address
    with psycopg.connect(address.owner_url.replace("+psycopg", ""), autocommit=True) as owner:
        owner.execute("SET session_replication_role = replica")
        owner.execute("UPDATE event SET payload = '{\"a\": 2}' WHERE name = 'submit'")
        owner.execute("UPDATE event SET payload = '{\"a\": 1e30}' WHERE name = 'open' AND seq = 1")

    with house.cases.connect() as connection, frozen(connection):
        (events,) = connection.execute("SELECT count(*) FROM event").fetchone()
        one = list(verify(connection, KEY))
        house.submitted()
        asked = {"events": events, "most": 100}
        two = list(verify_in_parts(connection, address.url, KEY, least=1, **asked))
        short = list(verify_in_parts(connection, address.url, KEY, least=events + 1, **asked))
        few = list(verify_in_parts(connection, address.url, KEY, events=events, most=1, least=1))

    assert len(one) >= 2
    assert two == one == short
    assert 1 <= len(few) <= 2


def test_a_changed_body_is_found(kept: House):
    found = _tamper(kept, "UPDATE event SET body = set_byte(body, 20, 255) WHERE name = 'submit'")

    assert "2 its hash does not follow from its body and its past" in found


@pytest.mark.parametrize(
    "change",
    [
        "at = at - interval '1 microsecond'",
        "name = 'accept'",
        "actor_id = actor_id + 1",
        "acting_for_id = actor_id",
        "seat = 'public'",
        "organisation_id = organisation_id + 1",
        "to_state = 'approved'",
        "workflow_hash = NULL",
        "guards = '[]'",
        "request_id = 'x'",
    ],
)
def test_a_column_that_no_longer_says_what_was_hashed_is_found(kept: House, change: str):
    found = _tamper(kept, f"UPDATE event SET {change} WHERE name = 'submit'")

    assert found == ["2 its columns do not say what was hashed"]


def test_an_event_taken_out_of_the_middle_is_found(kept: House):
    found = _tamper(kept, "DELETE FROM event WHERE name = 'submit'")

    assert "3 event 2 is missing" in found


def test_a_forged_mac_is_found(kept: House):
    found = _tamper(kept, "UPDATE event SET mac = sha256('forged') WHERE name = 'submit'")

    assert found == ["2 its MAC was not made with the key"]


def test_another_key_fits_nothing(kept: House):
    with kept.cases.connect() as connection:
        found = list(verify(connection, bytes(32)))
        count = connection.execute("SELECT count(*) FROM event").fetchone()[0]

    assert len(found) == count


def test_the_history_tells_who_in_which_seat_from_where_to_where(kept: House):
    stream = kept.sql('SELECT id FROM "case"')[0][0]

    with kept.cases.connect() as connection:
        events = history(connection, stream)
        rest = history(connection, stream, after=2)

    assert [(e.name, e.actor, e.seat, e.from_state, e.to_state) for e in events] == [
        ("case_opened", "applicant1", "applicant", None, "draft"),
        ("submit", "applicant1", "applicant", "draft", "submitted"),
        ("accept", "huilong_zhen.handler", "district.handler", "submitted", "district_review"),
    ]
    assert events[2].organisation == "汇龙镇人民政府"
    assert events[2].payload["note"] == "材料齐全"
    assert len(events[1].payload["files"]) >= 1
    assert [e.seq for e in rest] == [3]
