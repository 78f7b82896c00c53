"""Cities, applicants, people and seats on a real PostgreSQL."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from caseflow.catalogue import cities
from caseflow.database.ids import ALPHABET, PublicIds
from caseflow.identity import queries, service, tokens
from caseflow.identity.identifiers import Identity
from caseflow.identity.models import Assignment, Organisation, Person
from caseflow.kernel.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from tests.factories import identity as factories
from tests.integration.kept_database import keep

AT = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
USCC = "91320681MA2TE5T28T"


def _organisation(code, title, kind, territory, *seats):
    return cities.Organisation(code, title, kind, territory, "示例", seats)


def _city(code, title, *organisations):
    return cities.City(
        city=code,
        title=title,
        source="示例",
        territories=(
            cities.Territory(f"{code}_old_town", "老城镇", "town", code, "township", "示例"),
            cities.Territory(code, title, "county_city", None, "county", "示例"),
        ),
        organisations=organisations,
        names={},
        parties={},
        cosign={},
        industries={},
    )


CITY = _city(
    "anyi",
    "安宜市",
    _organisation(
        "anyi_data",
        "市数据局",
        "bureau",
        "anyi",
        cities.SeatCount("bureau_handler"),
        cities.SeatCount("bureau_reviewer"),
    ),
    _organisation("anyi_pool", "评审专家库", "third_party", "anyi", cities.SeatCount("expert", 3)),
    _organisation(
        "anyi_town", "老城镇人民政府", "town", "anyi_old_town", cities.SeatCount("district_handler")
    ),
)


@pytest.fixture(scope="module")
def database(server, empty_template):
    yield from keep(server, empty_template)


@pytest.fixture
def ids():
    return PublicIds(random.Random(7))


@pytest.fixture
def rows(session):
    factories.bind(session)
    return factories


@pytest.fixture(scope="module")
def loaded(database):
    """What the city brought when it was loaded; no test commits anything more."""
    with database.session() as session:
        return service.load_city(session, CITY, at=AT, ids=PublicIds(random.Random(8)))


def test_a_seeded_source_gives_the_same_ids_and_each_only_once():
    first, second = PublicIds(random.Random(1)), PublicIds(random.Random(1))

    given = [first.new() for _ in range(1000)]

    assert given == [second.new() for _ in range(1000)]
    assert len(set(given)) == 1000
    assert set("".join(given)) <= set(ALPHABET)
    assert {len(each) for each in given} == {22}


def test_the_systems_source_never_repeats_itself():
    assert PublicIds().new() != PublicIds().new()


def test_a_city_brings_its_territories_organisations_accounts_and_seats(session, loaded):
    town = queries.territory(session, "anyi_old_town")

    assert loaded == service.CityLoaded(territories=2, organisations=3, people=6, assignments=6)
    assert town.parent_id == queries.territory(session, "anyi").id
    assert queries.organisation(session, "anyi_town").territory_id == town.id


def test_accounts_are_named_by_their_seats(session, loaded):
    pool = queries.organisation(session, "anyi_pool")

    experts = queries.people_in_seat(session, pool.id, "expert", AT)

    assert [(each.login, each.name) for each in experts] == [
        ("anyi_pool.expert1", "评审专家库 专家1"),
        ("anyi_pool.expert2", "评审专家库 专家2"),
        ("anyi_pool.expert3", "评审专家库 专家3"),
    ]


def test_loading_a_city_again_adds_nothing(session, loaded, ids):
    again = service.load_city(session, CITY, at=AT + timedelta(days=1), ids=ids)

    assert again == service.CityLoaded(0, 0, 0, 0)


def test_loading_a_city_again_renames_what_is_renamed(session, loaded, ids):
    data, *others = CITY.organisations
    renamed = replace(CITY, organisations=(replace(data, title="市大数据局"), *others))

    service.load_city(session, renamed, at=AT, ids=ids)

    assert queries.organisation(session, "anyi_data").title == "市大数据局"
    assert queries.actor_by_login(session, "anyi_data.handler", AT).name == "市大数据局 经办"


def test_a_seat_ended_by_hand_stays_empty_when_the_city_is_loaded_again(session, loaded, ids):
    data = queries.organisation(session, "anyi_data")
    seats = select(Assignment).where(
        Assignment.organisation_id == data.id, Assignment.role == "bureau_handler"
    )
    service.end_assignment(session, session.scalars(seats).one(), at=AT + TICK)

    service.load_city(session, CITY, at=AT + timedelta(days=1), ids=ids)

    assert queries.people_in_seat(session, data.id, "bureau_handler", AT + timedelta(days=2)) == ()


def test_a_code_of_another_city_is_not_taken_over(session, loaded, ids):
    other = _city("beixian", "北县", _organisation("anyi_data", "县数据局", "bureau", "beixian"))

    with pytest.raises(Conflict, match="anyi_data"):
        service.load_city(session, other, at=AT, ids=ids)


def test_an_assignment_holds_from_its_first_instant_up_to_its_end(session, rows):
    end = AT + timedelta(hours=1)
    seat = rows.AssignmentFactory(valid_from=AT, valid_to=end)
    person = session.get(Person, seat.person_id)

    held = {
        at: queries.actor_by_login(session, person.login, at).assignments
        for at in (AT - TICK, AT, end - TICK, end)
    }

    holding = ((seat.organisation_id, "bureau_handler"),)
    assert held == {AT - TICK: (), AT: holding, end - TICK: holding, end: ()}


def test_an_actor_holds_only_their_own_seats(session, loaded):
    data = queries.organisation(session, "anyi_data")

    actor = queries.actor_by_login(session, "anyi_data.handler", AT)

    assert actor.holds(data.id, "bureau_handler")
    assert not actor.holds(data.id, "bureau_reviewer")


def test_nobody_acts_under_an_unknown_login(session):
    with pytest.raises(Unauthenticated, match=r"nobody\.at_all"):
        queries.actor_by_login(session, "nobody.at_all", AT)


def test_an_organisation_is_found_by_code_and_by_public_id(session, loaded):
    by_code = queries.organisation(session, "anyi_data")

    assert queries.organisation(session, by_code.public_id) is by_code
    with pytest.raises(NotFound):
        queries.organisation(session, "no_such_bureau")


def test_the_town_answers_for_its_territory_and_the_city_for_none(session, loaded):
    town, city = queries.territory(session, "anyi_old_town"), queries.territory(session, "anyi")

    assert queries.district(session, town.id).code == "anyi_town"
    with pytest.raises(NotFound, match="属地"):
        queries.district(session, city.id)


def test_an_enterprise_is_registered_by_its_credit_code(session, loaded, ids):
    applicant = service.register_applicant(
        session,
        kind="enterprise",
        name=" 安宜甲公司 ",
        uscc=USCC.lower(),
        territory_code="anyi",
        ids=ids,
    )

    assert (applicant.title, applicant.uscc, applicant.code) == ("安宜甲公司", USCC, None)


def test_an_individual_is_registered_by_a_document(session, loaded, ids):
    applicant = service.register_applicant(
        session,
        kind="individual",
        name="张三",
        identity=Identity("resident_id", "320681198512310021"),
        territory_code="anyi",
        ids=ids,
    )

    assert (applicant.identity_type, applicant.uscc) == ("resident_id", None)


def test_the_same_code_is_registered_once_and_the_session_lives_on(session, loaded, ids):
    form = {"kind": "enterprise", "uscc": USCC, "territory_code": "anyi", "ids": ids}
    service.register_applicant(session, name="安宜甲公司", **form)

    with pytest.raises(Conflict, match=USCC):
        service.register_applicant(session, name="安宜乙公司", **form)

    count = select(func.count()).select_from(Organisation).where(Organisation.uscc == USCC)
    assert session.scalar(count) == 1


NO_APPLICANTS = (
    ({"kind": "ministry", "uscc": USCC}, "kind"),
    ({"kind": "enterprise"}, "uscc"),
    ({"kind": "enterprise", "uscc": USCC[:-1] + "U"}, "uscc"),
    ({"kind": "individual", "uscc": USCC}, "identity"),
    (
        {
            "kind": "individual",
            "uscc": USCC,
            "identity": Identity("resident_id", "320681198512310021"),
        },
        "identity",
    ),
    ({"kind": "enterprise", "uscc": USCC, "name": " \t"}, "name"),
    ({"kind": "enterprise", "uscc": USCC, "name": "甲\x00"}, "name"),
)


def test_an_application_to_register_says_which_field_is_wrong(session, loaded, ids):
    for form, field in NO_APPLICANTS:
        with pytest.raises(InvalidInput) as refused:
            service.register_applicant(
                session, **{"name": "安宜甲公司", "territory_code": "anyi", "ids": ids, **form}
            )
        assert set(refused.value.fields) == {field}, form


def test_an_applicant_cannot_live_where_there_is_no_territory(session, ids):
    with pytest.raises(NotFound, match="atlantis"):
        service.register_applicant(
            session, kind="enterprise", name="甲", uscc=USCC, territory_code="atlantis", ids=ids
        )


def test_the_database_too_refuses_an_enterprise_without_a_code(session, rows):
    with pytest.raises(IntegrityError, match="applicant_identifier"):
        rows.ApplicantFactory(uscc=None)


def test_a_login_is_taken_once(session, ids):
    service.register_person(session, login="li.si", name="李四", ids=ids)

    with pytest.raises(Conflict, match=r"li\.si"):
        service.register_person(session, login="li.si", name="李四", ids=ids)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"login": "Li Si"}, "login"),
        ({"login": "李四"}, "login"),
        ({"login": "l"}, "login"),
        ({"login": "li.si", "name": ""}, "name"),
        ({"login": "li.si", "email": "nowhere"}, "email"),
    ],
)
def test_a_person_is_not_registered_with_a_field_that_cannot_be(session, ids, form, field):
    with pytest.raises(InvalidInput) as refused:
        service.register_person(session, **{"name": "李四", "ids": ids, **form})

    assert set(refused.value.fields) == {field}


def test_nobody_is_seated_twice_in_one_seat_but_may_come_back(session, rows):
    person, bureau = rows.PersonFactory(), rows.OrganisationFactory()
    later = AT + timedelta(days=1)
    seat = service.assign(session, person, bureau, role="bureau_handler", at=AT)

    with pytest.raises(Conflict):
        service.assign(session, person, bureau, role="bureau_handler", at=later)
    service.end_assignment(session, seat, at=later)
    service.assign(session, person, bureau, role="bureau_handler", at=later)

    assert queries.people_in_seat(session, bureau.id, "bureau_handler", later) == (person,)


@pytest.mark.parametrize("role", ["system", "emperor"])
def test_a_role_that_no_person_takes_is_refused(session, rows, role):
    with pytest.raises(InvalidInput, match=role):
        service.assign(session, rows.PersonFactory(), rows.OrganisationFactory(), role=role, at=AT)


def test_an_assignment_ends_once_and_after_it_began(session, rows):
    seat = rows.AssignmentFactory(valid_from=AT)

    with pytest.raises(InvalidInput, match="begins"):
        service.end_assignment(session, seat, at=AT)
    service.end_assignment(session, seat, at=AT + TICK)

    with pytest.raises(Conflict, match="ended already"):
        service.end_assignment(session, seat, at=AT + timedelta(days=1))


def test_there_is_one_system_person_however_often_it_is_asked_for(session):
    first = service.ensure_system_person(session)

    assert service.ensure_system_person(session) is first
    assert (first.login, first.name) == ("system", "系统")


def test_a_development_token_names_a_login():
    assert tokens.development_actor("Bearer dev:anyi_data.handler", is_loopback=True) == (
        "anyi_data.handler"
    )


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer dev:", "Bearer dev: ", "Basic dev:li.si", "dev:li.si"],
)
def test_any_other_token_names_nobody(header):
    with pytest.raises(Unauthenticated):
        tokens.development_actor(header, is_loopback=True)


def test_a_development_token_is_refused_where_others_reach_the_server():
    with pytest.raises(Unauthenticated, match="loopback"):
        tokens.development_actor("Bearer dev:li.si", is_loopback=False)
