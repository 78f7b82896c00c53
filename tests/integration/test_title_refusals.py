"""No statement changes a list, corrects a matched row, or makes a wrong case: raw SQL."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime

import psycopg
import pytest

from caseflow.batches.title_import import ListSource, import_titles
from caseflow.batches.title_matching import match_titles
from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from caseflow.identity.queries import actor_by_login
from tests.conftest import ROOT, settings_of_templates
from tests.factories.identity import uscc_number
from tests.factories.titles import csv_of
from tests.integration.conftest import found_house
from tests.integration.kept_database import keep

AT = datetime(2026, 10, 12, 1, tzinfo=UTC)
FIRM = "91320681MA2TE5T28T"
FILING = ListSource("国信办公告〔2026〕3号", "国家网信办", "生成式人工智能服务备案", "national",
                    date(2026, 8, 3))  # fmt: skip
ROW = """
    INSERT INTO title_row (list_id, line, revision, uscc, name, thing, result, message, reason,
        recorded_by, recorded_at)
    SELECT list_id, {line}, {revision}, uscc, name, thing, '{result}', '', {reason}, recorded_by,
        recorded_at FROM title_row WHERE line = 1 AND revision = 1
"""
MATCH = """
    INSERT INTO title_match (list_id, line, measure_id, revision, result, message, case_id,
        matched_by, matched_at)
    SELECT t.list_id, {line}, {measure}, {revision}, '{result}', '', {case}, matched_by, matched_at
    FROM title_match t WHERE t.case_id IS NOT NULL
"""
REVOKED = """
    INSERT INTO title_revocation (list_id, line, revision, document_no, reason, revoked_on,
        revoked_by, revoked_at)
    SELECT list_id, {line}, {revision}, '{no}', 'x', '2026-10-01', recorded_by, recorded_at
    FROM title_row WHERE line = 1 AND revision = 1
"""
STEP = """
    INSERT INTO succession (predecessor, successor, kind, document_no, effective_on, recorded_by,
        recorded_at) SELECT '{before}', '{after}', 'merger', 'x', '2026-10-01', min(id), now()
    FROM person
"""
CASE = "(SELECT max(case_id) FROM title_match)"
SAME = "measure_id"
OTHER = "(SELECT id FROM measure WHERE code = 'QD26-8d')"
A, B = uscc_number(1), uscc_number(2)


@pytest.fixture(scope="module")
def addresses(server: Server, founded_template: str, tmp_path_factory) -> Iterator[dict[str, str]]:
    """The URLs of a database with a list whose line 1 has its case, line 2 has none."""
    settings = settings_of_templates(str(tmp_path_factory.mktemp("titles")))
    for database in keep(server, founded_template):
        cases = assemble(database, settings, ROOT, ids=PublicIds(random.Random(4)))
        found_house(cases)
        with database.session() as session:
            actor = actor_by_login(session, "shujuju.handler", AT)
        lines = csv_of((FIRM, "启东示例科技有限公司", "甲", "备1"), (A, "未登记", "乙", "备2"))
        made = import_titles(cases, actor, FILING, lines, AT, name="名单.csv")
        assert match_titles(cases, actor, str(made.title_list), AT).pushed == 1
        url, owner = database.address.url, database.address.owner_url
        yield {"program": url, "owner": owner}


def refused(url: str, *statements: str) -> str:
    """Return what the database says to the last statement; everything is rolled back."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        for statement in statements[:-1]:
            connection.execute(statement)
        try:
            connection.execute(statements[-1])
        except psycopg.Error as error:
            connection.rollback()
            return str(error.diag.message_primary)
        connection.rollback()
    return ""


@pytest.mark.parametrize(
    ("statements", "words"),
    [
        (["UPDATE title_list SET issued_on = '2020-01-01'"], "append-only"),
        (["UPDATE title_row SET uscc = 'x'"], "append-only"),
        (["DELETE FROM title_match"], "append-only"),
        (["DELETE FROM title_revocation"], ""),
        (["TRUNCATE title_row CASCADE"], "append-only"),
        ([ROW.format(line=1, revision=2, result="recorded", reason="'x'")], "cannot be corrected"),
        ([ROW.format(line=2, revision=3, result="recorded", reason="'x'")], "cannot be corrected"),
        ([ROW.format(line=3, revision=2, result="recorded", reason="'x'")], "cannot be corrected"),
        ([ROW.format(line=2, revision=2, result="recorded", reason="NULL")], "title_row_corrected"),
        ([ROW.format(line=2, revision=2, result="recorded", reason="'x'")], ""),
        (["UPDATE title_match SET message = 'x' WHERE case_id IS NOT NULL"], "has its case"),
        (["UPDATE title_match SET message = 'x' WHERE case_id IS NULL"], ""),
        ([MATCH.format(line=2, measure=OTHER, revision=1, result="matched", case=CASE)],
         "makes no case"),
        ([MATCH.format(line=2, measure=OTHER, revision=1, result="matched", case="NULL")],
         "title_match_matched"),
        ([MATCH.format(line=2, measure=OTHER, revision=1, result="expired", case=CASE)],
         "makes no case"),
        ([REVOKED.format(line=1, revision=1, no="x")], ""),
        ([REVOKED.format(line=1, revision=1, no=" ")], "title_revocation_sourced"),
        ([REVOKED.format(line=1, revision=1, no="x"), REVOKED.format(line=1, revision=1, no="y")],
         "duplicate key"),
        ([ROW.format(line=2, revision=2, result="recorded", reason="'x'"),
          REVOKED.format(line=2, revision=1, no="x")], "no title to revoke"),
        ([REVOKED.format(line=2, revision=1, no="x"),
          ROW.format(line=2, revision=2, result="recorded", reason="'x'")], "cannot be corrected"),
        ([STEP.format(before=A, after=B), STEP.format(before=B, after=A)], "is a ring"),
        ([STEP.format(before=A, after=B), STEP.format(before=A, after=FIRM)], "duplicate key"),
        ([STEP.format(before=A, after=A)], "is a ring"),
        ([STEP.format(before=A, after=B), "UPDATE succession SET successor = predecessor"],
         "append-only"),
    ],
)  # fmt: skip
def test_the_owner_is_refused(addresses: dict[str, str], statements: list[str], words: str):
    said = refused(addresses["owner"], *statements)

    assert words in said
    assert bool(said) == bool(words)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE title_row SET name = 'x'",
        "DELETE FROM title_list",
        "UPDATE title_match SET line = 2 WHERE case_id IS NULL",
        "UPDATE title_revocation SET reason = 'x'",
        "DELETE FROM succession",
        "TRUNCATE title_match",
    ],
)
def test_the_program_may_not_even_try(addresses: dict[str, str], statement: str):
    assert "permission denied" in refused(addresses["program"], statement)
