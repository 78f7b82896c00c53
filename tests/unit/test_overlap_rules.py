"""The five wordings, three grades and three modes of 就高不重复, on plain values."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.overlap.clashes import (
    Claim,
    Decided,
    allowed_fen,
    clashes,
    refused_treatment,
    unsettled,
)
from caseflow.kernel.overlap.matters import Matter
from caseflow.kernel.overlap.rules import MODES, TRIGGERS, Settlement, settle, terms_of

FIRM, OTHER_FIRM = "91320681MA2TE5T28T", "91320681MA1TESTX0T"
YUAN = 100
WORDINGS = {
    "NT26": "same_matter_of_city_policies",
    "QD26": "other_city_policies",
    "YC": "same_enterprise_and_project",
    "WX": "same_kind",
    "NT24": "same_matter",
}


def terms(code="NT26", mode=None, family="vouchers"):
    own = {"mode": mode} if mode else None
    return terms_of({"against": WORDINGS[code], "words": "就高不重复"}, own, family)


def contract(key="HT-2026-001", **cost):
    return Matter("contract", key, **cost)


def claim(name, *matters, **changes):
    values = {
        "id": name, "root": None, "holder": FIRM, "policy": f"policy-{name}", "measure": name,
        "family": "vouchers", "level": "city", "place": "nantong", "title": f"{name}号项目",
        "total_fen": None, "status": "live",
    }  # fmt: skip
    return Claim(**{**values, **changes}, matters=frozenset(matters))


def mine(*matters, **changes):
    return claim("mine", *matters, **{"status": "pending", "root": 1, **changes})


def one(mine_, other, terms_=None):
    (found,) = clashes(mine_, [other], terms_ or terms())
    return found


# --- the wordings


def test_every_wording_of_the_policies_is_a_trigger_and_a_trigger_has_a_wording():
    assert set(WORDINGS.values()) == TRIGGERS.keys()
    assert len(set(TRIGGERS.values())) == 5


def test_a_measure_says_for_itself_what_its_policy_leaves_wide():
    own = {"mode": "first_come", "matters": ("loan",)}

    found = terms_of({"against": "same_matter", "words": "x"}, own, "vouchers")
    usual = terms(family="titles")

    assert (found.mode, found.matters) == ("first_come", ("loan",))
    assert (usual.mode, usual.matters) == ("top_up", ("title",))
    assert terms(family="funds").matters == ()


@pytest.mark.parametrize("code", WORDINGS)
def test_one_contract_of_one_firm_is_the_same_matter_in_every_wording(code):
    assert one(mine(contract()), claim("NT24-2", contract()), terms(code)).grade == "same"


@pytest.mark.parametrize(
    ("code", "grade"),
    [("NT26", "same"), ("QD26", "same"), ("WX", "same"), ("NT24", "same"), ("YC", "possible")],
)
def test_only_the_enterprise_and_project_wording_asks_whose_project_it_is(code, grade):
    other = claim("x", Matter("project", "2604-320681-04-01-123456"), holder=OTHER_FIRM)

    found = one(mine(Matter("project", "2604-320681-04-01-123456")), other, terms(code))

    assert found.grade == grade


@pytest.mark.parametrize("code", WORDINGS)
@pytest.mark.parametrize("inside", [True, False])
def test_within_one_document_only_nt24_says_what_holds(code, inside):
    policy = "policy-mine" if inside else "another"

    found = one(mine(contract()), claim("x", contract(), policy=policy), terms(code))

    assert found.question == ("AMB-26" if inside and code != "NT24" else None)


def test_an_imported_award_of_no_known_policy_is_of_another_document():
    assert one(mine(contract(), policy=None), claim("x", contract(), policy=None)).question is None


@pytest.mark.parametrize(
    ("code", "found"), [("QD26", True), ("WX", True), ("NT26", False), ("YC", False)]
)
def test_policies_of_one_kind_are_shown_to_a_human_where_the_wording_is_about_kinds(code, found):
    answer = clashes(mine(), [claim("x", title="另一事")], terms(code))

    assert [clash.reason for clash in answer] == (["同一单位，同类政策"] if found else [])


@pytest.mark.parametrize("change", [{"family": None}, {"family": "titles"}, {"policy": "x"}])
def test_another_kind_or_the_same_policy_is_no_similar_policy(change):
    here = mine(**change) if "policy" in change else mine()

    assert clashes(here, [claim("x", title="另一事", **change)], terms("WX")) == []


# --- the scope


@pytest.mark.parametrize(
    ("level", "place"), [("country", ""), ("province", "jiangsu"), ("city", "wuxi")]
)
def test_money_of_another_level_or_city_stacks(level, place):
    found = one(mine(contract()), claim("x", contract(), level=level, place=place))

    assert (found.grade, found.proposal) == ("stacked", "within_cost")


def test_a_district_counts_for_the_citys_vouchers_only():
    other = claim("x", contract(), level="district", place="chongchuan")

    assert one(mine(contract()), other).grade == "same"
    assert one(mine(contract(), family="investment"), other).grade == "stacked"


def test_other_matters_of_another_level_are_nothing():
    assert clashes(mine(contract()), [claim("x", level="province", place="js")], terms()) == []


@pytest.mark.parametrize(("given", "room"), [(299, 1), (300, 0), (301, 0)])
def test_province_and_city_together_never_exceed_the_cost_by_a_fen(given, room):
    cost = contract(items={"GPU": 200, "网络": 100})
    province = claim("x", cost, level="province", place="js", total_fen=given)

    found = clashes(mine(cost), [province], terms())

    assert found[0].pay_fen == room
    assert allowed_fen(found, {}) == room


def test_several_higher_awards_count_together_and_an_unknown_cost_bounds_nothing():
    cost = contract(items={"GPU": 300})
    province = claim("p", cost, level="province", place="js", total_fen=100)
    country = claim("c", cost, level="country", place="", total_fen=150)
    asked = claim("a", cost, level="country", place="", total_fen=50, status="pending")
    unknown = claim("u", cost, level="country", place="")

    assert allowed_fen(clashes(mine(cost), [province, country, asked], terms()), {}) == 50
    assert allowed_fen(clashes(mine(cost), [unknown], terms()), {}) == 300
    assert allowed_fen(clashes(mine(contract()), [province], terms()), {}) is None
    assert allowed_fen([], {}) is None


# --- the grades


def test_a_family_of_cases_does_not_clash_with_itself():
    assert clashes(mine(contract()), [claim("child", contract(), root=1)], terms()) == []
    assert one(mine(contract(), root=None), claim("import", contract(), root=None)).grade == "same"


def test_a_title_clashes_with_its_own_lower_level_and_with_nobody_elses():
    nation, province = (
        Matter("title", "智能工厂:国家级:2026"),
        Matter("title", "智能工厂:省级:2025"),
    )

    same = one(mine(nation), claim("x", province))
    others = clashes(mine(nation), [claim("x", province, holder=OTHER_FIRM)], terms())

    assert same.grade == "same"
    assert others == []


def test_a_title_that_rose_gets_the_difference():
    nation, province = (
        Matter("title", "智能工厂:国家级:2026"),
        Matter("title", "智能工厂:省级:2025"),
    )

    found = one(mine(nation, total_fen=200), claim("x", province, total_fen=50))

    assert (found.proposal, found.pay_fen) == ("top_up", 150)


H1 = {"cost_from": date(2026, 1, 1), "cost_to": date(2026, 6, 30)}
H2 = {"cost_from": date(2026, 7, 1), "cost_to": date(2026, 12, 31)}
Q2 = {"cost_from": date(2026, 6, 30), "cost_to": date(2026, 9, 30)}


@pytest.mark.parametrize(
    ("here", "there", "grade", "overlap"),
    [
        (H1, H2, "overlapping_base", 0),
        (H2, H1, "overlapping_base", 0),
        (H1, Q2, "same", None),
        (Q2, H1, "same", None),
        (H1, {}, "same", None),
        ({}, H1, "same", None),
        ({"items": {"A": 5, "B": 3}}, {"items": {"B": 2}}, "overlapping_base", 2),
        ({"items": {"A": 5}}, {"items": {"B": 2}}, "overlapping_base", 0),
        ({"items": {"A": 5}}, {"items": {"A": 5, "B": 2}}, "same", None),
        ({"items": {"A": 5}}, {}, "same", None),
        ({}, {"items": {"A": 5}}, "same", None),
    ],
)
def test_only_the_cost_that_both_count_overlaps(here, there, grade, overlap):
    found = one(mine(contract(**here)), claim("x", contract(**there)))

    assert (found.grade, found.overlap_fen) == (grade, overlap)
    assert found.proposal == ("cut_base" if grade == "overlapping_base" else "human_decides")


def test_one_matter_that_is_wholly_the_same_outweighs_another_that_is_apart():
    here, there = (contract(**H1), contract("X-2")), (contract(**H2), contract("X-2"))

    assert one(mine(*here), claim("x", *there)).grade == "same"


@pytest.mark.parametrize(
    ("ours", "theirs", "split"),
    [
        ("HT-2026-001", "HT-2026-002", True),
        ("HT-2026-010", "HT-2026-009", True),
        ("HT-2026-001", "HT-2026-003", False),
        ("HT-2026-001", "XT-2026-002", False),
        ("HT-2026-1A", "HT-2026-1B", True),
        ("HT-001@91320681MA2TE5T28T", "HT-002@91320681MA1TESTX0T", False),
        ("HT-001@91320681MA2TE5T28T", "HT-002@91320681MA2TE5T28T", True),
        ("HT-2026号", "HT-2027号", False),
    ],
)
def test_consecutive_contracts_of_the_same_parties_are_shown_as_one_split(ours, theirs, split):
    found = clashes(mine(contract(ours)), [claim("x", contract(theirs))], terms())

    assert [clash.grade for clash in found] == (["possible"] if split else [])
    assert all("拆分" in clash.reason for clash in found)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"total_fen": 500}, "同一单位，金额相同"),
        ({"total_fen": 499}, ""),
        ({"title": "行业垂类模型算力租用项目一"}, "同一单位，名称相近"),
        ({"title": "观摩活动"}, ""),
        ({"total_fen": 500, "holder": OTHER_FIRM}, ""),
    ],
)
def test_what_is_alike_is_possible_and_a_human_decides(change, reason):
    here = mine(title="行业垂类模型算力租用项目", total_fen=500)

    found = clashes(here, [claim("x", **{"title": "其他", **change})], terms())

    assert [clash.reason for clash in found] == ([reason] if reason else [])
    assert {clash.proposal for clash in found} <= {"human_decides"}


def test_nothing_paid_on_both_sides_is_no_equal_amount():
    assert clashes(mine(total_fen=0), [claim("x", title="其他", total_fen=0)], terms()) == []


def test_the_surest_clash_comes_first():
    others = [claim("b", total_fen=7), claim("a", contract(), level="province", place="js"),
              claim("c", contract())]  # fmt: skip

    found = clashes(mine(contract(), total_fen=7), others, terms())

    assert [clash.grade for clash in found] == ["same", "possible", "stacked"]


# --- what is proposed


@pytest.mark.parametrize(
    ("mode", "entitled", "proposal", "pay"),
    [
        ("top_up", 99, "keep_other", 0),
        ("top_up", 100, "keep_other", 0),
        ("top_up", 101, "top_up", 1),
        ("refund_then_apply", 100, "keep_other", 0),
        ("refund_then_apply", 101, "refund_then_apply", 101),
        ("first_come", 101, "keep_other", 0),
    ],
)
def test_beside_what_was_given_the_clause_says_what_is_paid(mode, entitled, proposal, pay):
    found = one(
        mine(contract(), total_fen=entitled),
        claim("x", contract(), total_fen=100),
        terms(mode=mode),
    )

    assert (found.proposal, found.pay_fen) == (proposal, pay)


@pytest.mark.parametrize(
    ("asked", "proposal", "pay"),
    [(99, "keep_other", 0), (100, "applicant_chooses", None), (101, "keep_this", 101)],
)
def test_of_two_that_ask_the_higher_is_kept_and_between_equals_one_is_chosen(asked, proposal, pay):
    other = claim("x", contract(), total_fen=100, status="pending")

    found = one(mine(contract(), total_fen=asked), other)

    assert (found.proposal, found.pay_fen) == (proposal, pay)


def test_nt24_2_beside_nt26_4a_on_one_contract_pays_the_higher_once():
    given_ = claim("NT24-2", contract(), policy="nantong-agi-2024", total_fen=200_000 * YUAN)
    asks = mine(contract(), policy="nantong-2026", measure="NT26-4a", total_fen=500_000 * YUAN)

    found = one(asks, given_, terms("NT26"))

    assert (found.grade, found.proposal) == ("same", "top_up")
    assert found.pay_fen == 300_000 * YUAN
    assert found.question is None


# --- decisions


@pytest.mark.parametrize(
    ("treatment", "settled"),
    [
        ("keep_this", True), ("top_up", True), ("cut_base", True), ("different", True),
        ("keep_other", False), ("refund_then_apply", False),
    ],
)  # fmt: skip
def test_a_clash_is_settled_by_a_decision_that_lets_the_case_go_on(treatment, settled):
    found = [one(mine(contract()), claim("x", contract()))]

    assert unsettled(found, {}) == found
    assert unsettled(found, {"x": Decided(treatment)}) == ([] if settled else found)


def test_only_a_sure_clash_stops_a_case():
    found = clashes(mine(contract(), total_fen=7), [claim("x", total_fen=7)], terms())

    assert found
    assert unsettled(found, {}) == []


def test_the_lowest_of_several_bounds_counts():
    found = clashes(mine(contract()), [claim("x", contract()), claim("y", contract())], terms())

    decided = {"x": Decided("top_up", 70), "y": Decided("cut_base", 40), "z": Decided("top_up", 1)}
    assert allowed_fen(found, decided) == 40
    assert allowed_fen(found, {"x": Decided("keep_this")}) is None


@pytest.mark.parametrize(
    ("status", "mode", "may"),
    [
        ("live", "top_up", {"keep_other", "top_up"}),
        ("live", "refund_then_apply", {"keep_other", "refund_then_apply"}),
        ("live", "first_come", {"keep_other"}),
        ("pending", "top_up", {"keep_other", "keep_this"}),
    ],
)
def test_a_sure_clash_is_treated_as_the_clause_allows(status, mode, may):
    clash = one(mine(contract()), claim("x", contract(), status=status))
    treatments = ("keep_this", "keep_other", "top_up", "refund_then_apply", "cut_base", "different")

    allowed = {each for each in treatments if not refused_treatment(clash, each, mode)}

    assert allowed == may


def test_what_is_not_sure_is_treated_as_people_decide():
    clash = one(mine(total_fen=7), claim("x", total_fen=7))

    assert refused_treatment(clash, "different", "top_up") == ""


# --- settling


fens = st.integers(min_value=0, max_value=10**15)


@given(fens, fens)
def test_the_order_of_two_claims_changes_nothing_but_where_the_mode_says_so(one_fen, other_fen):
    for mode in MODES:
        sums = []
        for first, second in ((one_fen, other_fen), (other_fen, one_fen)):
            settled = settle(mode, second, first)
            sums.append(first - settled.refund_fen + settled.pay_fen)
        if mode == "first_come":
            assert sums == [one_fen or other_fen, other_fen or one_fen]
        else:
            assert sums == [max(one_fen, other_fen)] * 2


@given(fens, fens, st.sampled_from(sorted(MODES)))
def test_a_settlement_never_pays_more_than_is_payable_nor_takes_back_more_than_was_given(
    entitled, already, mode
):
    settled = settle(mode, entitled, already)

    assert 0 <= settled.pay_fen <= entitled
    assert settled.refund_fen in {0, already}


def test_the_difference_is_exact_to_the_fen():
    assert settle("top_up", 100, 99) == Settlement(1)
    assert settle("top_up", 100, 100) == Settlement(0)
    assert settle("top_up", 100, 101) == Settlement(0)
    assert settle("first_come", 100, 0) == Settlement(100)
