"""No statement does an item of a bulk act twice, undoes one, or changes what was asked: raw SQL."""

import random
from collections.abc import Iterator

import psycopg
import pytest

from caseflow.batches.bulk.running import run_due
from caseflow.batches.bulk.service import ask
from caseflow.batches.bulk.wanted import Wanted
from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.identity.queries import actor_by_login
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import house_on, shanghai
from tests.integration.kept_database import keep

AT = shanghai(11, 9)
NEW = """
    INSERT INTO bulk_act (public_id, event, payload, actor_id, item_count, status, created_at)
    SELECT 'x', event, payload, actor_id, {count}, 'running', created_at FROM bulk_act LIMIT 1
"""
ITEM = """
    INSERT INTO bulk_item (bulk_act_id, line, case_id, item_count, payload, status)
    SELECT b.id, {line}, c.id, b.item_count, '{{}}', '{status}'
    FROM bulk_act b, "case" c WHERE b.public_id = 'x' ORDER BY c.id LIMIT 1
"""


@pytest.fixture(scope="module")
def addresses(server, house_template, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The URLs of a database with a bulk act of three cases: done, refused, pending."""
    settings = settings_of_templates(str(tmp_path_factory.mktemp("bulk")))
    for database in keep(server, house_template):
        house = house_on(assemble(database, settings, ROOT, ids=PublicIds(random.Random(4))))
        names = [house.submitted() for _ in range(3)]
        house.act(names[1], "accept", "huilong_zhen.handler", AT)
        with database.session() as session:
            town = actor_by_login(session, "huilong_zhen.handler", AT)
        ask(house.cases, town, Wanted("accept", cases=tuple(names)), AT)
        run_due(house.cases, AT, limit=2)
        address = database.address
        yield {"owner": address.owner_url, "program": address.url}


@pytest.fixture
def asking(addresses):
    """Run statements as somebody in a transaction that is rolled back."""

    def asked(who: str, *statements: str) -> None:
        url = addresses[who].replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            try:
                for statement in statements:
                    connection.execute(statement)
                connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
            finally:
                connection.rollback()

    return asked


@pytest.mark.parametrize(
    "statements",
    [
        ("UPDATE bulk_item SET status = 'pending', seq = NULL, at = NULL WHERE status = 'done'",),
        ("UPDATE bulk_item SET status = 'refused', seq = NULL, reason = '' WHERE seq > 0",),
        ("UPDATE bulk_item SET status = 'cancelled', reason = NULL WHERE status = 'refused'",),
        ("UPDATE bulk_item SET status = 'done', seq = 1, at = now() WHERE status = 'pending'",),
        ("UPDATE bulk_item SET status = 'done', seq = 99, at = now() WHERE status = 'pending'",),
        ("UPDATE bulk_item SET status = 'done', at = now() WHERE status = 'pending'",),
        ("UPDATE bulk_item SET status = 'refused', at = now() WHERE status = 'pending'",),
        ("UPDATE bulk_item SET status = 'lost' WHERE status = 'pending'",),
        ("UPDATE bulk_item SET payload = '{\"a\": 1}'",),
        ('UPDATE bulk_item SET case_id = (SELECT max(id) FROM "case") WHERE line = 1',),
        ("UPDATE bulk_act SET event = 'reject'",),
        ("UPDATE bulk_act SET actor_id = (SELECT min(id) FROM person)",),
        ("UPDATE bulk_act SET status = 'done', finished_at = now()",),
        ("UPDATE bulk_act SET status = 'cancelled'",),
        ("DELETE FROM bulk_item",),
        ("DELETE FROM bulk_act",),
        ("TRUNCATE bulk_act CASCADE",),
        (NEW.format(count=2), ITEM.format(line=1, status="pending")),
        (NEW.format(count=1), ITEM.format(line=2, status="pending")),
        (NEW.format(count=1), ITEM.format(line=1, status="cancelled")),
        (NEW.format(count=2), *(ITEM.format(line=line, status="pending") for line in (1, 2))),
        (NEW.format(count=0),),
    ],
)
def test_the_owner_is_refused(asking, statements):
    with pytest.raises(psycopg.errors.IntegrityError):
        asking("owner", *statements)


def test_what_is_over_takes_no_item_up(asking):
    with pytest.raises(psycopg.errors.IntegrityError, match="is over"):
        asking(
            "owner",
            "UPDATE bulk_item SET status = 'cancelled', at = now() WHERE status = 'pending'",
            "UPDATE bulk_act SET status = 'cancelled', finished_at = now()",
            "UPDATE bulk_item SET status = 'pending', at = NULL WHERE status = 'cancelled'",
        )


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM bulk_item",
        "UPDATE bulk_act SET payload = '{}'",
        "UPDATE bulk_item SET line = 9",
    ],
)
def test_the_program_may_not_even_try(asking, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        asking("program", statement)


def test_one_act_of_one_case_is_put_down(asking):
    asking("owner", NEW.format(count=1), ITEM.format(line=1, status="pending"))
