"""Who must have decided: the government for deals and clusters, the ranking for awards."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from caseflow.database.access import Database
from caseflow.identity.queries import actor_by_login
from caseflow.identity.successions.service import Following, record_succession
from caseflow.kernel.errors import EventNotAllowed, GuardFailed, InvalidInput, NotAllowed
from tests.integration.capped import firm_of, opened
from tests.integration.five_cities import YUAN, Land, amounts, found_land
from tests.integration.kept_database import keep
from tests.integration.walking import at, visit

pytestmark = [pytest.mark.no_cover, pytest.mark.soak]

DEAL, CLUSTER, AWARD, PRODUCT = "WX-5b", "WX-4a", "YC-2a", "WX-9b"
DECIDED = [DEAL, pytest.param(CLUSTER, marks=pytest.mark.soak)]
LEADER = "lead_bureau.leader"
MINUTES = "市政府常务会议纪要〔2026〕9号"
AGREED = 5_000_000 * YUAN
FIRST = 3_000_000 * YUAN
LEFT = AGREED - FIRST


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Land:
    return found_land(
        kept, tmp_path_factory.mktemp("land"), [DEAL, CLUSTER, AWARD, PRODUCT], pytestconfig
    )


@pytest.fixture
def land(founded) -> Iterator[Land]:
    yield from visit(founded)


def milestone(land: Land, deal: str, *, last: bool = False) -> str:
    """Open the next stage of a deal."""
    land.act(deal, "report_milestone")
    land.act(deal, "open_milestone", last_milestone=last)
    return land.children(deal)[-1]


# --- 市政府同意


@pytest.mark.parametrize("measure", DECIDED)
def test_the_government_alone_agrees_and_only_with_the_number_of_its_minutes(land: Land, measure):
    case = land.reached("gov_approval", measure)
    seat = "government_office"

    with pytest.raises(NotAllowed):
        land.ask(case, "approve_by_government", LEADER, minutes_no=MINUTES, basis="x")
    with pytest.raises(InvalidInput) as without:
        land.ask(case, "approve_by_government", seat, basis="市政府常务会议研究同意")
    with pytest.raises(InvalidInput):
        land.ask(case, "approve_by_government", seat, minutes_no=" ", basis="x")
    for event in ("draft_plan", "publicise", "approve", "request_funds", "release"):
        assert event not in land.ways(case)
    with pytest.raises(EventNotAllowed):
        land.ask(case, "approve", LEADER, approved_fen=1, basis="x")
    land.ask(case, "approve_by_government", seat, minutes_no=MINUTES, basis="研究同意")

    assert "minutes_no" in without.value.details["fields"]
    assert land.state(case) == "proposed"


@pytest.mark.parametrize("measure", DECIDED)
def test_what_the_government_declines_is_refused_or_submitted_again_and_never_paid(
    land: Land, measure: str
):
    case = land.reached("gov_approval", measure)

    land.act(case, "decline_by_government")
    ways = {"submit_again", "reject"} & set(land.ways(case))
    assert not {"draft_plan", "approve", "release", "report_milestone"} & set(land.ways(case))
    land.act(case, "submit_again")
    again = land.state(case)
    land.act(case, "decline_by_government")
    land.act(case, "reject")

    assert (ways, again) == ({"submit_again", "reject"}, "gov_approval")
    assert (land.outcome(case), land.payments(case), land.children(case)) == ("rejected", [], [])


@pytest.mark.soak
def test_a_cluster_is_paid_after_the_government_agreed_and_not_before(land: Land):
    case = land.open(CLUSTER)

    land.walk(case)

    events = land.events(case)
    order = ["approve_by_government", "draft_plan", "publicise", "approve", "confirm_payment"]
    assert [event for event in events if event in order] == order
    assert (land.outcome(case), land.payments(case)) == ("disbursed", [(10_000_000, "paid")])


# --- 一事一议


def test_a_deal_found_unfair_goes_no_further_and_nobody_overrules_it(land: Land):
    case = land.reached("legality_review", DEAL)
    waiting = land.seats(case)

    land.ask(case, "answer_seat", "cosign.legal", verdict="pass", note="合法")
    half = land.state(case)
    land.ask(case, "answer_seat", "cosign.fairness", verdict="veto", note="指定经营者，排除竞争")
    failed, ways = land.state(case), land.ways(case)
    land.act(case, "revise_deal")
    land.now += timedelta(hours=1)
    land.walk(case, "fiscal_opinion")

    assert waiting == ["cosign.fairness", "cosign.legal"]
    assert (half, failed) == ("legality_review", "legality_failed")
    assert {"revise_deal", "reject"} <= set(ways)
    assert not {"overrule_veto", "give_fiscal_opinion", "agree_in_joint_meeting"} & set(ways)
    assert land.events(case).count("conclude_legality") == 2


def test_a_deals_stages_together_reach_what_was_approved_and_never_pass_it(land: Land):
    deal = land.reached("implementing", DEAL, **amounts(AGREED))
    land.walk(milestone(land, deal), **amounts(FIRST))
    second = milestone(land, deal, last=True)
    land.walk(second, "proposed", **amounts(AGREED))

    with pytest.raises(GuardFailed, match="上限"):
        land.act(second, "draft_plan", planned_fen=LEFT + 1)
    land.walk(second, **amounts(LEFT))
    land.sweep()
    land.walk(deal)

    events = land.events(deal)
    assert events.index("conclude_legality") < events.index("approve_by_government")
    assert events.index("approve_by_government") < events.index("open_milestone")
    assert [land.paid(child) for child in land.children(deal)] == [FIRST, LEFT]
    assert (land.payments(deal), land.outcome(deal)) == ([], "disbursed")


def test_a_deal_of_more_than_ten_million_is_not_planned_even_with_minutes(land: Land):
    case = land.reached("proposed", DEAL, applied_fen=20_000_000 * YUAN)

    with pytest.raises(GuardFailed, match="上限"):
        land.act(case, "draft_plan", planned_fen=10_000_000 * YUAN + 1)

    assert land.act(case, "draft_plan", planned_fen=10_000_000 * YUAN).state == "plan_review"


@pytest.mark.soak
def test_a_deal_made_smaller_by_the_government_leaves_less_for_the_next_stage(land: Land):
    deal = land.reached("implementing", DEAL, **amounts(AGREED))
    land.walk(milestone(land, deal), **amounts(FIRST))
    land.act(deal, "request_renegotiation")
    land.act(deal, "agree_renegotiation")
    with pytest.raises(InvalidInput):
        land.ask(deal, "approve_by_government", "government_office", basis="x")
    land.walk(deal, "implementing", **amounts(FIRST + 1))
    second = milestone(land, deal, last=True)
    land.walk(second, "proposed", **amounts(AGREED))

    with pytest.raises(GuardFailed, match="上限"):
        land.act(second, "draft_plan", planned_fen=2)

    assert land.act(second, "draft_plan", planned_fen=1).state == "plan_review"
    assert land.events(deal).count("approve_by_government") == 2


# --- 每年评选不超过10个


def test_rank_ten_is_in_and_rank_eleven_waits_until_minutes_promote_it(land: Land):
    tenth, eleventh = (land.reached("ranking", AWARD) for _ in range(2))

    land.act(tenth, "record_rank", rank=10)
    land.act(eleventh, "record_rank", rank=11)
    waiting = land.state(eleventh)
    with pytest.raises(EventNotAllowed):
        land.ask(eleventh, "draft_plan", "lead_bureau.handler", planned_fen=1)
    with pytest.raises(InvalidInput) as without:
        land.ask(eleventh, "promote", "lead_bureau.handler", reason="第3名放弃")
    land.act(eleventh, "promote", minutes_no=MINUTES, reason="第3名放弃")

    counted = land.sql("SELECT kind, quota, taken FROM shortlist ORDER BY kind")
    assert counted == [("call", 10, 2), ("year", 10, 2)]
    assert (land.state(tenth), waiting) == ("joint_check", "waitlisted")
    assert "minutes_no" in without.value.details["fields"]
    assert land.state(eleventh) == "joint_check"


def test_who_is_not_promoted_in_time_lapses_unpaid(land: Land):
    case = land.reached("ranking", AWARD)
    land.act(case, "record_rank", rank=11)

    due_on = land.clock(case, "waitlist")[2]
    land.sweep(at(due_on.month, due_on.day, 23, 59, year=due_on.year))
    before = land.outcome(case)
    land.sweep(land.now + timedelta(minutes=1))

    assert (before, land.outcome(case), land.payments(case)) == (None, "lapsed", [])


# --- 单个企业每年不超过2个


def test_an_enterprises_third_product_in_a_year_waits_and_the_next_year_is_its_own(
    land: Land,
):
    firm = firm_of(land, PRODUCT)
    cases = [opened(land, PRODUCT, firm) for _ in range(3)]
    for case in cases:
        land.walk(case, "ranking")

    states = [
        land.act(case, "record_rank", rank=rank).state for rank, case in enumerate(cases, start=1)
    ]
    with pytest.raises(GuardFailed, match="名额已满"):
        land.act(cases[2], "promote")
    land.now = at(1, 4, year=2027)
    land.act(cases[2], "promote")

    assert states == ["joint_check", "joint_check", "waitlisted"]
    years = "SELECT key LIKE '%%:2027', taken FROM shortlist WHERE kind = 'enterprise_year'"
    assert sorted(land.sql(years)) == [(False, 2), (True, 1)]


def test_the_places_of_a_predecessor_are_places_of_its_successor(land: Land):
    before, firm = firm_of(land, PRODUCT), firm_of(land, PRODUCT)
    cases = [opened(land, PRODUCT, before), *(opened(land, PRODUCT, firm) for _ in range(2))]
    for case in cases:
        land.walk(case, "ranking")
    codes = [land.sql("SELECT uscc FROM organisation WHERE id = %s", each.id)[0][0]
             for each in (before, firm)]  # fmt: skip
    land.act(cases[0], "record_rank", rank=1)
    with land.house.database.session() as session:
        reviewer = actor_by_login(session, "wx_shujuju.reviewer", land.now)
        step = Following(codes[0], codes[1], "merger", "登记〔2026〕1号", land.now.date())
        record_succession(session, step, reviewer, land.now, signer=land.house.cases.office.signer)

    states = [land.act(case, "record_rank", rank=rank).state
              for rank, case in enumerate(cases[1:], start=2)]  # fmt: skip

    assert states == ["joint_check", "waitlisted"]
