from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput, QuoteRefused
from caseflow.kernel.money import MOST_FEN
from tests.factories.benefits import WAN, amount, asked, cap, fact, fen, lines, part, rate, rule
from tests.factories.benefits import told as quoted

FACTS = [
    fact("loans", "stretches", "base"),
    fact("paid", role="base", optional=True),
    fact("other"),
    fact("first_day", "date", "date", optional=True),
    fact("granted"),
]
INTEREST = part(
    "interest", stretches="loans", paid="paid", rate=0, less=("other",),
    since="first_day", within_months=36,
)  # fmt: skip
QIDONG = rule(INTEREST, facts=FACTS, rates=[rate(70, "ceiling")], amounts=[amount(500)],
              caps=[cap("life", amount=0, less="granted")])  # fmt: skip
PLENTY = 10**12
KNOWN = {"paid": PLENTY, "other": 0, "granted": 0, "first_day": "2026-01-01"}


def loan(begins, ends, principal_fen=1000 * WAN, percent="3.6"):
    return {"principal_fen": principal_fen, "begins": begins, "ends": ends, "percent": percent}


def told(*loans, day_count="exclusive", **more):
    return quoted(QIDONG, day_count=day_count, loans=[*loans], **KNOWN | more)


def test_interest_by_day_at_70_percent_of_the_reference_rate():
    found = told(loan("2026-01-01", "2026-12-27"))  # 360 days

    assert lines(found, "base")[0] == ("reference", 36 * WAN)  # 1000万 × 3.6% × 360/360
    assert found.amount_fen == 2520 * WAN // 100  # 70% of 36万
    title = "2026-01-01至2026-12-27按同期同档利率3.6%计算的利息（360天）"
    assert found.lines[0].title == title


def test_the_first_day_bears_interest_where_the_call_counts_it():
    one = loan("2026-05-14", "2026-05-14")

    assert told(one).amount_fen == 0
    assert told(one, day_count="inclusive").amount_fen == 70_000  # 1000 yuan a day × 70%


def test_a_rate_that_is_reset_and_a_second_drawdown_are_stretches_that_add_up():
    found = told(
        loan("2026-01-01", "2026-01-31"),  # 30 days × 1000
        loan("2026-01-31", "2026-03-02", percent="3"),  # 30 days × 833.33…
        loan("2026-01-31", "2026-02-10", principal_fen=500 * WAN),  # 10 days × 500
    )

    assert lines(found, "base")[:3] == [
        ("reference", 3_000_000),
        ("reference", 2_500_000),
        ("reference", 500_000),
    ]
    assert found.amount_fen == 4_200_000


def test_fens_are_left_off_the_sum_and_not_off_every_stretch():
    third = loan("2026-01-01", "2026-01-02", principal_fen=12_000, percent="1")  # a third of a fen
    wanted = rule(part("interest", stretches="loans", paid="paid", rate=0), facts=FACTS,
                  rates=[rate(100)])  # fmt: skip

    assert fen(wanted, loans=[third] * 3, paid=100) == 1
    assert fen(wanted, loans=[third] * 2, paid=100) == 0


@pytest.mark.parametrize(
    ("paid", "expected"),
    [(0, 0), (2_099_999, 2_099_999), (2_100_000, 2_100_000), (2_100_001, 2_100_000)],
)
def test_never_more_than_the_interest_really_paid(paid, expected):
    found = told(loan("2026-01-01", "2026-01-31"), paid=paid)

    assert found.amount_fen == expected
    assert lines(found, "cut") == (
        [("interest_paid", 2_100_000 - expected)] if expected < 2_100_000 else []
    )


@pytest.mark.parametrize(
    ("other", "expected"), [(0, 2_100_000), (900_000, 2_100_000), (900_001, 2_099_999),
                            (3_000_000, 0), (4_000_000, 0)],
)  # fmt: skip
def test_other_interest_subsidies_are_taken_off_what_was_paid(other, expected):
    found = told(loan("2026-01-01", "2026-01-31"), paid=3_000_000, other=other)

    assert found.amount_fen == expected
    assert (("paid.less", min(other, 3_000_000)) in lines(found, "base")) == bool(other)


@pytest.mark.parametrize(
    ("granted", "expected"),
    [(0, 500), (100, 400), (500, 0), (501, 0)],
)
def test_the_life_cap_holds_over_all_years(granted, expected):
    many = loan("2026-01-01", "2026-12-27", principal_fen=100_000 * WAN)  # 70% of 3600万

    assert told(many, granted=granted * WAN).amount_fen == expected * WAN


# --- the supported months


@pytest.mark.parametrize(
    ("ends", "day_count", "expected"),
    [
        ("2029-01-01", "exclusive", 1096),
        ("2029-01-02", "exclusive", 1096),
        ("2028-12-31", "exclusive", 1095),
        ("2028-12-31", "inclusive", 1096),
        ("2029-01-01", "inclusive", 1096),
    ],
)
def test_days_after_the_36_months_do_not_count(ends, day_count, expected):
    found = told(loan("2026-01-01", ends, principal_fen=360 * WAN, percent="1"),
                 day_count=day_count)  # fmt: skip

    assert found.lines[0].fen == expected * 10_000
    late = ends > ("2028-12-31" if day_count == "inclusive" else "2029-01-01")
    assert ("期限届满后的天数不计" in found.lines[0].title) == late


def test_a_stretch_wholly_after_the_months_gives_nothing():
    found = told(loan("2029-02-01", "2029-03-01"))

    assert (found.amount_fen, found.lines[0].fen) == (0, 0)


def test_the_months_are_not_checked_where_their_first_day_is_not_told():
    found = told(loan("2029-02-01", "2029-03-03"), first_day=None)

    assert found.amount_fen == 2_100_000
    assert asked(found) == ["first_day", "rate"]
    assert found.open[0].text == "首个贴息日未提供，36个月的期限未核对"


def test_no_stretch_begins_before_the_first_supported_day():
    with pytest.raises(QuoteRefused, match="首个贴息日 2026-01-01 晚于计息起日") as refusal:
        told(loan("2025-12-31", "2026-01-31"))

    assert [*refusal.value.reasons] == ["first_day"]


@pytest.mark.parametrize("missing", [{"since": None}, {"within_months": None}])
def test_without_a_limit_in_months_all_days_count(missing):
    terms = {"since": "first_day", "within_months": 36} | missing
    wanted = rule(part("interest", stretches="loans", paid="paid", rate=0, **terms), facts=FACTS,
                  rates=[rate(100)])  # fmt: skip
    late = [loan("2036-01-01", "2036-01-31")]

    assert fen(wanted, loans=late, paid=PLENTY, first_day="2026-01-01") == 3_000_000


# --- what is missing, what is too much


def test_the_interest_paid_must_be_told():
    with pytest.raises(QuoteRefused, match=r"须填写\[paid\]") as refusal:
        told(loan("2026-01-01", "2026-01-31"), paid=None)

    assert [*refusal.value.reasons] == ["paid"]


def test_the_loan_must_be_told():
    with pytest.raises(QuoteRefused, match=r"须填写\[loans\]"):
        quoted(QIDONG, **KNOWN)


def test_interest_beyond_all_measure_is_refused():
    with pytest.raises(InvalidInput, match="金额超出"):
        told(loan("2026-01-01", "2028-12-31", principal_fen=MOST_FEN, percent="100"))


@given(st.integers(0, 10**11), st.integers(0, 10_000), st.integers(0, 10**9), st.integers(0, 10**9))
def test_interest_is_never_over_the_rate_what_was_paid_or_the_life_cap(
    principal, rate_, paid, other
):
    year = loan("2026-01-01", "2027-01-01", principal, f"{rate_ // 100}.{rate_ % 100:02}")
    found = told(year, paid=paid, other=other)

    most = Fraction(principal * rate_ * 365, 100 * 100 * 360) * Fraction(70, 100)
    assert 0 <= found.amount_fen <= min(most, max(0, paid - other), 500 * WAN)
    assert found.amount_fen == min(int(most), max(0, paid - other), 500 * WAN)
