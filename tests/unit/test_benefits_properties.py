"""What holds of every quote, whatever the clause: searched for counterexamples."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.benefits.rounding import ROUNDINGS
from tests.factories.benefits import (
    COST,
    COUNT,
    DECIDED,
    OTHER,
    WAN,
    amount,
    cap,
    fact,
    fen,
    part,
    rate,
    rule,
    told,
)

MONEY = st.integers(0, 10**12)
PERCENTS = st.integers(0, 10_000).map(lambda number: Fraction(number, 100))
CEILINGS = ("case", "object", "joint", "year", "life")


@st.composite
def clauses(draw):
    """A clause with rates of one base, a fixed amount, items; ceilings less what was granted."""
    rates = [rate(each) for each in draw(st.lists(PERCENTS, min_size=1, max_size=3))]
    kinds = draw(st.lists(st.sampled_from(CEILINGS), max_size=4))
    amounts = [amount(draw(st.integers(1, 500)), "fixed") for _ in range(2 + len(kinds))]
    parts = [part("rate", base="cost", less=("other",), rate=n) for n in range(len(rates))]
    parts += draw(st.sampled_from([[], [part("amount", amount=0)]]))
    parts += draw(st.sampled_from([[], [part("items", amount=1, count="count")]]))
    granted = [fact(f"granted_{n}") for n in range(len(kinds))]
    caps = [
        cap(
            kind,
            amount=2 + n,
            less=granted[n].name,
            count="count" if kind == "object" else None,
        )
        for n, kind in enumerate(kinds)
    ]
    if draw(st.booleans()):
        caps.append(cap("paid", less="other"))
    if draw(st.booleans()):
        caps.append(cap("times", most=3, counted="count"))
    return rule(*parts, facts=[COST, OTHER, COUNT, *granted], rates=rates, amounts=amounts,
                caps=caps)  # fmt: skip


@st.composite
def asked_for(draw):
    """A clause, how its call rounds, and facts for it, some of them left out."""
    clause = draw(clauses())
    facts = {"cost": draw(MONEY), "count": draw(st.integers(0, 50))}
    for each in clause.facts:
        if each.role == "prior" and draw(st.booleans()):
            facts[each.name] = draw(MONEY)
    return clause, draw(st.sampled_from([*ROUNDINGS])), facts


@given(asked_for())
def test_a_quote_is_its_awards_less_its_cuts_and_never_negative(case):
    clause, how, facts = case
    found = told(clause, rounding=how, **facts)

    signs = {"base": 0, "award": 1, "cut": -1}
    assert found.amount_fen == sum(signs[line.kind] * line.fen for line in found.lines)
    assert found.amount_fen >= 0
    assert all(line.fen > 0 for line in found.lines if line.kind != "base")


@given(asked_for())
def test_a_quote_never_exceeds_any_ceiling_less_what_was_granted(case):
    clause, how, facts = case
    amount_fen = told(clause, rounding=how, **facts).amount_fen

    for each in clause.caps:
        if each.kind in CEILINGS:
            times = facts["count"] if each.count else 1
            ceiling = int(clause.amounts[each.amount].value) * times
            assert amount_fen <= max(0, ceiling - facts.get(each.less, 0))


@given(asked_for(), st.integers(1, 10**9))
def test_more_of_the_base_never_gives_less(case, more):
    clause, how, facts = case
    before = told(clause, rounding=how, **facts).amount_fen

    for added in (1, more):
        raised = facts | {"cost": facts["cost"] + added}
        assert told(clause, rounding=how, **raised).amount_fen >= before


@given(asked_for(), st.integers(1, 10**9), st.data())
def test_more_granted_before_never_gives_more(case, more, data):
    clause, how, facts = case
    priors = [each.name for each in clause.facts if each.role == "prior"]
    name = data.draw(st.sampled_from(priors))
    raised = facts | {name: facts.get(name, 0) + more}

    before = told(clause, rounding=how, **facts).amount_fen
    assert told(clause, rounding=how, **raised).amount_fen <= before


@given(asked_for())
def test_what_is_not_told_counts_as_nothing_and_stays_open(case):
    clause, how, facts = case
    nothing = {each.name: 0 for each in clause.facts if each.role == "prior"} | facts
    found, complete = told(clause, rounding=how, **facts), told(clause, rounding=how, **nothing)

    assert (found.amount_fen, found.lines) == (complete.amount_fen, complete.lines)
    used = {each.less for each in clause.caps} | {"other"}
    untold = {name for name in nothing if name not in facts and name in used}
    assert {each.id for each in found.open} == untold
    assert complete.open == ()


@given(MONEY, MONEY, MONEY, PERCENTS)
def test_other_public_money_may_be_told_in_two_parts(cost, one, two, percent):
    both = [OTHER, fact("more")]
    split = rule(part("rate", base="cost", less=("other", "more"), rate=0), facts=[COST, *both],
                 rates=[rate(percent)])  # fmt: skip

    whole = fen(split, cost=cost, other=one + two, more=0)
    assert fen(split, cost=cost, other=one, more=two) == whole


@given(MONEY, MONEY, st.integers(0, 300), PERCENTS)
def test_two_claims_of_a_year_never_give_more_than_one_of_both(one, two, granted, percent):
    yearly = rule(part("rate", base="cost", rate=0), facts=[COST, fact("granted")],
                  rates=[rate(percent)], amounts=[amount(200)],
                  caps=[cap("year", amount=0, less="granted")])  # fmt: skip
    before = granted * WAN
    together = fen(yearly, cost=one + two, granted=before)
    first = fen(yearly, cost=one, granted=before)
    second = fen(yearly, cost=two, granted=before + first)

    assert together - 1 <= first + second <= together


@given(st.integers(0, 600 * WAN), st.integers(0, 600 * WAN))
def test_an_upgrade_brings_two_awards_to_the_higher_of_them(lower, higher):
    titles = rule(part("amount", amount=0, decided="decided"), facts=[DECIDED, fact("granted")],
                  amounts=[amount(600)], caps=[cap("paid", less="granted")])  # fmt: skip
    first = fen(titles, decided=lower, granted=0)
    second = fen(titles, decided=higher, granted=first)

    assert first + second == max(lower, higher)
