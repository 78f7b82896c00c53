"""What must never happen to a parameter is refused by the database itself, also to its owner."""

import random
import re
import tempfile
from collections.abc import Iterator

import psycopg
import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from caseflow.kernel.benefits.parameters import PARAMETERS
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import House, found_house
from tests.integration.kept_database import keep
from tests.integration.settling import confirm, enter, withdraw

INSERT = (
    "INSERT INTO measure_parameter (public_id, measure_id, name, value, valid_from, basis,"
    " document_no, entered_by, entered_at, confirmed_by, confirmed_at) SELECT 'x', measure_id,"
    " {name}, {value}, valid_from, {basis}, document_no, entered_by, entered_at, {by}, {at}"
    " FROM measure_parameter LIMIT 1"
)
ENTERED = {"name": "name", "value": "value", "basis": "basis", "by": "NULL", "at": "NULL"}
SECOND = "(SELECT id FROM person WHERE login = 'fagaiwei.division_head')"
BY_SECOND = f"confirmed_by = {SECOND}, confirmed_at = now()"
CONFIRMED, WAITING = "confirmed_at IS NOT NULL", "document_no = 'waiting'"
ALONE = "document_no = 'alone'"
WITHDRAWN = "withdrawn_at IS NOT NULL"
SET = "UPDATE measure_parameter SET "


@pytest.fixture(scope="module")
def standing(server: Server, founded_template: str) -> Iterator[House]:
    """A house with a confirmed value, two that wait, one withdrawn; nothing more is changed."""
    settings = settings_of_templates(tempfile.gettempdir())
    for database in keep(server, founded_template):
        house = found_house(assemble(database, settings, ROOT, ids=PublicIds(random.Random(4))))
        confirm(house, enter(house))
        enter(house, document_no="waiting")
        enter(house, on="2026-10-02", document_no="alone")
        withdraw(house, enter(house, on="2026-10-03"))
        yield house


@pytest.fixture
def owner(standing: House) -> Iterator[psycopg.Connection]:
    """The owner's own connection."""
    url = standing.cases.database.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def given(**changes):
    return INSERT.format(**{**ENTERED, **changes})


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"{SET} value = '60' WHERE {CONFIRMED}", "is fixed"),
        (f"{SET} valid_from = '2026-01-01' WHERE {CONFIRMED}", "is fixed"),
        (f"{SET} basis = 'x' WHERE {CONFIRMED}", "is fixed"),
        (f"{SET} document_no = 'x' WHERE {CONFIRMED}", "is fixed"),
        (f"{SET} confirmed_at = '2026-10-20' WHERE {CONFIRMED}", "is fixed"),
        (f"{SET} confirmed_by = NULL, confirmed_at = NULL WHERE {CONFIRMED}", "is fixed"),
        (f"{SET} withdrawn_by = {SECOND}, withdrawn_at = now() WHERE {CONFIRMED}", "is fixed"),
        (f"{SET} {BY_SECOND} WHERE {WITHDRAWN}", "is fixed"),
        (f"{SET} value = '60' WHERE {WAITING}", "is fixed"),
        (f"{SET} confirmed_by = entered_by, confirmed_at = now() WHERE {WAITING}", "second_person"),
        (f"{SET} confirmed_by = {SECOND} WHERE {WAITING}", "by_and_at"),
        (f"{SET} withdrawn_at = now() WHERE {WAITING}", "by_and_at"),
        (
            f"{SET} confirmed_by = {SECOND}, confirmed_at = '2020-01-01' WHERE {WAITING}",
            "ck_measure_parameter_order",
        ),
        (
            f"{SET} {BY_SECOND}, withdrawn_by = {SECOND}, withdrawn_at = now() WHERE {WAITING}",
            "one_end",
        ),
        (
            f"{SET} {BY_SECOND} WHERE {WAITING}",
            "uq_measure_parameter_confirmed",
        ),
        (given(by=SECOND, at="now()"), "begins unconfirmed"),
        (given(), "without the event that says so"),
        (f"{SET} {BY_SECOND} WHERE {ALONE}", "without the event that says so"),
        (
            f"{SET} withdrawn_by = {SECOND}, withdrawn_at = now() WHERE {ALONE}",
            "without the event that says so",
        ),
        (given(name="'colour'"), "ck_measure_parameter_name"),
        (given(value="'null'"), "ck_measure_parameter_value"),
        (given(basis="' '"), "sourced"),
        ("DELETE FROM measure_parameter", "append-only"),
        ("TRUNCATE measure_parameter", "append-only"),
    ],
)
def test_even_the_owner_is_refused(owner: psycopg.Connection, statement, words):
    with pytest.raises(psycopg.Error, match=words):
        owner.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        f"{SET} value = '60'",
        f"{SET} valid_from = '2026-01-01'",
        f"{SET} entered_by = 1",
        "DELETE FROM measure_parameter",
        "TRUNCATE measure_parameter",
        "ALTER TABLE measure_parameter DISABLE TRIGGER ALL",
    ],
)
def test_the_programs_role_may_not_even_try(standing: House, statement):
    with (
        standing.cases.connect() as connection,
        pytest.raises(psycopg.Error, match=r"permission denied|must be owner"),
    ):
        connection.execute(statement)


def test_the_database_knows_the_vocabulary_of_the_kernel(owner: psycopg.Connection):
    row = owner.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conname = 'ck_measure_parameter_name'"
    ).fetchone()

    assert set(re.findall(r"'([a-z_]+)'::text", row[0])) == set(PARAMETERS)
