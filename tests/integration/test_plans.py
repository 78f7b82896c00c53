"""A batch from its planning to the archive: one plan, three people, one publicity."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from caseflow.batches.plans.proposing import Wish
from caseflow.batches.publicity import Listing, open_publicity
from caseflow.catalogue.calls.service import publish
from caseflow.catalogue.queries import call as find_call
from caseflow.database.access import Database
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, PolicyClosed
from tests.integration.batch_land import (
    CONTACT,
    FEN,
    HANDLER,
    MEASURE,
    REVIEWER,
    Batch,
    opened,
    planned,
    support,
    waitlist,
)
from tests.integration.kept_database import keep
from tests.integration.walking import Town, found_town, visit


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template, "plans")


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=(MEASURE,))


@pytest.fixture
def town(founded) -> Iterator[Town]:
    for town in visit(founded):
        town.now = max(town.now, town.swept)
        yield town


def test_a_batch_goes_from_its_planning_to_the_archive(town: Town):
    batch = opened(town, quota=2, publicity_days=7)
    first, second = batch.proposed(2)
    assert batch.status == "reviewing"

    plan = batch.draft().plan
    assert (plan.support_count, plan.support_fen, batch.status) == (2, 2 * FEN, "plan_drafted")
    assert town.state(first) == "plan_review"
    batch.review(plan.public_id)
    decided = batch.approve(plan.public_id)
    assert (decided.plan.minutes_no, batch.status) == ("〔2026〕第9号", "plan_approved")
    shown = batch.publicise(plan.public_id)
    assert (shown.working_days, len(shown.cases), batch.status) == (7, 2, "publicity")

    for case in (first, second):
        town.walk(case)
    batch.sweep()
    assert batch.status == "settled"
    town.now += timedelta(days=29)
    batch.sweep()
    assert batch.status == "settled"
    town.now += timedelta(days=1)
    batch.sweep()
    assert batch.status == "archived"
    assert batch.events() == [
        "call_planned", "call_published", "call_opened", "call_closed", "call_review_begun",
        "call_plan_drafted", "plan_reviewed", "call_plan_approved", "call_publicised",
        "call_released", "call_settled", "call_archived",
    ]  # fmt: skip
