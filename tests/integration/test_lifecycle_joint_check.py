"""The joint check: everybody answers, silence is not consent, a veto holds, the last concludes."""

from collections.abc import Iterator

import pytest

from caseflow.database.access import Database
from caseflow.kernel.errors import CaseflowError, EventNotAllowed, InvalidInput, NotAllowed
from tests.integration.kept_database import keep
from tests.integration.walking import FAMILIES, Town, at, found_town, together, visit

pytestmark = pytest.mark.no_cover

CREDIT, MARKET, TAX = SEATS = ("cosign.credit", "cosign.market", "cosign.tax")


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    measures = [FAMILIES["vouchers"]]
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=measures)


@pytest.fixture
def town(founded) -> Iterator[Town]:
    yield from visit(founded)


def answer(town: Town, case: str, seat: str, verdict: str = "pass"):
    return town.ask(case, "answer_seat", seat, verdict=verdict, note="已比对")


def test_the_last_answer_concludes_by_itself(town: Town):
    case = town.reached("joint_check")

    waiting = [town.seats(case)]
    for seat in SEATS:
        outcome = answer(town, case, seat)
        waiting.append(town.seats(case))

    assert waiting[:3] == [list(SEATS), [MARKET, TAX], [TAX]]
    assert outcome.events == ("answer_seat", "conclude_joint_check")
    assert town.state(case) == "proposed"


@pytest.mark.parametrize(
    "vetoer", [CREDIT, *(pytest.param(seat, marks=pytest.mark.soak) for seat in (MARKET, TAX))]
)
def test_one_veto_holds_the_case_whoever_gives_it(town: Town, vetoer: str):
    case = town.reached("joint_check")

    for seat in SEATS:
        answer(town, case, seat, "veto" if seat == vetoer else "pass")

    assert town.state(case) == "joint_check_vetoed"


def test_a_flag_is_no_veto(town: Town):
    case = town.reached("joint_check")

    for seat in SEATS:
        answer(town, case, seat, "flag")

    assert town.state(case) == "proposed"


def test_a_veto_waits_for_the_other_answers(town: Town):
    case = town.reached("joint_check")

    answer(town, case, CREDIT, "veto")

    assert town.state(case) == "joint_check"
    assert town.seats(case) == [MARKET, TAX]


def test_a_veto_is_overruled_or_upheld_by_the_division_head_with_reasons(town: Town):
    overruled, upheld = town.reached("joint_check"), town.reached("joint_check")
    for case in (overruled, upheld):
        for seat in SEATS:
            answer(town, case, seat, "veto")

    for seat in ("lead_bureau.handler", CREDIT):
        with pytest.raises(NotAllowed):
            town.ask(overruled, "overrule_veto", seat, reason="已核实", basis="说明")
    with pytest.raises(InvalidInput, match="basis"):
        town.ask(overruled, "overrule_veto", "lead_bureau.division_head", reason="已核实")
    town.act(overruled, "overrule_veto")
    town.act(upheld, "reject", reason_code="credit_veto")

    assert town.state(overruled) == "proposed"
    assert town.outcome(upheld) == "rejected"


@pytest.mark.parametrize("answered", [(), (CREDIT, MARKET)])
def test_silence_is_not_consent(town: Town, answered: tuple[str, ...]):
    case = town.reached("joint_check")
    for seat in answered:
        answer(town, case, seat)
    due = town.clock(case, f"cosign@{TAX}")[2]

    town.sweep(at(due.month, due.day, 23, 59))
    before = town.events(case).count("cosign_overdue")
    town.sweep(at(12, 30))

    assert before == 0
    assert town.events(case).count("cosign_overdue") == len(SEATS) - len(answered)
    assert town.state(case) == "joint_check"
    assert town.seats(case) == [seat for seat in SEATS if seat not in answered]


def test_a_seat_that_was_late_still_answers(town: Town):
    case = town.reached("joint_check")
    town.sweep(at(12, 30))

    for seat in SEATS:
        answer(town, case, seat)

    assert town.state(case) == "proposed"


def test_a_seat_answers_once_and_never_for_another(town: Town):
    case = town.reached("joint_check")
    answer(town, case, CREDIT)
    answer(town, case, MARKET)

    for seat in (CREDIT, MARKET):
        with pytest.raises(CaseflowError, match="已答复"):
            answer(town, case, seat)

    assert town.state(case) == "joint_check"
    assert town.seats(case) == [TAX]


def test_nobody_else_answers(town: Town):
    case = town.reached("joint_check")

    for stranger in ("lead_bureau.handler", "applicant", "auditor"):
        with pytest.raises(NotAllowed):
            answer(town, case, stranger)


def test_seats_that_answered_before_a_return_answer_again(town: Town):
    case = town.reached("joint_check")
    answer(town, case, CREDIT, "veto")
    town.act(case, "suspend", basis="请示")
    town.sweep(at(9, 8, 10))
    town.act(case, "resume")

    for seat in SEATS:
        answer(town, case, seat)

    assert town.state(case) == "proposed"


@pytest.mark.soak
@pytest.mark.parametrize("rounds", [4, pytest.param(30, marks=pytest.mark.soak)])
def test_two_last_voters_at_once_leave_nobody_stuck_and_advance_nobody_twice(
    town: Town, rounds: int
):
    cases = [town.reached("joint_check") for _ in range(rounds)]
    for case in cases:
        answer(town, case, CREDIT)

    for case in cases:
        together(lambda c=case: answer(town, c, MARKET), lambda c=case: answer(town, c, TAX))

    concluded = [town.events(case).count("conclude_joint_check") for case in cases]
    assert {town.state(case) for case in cases} == {"proposed"}
    assert concluded == [1] * rounds


@pytest.mark.soak
def test_one_seat_voting_twice_at_once_is_counted_once(town: Town):
    cases = [town.reached("joint_check") for _ in range(3)]

    for case in cases:
        answer(town, case, CREDIT)
        results = together(*[lambda c=case: answer(town, c, MARKET)] * 2)
        assert sum(isinstance(result, CaseflowError) for result in results) == 1

    assert {tuple(town.seats(case)) for case in cases} == {(TAX,)}


def test_nobody_answers_when_it_is_over(town: Town):
    case = town.reached("proposed")

    with pytest.raises(EventNotAllowed):
        answer(town, case, CREDIT)
