"""No statement changes what a tie said, nor makes a wrong one: raw SQL, also as the owner."""

from collections.abc import Iterator

import psycopg
import pytest

from caseflow.database.server import Server
from tests.factories.identity import uscc_number
from tests.integration.kept_database import keep

A, B = sorted((uscc_number(1), uscc_number(2)))
PERSON = "~K-AA11"
TIE = """
    INSERT INTO tie (public_id, kind, holder, holder_title, held, held_title, percent, source,
        valid_from, valid_to, recorded_by, recorded_at)
    SELECT '{id}', '{kind}', '{holder}', '甲', '{held}', '乙', {percent}, '{source}', '{first}',
        {last}, min(id), now() FROM person
"""
SAID = {
    "id": "t1", "kind": "shareholder", "holder": A, "held": B, "percent": "60", "source": "x",
    "first": "2026-01-01", "last": "'2026-06-30'",
}  # fmt: skip
STRUCK = "UPDATE tie SET struck_at = now(), struck_reason = 'x', struck_by = recorded_by"
END = "UPDATE tie SET valid_to = '2026-12-31', ended_by = recorded_by, ended_at = now()"


def tie(**changes: str) -> str:
    return TIE.format(**{**SAID, **changes})


@pytest.fixture(scope="module")
def addresses(server: Server, founded_template: str) -> Iterator[dict[str, str]]:
    for database in keep(server, founded_template):
        yield {"program": database.address.url, "owner": database.address.owner_url}


def refused(url: str, *statements: str) -> str:
    """Return what the database says to the last statement; everything is rolled back."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for statement in statements[:-1]:
            connection.execute(statement)
        try:
            connection.execute(statements[-1])
        except psycopg.Error as error:
            connection.rollback()
            return f"{error.diag.message_primary} {error.diag.constraint_name}"
        connection.rollback()
    return ""


OPEN = tie(last="NULL")


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        ([tie()], ""),
        ([tie(kind="friend")], "tie_kind"),
        ([tie(held=A)], "tie_ends"),
        ([tie(held=PERSON)], "tie_ends"),
        ([tie(holder="x")], "tie_ends"),
        ([tie(percent="NULL")], "tie_percent"),
        ([tie(kind="director")], "tie_percent"),
        ([tie(percent="0")], "tie_percent"),
        ([tie(percent="100.000001")], "tie_percent"),
        ([tie(percent="100")], ""),
        ([tie(source=" ")], "tie_sourced"),
        ([tie(last="'2025-12-31'")], "tie_period"),
        ([tie(last="'2026-01-01'")], ""),
        ([tie(kind="same_phone", percent="NULL")], ""),
        ([tie(kind="same_phone", percent="NULL", holder=B, held=A)], "tie_alike"),
        ([tie(kind="same_phone", percent="NULL", holder=PERSON)], "tie_alike"),
        # the same two, the same kind, the same day: once
        ([tie(), tie(id="t2", first="2026-06-30")], "tie_alone"),
        ([tie(), tie(id="t2", first="2026-07-01", last="'2026-07-01'")], ""),
        ([tie(), tie(id="t2", first="2026-07-01", last="NULL")], ""),
        ([OPEN, tie(id="t2", first="2027-01-01", last="'2027-01-01'")], "tie_alone"),
        ([OPEN, tie(id="t2", kind="controller", percent="NULL")], ""),
        ([OPEN, STRUCK, tie(id="t2")], ""),
        # what was said stays said
        ([OPEN, END], ""),
        ([tie(), END], "append-only"),
        ([OPEN, END, END], ""),
        ([OPEN, END, "UPDATE tie SET valid_to = NULL, ended_by = NULL, ended_at = NULL"],
         "append-only"),
        ([OPEN, "UPDATE tie SET ended_by = recorded_by"], "tie_ended"),
        ([OPEN, "UPDATE tie SET struck_at = now()"], "tie_struck"),
        ([OPEN, STRUCK], ""),
        ([OPEN, STRUCK, STRUCK], "append-only"),
        ([OPEN, STRUCK, END], "append-only"),
        (["INSERT INTO known_person SELECT min(id), '320681', min(id), now() FROM person"],
         "known_person_code"),
    ],
)  # fmt: skip
def test_a_wrong_tie_is_refused(addresses, statements: list[str], words: str):
    found = refused(addresses["owner"], *statements)

    assert words in found if words else found == ""


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE tie SET percent = 1", "UPDATE tie SET source = 'y'", "DELETE FROM tie",
        "UPDATE tie SET valid_from = '2020-01-01'", "TRUNCATE tie", "TRUNCATE known_person",
    ],
)  # fmt: skip
def test_nobody_rewrites_a_tie(addresses, statement: str):
    assert "append-only" in refused(addresses["owner"], OPEN, statement)
    assert "denied" in refused(addresses["program"], statement)


def test_the_program_may_record_and_end_and_only_that(addresses):
    assert refused(addresses["program"], OPEN, END) == ""
    assert refused(addresses["program"], OPEN, STRUCK) == ""
