"""No statement lets a call skip a step, or a plan give more than there is: raw SQL."""

from collections.abc import Iterator

import psycopg
import pytest

from caseflow.database.access import Database
from tests.integration.batch_land import FEN, MEASURE, Batch, opened, planned, waitlist
from tests.integration.kept_database import keep
from tests.integration.walking import found_town

PLAN = """
    INSERT INTO plan (id, public_id, call_id, version, kind, status, reason, line_count,
        support_count, support_fen, drafted_by, drafted_at)
    SELECT 1, 'x', k.id, {version}, '{kind}', 'drafted', 'r', {lines}, {lines}, {fen},
        k.planned_by, now()
    FROM call k WHERE k.procedure = 'batch' AND k.status = 'reviewing'
"""
LINE = """
    INSERT INTO plan_line (plan_id, case_id, line, line_count, result, fen, reason)
    SELECT 1, c.id, row_number() OVER (ORDER BY c.id), {lines}, 'support', {fen}, 'r'
    FROM "case" c JOIN call k ON k.id = c.call_id AND k.status = 'reviewing'
    ORDER BY c.id LIMIT {lines}
"""
NOW = "SET CONSTRAINTS ALL IMMEDIATE"
MOVE = "UPDATE call SET status = '{}', moved_seq = moved_seq + 1 WHERE status = 'reviewing'"


@pytest.fixture(scope="module")
def addresses(server, founded_template, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The URLs of a database with a batch of two places and one of their amounts, in review."""
    for database in keep(server, founded_template):
        yield _addresses(database, tmp_path_factory)


def _addresses(database: Database, tmp_path_factory) -> dict[str, str]:
    town = found_town(database, tmp_path_factory.mktemp("town"), measures=(MEASURE,))
    planned(town)
    batch: Batch = opened(town, days=1, quota=2, pool_fen=2 * FEN)
    cases = batch.proposed(3)
    plan = batch.draft(waitlist(*cases)).plan.public_id
    batch.turn_back(plan)
    urls = {"owner": database.address.owner_url, "program": database.address.url}
    return {who: url.replace("+psycopg", "") for who, url in urls.items()}


@pytest.fixture(params=["owner", "program"])
def anyone(request, addresses) -> Iterator[psycopg.Connection]:
    with psycopg.connect(addresses[request.param]) as connection:
        yield connection
        connection.rollback()


def plan(connection: psycopg.Connection, *, lines: int, fen: int, **said: object) -> None:
    """Draft a plan behind the program's back; judged as at the end of a transaction."""
    told = {"version": 9, "kind": "whole", "lines": lines, "fen": fen * lines, **said}
    connection.execute(PLAN.format(**told))
    connection.execute(LINE.format(lines=lines, fen=fen))
    connection.execute(NOW)


PUBLISH = "UPDATE call SET status = 'published' WHERE status = 'planned'"
PUBLISHED_ALONE = """
    UPDATE call SET status = 'published', published_by = planned_by WHERE status = 'planned'
"""
BEGUN_OPEN = """
    INSERT INTO call (public_id, measure_id, title, opens_on, closes_on, status)
    SELECT 'x', measure_id, 't', opens_on, closes_on, 'open' FROM call LIMIT 1
"""
EARLY = """
    INSERT INTO late_intake (public_id, call_id, organisation_id, until_on, reason, asked_by,
        asked_at)
    SELECT 'x', k.id, (SELECT min(id) FROM organisation), '2030-01-01', 'r', k.planned_by, now()
    FROM call k WHERE k.status = 'planned'
"""


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (MOVE.format("publicity"), "no such step"),
        (MOVE.format("archived"), "it has cases"),
        (MOVE.format("settled"), "its cases are not settled"),
        (MOVE.format("plan_drafted"), "there is no plan in draft"),
        (MOVE.format("open"), "no such step"),
        (f"UPDATE call SET status = 'closed' WHERE status = 'planned'; {NOW}", "without the event"),
        (PUBLISH, "published"),
        (PUBLISHED_ALONE, "four_eyes"),
        ("UPDATE call SET quota = 99 WHERE status = 'reviewing'", "says what|permission denied"),
        ("DELETE FROM call", "refused|append-only|permission denied"),
        (BEGUN_OPEN, "begins planned"),
        ("UPDATE plan SET status = 'approved'", "approved|stays what it is"),
        ("UPDATE plan_line SET fen = 1", "refused|append-only|permission denied"),
        (EARLY, "takes nothing late now"),
    ],
)
def test_what_a_call_must_never_do_is_refused(anyone: psycopg.Connection, statement, words):
    with pytest.raises(psycopg.Error, match=words):
        anyone.execute(statement)


@pytest.mark.parametrize(
    ("lines", "fen", "words"),
    [(3, 1, "the quota is 2"), (2, FEN + 1, "fen of a pool of"), (2, FEN, None)],
)
def test_a_plan_takes_the_places_and_the_pool_and_no_more(anyone, lines, fen, words):
    if words is None:
        plan(anyone, lines=lines, fen=fen)
        return
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match=words):
        plan(anyone, lines=lines, fen=fen)


def test_a_plan_adds_up(anyone):
    anyone.execute(PLAN.format(version=9, kind="whole", lines=2, fen=7))
    anyone.execute(LINE.format(lines=2, fen=FEN))

    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="does not list"):
        anyone.execute(NOW)


def test_a_supplementary_plan_follows_a_public_one(anyone):
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="supplementary"):
        plan(anyone, lines=1, fen=FEN, kind="supplementary")


@pytest.mark.parametrize("column", ["reviewed_by", "approved_by"])
def test_one_person_does_not_decide_a_plan_twice(anyone, column):
    plan(anyone, lines=1, fen=FEN)

    with pytest.raises(psycopg.errors.CheckViolation, match="four_eyes"):
        anyone.execute(f"UPDATE plan SET status = 'reviewed', {column} = drafted_by WHERE id = 1")


def test_a_case_of_a_batch_is_on_no_list_but_its_plans(anyone):
    listed = """
        WITH p AS (INSERT INTO publicity (public_id, title, basis, organisation_id, working_days,
            starts_on, ends_on, ends_at, provisional, status, opened_at, contact, list_sha256,
            case_count) SELECT 'x', 't', 'b', (c.parties->>'lead_bureau')::bigint, 5, '2026-10-01',
            '2026-10-15', now(), false, 'open', now(),
            '{"unit": "", "phone": "", "email": "", "address": ""}', repeat('a', 64), 1
            FROM "case" c ORDER BY c.id LIMIT 1 RETURNING id)
        INSERT INTO publicity_case (publicity_id, case_id, fen, line, case_count)
        SELECT p.id, (SELECT min(id) FROM "case"), 1, 1, 1 FROM p
    """
    anyone.execute(listed)

    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="by its plan alone"):
        anyone.execute(NOW)
