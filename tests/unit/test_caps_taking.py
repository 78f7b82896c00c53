"""What an act makes a case take: reserved at plan, final at approval, given back at the end."""

import pytest

from caseflow.kernel.caps.model import NOTHING, Take
from caseflow.kernel.caps.taking import Doing, changed, take_after

PLANNED, APPROVED = Take(100, 1, "reserved"), Take(80, 1, "final")


@pytest.mark.parametrize(
    ("before", "doing", "after"),
    [
        (NOTHING, Doing(planned_fen=100), PLANNED),
        (NOTHING, Doing(planned_fen=0), NOTHING),
        (PLANNED, Doing(planned_fen=90), Take(90, 1, "reserved")),
        (PLANNED, Doing(approved_fen=80, standing_fen=80), APPROVED),
        (PLANNED, Doing(approved_fen=0, standing_fen=0), NOTHING),
        (NOTHING, Doing(approved_fen=80), APPROVED),
        (APPROVED, Doing(approved_fen=70), Take(70, 1, "final")),
        (PLANNED, Doing(), PLANNED),
        (PLANNED, Doing(planning=True), NOTHING),
        (APPROVED, Doing(planning=True, standing_fen=80), APPROVED),
        (PLANNED, Doing(planning=True, standing_fen=80), APPROVED),
        (APPROVED, Doing(planned_fen=80), APPROVED),
        (APPROVED, Doing(planned_fen=81), Take(81, 1, "reserved")),
        (PLANNED, Doing(spent_fen=0), NOTHING),
        (APPROVED, Doing(spent_fen=80), APPROVED),
        (APPROVED, Doing(spent_fen=30), Take(30, 1, "final")),
        (NOTHING, Doing(spent_fen=30), NOTHING),
    ],
)
def test_what_an_act_did_decides_what_the_case_takes(before, doing, after):
    assert take_after(before, doing) == after


def test_only_what_differs_is_written():
    held = {"a": PLANNED, "b": PLANNED, "c": PLANNED}

    found = changed(held, {"b": PLANNED, "c": APPROVED, "d": APPROVED})

    assert found == {"a": NOTHING, "c": APPROVED, "d": APPROVED}
