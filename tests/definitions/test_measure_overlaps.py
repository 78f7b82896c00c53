"""What the policies and measures say of overlaps (就高不重复), as their files have it."""

import pytest
from marshmallow import ValidationError

from caseflow.catalogue.schemas import MeasureOverlapRecord
from caseflow.kernel.overlap.matters import KINDS
from caseflow.kernel.overlap.rules import EXPECTED, TRIGGERS, terms_of
from tests.definitions.families import policies

SOURCE = "惯例（手册§5.1，D）"
NAMELESS = {
    "allocations": "切块给各地区，不对单个事项",
    "concessions": "按基金出资份额，不对单个事项",
    "yearly_awards": "按年度评定",
    "opportunities": "不涉及资金",
    "recommendations": "不涉及资金",
    "guarantees": "不涉及资金",
    "funds": "由基金管理人按市场决定",
}
"""Families whose cases need name no matter, and why."""
POLICIES = policies()
MEASURES = [(files.policy, each) for files in POLICIES.values() for each in files.measures]


def test_the_five_policies_have_the_five_wordings():
    assert {files.policy.overlap.against for files in POLICIES.values()} == TRIGGERS.keys()


def test_a_measures_terms_are_its_policys_words_and_its_own():
    for policy, measure in MEASURES:
        own = measure.to_data().get("overlap")

        terms = terms_of(policy.to_data()["overlap"], own, measure.family)

        assert terms.words == policy.overlap.words, measure.id
        assert set(terms.matters) <= KINDS.keys(), measure.id
        assert bool(terms.matters) == (measure.family not in NAMELESS), measure.id


def test_a_measure_that_says_nothing_for_itself_has_the_hash_it_had():
    assert all("overlap" not in each.to_data() for _, each in MEASURES if each.overlap is None)
    assert any(each.overlap is not None for _, each in MEASURES)


def test_every_kind_that_a_family_expects_is_one():
    assert {kind for kinds in EXPECTED.values() for kind in kinds} <= KINDS.keys()


@pytest.mark.parametrize(
    "said",
    [
        {"mode": "top_up"},
        {"mode": "sometimes", "source": SOURCE},
        {"matters": ["deed"], "source": SOURCE},
        {"revives_after_expiry": True, "source": SOURCE},
        {"modus": "top_up", "source": SOURCE},
    ],
)
def test_words_that_are_none_are_refused_with_a_missing_source(said):
    with pytest.raises(ValidationError):
        MeasureOverlapRecord().load(said)


def test_a_measure_may_say_how_it_is_settled():
    said = {"mode": "first_come", "matters": ["loan"], "source": SOURCE}

    found = MeasureOverlapRecord().load(said)

    assert (found.mode, found.matters) == ("first_come", ("loan",))
