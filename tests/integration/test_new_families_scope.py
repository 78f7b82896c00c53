"""Who may apply and where: territories, drafts, district administrations; migration 0003."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import psycopg
import pytest

from caseflow.batches.founding import plan_standing_calls
from caseflow.cases.opening import Opening, open_case
from caseflow.database import migration
from caseflow.database.access import Database
from caseflow.kernel.errors import InvalidInput, NotAllowed, PolicyClosed
from caseflow.rehearsal.codes import synthetic_uscc
from tests.conftest import EVERYTHING
from tests.integration.five_cities import YUAN, Land, amounts, found_land
from tests.integration.kept_database import keep
from tests.integration.walking import BEGINS, at, visit

pytestmark = pytest.mark.no_cover

ALLOCATION, CLUSTER = "WX-2a", "WX-4a"
OPEN_MEASURES = ["NT26-3b", "NT24-2", "QD26-7a", "YC-2a", ALLOCATION, CLUSTER]
SHARE = 8_000_000 * YUAN


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Land:
    return found_land(kept, tmp_path_factory.mktemp("land"), OPEN_MEASURES, pytestconfig)


@pytest.fixture
def land(founded) -> Iterator[Land]:
    yield from visit(founded)


@contextmanager
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.address.owner_url.replace("+psycopg", "")) as connection:
        yield connection


# --- where


@pytest.mark.parametrize(
    ("code", "territory"),
    [
        ("NT26-3b", "nt_chongchuan"),
        ("NT26-3b", "nt_haimen"),
        ("NT26-3b", "nt_kaifaqu"),
        ("NT26-3b", "nt_gaoxinqu"),  # a park within 通州区
        ("NT24-2", "nt_chongchuan"),
        ("NT24-2", "nt_rugao"),
        ("NT24-2", "huilong"),  # a town of 启东, which lies under 南通
        ("QD26-7a", "huilong"),
        (CLUSTER, "wx_liangxi"),
        (CLUSTER, "wx_jingkai"),
        ("YC-2a", "yc_tinghu"),
        ("YC-2a", "yc_yannan"),
    ],
)
def test_an_applicant_inside_the_policys_territory_opens_a_case(land: Land, code, territory):
    case = land.open(code, territory=territory)

    assert land.seats(case) == ["applicant"]


@pytest.mark.parametrize(
    ("code", "territory", "words"),
    [
        ("NT26-3b", "huilong", "适用市区"),
        ("NT26-3b", "qidong", "适用市区"),
        ("NT26-3b", "nt_rugao", "适用市区"),
        ("NT26-3b", "wx_liangxi", "适用市区"),
        ("NT24-2", "wx_liangxi", "各县"),
        ("QD26-7a", "nt_chongchuan", "启东市"),
        (CLUSTER, "wx_jiangyin", "无锡市区"),
        (CLUSTER, "wx_yixing", "无锡市区"),
        ("YC-2a", "yc_dongtai", "盐城大市区"),
        ("YC-2a", "huilong", "盐城大市区"),
    ],
)
def test_an_applicant_outside_it_is_refused_with_the_policys_words(
    land: Land, code: str, territory: str, words: str
):
    before = land.value('SELECT count(*) FROM "case"')

    with pytest.raises(InvalidInput, match=words) as refused:
        land.open(code, territory=territory)

    assert "不在其内" in refused.value.message
    assert refused.value.details["fields"] == {"applicant": "territory"}
    assert land.value('SELECT count(*) FROM "case"') == before


# --- 拨改转


def test_a_district_is_known_by_its_own_credit_code(land: Land):
    case = land.open(ALLOCATION)

    (kind, code), = land.sql(
        'SELECT o.kind, o.uscc FROM organisation o JOIN "case" c ON c.applicant_id = o.id'
        " WHERE c.public_id = %s",
        case,
    )  # fmt: skip
    assert (kind, code[:2]) == ("government", "11")
    assert land.state(case) == "factor_collection"
    with land.house.database.session() as session, pytest.raises(InvalidInput):
        land.register(session, kind="government", territory="wx_liangxi", code="1" * 18)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(ALLOCATION, "enterprise"), (ALLOCATION, "institution"), (CLUSTER, "government"),
     (CLUSTER, "association")],
)  # fmt: skip
def test_an_applicant_of_another_kind_is_refused(land: Land, code: str, kind: str):
    with pytest.raises(InvalidInput, match="申报主体须为") as refused:
        land.open(code, kind=kind)

    assert refused.value.details["fields"] == {"applicant": kind}


def test_a_district_opens_no_allocation_for_itself(land: Land):
    with land.house.database.session() as session:
        district = land.register(session, kind="government", territory="wx_liangxi")
    opening = Opening(ALLOCATION, district.public_id, "自行切块", district.person_id, BEGINS)

    with pytest.raises(NotAllowed):
        open_case(land.house.cases, opening)


@pytest.mark.parametrize(("unused", "way"), [(0, None), (1, "recover_surplus")])
def test_an_allocation_is_computed_publicised_paid_spent_and_settled(land: Land, unused, way):
    case = land.open(ALLOCATION)
    land.walk(case, "performance_review", **amounts(SHARE))
    paid = land.payments(case)
    land.act(case, "conclude_transfer_review", transfer_unused_fen=unused)
    if way:
        assert land.state(case) == "transfer_surplus"
        land.act(case, way)

    events = land.events(case)
    order = [
        "report_factors", "audit_factors", "compute_allocation", "review_allocation",
        "publicise", "approve", "confirm_payment", "list_projects", "report_spending",
        "conclude_transfer_review",
    ]  # fmt: skip
    assert [event for event in events if event in order] == order
    assert paid == [(SHARE, "paid")]
    assert (land.state(case), land.outcome(case)) == ("settled", "disbursed")


def test_factors_that_the_statistics_bureau_does_not_confirm_go_back_to_the_district(land: Land):
    case = land.reached("factor_audit", ALLOCATION)

    land.act(case, "audit_factors", factors_true=False)

    assert (land.state(case), land.seats(case)) == ("factor_collection", ["applicant"])
    assert "compute_allocation" not in land.ways(case)


# --- drafts


@pytest.fixture(scope="module")
def drafts(server, drafts_template, tmp_path_factory, pytestconfig) -> Iterator[Land]:
    """All five policies as their files say: 南通 2026 and 盐城 are out for comment."""
    for database in keep(server, drafts_template):
        yield found_land(database, tmp_path_factory.mktemp("drafts"), ["NT24-2"], pytestconfig)


@pytest.mark.parametrize("code", ["NT26-3b", "NT26-8b", "YC-2a", "YC-8b"])
def test_a_draft_opens_no_call(drafts: Land, code: str):
    with drafts.house.database.session() as session, pytest.raises(PolicyClosed, match="征求意见"):
        plan_standing_calls(
            session, [code], opens_on=date(2026, 9, 7), closes_on=date(2026, 12, 31), at=BEGINS,
            signer=drafts.house.cases.office.signer, ids=drafts.house.ids,
        )  # fmt: skip


@pytest.mark.parametrize("code", ["NT26-3b", "NT26-8b", "YC-2a", "YC-8b"])
def test_a_draft_takes_no_case_even_under_a_call_written_by_hand(drafts: Land, code: str):
    with owner(drafts.house.database) as connection:
        connection.execute("ALTER TABLE call DISABLE TRIGGER USER")
        connection.execute(
            "INSERT INTO call (public_id, measure_id, title, opens_on, closes_on, status)"
            " SELECT 'hand-' || code, id, 'x', '2026-09-01', '2026-12-31', 'open' FROM measure"
            " WHERE code = %s ON CONFLICT DO NOTHING",
            (code,),
        )
        connection.execute("ALTER TABLE call ENABLE TRIGGER USER")
    drafts.calls[code] = f"hand-{code}"

    with pytest.raises(PolicyClosed, match="征求意见稿"):
        drafts.open(code)


def test_a_draft_is_not_brought_into_force_by_hand(drafts: Land):
    with (
        owner(drafts.house.database) as connection,
        pytest.raises(
            psycopg.errors.IntegrityError, match=r"in_force_is_dated|-> in_force refused"
        ),
    ):
        connection.execute(
            "UPDATE policy_version SET status = 'in_force' WHERE status = 'consultation_draft'"
        )
    with (
        drafts.house.cases.connect() as program,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        program.execute("UPDATE policy_version SET effective_from = '2026-01-01'")


def test_the_database_takes_no_submission_under_a_draft(drafts: Land):
    case = drafts.open("NT24-2")

    with owner(drafts.house.database) as connection:
        connection.execute('ALTER TABLE "case" DISABLE TRIGGER case_pins_fixed')
    for code in ("nantong-2026", "yancheng-ai-plus"):
        with (
            owner(drafts.house.database) as connection,
            pytest.raises(psycopg.errors.IntegrityError, match="takes no submission"),
        ):
            connection.execute(
                'UPDATE "case" SET submitted_at = %s, policy_version_id = ('
                "SELECT v.id FROM policy_version v JOIN policy p ON p.id = v.policy_id"
                " WHERE p.code = %s AND v.current) WHERE public_id = %s",
                (at(9, 8), code, case),
            )


# --- migration 0003


def test_a_district_has_a_credit_code_of_its_own(land: Land):
    with land.house.database.session() as session:
        district = land.register(session, kind="government", territory="wx_liangxi").id

    with owner(land.house.database) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE organisation SET uscc = NULL WHERE id = %s", (district,))


@pytest.mark.soak
def test_migration_0003_goes_down_and_up_and_wants_a_districts_code(database: Database):
    url, folder = database.address.owner_url, EVERYTHING / "migrations"
    nameless = (
        "INSERT INTO organisation (id, public_id, kind, title, territory_id)"
        " VALUES (2, 'o', 'government', '某区', 1)"
    )
    with owner(database) as connection:
        connection.execute(
            "INSERT INTO territory (id, code, title, level, fiscal_level)"
            " VALUES (1, 't', '某市', 'prefecture', 'prefecture')"
        )
    with owner(database) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute(nameless)

    migration.downgrade(url, folder, "0002")
    down = migration.current_revision(url)
    with owner(database) as connection:
        connection.execute(nameless)
    with pytest.raises(Exception, match="applicant_identifier"):
        migration.upgrade(url, folder)
    still = migration.current_revision(url)
    with owner(database) as connection:
        connection.execute(
            "UPDATE organisation SET uscc = %s", (synthetic_uscc(1, kind="government"),)
        )
    migration.upgrade(url, folder)

    assert (down, still) == ("0002", "0002")
    assert migration.differences(url) == []
    with owner(database) as connection, pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("UPDATE organisation SET uscc = NULL")
