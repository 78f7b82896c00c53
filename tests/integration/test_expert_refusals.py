"""No statement puts an outsider into a panel or one case too many on a shortlist: raw SQL."""

import random
from collections.abc import Iterator

import psycopg
import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import found_house
from tests.integration.kept_database import keep

DRAWN = """
    INSERT INTO expert_draw (id, case_id, size, seed, pool, pool_hash, panel, panel_hash, drawn_by,
        drawn_at)
    SELECT 1, c.id, 3, sha256('x'), '{}', '',
        (SELECT jsonb_agg(public_id) FROM (SELECT p.public_id FROM expert e
            JOIN person p ON p.id = e.person_id ORDER BY p.id LIMIT 3) drawn), '',
        (SELECT min(id) FROM person), now()
    FROM "case" c
"""
PANEL = """
    INSERT INTO review_panel (case_id, round, stage, in_person, size, terms)
    SELECT id, 1, 'defence', false, 3, '{}' FROM "case"
"""
MEMBER = """
    INSERT INTO panel_member (case_id, round, person_id, draw_id, status)
    SELECT c.id, 1, (SELECT person_id FROM expert ORDER BY person_id OFFSET {nth} LIMIT 1), 1,
        'seated' FROM "case" c
"""
SHEET = """
    INSERT INTO score_sheet (case_id, round, person_id, scores, total, opinion, scored_at)
    SELECT c.id, 1, (SELECT person_id FROM expert ORDER BY person_id OFFSET {nth} LIMIT 1), '{{}}',
        {total}, '', now() FROM "case" c
"""
LIST = """
    INSERT INTO shortlist (key, kind, measure_id, quota)
    SELECT 'call:' || call_id, 'call', measure_id, {quota} FROM "case" LIMIT 1
"""
PLACE = """
    INSERT INTO shortlist_place (case_id, keys, rank, promoted, taken_at)
    SELECT id, {keys}, 1, false, now() FROM "case" ORDER BY id {which}
"""
LEAVES = """
    UPDATE panel_member SET status = 'replaced', reason = 'x', left_at = now()
    WHERE person_id = (SELECT person_id FROM score_sheet)
"""
STAYS_AWAY = """
    UPDATE panel_member SET status = 'absent', reason = 'x', left_at = now()
    WHERE person_id = (SELECT person_id FROM expert ORDER BY person_id OFFSET 1 LIMIT 1)
"""
HALF_TAKEN = """
    INSERT INTO shortlist (key, kind, measure_id, quota, taken)
    SELECT 'k', kind, measure_id, 9, 1 FROM shortlist
"""
OWN = "jsonb_build_array('call:' || call_id)"
FIRST, SECOND = "LIMIT 1", "OFFSET 1 LIMIT 1"


@pytest.fixture(scope="module")
def addresses(server: Server, founded_template: str, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The URLs of a database with two submitted cases: the owner's and the program's."""
    settings = settings_of_templates(str(tmp_path_factory.mktemp("experts")))
    for database in keep(server, founded_template):
        house = found_house(assemble(database, settings, ROOT, ids=PublicIds(random.Random(4))))
        house.submitted()
        house.submitted()
        urls = {"owner": database.address.owner_url, "program": database.address.url}
        yield {who: url.replace("+psycopg", "") for who, url in urls.items()}


@pytest.fixture(params=["owner", "program"])
def anyone(request, addresses) -> Iterator[psycopg.Connection]:
    """A connection that sees a panel of three drawn, of whom two sit, and one place of one."""
    with psycopg.connect(addresses[request.param]) as connection:
        for statement in (DRAWN, PANEL, MEMBER.format(nth=0), MEMBER.format(nth=1)):
            connection.execute(one(statement))
        connection.execute(SHEET.format(nth=0, total=8000).replace('"case" c', ONE))
        connection.execute(LIST.format(quota=1))
        connection.execute(PLACE.format(keys=OWN, which=FIRST))
        yield connection
        connection.rollback()


ONE = '(SELECT * FROM "case" ORDER BY id LIMIT 1) c'


def one(statement: str) -> str:
    """Return the statement for the first of the two cases."""
    return statement.replace('"case" c', ONE).replace('FROM "case"', f"FROM {ONE}")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (one(SHEET.format(nth=4, total=1)), "does not sit"),
        (one(SHEET.format(nth=0, total=1)), "duplicate key"),
        (one(SHEET.format(nth=1, total=10001)), "ck_score_sheet_total"),
        ("UPDATE score_sheet SET total = 9999", "append-only|permission|unchang|refuse"),
        ("DELETE FROM score_sheet", "append-only|permission|unchang|refuse"),
        ("UPDATE expert_draw SET seed = sha256('y')", "append-only|permission|unchang|refuse"),
        ("DELETE FROM expert_recusal", "append-only|permission|^$"),
        (one(MEMBER.format(nth=4)), "was not drawn"),
        (LEAVES, "has scored"),
        (STAYS_AWAY, "does not meet"),
        (STAYS_AWAY.replace("'absent'", "'ill'"), "ck_panel_member_status"),
        ("UPDATE review_panel SET in_person = true", "stays as it was drawn|permission"),
        ("UPDATE review_panel SET size = 1", "stays as it was drawn|permission"),
        (PLACE.format(keys=OWN, which=SECOND), "ck_shortlist_within_quota"),
        (PLACE.format(keys="'[]'::jsonb", which=SECOND), "counts for its call"),
        (PLACE.format(keys="'[\"call:0\"]'::jsonb", which=SECOND), "counts for its call"),
        ("UPDATE shortlist SET taken = 0", "counted from its places|permission"),
        ("UPDATE shortlist SET quota = 0", "ck_shortlist_within_quota"),
        ("UPDATE shortlist_place SET freed_at = now()", "stays what it is|permission"),
        ("UPDATE shortlist_place SET keys = '[]'", "stays what it is|permission"),
        ("DELETE FROM shortlist_place", "append-only|permission|unchang|refuse"),
        (HALF_TAKEN, "begins with|permission"),
    ],
)  # fmt: skip
def test_what_would_break_a_panel_or_a_quota_is_refused(anyone, statement: str, words: str):
    if "recusal" in statement:
        anyone.execute(
            "INSERT INTO expert_recusal (person_id, organisation_id, reason, declared_at)"
            " SELECT e.person_id, e.organisation_id, 'x', now() FROM expert e LIMIT 1"
        )

    with pytest.raises(psycopg.Error, match=words):
        anyone.execute(statement)


def test_a_full_panel_takes_nobody_and_who_left_writes_no_sheet(anyone):
    anyone.execute(one(MEMBER.format(nth=2)))
    anyone.execute(
        "UPDATE panel_member SET status = 'declined', reason = 'x', left_at = now()"
        " WHERE person_id = (SELECT person_id FROM expert ORDER BY person_id OFFSET 1 LIMIT 1)"
    )

    with pytest.raises(psycopg.Error, match="does not sit"), anyone.transaction():
        anyone.execute(one(SHEET.format(nth=1, total=1)))
    anyone.execute(
        one(
            DRAWN.replace("SELECT 1, c.id, 3", "SELECT 2, c.id, 2").replace(
                "LIMIT 3", "OFFSET 3 LIMIT 2"
            )
        )
    )
    seat = one(MEMBER.format(nth=3).replace(", 1,\n", ", 2,\n"))
    anyone.execute(seat)
    with pytest.raises(psycopg.Error, match="is full"):
        anyone.execute(one(MEMBER.format(nth=4).replace(", 1,\n", ", 2,\n")))


def test_a_case_that_ends_frees_its_place_unless_it_was_named(anyone):
    ended = (
        "UPDATE \"case\" SET outcome = 'withdrawn', ended_at = now()"
        " WHERE id = (SELECT case_id FROM shortlist_place)"
    )
    with anyone.transaction() as kept:
        anyone.execute(ended)
        freed = anyone.execute("SELECT taken FROM shortlist").fetchone()
        raise psycopg.Rollback(kept)
    anyone.execute("UPDATE shortlist_place SET named_at = now()")
    anyone.execute(ended)

    assert freed == (0,)
    assert anyone.execute("SELECT taken FROM shortlist").fetchone() == (1,)
