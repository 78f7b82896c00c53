"""What must never happen to an award is refused by the database itself: raw SQL, both roles."""

from collections.abc import Iterator

import psycopg
import pytest

from caseflow.database.access import Database
from caseflow.kernel.errors import Conflict
from tests.integration.kept_database import keep
from tests.integration.test_overlaps import HANDLER, VOUCHER, award_of, contract, named
from tests.integration.walking import BEGINS, Town, found_town

pytestmark = pytest.mark.no_cover


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Iterator[Town]:
    """A town in which everything is sound when its tests are over."""
    town = found_town(kept, tmp_path_factory.mktemp("town"), measures=(VOUCHER,))
    yield town
    town.assert_sound()


@pytest.fixture
def town(founded) -> Town:
    """The town at the beginning of its time."""
    founded.now = BEGINS
    return founded


def test_raw_sql_neither_changes_an_award_nor_lets_a_second_one_stand(town: Town):
    matter = contract()
    for each in (matter, contract()):
        town.act(named(town, "awaiting_approval", each), "approve")
    url = town.house.database.address.owner_url.replace("+psycopg", "")
    second = (
        "INSERT INTO award (public_id, holder, holder_title, clause, level, place, scope,"
        " per_holder, amount_fen, granted_on, source, source_id, recorded_by, recorded_at,"
        " case_id, root_id) SELECT 'x' || id, 'x', 'x', 'x', 'city', 'qidong',"
        " 'city:qidong', false, 1, now(), 'caseflow', 'x', (SELECT min(id) FROM person),"
        ' now(), id, id FROM "case"'
        " WHERE public_id = '{}'"
    )
    other = town.reached("awaiting_approval", VOUCHER)
    town.ask(other, "name_matters", HANDLER, matters=[matter])

    refused = {
        "UPDATE award SET amount_fen = 1": "append-only",
        "UPDATE award SET status = 'given_back'; UPDATE award SET status = 'live'": "append-only",
        "DELETE FROM award": "append-only",
        "TRUNCATE award CASCADE": "append-only",
        "DELETE FROM award_matter": "append-only",
        "DELETE FROM case_matter": "append-only",
        "UPDATE case_matter SET key = 'x'": "append-only",
        "UPDATE case_matter SET dropped_seq = 1": "已审定",
        "UPDATE award_matter SET scope = 'city:qidong', claims = true, kind = 'contract',"
        f" key = '{matter['key']}'": "pk_award_matter|uq_award_matter_live",
        second.format(other): "uq_award_matter_live",
        "UPDATE award SET scope = 'x'": "append-only",
    }
    for statement, words in refused.items():
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match=words):
            connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE award_matter SET claims = false",
        "DELETE FROM award_matter",
        "UPDATE award SET amount_fen = 0",
        "DELETE FROM award",
        "UPDATE overlap_decision SET treatment = 'different'",
        "UPDATE case_matter SET key = 'x'",
    ],
)
def test_the_program_may_not_even_try(town: Town, statement: str):
    with town.house.cases.connect() as connection, pytest.raises(psycopg.Error, match="permission"):
        connection.execute(statement)


def test_nothing_is_ordered_for_a_case_whose_award_was_recovered(town: Town):
    case = named(town, "finance_review", contract())
    town.sql(
        "UPDATE award SET status = 'recovered' WHERE public_id = %s RETURNING id",
        award_of(town, case),
    )

    with pytest.raises(Conflict, match="no award stands"):
        town.act(case, "release")
