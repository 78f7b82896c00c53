"""The list that a publicity freezes, what may never change of it, and who may object to it."""

import json
import random
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO

import psycopg
import pytest
from openpyxl import load_workbook

from caseflow.batches.objections import Grounds, Objection, file_objection
from caseflow.batches.publicity import (
    PublicityView,
    board,
    open_publicity,
    publicity,
    published_list,
)
from caseflow.batches.published_list import Contact, list_workbook
from caseflow.cases.assembly import assemble
from caseflow.cli import main
from caseflow.database.ids import PublicIds
from caseflow.history.checkpoints.notes import Seal, head_of
from caseflow.history.checkpoints.queries import newest_checkpoint
from caseflow.history.checkpoints.service import seal_all
from caseflow.kernel.errors import Conflict, InvalidInput, NotFound, Unavailable
from caseflow.kernel.workflow.vocabulary import INPUTS, SEATS
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import FIRM, House, house_on, shanghai
from tests.integration.kept_database import keep
from tests.integration.kept_house import keep_house, visited
from tests.integration.test_publicity import SAID, _listing, _planned


@pytest.fixture(scope="module")
def kept(server, house_template, tmp_path_factory) -> Iterator[House]:
    yield from keep_house(server, house_template, tmp_path_factory.mktemp("home"))


@pytest.fixture
def shared(kept: House) -> House:
    """The kept house with a firm of the test's own; what lets time pass takes `house`."""
    return visited(kept)


RETITLED = 'UPDATE "case" SET title = %s WHERE public_id = %s'
SEAL = Seal("qidong.example/history", bytes(range(32)))


def objection(house, shown, case, at, **changes):
    said = Grounds(**{**SAID, **changes})
    who = house.people["nanyang_zhen.handler"]
    return file_objection(house.cases, Objection(shown.public_id, case, said, who, at))


def test_the_list_is_frozen_with_all_that_a_notice_says_and_the_newest_checkpoint(shared):
    first, second = _planned(shared, 2)
    with shared.cases.connect() as connection:
        seal_all(connection, SEAL, at=shanghai(12, 18))
        note = newest_checkpoint(connection).note

    shown = open_publicity(shared.cases, _listing(shared, [second, first]))

    content = published_list(shared.cases, shown.public_id)
    told = json.loads(content)
    assert sha256(content).hexdigest() == shown.list_sha256
    assert head_of(told.pop("checkpoint"), SEAL.verifier) == head_of(note, SEAL.verifier)
    assert "举报、信访" in told.pop("how_to_object")
    (line, other) = told.pop("cases")
    assert (line["line"], other["line"]) == (1, 2)
    assert {line["public_id"], other["public_id"]} == {first, second}
    assert (line["measure"], line["clause"], line["territory"], line["note"]) == (
        shown.cases[0].measure,
        "第7条",
        "汇龙镇",
        "",
    )
    assert line["fen"] == shown.cases[0].fen > 0
    assert told == {
        "public_id": shown.public_id,
        "title": "2026年度算力券拟支持名单公示",
        "basis": "启政办规〔2026〕1号",
        "organisation": "市数据局",
        "contact": {
            "unit": "市数据局",
            "phone": "0513-00000000",
            "email": "sample@example.test",
            "address": "样例路1号",
        },
        "starts_on": "2026-12-18",
        "ends_on": "2026-12-25",
        "working_days": 5,
        "provisional": False,
        "restarts": [],
    }
    recorded = shared.sql(
        "SELECT e.payload FROM event e JOIN publicity p ON p.id = e.stream"
        " WHERE e.name = 'publicity_opened' AND p.public_id = %s",
        shown.public_id,
    )[0][0]
    assert recorded["list_sha256"] == shown.list_sha256


def test_the_command_writes_the_same_bytes(shared, monkeypatch, tmp_path):
    shown = open_publicity(shared.cases, _listing(shared, _planned(shared, 1)))
    address = shared.cases.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(shared.cases.office.files.parent))
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)

    code = main(("publicities", "export", shown.public_id, "-o", str(tmp_path / "list.json")))
    sheet = ("--format", "xlsx", "-o", str(tmp_path / "list.xlsx"))
    main(("publicities", "export", shown.public_id, *sheet))

    assert code == 0
    rows = list(load_workbook(tmp_path / "list.xlsx").active.iter_rows(values_only=True))
    assert rows[-1][0] == 1
    assert (tmp_path / "list.json").read_bytes() == published_list(shared.cases, shown.public_id)


def test_the_sheet_says_what_the_frozen_list_says_and_no_formula(shared):
    (case,) = _planned(shared, 1)
    with shared.cases.connect() as connection:
        connection.execute(RETITLED, ("=HYPERLINK(1)", case))
    shown = open_publicity(shared.cases, _listing(shared, [case]))
    frozen = published_list(shared.cases, shown.public_id)

    page = load_workbook(BytesIO(list_workbook(frozen, shanghai(12, 20)))).active

    rows = [tuple(cell for cell in row if cell is not None) for row in page.values]
    heads = ("序号", "单位名称", "项目(称号/活动)名称", "支持方向", "条款", "拟支持金额(元)",
             "属地", "备注")  # fmt: skip
    said = dict(row for row in rows if len(row) == 2 and row[0] != "说明")
    notes = " ".join(str(row[1]) for row in rows if row[:1] == ("说明",))
    assert heads in rows
    assert rows[-1][:3] == (1, FIRM, "'=HYPERLINK(1)")
    assert rows[-1][5] * 100 == shown.cases[0].fen
    assert (said["期间"], said["制表人"]) == ("2026-12-18至2026-12-25", "市数据局")
    for words in ("启政办规〔2026〕1号", "0513-00000000", "不再受理异议", shown.list_sha256):
        assert words in notes


def test_a_list_of_before_the_first_checkpoint_says_that_there_is_none(house):
    shown = open_publicity(house.cases, _listing(house, _planned(house, 1)))

    assert json.loads(published_list(house.cases, shown.public_id))["checkpoint"] is None


def test_numbers_of_persons_are_not_published(shared):
    (case,) = _planned(shared, 1)
    with shared.cases.connect() as connection:
        connection.execute(RETITLED, ("算力券 13812345678", case))

    shown = open_publicity(shared.cases, _listing(shared, [case]))

    assert shown.cases[0].title == "算力券 ＊＊＊"
    assert b"13812345678" not in published_list(shared.cases, shown.public_id)


def test_a_damaged_or_missing_file_is_never_shown(house):
    shown = open_publicity(house.cases, _listing(house, _planned(house, 1)))
    (path,) = (each for each in house.cases.office.files.rglob("*") if each.is_file())
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b" ")

    with pytest.raises(Unavailable, match="已损坏"):
        published_list(house.cases, shown.public_id)
    path.unlink()
    with pytest.raises(Unavailable, match="缺失"):
        published_list(house.cases, shown.public_id)


@pytest.mark.parametrize("field", ["phone", "email", "address"])
def test_a_publicity_says_where_objections_go(shared, field):
    contact = Contact(**{"phone": "1", "email": "a@b", "address": "c", field: " "})

    with pytest.raises(InvalidInput) as caught:
        open_publicity(shared.cases, _listing(shared, ["x"], contact=contact))

    assert set(caught.value.fields) == {field}


@pytest.mark.soak
def test_a_case_that_was_revised_restarts_in_a_publicity_of_its_own_and_in_full(shared):
    case, other = _planned(shared, 2)
    before = open_publicity(shared.cases, _listing(shared, [case, other]))
    objection(shared, before, case, shanghai(12, 21))
    shared.act(case, "partly_uphold_objection", "shujuju.reviewer", shanghai(12, 22), reason="部分")
    _back_to_publicity(shared, case)
    again = {"at": shanghai(12, 23), "title": "重新公示"}

    with pytest.raises(InvalidInput, match="不得少于原公示的 5 个工作日"):
        open_publicity(shared.cases, _listing(shared, [case], working_days=4, **again))
    shown = open_publicity(shared.cases, _listing(shared, [case], **again))

    assert shown.restarts == (before.public_id,)
    assert shown.cases[0].note == "重新公示"
    assert json.loads(published_list(shared.cases, shown.public_id))["restarts"] == [
        before.public_id
    ]
    assert len(publicity(shared.cases, before.public_id).cases) == 2


def _back_to_publicity(house, case):
    """Take a case that goes back to its plan to where it waits to be publicised."""
    at = shanghai(12, 22, 15)
    while (state := house.state(case)) != "publicity_pending":
        with house.cases.connect() as connection:
            pinned, parties = connection.execute(
                'SELECT workflow_hash, parties FROM "case" WHERE public_id = %s', (case,)
            ).fetchone()
            runner = house.cases.pinned.runner(connection, pinned)
        _one_step(house, case, runner, (state, parties, at))


def _one_step(house, case, runner, where):
    state, parties, at = where
    step = runner.workflow.step(state, runner.workflow.states[state].main.split("|")[0])
    known = {**INPUTS, **runner.facts}
    payload = {name: known[name].sample for name in step.requires if name in known}
    seat = SEATS[step.by[0]]
    who = house.sql(
        "SELECT p.login FROM assignment a JOIN person p ON p.id = a.person_id"
        " WHERE a.organisation_id = %s AND a.role = %s ORDER BY p.id LIMIT 1",
        parties[seat.party],
        seat.role,
    )[0][0]
    house.act(case, step.event, who, at, **payload)


def test_an_objection_is_taken_to_the_last_minute_and_not_a_minute_later(shared):
    (case,) = _planned(shared, 1)
    shown = open_publicity(shared.cases, _listing(shared, [case]))

    taken, number = objection(shared, shown, case, shanghai(12, 25, 23, 59))
    again, _ = objection(
        shared, shown, shown.cases[0].number, shanghai(12, 25, 23, 59), contact="2"
    )
    with pytest.raises(Conflict, match="2026-12-25 24:00 届满，不再受理异议；可依法举报、信访"):
        objection(shared, shown, case, shanghai(12, 26, 0))

    assert number == shown.cases[0].number
    assert (taken.state, again.state) == ("objection", "objection")
    assert shared.sql(
        "SELECT o.real_name, o.contact, o.grounds, o.proof FROM objection o"
        ' JOIN "case" c ON c.id = o.case_id WHERE c.public_id = %s ORDER BY o.seq',
        case,
    ) == [
        ("王某", "某信箱", "用量不实", "日志"),
        ("王某", "2", "用量不实", "日志"),
    ]


@pytest.fixture(scope="module")
def undisputed(kept: House) -> tuple[House, PublicityView]:
    """A house and its publicity of one case to which nobody objects."""
    house = visited(kept)
    return house, open_publicity(house.cases, _listing(house, _planned(house, 1)))


@pytest.mark.parametrize("field", ["real_name", "contact", "grounds", "proof"])
def test_an_anonymous_or_unfounded_objection_is_refused(undisputed, field):
    house, shown = undisputed
    case = shown.cases[0].public_id

    with pytest.raises((InvalidInput, Conflict)):
        objection(house, shown, case, shanghai(12, 21), **{field: " "})

    assert house.state(case) == "publicity"


def test_only_a_listed_case_is_objected_to(shared):
    listed, other = _planned(shared, 2)
    shown = open_publicity(shared.cases, _listing(shared, [listed]))

    with pytest.raises(NotFound):
        objection(shared, shown, other, shanghai(12, 21))


ATTACKS = {
    "an amount raised": "UPDATE publicity_case SET fen = fen + 1",
    "a line taken away": "DELETE FROM publicity_case",
    "all lines taken away": "TRUNCATE publicity_case",
    "a case added": (
        "INSERT INTO publicity_case (publicity_id, case_id, fen, line, case_count)"
        ' SELECT p.id, c.id, 1, 2, {count} FROM publicity p, "case" c'
        " WHERE c.publicity_id IS NULL LIMIT 1"
    ),
    "a longer list": "UPDATE publicity SET case_count = case_count + 1",
    "another end": "UPDATE publicity SET ends_at = ends_at - interval '1 day'",
    "another list": "UPDATE publicity SET list_sha256 = repeat('0', 64)",
    "another telephone": 'UPDATE publicity SET contact = contact || \'{"phone": "1"}\'',
    "a publicity opened again": "UPDATE publicity SET status = 'closed', closed_at = ends_at;"
    " UPDATE publicity SET status = 'open', closed_at = NULL",
    "a publicity deleted": "DELETE FROM publicity",
    "a publicity without its list": (
        "INSERT INTO publicity SELECT (jsonb_populate_record(p, jsonb_build_object('id', 999999,"
        " 'public_id', 'x', 'list_sha256', NULL, 'case_count', 1))).* FROM publicity p;"
        " SET CONSTRAINTS ALL IMMEDIATE"
    ),
    "a publicity without its lines": (
        "INSERT INTO publicity SELECT (jsonb_populate_record(p, jsonb_build_object("
        "'id', 999999, 'public_id', 'x'))).* FROM publicity p; SET CONSTRAINTS ALL IMMEDIATE"
    ),
    "a restart that is not named": (
        "INSERT INTO publicity SELECT (jsonb_populate_record(p, jsonb_build_object("
        "'id', 999999, 'public_id', 'x'))).* FROM publicity p;"
        " INSERT INTO publicity_case (publicity_id, case_id, line, case_count)"
        " SELECT 999999, case_id, line, case_count FROM publicity_case"
    ),
    "a restart for fewer days": (
        "INSERT INTO publicity SELECT (jsonb_populate_record(p, jsonb_build_object("
        "'id', 999999, 'public_id', 'x', 'working_days', 4))).* FROM publicity p;"
        " INSERT INTO publicity_case (publicity_id, case_id, line, case_count, restarts_id)"
        " SELECT 999999, case_id, line, case_count, publicity_id FROM publicity_case"
    ),
}
FILED = (
    "INSERT INTO objection (case_id, seq, publicity_id, objector_id, real_name, contact, grounds,"
    " proof, filed_at, status) SELECT l.case_id, 99, p.id, (SELECT min(id) FROM person), {name},"
    " 'c', 'g', 'e', {at}, 'open' FROM publicity p JOIN publicity_case l ON l.publicity_id = p.id"
)
ATTACKS |= {
    "a late objection": FILED.format(name="'n'", at="p.ends_at"),
    "an early objection": FILED.format(name="'n'", at="p.opened_at - interval '1 second'"),
    "an anonymous objection": FILED.format(name="' '", at="p.opened_at"),
    "an objector's name changed": FILED.format(name="'n'", at="p.opened_at")
    + "; UPDATE objection SET real_name = 'x'",
}


DENIED = ("url", "42501")
"""What the program's role is refused before any constraint is asked."""


@pytest.fixture(scope="module")
def published(server, house_template, tmp_path_factory):
    """A house with one open publicity of one case beside another case; nothing is committed."""
    settings = settings_of_templates(str(tmp_path_factory.mktemp("home")))
    for database in keep(server, house_template):
        house = house_on(assemble(database, settings, ROOT, ids=PublicIds(random.Random(9))))
        listed, _ = _planned(house, 2)
        open_publicity(house.cases, _listing(house, [listed]))
        yield house


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("url", ["owner_url", "url"])
def test_the_database_refuses(published, name, url):
    address = getattr(published.cases.database.address, url).replace("+psycopg", "")
    for count in (1, 2) if "{count}" in ATTACKS[name] else (1,):
        with psycopg.connect(address) as connection, pytest.raises(psycopg.Error) as caught:
            connection.execute(ATTACKS[name].replace("{count}", str(count)))

        assert caught.value.sqlstate.startswith("23") or (url, caught.value.sqlstate) == DENIED


def test_what_is_in_its_window_and_in_full_is_taken(published):
    address = published.cases.database.address.owner_url.replace("+psycopg", "")

    with psycopg.connect(address) as connection:
        taken = connection.execute(FILED.format(name="'n'", at="p.ends_at - interval '1 second'"))
        connection.rollback()

    assert taken.rowcount == 1
    assert board(published.cases)[0].status == "open"
