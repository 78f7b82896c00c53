"""What an error says to a person, and what it hands on to the answer of a route."""

from caseflow.kernel.errors import CapReached


def test_a_ceiling_reached_hands_on_which_one_it_is():
    cap = {"key": "life:enterprise", "limit_fen": 100, "used_fen": 99}

    error = CapReached("超过上限", cap=cap)

    assert str(error) == "超过上限"
    assert error.cap == cap
    assert error.details == {"cap": cap}
