"""What must never happen to a report of an indicator is refused by the database itself."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.kept_database import keep
from tests.integration.reporting import COMPUTE, PARKS, Office, office_on

SET = "UPDATE indicator_report SET "
FIRST, WAITING = "note = 'first'", "note = 'waiting'"
SECOND = "(SELECT id FROM person WHERE login = 'nt_kejiju.division_head')"
STRANGER = "(SELECT id FROM person WHERE login = 'nt_caizhengju.handler')"
FINANCE = "(SELECT id FROM organisation WHERE code = 'nt_caizhengju')"
BY_FIRST = "confirmed_by = reported_by, confirmed_at = now()"
BY_STRANGER = f"confirmed_by = {STRANGER}, confirmed_at = now()"
BY_SECOND = f"confirmed_by = {SECOND}, confirmed_at = now()"
MORE = (
    "INSERT INTO indicator_evidence (report_id, line, sha256, name, media_type, size)"
    " SELECT report_id, 2, repeat('b', 64), 'x', 'y', 1 FROM indicator_evidence LIMIT 1"
)
GIVEN = {
    "due": "due_id", "organisation": "organisation_id", "value": "value", "by": "reported_by",
    "corrects": "id", "reason": "'更正'", "at": "NULL", "row": WAITING,
}  # fmt: skip
COPY = """
    INSERT INTO indicator_report (public_id, due_id, policy_version_id, organisation_id, value,
        unit, supersedes_id, reason, reported_by, reported_at, confirmed_by, confirmed_at)
    SELECT 'x', {due}, policy_version_id, {organisation}, {value}, unit, {corrects}, {reason}, {by},
        reported_at, CASE WHEN {at} IS NULL THEN NULL ELSE """ + SECOND + """ END, {at}
    FROM indicator_report WHERE {row}
"""  # fmt: skip


def copied(**changes):
    return COPY.format(**{**GIVEN, **changes})


@pytest.fixture(scope="module")
def standing(server, drafts_template, tmp_path_factory) -> Iterator[Office]:
    """An office with a confirmed report, one that waits, and one that was corrected."""
    for database in keep(server, drafts_template):
        office = office_on(database, tmp_path_factory.mktemp("home"))
        office.settled(COMPUTE, note="first")
        office.report(PARKS, "1", note="waiting")
        old = office.report(PARKS, "1", note="old", period="2026Q1")
        office.report(PARKS, "2", period="2026Q1", corrects=old, reason="更正")
        yield office


@pytest.fixture
def owner(standing: Office) -> Iterator[psycopg.Connection]:
    url = standing.cases.database.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (f"{SET} value = 501 WHERE {FIRST}", "is fixed"),
        (f"{SET} value = 501 WHERE {WAITING}", "is fixed"),
        (f"{SET} {BY_SECOND} WHERE {FIRST}", "is fixed"),
        (f"{SET} confirmed_by = NULL, confirmed_at = NULL WHERE {FIRST}", "is fixed"),
        (f"{SET} value = 2, {BY_SECOND} WHERE {WAITING}", "is fixed"),
        (f"{SET} {BY_SECOND} WHERE note = 'old'", "was corrected"),
        (f"{SET} {BY_FIRST} WHERE {WAITING}", "second_person"),
        (f"{SET} {BY_STRANGER} WHERE {WAITING}", "sits neither"),
        (f"{SET} {BY_SECOND} WHERE {WAITING}", "without the event that says so"),
        (copied(corrects="NULL", reason="NULL"), "uq_indicator_report_first"),
        (copied(row="note = 'old'"), "uq_indicator_report_supersedes"),
        (copied(by=STRANGER), "does not sit in an owner"),
        (copied(by=STRANGER, organisation=FINANCE), "does not sit in an owner"),
        (copied(corrects=f"(SELECT id FROM indicator_report WHERE {FIRST})"), "another period"),
        (copied(at="now()"), "begins unconfirmed"),
        (copied(value="-1"), "ck_indicator_report_value"),
        (copied(value="'NaN'"), "ck_indicator_report_value"),
        (copied(reason="NULL"), "ck_indicator_report_reasoned"),
        (copied(), "has no evidence"),
        (MORE, "no more evidence"),
        ("UPDATE indicator_evidence SET name = 'x'", "append-only"),
        ("UPDATE indicator_due SET due_on = due_on + 1 WHERE NOT provisional", "stays what it is"),
        ("UPDATE indicator_due SET owners = owners || 1", "stays what it is"),
        ("UPDATE policy_indicator SET owners = owners || 1", "append-only"),
        ("DELETE FROM indicator_report", "append-only"),
        ("DELETE FROM indicator_due", "append-only"),
        ("TRUNCATE indicator_evidence", "append-only"),
        ("TRUNCATE indicator_report CASCADE", "append-only"),
    ],
)  # fmt: skip
def test_even_the_owner_is_refused(owner: psycopg.Connection, statement, words):
    with pytest.raises(psycopg.Error, match=words):
        owner.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        f"{SET} value = 1",
        f"{SET} reported_by = 1",
        "DELETE FROM indicator_report",
        "UPDATE indicator_evidence SET sha256 = repeat('c', 64)",
        "UPDATE indicator_due SET owners = '{1}'",
        "UPDATE policy_indicator SET owners = '{1}'",
        "ALTER TABLE indicator_report DISABLE TRIGGER ALL",
    ],
)
def test_the_programs_role_may_not_even_try(standing: Office, statement):
    with (
        standing.cases.connect() as connection,
        pytest.raises(psycopg.Error, match=r"permission denied|must be owner"),
    ):
        connection.execute(statement)
