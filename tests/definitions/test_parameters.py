"""What every measure of the five policies leaves to its bureau, and that its quotes use it."""

import pytest

from caseflow.catalogue.parameters.queries import missing
from caseflow.catalogue.quoting import Clause, quote_clause, subject_of
from caseflow.kernel.benefits.parameters import PARAMETERS, applicable, read_parameter, takes_tiers
from caseflow.kernel.benefits.settled import settled_terms
from caseflow.kernel.errors import InvalidInput
from tests.definitions.families import policies
from tests.factories.benefits import parameter

MEASURES = {
    measure.id: (files, measure) for files in policies().values() for measure in files.measures
}
SUBJECTS = {name: subject_of(measure.to_data()) for name, (_, measure) in MEASURES.items()}


def kinds(name):
    return {kind.name for kind in applicable(SUBJECTS[name])}


def quoted(name, on, facts, *parameters):
    files, measure = MEASURES[name]
    terms = settled_terms({each.name: each for each in parameters})
    return quote_clause(Clause.of_files(files.policy, measure, on), facts, on=on, terms=terms)


def test_no_parameter_is_without_a_measure_that_uses_it():
    used = set().union(*(kinds(name) for name in MEASURES))

    assert used == set(PARAMETERS)


def test_every_question_that_a_parameter_speaks_of_is_asked_where_it_applies():
    idle = {
        (kind.name, question)
        for kind in PARAMETERS.values()
        for question in (*kind.answers, *kind.bears_on)
        if not any(
            question in subject.questions and kind in applicable(subject)
            for subject in SUBJECTS.values()
        )
    }

    assert idle == set()


def test_what_a_bureau_must_decide_is_settled_by_tiers_or_by_a_ratio():
    undecided = {
        name: [part for part in subject.rule.parts if part.must_decide]
        for name, subject in SUBJECTS.items()
        if any(part.must_decide for part in subject.rule.parts)
    }

    assert len(undecided) == 17
    for name, parts in undecided.items():
        assert len(parts) == 1
        wanted = "tiers" if takes_tiers(parts[0]) else "ratio"
        assert wanted in kinds(name)
        told = missing(MEASURES[name][1].to_data(), {})
        assert [each.name for each in told if each.needed] == [wanted]
        assert next(each for each in told if each.needed).answers, name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("QD26-5a", {"rounding", "ratio", "pool_fen"}),
        ("QD26-7a", {"rounding", "day_count", "tax_inclusive", "pool_fen", "voucher_mode"}),
        ("NT26-5a", {"tiers", "pool_fen"}),
        ("NT26-2c", {"tiers", "pool_fen"}),
        ("NT24-9b", {"rounding", "pool_fen", "allowance_months"}),
        ("YC-8b", {"rounding", "pool_fen"}),
        ("NT26-8b", set()),
        ("WX-2a", set()),
        ("QD26-10b", set()),
    ],
)
def test_what_a_clause_leaves_open(name, expected):
    assert kinds(name) == expected


def test_a_ceilings_period_is_asked_where_the_handbook_has_the_question():
    asked = {name for name in MEASURES if "cap_period" in kinds(name)}

    assert asked == {
        "NT26-2a", "NT26-3b", "NT26-3c", "NT26-4a", "NT26-4d", "QD26-5c", "QD26-8b", "WX-4c",
        "WX-6a", "WX-7a", "WX-7b", "WX-7c", "WX-7e", "WX-8c", "WX-9a", "NT24-3",
    }  # fmt: skip


def test_each_workflow_of_vouchers_has_its_mode():
    modes = {name: SUBJECTS[name].voucher_mode for name in ("WX-5a", "NT26-3b", "NT24-2")}

    assert modes == {"WX-5a": "A", "NT26-3b": "B", "NT24-2": "C"}
    assert SUBJECTS["QD26-1a"].voucher_mode is None


@pytest.mark.parametrize(("fen", "is_read"), [(1_000_000_000, True), (1_000_000_001, False)])
def test_a_tier_one_fen_over_the_clauses_ceiling_is_refused_in_its_words(fen, is_read):
    given = {"一档": fen}

    if is_read:
        assert read_parameter(SUBJECTS["WX-1b"], "tiers", given) == given
    else:
        with pytest.raises(InvalidInput, match="分档给予最高1000万元的奖励"):
            read_parameter(SUBJECTS["WX-1b"], "tiers", given)


def test_months_of_an_allowance_are_those_its_workflow_can_run():
    assert read_parameter(SUBJECTS["NT24-9b"], "allowance_months", 36) == 36
    with pytest.raises(InvalidInput, match="36"):
        read_parameter(SUBJECTS["NT24-9b"], "allowance_months", 37)


def test_a_tier_answers_the_open_question_and_the_others_stay():
    on = MEASURES["WX-1b"][0].policy.effective_from
    facts = {"main_revenue_fen": 6_000_000_000, "core_firm": True, "first_time": True}
    table = parameter("tiers", {"5000万元": 200_000_000, "1亿元": 500_000_000}, on.isoformat())

    told = quoted("WX-1b", on, {**facts, "tier": "5000万元"}, table)

    assert told.amount_fen == 200_000_000
    assert [each.id for each in told.open] == ["AMB-09", "AMB-10"]
    assert "启数〔2026〕1号" in told.lines[-1].words


def test_a_question_settled_in_part_says_by_what():
    on = MEASURES["WX-1c"][0].policy.effective_from
    facts = {"honour": "国家级制造业单项冠军企业", "first_time": True, "committed_of_pool_fen": 0}

    told = quoted("WX-1c", on, facts, parameter("pool_fen", 10**10, on.isoformat()))

    question = next(each for each in told.open if each.id == "AMB-10")
    assert question.text.endswith(f"其中本条款年度资金总量已明确（启数〔2026〕1号，自{on}起）")


def test_a_ceiling_settled_once_for_all_answers_its_question():
    on = MEASURES["QD26-5c"][0].policy.effective_from
    facts = {"paid_rent_fen": 1_000_000_000, "used_for_production": True}
    once = parameter("cap_period", "once", on.isoformat())

    told = quoted("QD26-5c", on, {**facts, "granted_in_all_fen": 40_000_000}, once)

    assert told.amount_fen == 60_000_000
    assert "AMB-15" not in [each.id for each in told.open]
    assert told.lines[-1].title == f"单个企业最高（按政策有效期累计，启数〔2026〕1号，自{on}起）"
