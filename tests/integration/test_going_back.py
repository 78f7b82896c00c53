"""退回 to a stage already passed, 拿回 of one's own last step: compiled roads, clocks and tasks."""

from collections.abc import Iterator

import pytest

from caseflow.database.access import Database
from caseflow.kernel.errors import Conflict, EventNotAllowed, InvalidInput, NotAllowed
from tests.integration.kept_database import keep
from tests.integration.test_tasks import act, claims, login_of, task
from tests.integration.walking import Town, found_town, visit

pytestmark = pytest.mark.no_cover

HANDLER, REVIEWER = "shujuju.handler", "lead_bureau.reviewer"
HEAD = "lead_bureau.division_head"
WHY = {"reason": "事实不清，须重新审核"}


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=("QD26-7a",))


@pytest.fixture
def town(founded) -> Iterator[Town]:
    yield from visit(founded)


def test_a_case_is_sent_back_to_any_stage_it_has_passed_with_tasks_and_clocks(town: Town):
    case = town.reached("proposed")

    town.ask(case, "send_back", HEAD, return_to="joint_check", **WHY)

    assert town.state(case) == "joint_check"
    assert town.seats(case) == ["cosign.credit", "cosign.market", "cosign.tax"]
    assert town.clock(case, "plan")[0] == "ended"
    assert town.clock(case, "cosign@cosign.tax")[0] == "running"
    assert town.clock(case, "service")[0] == "running"
    town.walk(case, "proposed")


def test_after_the_publicity_a_case_sent_back_is_publicised_again(town: Town):
    case = town.reached("approved")
    listed = town.events(case).count("publicise")

    town.ask(case, "send_back", HEAD, return_to="bureau_review", **WHY)
    town.walk(case)

    assert listed == 1
    assert town.events(case).count("publicise") == 2
    assert town.events(case).count("close_publicity") == 2
    assert town.outcome(case) == "disbursed"


def _hash(town: Town) -> str:
    return str(
        town.value(
            "SELECT v.workflow_hash FROM measure_version v JOIN measure m ON m.id = v.measure_id"
            " WHERE m.code = 'QD26-7a'"
        )
    )


def test_a_case_is_sent_to_no_stage_it_has_not_passed_nor_to_its_draft(town: Town):
    case = town.reached("proposed")

    for state in ("publicity_pending", "draft", "disbursing", "moon", "plan_review"):
        with pytest.raises(InvalidInput, match=r"不能到|未经过"):
            town.ask(case, "send_back", HEAD, return_to=state, **WHY)
    with pytest.raises(NotAllowed):
        town.ask(case, "send_back", "finance.division", return_to="joint_check", **WHY)


@pytest.mark.parametrize("state", ["publicity", "submitted"])
def test_nothing_is_sent_back_out_of_a_publicity_or_before_a_review(town: Town, state):
    case = town.reached(state)

    with pytest.raises(EventNotAllowed):
        town.ask(case, "send_back", HEAD, return_to="bureau_review", **WHY)


def test_nothing_is_sent_back_out_of_payment(town: Town):
    flow = town.player.workflow_of(_hash(town))
    paying = [state for state in flow.states.values() if state.phase in {"payment", "follow_up"}]

    assert paying
    assert not any(state.returns or state.taken_from for state in paying)
    reached = {t for state in flow.states.values() for t in (*state.returns, *state.taken_from)}
    assert {flow.states[code].phase for code in reached} <= {"intake", "review", "decision"}


def test_who_took_the_last_step_takes_it_back_while_nobody_has_claimed_the_next(town: Town):
    case, later = town.reached("bureau_review"), town.reached("bureau_review")
    for each in (case, later):
        act(town, each, "conclude_review", HANDLER, reviewed_fen=100, note="同意")
    reviewer = login_of(town, later, REVIEWER)
    claims(town, reviewer, task(town, later, REVIEWER)[0])

    with pytest.raises(NotAllowed, match="不是您"):
        act(town, case, "take_back", reviewer, return_to="bureau_review", reason="x")
    act(town, case, "take_back", HANDLER, return_to="bureau_review", reason="金额有误")
    with pytest.raises(Conflict, match="已有办理"):
        act(town, later, "take_back", HANDLER, return_to="bureau_review", reason="x")

    assert (town.state(case), town.state(later)) == ("bureau_review", "reviewed")
    act(town, case, "conclude_review", HANDLER, reviewed_fen=90, note="更正")


def test_a_step_that_did_more_than_move_is_not_taken_back(town: Town):
    flow = town.player.workflow_of(_hash(town))

    assert "publicity_pending" not in flow.states["publicity"].taken_from
    assert flow.states["reviewed"].taken_from == ("bureau_review",)
    assert "awaiting_approval" not in flow.states["approved"].taken_from
    assert "plan_review" in flow.states["proposed"].taken_from
