import shutil

import pytest

from caseflow.catalogue.cities import DUTY_NAMES, Account, read_cities, read_city
from caseflow.catalogue.loading import read_policies
from caseflow.catalogue.places import data_root
from caseflow.kernel.errors import DefinitionError, NotFound
from caseflow.kernel.workflow.vocabulary import SEATS

ROOT = data_root()
QIDONG = ROOT / "policies" / "cities" / "qidong.yaml"


@pytest.fixture(scope="module")
def qidong():
    return read_city(QIDONG)


def test_every_city_of_a_policy_is_there():
    assert {files.policy.city for files in read_policies(ROOT)} <= set(read_cities(ROOT))


def test_every_bureau_of_every_text_is_an_organisation():
    cities = read_cities(ROOT)

    for files in read_policies(ROOT):
        for measure in files.measures:
            assert cities[files.policy.city].bureaus(measure.bureaus)


def test_the_words_of_a_text_lead_to_organisations_the_lead_first(qidong):
    names = ["市人才办", "发展改革委", "科技局", "人力资源社会保障局", "各领域行业主管部门"]

    assert qidong.bureaus(names) == ["rencaiban", "fagaiwei", "kejiju", "renshe", "$field_bureau"]


def test_towns_and_parks_are_the_district_of_the_case(qidong):
    assert qidong.named("各区镇") == "$district"
    assert qidong.district("huilong") == "huilong_zhen"
    assert qidong.district("kaifaqu") == "kaifaqu_gwh"


def test_every_town_and_park_has_a_handler_and_a_head(qidong):
    for territory in qidong.territories:
        if territory.level in {"town", "park"}:
            district = qidong.organisation(qidong.district(territory.code))
            assert district.holds("district_handler")
            assert district.holds("district_head")


def test_a_lead_bureau_holds_every_seat_of_a_lead_bureau(qidong):
    roles = [s.role for s in SEATS.values() if s.party == "lead_bureau"]
    files = next(f for f in read_policies(ROOT) if f.policy.code == "qidong-2026")

    for measure in files.measures:
        lead = qidong.organisation(qidong.bureaus(measure.bureaus)[0])
        assert [role for role in roles if not lead.holds(role)] == [], lead.title


def test_every_bureau_in_charge_of_an_industry_has_a_handler(qidong):
    for code in qidong.industries.values():
        assert qidong.organisation(code).holds("bureau_handler")


def test_every_role_of_an_organisation_has_a_name():
    own = {"applicant", "public", "system"}

    assert {seat.role for seat in SEATS.values()} - own == set(DUTY_NAMES)


def test_a_development_account_is_named_by_its_seat(qidong):
    accounts = {account.login: account for account in qidong.accounts()}

    assert accounts["shujuju.handler"] == Account(
        login="shujuju.handler", name="市数据局 经办", organisation="shujuju", role="bureau_handler"
    )
    assert accounts["zhuanjiaku.expert5"].name == "评审专家库 专家5"


def test_no_two_accounts_share_a_login_or_a_name(qidong):
    accounts = qidong.accounts()

    assert len({account.login for account in accounts}) == len(accounts)
    assert len({account.name for account in accounts}) == len(accounts)


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
