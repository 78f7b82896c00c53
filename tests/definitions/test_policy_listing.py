import dataclasses
import json
from datetime import date

import pytest

from caseflow.catalogue.listing import policies_listing
from tests.definitions.families import policies
from tests.definitions.golden import ALL

ON = date(2026, 11, 22)


@pytest.fixture(scope="module")
def files():
    return policies()["qidong-2026"]


@pytest.fixture(scope="module")
def listing():
    return policies_listing(policies().values(), ON)


@pytest.fixture(scope="module")
def qidong(listing):
    return next(entry for entry in listing if entry["policy"] == "qidong-2026")


def test_the_listing_has_the_keys_of_its_contract_and_no_other(listing):
    for policy in listing:
        assert set(policy) == {
            "policy", "title", "doc_no", "status", "effective_from", "effective_to", "measures",
        }  # fmt: skip
        for measure in policy["measures"]:
            assert set(measure) == {
                "id", "article", "title", "family", "clause", "amounts_yuan", "rates_pct",
                "bureaus", "open_questions",
            }  # fmt: skip


def test_the_listing_has_132_measures_in_the_order_of_their_ids(listing):
    ids = {entry["policy"]: [measure["id"] for measure in entry["measures"]] for entry in listing}

    assert ids == {code: [golden.id(row[0]) for row in golden.rows] for code, golden in ALL.items()}
    assert sum(map(len, ids.values())) == 132


def test_the_listing_is_plain_json(listing):
    assert json.loads(json.dumps(listing)) == listing


def test_what_the_text_does_not_give_is_listed_as_nothing(listing):
    heads = {
        entry["policy"]: (entry["doc_no"], entry["effective_from"], entry["effective_to"])
        for entry in listing
    }

    assert heads == {
        "nantong-2026": (None, None, "2027-03-01"),
        "nantong-agi-2024": ("通政办规〔2024〕7号", "2025-02-01", "2027-12-31"),
        "qidong-2026": ("启政办规〔2026〕1号", "2026-05-14", "2028-05-13"),
        "wuxi-2025": (None, "2025-05-23", "2027-12-31"),
        "yancheng-ai-plus": (None, None, "2027-12-31"),
    }


@pytest.mark.parametrize(
    ("on", "states"),
    [
        (date(2026, 11, 22), "consultation_draft in_force in_force in_force consultation_draft"),
        (date(2027, 3, 1), "consultation_draft in_force in_force in_force consultation_draft"),
        (date(2027, 3, 2), "lapsed in_force in_force in_force consultation_draft"),
        (date(2027, 12, 31), "lapsed in_force in_force in_force consultation_draft"),
        (date(2028, 1, 1), "lapsed expired in_force expired lapsed"),
        (date(2028, 5, 14), "lapsed expired expired expired lapsed"),
    ],
)
def test_every_policy_is_listed_with_its_legal_state_of_the_day(on, states):
    listed = policies_listing(policies().values(), on)

    assert [entry["status"] for entry in listed] == states.split()


def test_what_is_stored_of_a_policy_and_its_measures_is_plain_json(files):
    stored = [files.policy.to_data(), *(measure.to_data() for measure in files.measures)]

    assert json.loads(json.dumps(stored))[0]["effective_to"] == "2028-05-13"
    assert json.loads(json.dumps(stored))[13]["benefit"]["amounts"][0]["yuan"] == 2_000_000
    for each in policies().values():
        stored = [each.policy.to_data(), *(measure.to_data() for measure in each.measures)]
        assert len(json.loads(json.dumps(stored))) == len(each.measures) + 1


def test_an_amount_is_a_hundred_times_as_many_fen(files):
    assert files.measure("QD26-7a").benefit.amounts[0].fen == 200_000_000


def test_qidong_is_listed_with_its_number_and_its_life(qidong):
    head = {key: value for key, value in qidong.items() if key != "measures"}

    assert head == {
        "policy": "qidong-2026",
        "title": "启东市推动人工智能产业发展与赋能应用若干措施",
        "doc_no": "启政办规〔2026〕1号",
        "status": "in_force",
        "effective_from": "2026-05-14",
        "effective_to": "2028-05-13",
    }


def test_a_measure_is_listed_as_its_clause_words_it(qidong):
    assert next(m for m in qidong["measures"] if m["id"] == "QD26-5c") == {
        "id": "QD26-5c",
        "article": 5,
        "title": "具身机器人租赁券",
        "family": "vouchers",
        "clause": "支持企业租赁具身机器人用于生产、经营，按照实际支付租赁额的20%给予“租赁券”补贴，"
        "单个企业最高100万元。",
        "amounts_yuan": [1_000_000],
        "rates_pct": ["20"],
        "bureaus": ["市科技局", "各领域行业主管部门"],
        "open_questions": [
            {
                "id": "AMB-15",
                "text": "“单个企业最高100万元”未写“每年”，而第（七）条同类条款写明“每年”："
                "按年封顶还是有效期内一次封顶。",
                "default": "按年度封顶，标记“待细则”。",
            }
        ],
    }


@pytest.mark.parametrize(
    ("on", "status"),
    [
        (date(2026, 5, 13), "in_force"),  # issued, not yet effective: effective_from is ahead
        (date(2026, 5, 14), "in_force"),
        (date(2028, 5, 12), "in_force"),
        (date(2028, 5, 13), "in_force"),  # the last day counts
        (date(2028, 5, 14), "expired"),
    ],
)
def test_a_policy_in_force_expires_the_day_after_its_last_day(files, on, status):
    assert policies_listing([files], on)[0]["status"] == status


@pytest.mark.parametrize(
    ("stored", "on", "status"),
    [
        ("consultation_draft", date(2028, 5, 13), "consultation_draft"),
        ("consultation_draft", date(2028, 5, 14), "lapsed"),
        ("repealed", date(2026, 6, 1), "repealed"),
        ("repealed", date(2029, 1, 1), "repealed"),
    ],
)
def test_a_draft_lapses_and_a_repealed_policy_stays_repealed(files, stored, on, status):
    policy = dataclasses.replace(files.policy, status=stored)

    assert policy.status_on(on) == status


def test_a_policy_without_a_last_day_does_not_expire(files):
    policy = dataclasses.replace(files.policy, effective_to=None)

    assert policy.status_on(date(2099, 1, 1)) == "in_force"
