"""What the district has not passed the city does not see; what it passes it sends as a sheet."""

import hashlib
import io
from collections.abc import Iterator

import psycopg
import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from caseflow.batches.summaries.service import send_sheet, sheet_file, sheets
from caseflow.cases.models import Case
from caseflow.cases.queries import CaseFilter, case_list, find_case, visible_cases
from caseflow.database.access import Database
from caseflow.kernel.errors import Conflict, NotAllowed, NotFound
from tests.integration.batch_land import (
    AUDITOR,
    HANDLER,
    LEADER,
    MEASURE,
    TOWN_HANDLER,
    TOWN_HEAD,
    Batch,
    opened,
)
from tests.integration.kept_database import keep
from tests.integration.walking import Town, found_town, visit

NUMBER = "汇报〔2026〕3号"
CITY = (HANDLER, LEADER, "caizhengju.finance_division", "shuiwuju.cosign")
DISTRICT = (TOWN_HANDLER, TOWN_HEAD)
HIDES = """
    UPDATE measure_version v SET definition = definition
        || '{"recommended_by": {"by": "district", "source": "惯例"}}'
    FROM measure m WHERE m.id = v.measure_id AND m.code = %s
"""


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    for database in keep(server, founded_template):
        with psycopg.connect(database.address.owner_url.replace("+psycopg", "")) as connection:
            connection.execute(HIDES, (MEASURE,))
        yield database


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=(MEASURE,))


@pytest.fixture
def town(founded) -> Iterator[Town]:
    for town in visit(founded):
        town.now = max(town.now, town.swept)
        yield town


def who_sees(batch: Batch, logins: tuple[str, ...], case: str) -> dict[str, set[bool]]:
    return {login: sees(batch, login, case) for login in logins}


def sees(batch: Batch, login: str, case: str) -> set[bool]:
    """Whether a person sees a case in a list, by search, in a count, and by its id."""
    actor, town = batch.actor(login), batch.town
    with town.house.database.session() as session:
        number = session.scalars(select(Case.number).where(Case.public_id == case)).one()
        listed = {each.public_id for each in case_list(session, actor, limit=200).items}
        found = {each.number for each in case_list(session, actor, CaseFilter(text=number)).items}
        counted = select(func.count()).where(Case.public_id == case, visible_cases(actor))
        answers = {case in listed, number in found, session.scalar(counted) == 1}
        try:
            find_case(session, actor, case)
        except NotFound:
            return answers | {False}
        return answers | {True}


def test_the_city_sees_a_case_from_its_recommendation_on(town: Town):
    batch = opened(town)
    (case,) = batch.submitted(1)
    town.walk(case, "district_recommend")

    always = (*DISTRICT, AUDITOR)
    assert who_sees(batch, CITY, case) == {login: {False} for login in CITY}
    assert who_sees(batch, always, case) == {login: {True} for login in always}
    assert sees(batch, "nanyang_zhen.handler", case) == {False}
    town.act(case, "recommend")

    everybody = (*CITY, *always)
    assert who_sees(batch, everybody, case) == {login: {True} for login in everybody}


def test_what_the_district_lets_lie_comes_to_the_city_all_the_same(town: Town):
    batch = opened(town)
    (case,) = batch.submitted(1)
    town.walk(case, "district_recommend")
    due_on = town.clock(case, "district_sign")[2]

    town.sweep(town.now.replace(month=due_on.month, day=due_on.day, hour=23))
    before = sees(batch, HANDLER, case)
    town.wait(case)

    assert (before, sees(batch, HANDLER, case)) == ({False}, {True})


def test_a_sheet_lists_what_is_recommended_and_is_frozen(town: Town):
    batch, cases = opened(town), town.house.cases
    first, second, third = batch.submitted(3)
    with pytest.raises(Conflict, match="还没有已推荐"):
        send_sheet(cases, batch.actor(TOWN_HANDLER), batch.call, document_no=NUMBER, at=town.now)
    for case in (first, second):
        town.walk(case, "bureau_review")
    with pytest.raises(NotAllowed, match="区镇"):
        send_sheet(cases, batch.actor(HANDLER), batch.call, document_no=NUMBER, at=town.now)

    sent = send_sheet(cases, batch.actor(TOWN_HANDLER), batch.call, document_no=NUMBER, at=town.now)

    assert (sent.line_count, sent.applied_fen, sent.version) == (2, 2 * 50_000_000, 1)
    with pytest.raises(Conflict, match="内容相同"):
        send_sheet(cases, batch.actor(TOWN_HANDLER), batch.call, document_no=NUMBER, at=town.now)
    town.walk(third, "bureau_review")
    again = send_sheet(
        cases, batch.actor(TOWN_HANDLER), batch.call, document_no=NUMBER, at=town.now
    )
    assert (again.version, again.line_count) == (2, 3)
    with town.house.database.session() as session:
        content = sheet_file(cases, session, batch.actor(HANDLER), sent.public_id)
        seen = {
            login: len(sheets(session, batch.actor(login), batch.call))
            for login in (HANDLER, AUDITOR, TOWN_HEAD, "nanyang_zhen.handler", "kejiju.handler")
        }
        with pytest.raises(NotFound):
            sheet_file(cases, session, batch.actor("nanyang_zhen.handler"), sent.public_id)
    assert hashlib.sha256(content).hexdigest() == sent.file_sha256
    assert list(seen.values()) == [2, 2, 2, 0, 0]
    page = load_workbook(io.BytesIO(content)).worksheets[0]
    rows = [[cell.value for cell in row] for row in page.iter_rows()]
    head = next(number for number, row in enumerate(rows) if row[0] == "序号")
    assert rows[head][1:4] == ["县(市、区)/园区", "申报单位", "统一社会信用代码"]
    assert len(rows[head]) == 15
    assert [row[9] for row in rows[head + 1 :]] == [500_000, 500_000]
    assert batch.events()[-2:] == ["summary_sheet_sent", "summary_sheet_sent"]
    told = town.value("SELECT count(*) FROM notification WHERE notice = 'summary_sheet_sent'")
    assert told == 2
