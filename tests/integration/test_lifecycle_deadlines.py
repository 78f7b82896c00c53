"""Deadlines: the sixty days promised, what stops them, and lateness that decides nothing."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from caseflow.database.access import Database
from tests.integration.kept_database import keep
from tests.integration.walking import FAMILIES, Town, at, found_town, visit

pytestmark = [pytest.mark.no_cover, pytest.mark.soak]


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    measures = [FAMILIES[name] for name in ("vouchers", "talent", "research", "funds")]
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=measures)


@pytest.fixture
def town(founded) -> Iterator[Town]:
    yield from visit(founded)


def later(town: Town, days: int) -> None:
    town.sweep(town.now + timedelta(days=days))


def test_the_promise_counts_no_stop_and_only_escalates(town: Town):
    case = town.reached("district_review")
    promised = town.clock(case, "service")[2]

    town.sweep(at(promised.month, promised.day, 23, 59))
    before = town.events(case).count("service_overdue")
    town.sweep(town.now + timedelta(minutes=1))

    assert before == 0
    assert town.events(case).count("service_overdue") == 1
    assert town.state(case) == "district_review"
    assert town.clock(case, "service")[0] == "expired"


def test_the_promise_stands_still_in_audit_publicity_and_correction(town: Town):
    case = town.reached("third_party_audit")
    later(town, 14)
    audited = town.clock(case, "service")
    town.act(case, "report_audit")
    town.walk(case, "publicity")
    later(town, 1)
    publicised = town.clock(case, "service")

    assert audited[:2] == ("stopped", 0)
    assert publicised[0] == "stopped"
    town.walk(case, "awaiting_approval")
    assert town.clock(case, "service")[0] == "running"


def test_the_promise_stands_still_while_a_case_sent_back_is_corrected(town: Town):
    case = town.reached("bureau_review")
    town.act(case, "return_to_submitted")

    town.act(case, "request_correction")
    corrected = town.clock(case, "service")[0]
    town.act(case, "resubmit")

    assert corrected == "stopped"
    assert town.clock(case, "service")[0] == "running"


def test_a_broken_promise_is_not_renewed_by_a_return(town: Town):
    case = town.reached("bureau_review")
    later(town, 120)
    assert town.clock(case, "service")[0] == "expired"

    town.act(case, "return_to_submitted")
    town.walk(case, "bureau_review")

    assert town.clock(case, "service")[0] == "expired"


@pytest.mark.parametrize(
    ("family", "state", "event"),
    [
        ("vouchers", "district_review", "district_review_overdue"),
        pytest.param("vouchers", "bureau_review", "bureau_review_overdue", marks=pytest.mark.soak),
        pytest.param("vouchers", "proposed", "plan_overdue", marks=pytest.mark.soak),
        pytest.param("vouchers", "publicity_pending", "listing_overdue", marks=pytest.mark.soak),
        pytest.param("vouchers", "awaiting_approval", "approval_overdue", marks=pytest.mark.soak),
        pytest.param("vouchers", "finance_review", "release_overdue", marks=pytest.mark.soak),
        ("vouchers", "disbursing", "payment_overdue"),
        ("talent", "background_check", "background_overdue"),
        pytest.param("research", "midterm", "midterm_overdue", marks=pytest.mark.soak),
        ("funds", "due_diligence", "due_diligence_overdue"),
    ],
)
def test_a_decision_that_is_late_is_chased_never_made(
    town: Town, family: str, state: str, event: str
):
    case = town.reached(state, FAMILIES[family])
    seats, standing = town.seats(case), town.standing(case)
    assert standing is not None

    later(town, 200)

    assert (town.state(case), town.seats(case)) == (state, seats)
    decides = town.player.workflow(standing).states[state].decide
    assert town.events(case).count(event) == (len(seats) if decides else 1)
