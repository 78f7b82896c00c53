"""A quote over HTTP: the amount, the lines that make it, what is open; and what is refused."""

import pytest

PATH = "/measures/QD26-7a/quotes"
FACTS = {"paid_rent_fen": 500_000_000, "real_scenario": True, "granted_this_year_fen": 0}
ON = "2026-10-12"


def asked(client, **facts):
    return client.post(PATH, None, {"facts": {**FACTS, **facts}, "on": ON})


def test_a_quote_tells_the_amount_and_every_line(shared_client):
    answer = asked(shared_client)

    assert answer.status_code == 200
    signs = {"base": 0, "award": 1, "cut": -1}
    lines = answer.json["lines"]
    assert answer.json["amount_fen"] == 200_000_000
    assert sum(signs[line["kind"]] * line["fen"] for line in lines) == 200_000_000
    assert lines[-1]["words"] == "单个企业每年最高200万元"


def test_what_was_granted_before_counts(shared_client):
    assert asked(shared_client, granted_this_year_fen=150_000_000).json["amount_fen"] == 50_000_000
    assert asked(shared_client, granted_this_year_fen=200_000_000).json["amount_fen"] == 0


@pytest.mark.parametrize("value", [1.5, "100", -1, True, 10**30, "１００", [1], {"fen": 1}])
def test_a_base_that_is_no_whole_fen_is_refused(shared_client, value):
    answer = asked(shared_client, paid_rent_fen=value)

    assert answer.status_code == 422
    assert "paid_rent_fen" in str(answer.json)


def test_an_unknown_fact_is_refused_with_the_known_ones(shared_client):
    answer = asked(shared_client, colour="red")

    assert answer.status_code == 422
    assert "paid_rent_fen" in answer.json["fields"]["colour"]


def test_a_condition_that_is_not_met_is_refused_in_the_clauses_words(shared_client):
    answer = asked(shared_client, real_scenario=False)

    assert answer.status_code == 422
    assert answer.json["type"].endswith("quote-refused")
    assert "落地应用场景" in answer.json["reasons"]["real_scenario"]
    assert "市数据局" in answer.json["detail"]


@pytest.mark.parametrize(("day", "status"), [("2026-05-13", 422), ("2026-05-14", 200),
                                             ("2028-05-13", 200), ("2028-05-14", 422)])  # fmt: skip
def test_the_policys_first_and_last_day_are_inside(shared_client, day, status):
    assert shared_client.post(PATH, None, {"facts": FACTS, "on": day}).status_code == status


def test_a_measure_lists_the_facts_that_a_quote_needs(shared_client):
    facts = shared_client.get("/measures/QD26-7a", None).json["facts"]

    assert {"paid_rent_fen", "matter_on"} <= {fact["name"] for fact in facts}
    assert all({"name", "title", "type", "unit", "role"} <= set(fact) for fact in facts)
