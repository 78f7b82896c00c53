"""Every city has the bureaus of its texts and somebody in every seat; 启东 in detail."""

import shutil
from collections import Counter

import pytest

from caseflow.catalogue.cities import (
    CASE_PARTIES,
    DISTRICT,
    DUTY_NAMES,
    FIELD_BUREAU,
    Account,
    read_city,
)
from caseflow.kernel.errors import DefinitionError, NotFound
from caseflow.kernel.workflow.vocabulary import SEATS
from tests.conftest import EVERYTHING
from tests.definitions.families import cities, policies

QIDONG = EVERYTHING / "policies" / "cities" / "qidong.yaml"


@pytest.fixture(scope="module")
def qidong():
    return cities()["qidong"]


# --- every city


def test_every_city_of_a_policy_is_there_and_no_other():
    assert {files.policy.city for files in policies().values()} == set(cities())


def test_every_bureau_of_every_text_is_an_organisation():
    for files in policies().values():
        city = cities()[files.policy.city]
        for measure in files.measures:
            known = {each.code for each in city.organisations} | {DISTRICT, FIELD_BUREAU}
            assert set(city.bureaus(measure.bureaus)) <= known, measure.id


def test_a_lead_bureau_holds_every_seat_of_a_lead_bureau():
    roles = [seat.role for seat in SEATS.values() if seat.party == "lead_bureau"]

    for files in policies().values():
        city = cities()[files.policy.city]
        for measure in files.measures:
            lead = city.bureaus(measure.bureaus)[0]
            if lead != DISTRICT:
                missing = [role for role in roles if not city.organisation(lead).holds(role)]
                assert missing == [], (measure.id, lead)


def test_a_territory_that_two_cities_name_is_the_same_in_both():
    told = {}
    for city in cities().values():
        for territory in city.territories:
            told.setdefault(territory.code, {})[city.city] = territory

    shared = {code: set(by) for code, by in told.items() if len(by) > 1}
    assert shared == {"nantong": {"nantong", "qidong"}}
    for code, by in told.items():
        assert len(set(by.values())) == 1, (code, by)


def test_no_two_cities_share_an_organisation_a_login_or_an_area_code():
    places = {place for city in cities().values() for place in city.territories}
    codes = Counter(each.code for city in cities().values() for each in city.organisations)
    logins = Counter(each.login for city in cities().values() for each in city.accounts())
    areas = Counter(place.area_code for place in places if place.area_code)

    assert [code for code, count in (codes + logins + areas).items() if count > 1] == []


def test_no_two_accounts_of_a_city_share_a_name():
    for city in cities().values():
        names = Counter(account.name for account in city.accounts())
        assert [name for name, count in names.items() if count > 1] == [], city.title


def test_every_place_that_a_policy_covers_has_a_handler_and_a_head():
    for files in policies().values():
        scope, city = files.policy.scope, cities()[files.policy.city]
        parts = [place.code for place in city.territories if place.level != "prefecture"]
        for place in set(scope.territories or parts) - {city.city}:
            district = city.organisation(city.district(place))
            assert district.holds("district_handler"), place
            assert district.holds("district_head"), place


def test_the_places_of_a_policy_are_places_of_its_city():
    for files in policies().values():
        scope, city = files.policy.scope, cities()[files.policy.city]
        known = {territory.code for territory in city.territories}
        assert {scope.territory, *scope.territories} <= known, files.policy.code


def test_every_seat_that_does_not_depend_on_the_case_is_somebodys():
    parties = {seat.party: seat.role for seat in SEATS.values() if seat.party not in CASE_PARTIES}

    for city in cities().values():
        for seat in SEATS.values():
            if seat.party in parties:
                assert city.organisation(city.party(seat.party)).holds(seat.role), (
                    city.title, seat.party, seat.role,
                )  # fmt: skip


def test_every_bureau_in_charge_of_an_industry_has_a_handler():
    for city in cities().values():
        for code in city.industries.values():
            assert city.organisation(code).holds("bureau_handler"), code


# --- 启东


def test_the_words_of_a_text_lead_to_organisations_the_lead_first(qidong):
    names = ["市人才办", "发展改革委", "科技局", "人力资源社会保障局", "各领域行业主管部门"]

    assert qidong.bureaus(names) == ["rencaiban", "fagaiwei", "kejiju", "renshe", "$field_bureau"]


def test_towns_and_parks_are_the_district_of_the_case(qidong):
    assert qidong.named("各区镇") == "$district"
    assert qidong.district("huilong") == "huilong_zhen"
    assert qidong.district("kaifaqu") == "kaifaqu_gwh"


def test_every_role_of_an_organisation_has_a_name():
    own = {"applicant", "public", "system"}

    assert {seat.role for seat in SEATS.values()} - own == set(DUTY_NAMES)


def test_a_development_account_is_named_by_its_seat(qidong):
    accounts = {account.login: account for account in qidong.accounts()}

    assert accounts["shujuju.handler"] == Account(
        login="shujuju.handler", name="市数据局 经办", organisation="shujuju", role="bureau_handler"
    )
    assert accounts["zhuanjiaku.expert5"].name == "评审专家库 专家5"


def test_a_party_that_is_the_same_in_every_case_is_found(qidong):
    assert qidong.party("finance") == "caizhengju"
    assert qidong.party("cosign.tax") == "shuiwuju"


def test_an_industry_that_is_not_listed_goes_to_the_default_bureau(qidong):
    assert qidong.field_bureau("交通") == "jiaotongju"
    assert qidong.field_bureau("航天") == "gongxinju"
    assert qidong.field_bureau(None) == "gongxinju"


@pytest.mark.parametrize(
    "ask",
    [
        lambda city: city.organisation("nobody"),
        lambda city: city.named("市不存在局"),
        lambda city: city.district("qidong"),
        lambda city: city.party("cosign.weather"),
        lambda city: city.party("lead_bureau"),
    ],
)
def test_what_a_city_does_not_have_is_not_found(qidong, ask):
    with pytest.raises(NotFound):
        ask(qidong)


@pytest.mark.parametrize(
    ("old", "new", "rule", "message"),
    [
        ("city: qidong", "city: nantong", "city-name", "nantong"),
        ("code: nanyang,", "code: huilong,", "duplicate-code", "huilong"),
        ("{code: kejiju,", "{code: fagaiwei,", "duplicate-code", "fagaiwei"),
        (
            "level: town, parent: qidong",
            "level: town, parent: rudong",
            "unknown-territory",
            "rudong",
        ),
        (
            "kind: finance, territory: qidong",
            "kind: finance, territory: mars",
            "unknown-territory",
            "mars",
        ),
        ("  市科技局: kejiju", "  市科技局: kejibu", "unknown-organisation", "kejibu"),
        ("  default: gongxinju\n", "", "industry-default", "default"),
        ("  tax: shuiwuju\n", "", "party-missing", "cosign.tax"),
        ("  bank: yinhang", "  bank: pingtai", "empty-seat", "bank"),
        ("seats: [auditor]", "seats: [astronaut]", "definition-value", "astronaut"),
        ("seats: [auditor]", "seats: []", "definition-value", "seats"),
        ("  tax: shuiwuju", "  weather: shuiwuju", "definition-value", "weather"),
        ("level: town", "level: village", "definition-value", "level"),
        ('area_code: "320681"', "area_code: 320681", "definition-value", "area_code"),
        ("kind: finance", "kind: finance, colour: red", "definition-key", "colour"),
        ("name: credit_list", "name: credit_platform", "duplicate-code", "credit_platform"),
        ("adapter: http, address:", "adapter: file, address:", "source-address", "credit_platform"),
        ("adapter: file", "adapter: http", "source-address", "credit_list"),
        (
            "kinds: [credit], adapter: file",
            "kinds: [duplicates], adapter: file",
            "source-kind",
            "computed",
        ),
        (
            "kinds: [credit], adapter: file",
            "kinds: [luck], adapter: file",
            "definition-value",
            "kinds",
        ),
        ("token: CASEFLOW_SOURCE_QD_CREDIT_TOKEN", "token: s3cret", "definition-value", "token"),
    ],
)
def test_a_broken_city_is_refused_with_its_line(tmp_path, old, new, rule, message):
    path = shutil.copy(QIDONG, tmp_path / "qidong.yaml")
    words = path.read_text(encoding="utf-8")
    assert old in words
    path.write_text(words.replace(old, new, 1), encoding="utf-8")

    with pytest.raises(DefinitionError) as refused:
        read_city(path)

    hits = [p for p in refused.value.problems if p.rule == rule and message in p.message]
    assert hits, refused.value.message
    assert all(problem.line > 1 for problem in hits)
