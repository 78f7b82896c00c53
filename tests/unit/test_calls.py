"""The life of a call: what may follow what, and nothing else."""

from itertools import pairwise, product

import pytest

from caseflow.kernel.calls import (
    BATCH,
    EVENTS,
    STANDING,
    STATUSES,
    STEPS,
    TITLES,
    next_of,
    refuse_step,
)
from caseflow.kernel.errors import Conflict

WHOLE_LIFE = (
    "planned", "published", "open", "closed", "reviewing", "plan_drafted", "plan_approved",
    "publicity", "released", "settled", "archived",
)  # fmt: skip
BACK = {("plan_drafted", "reviewing"), ("publicity", "plan_drafted")}


def test_a_batch_goes_through_every_state_in_its_order():
    assert STATUSES == WHOLE_LIFE
    for before, after in pairwise(WHOLE_LIFE):
        refuse_step("通知", before, after, BATCH)


def test_only_a_returned_plan_and_a_changed_list_go_back():
    order = {status: number for number, status in enumerate(STATUSES)}

    back = {(a, b) for a, many in STEPS.items() for b in many if order[b] < order[a]}

    assert back == BACK


@pytest.mark.parametrize(
    ("before", "after"),
    [pair for pair in product(STATUSES, STATUSES) if pair[1] not in STEPS[pair[0]]],
)
def test_whatever_else_is_refused(before, after):
    with pytest.raises(Conflict, match=TITLES[before]):
        refuse_step("通知", before, after, BATCH)


def test_a_standing_call_is_not_reviewed_as_one():
    assert next_of("closed", STANDING) == ("settled", "archived")
    assert next_of("closed", BATCH) == ("reviewing", "settled", "archived")
    with pytest.raises(Conflict, match="不能转为“评审中”"):
        refuse_step("通知", "closed", "reviewing", STANDING)


def test_every_step_has_an_event_and_the_archive_is_the_end():
    assert set(EVENTS) == set(STATUSES) - {"planned"}
    assert len(set(EVENTS.values())) == len(EVENTS)
    assert STEPS["archived"] == ()
    with pytest.raises(Conflict, match="可转为：无"):
        refuse_step("通知", "archived", "settled", BATCH)
