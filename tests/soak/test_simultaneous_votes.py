"""300 cases and two who answer last at the same moment: nobody stuck, nobody advanced twice."""

from collections.abc import Iterator

import pytest

from caseflow.database.access import Database
from tests.integration.kept_database import keep
from tests.integration.walking import Town, found_town, together

pytestmark = pytest.mark.soak

SEATS = ("cosign.credit", "cosign.market", "cosign.tax")
CASES = 300


@pytest.fixture(scope="module")
def kept(server, founded_template) -> Iterator[Database]:
    yield from keep(server, founded_template)


def answer(town: Town, case: str, seat: str) -> object:
    return town.ask(case, "answer_seat", seat, verdict="pass", note="已比对")


def test_two_last_voters_of_three_hundred_cases(kept, tmp_path_factory):
    town: Town = found_town(kept, tmp_path_factory.mktemp("town"), measures=("QD26-7a",))
    cases = [town.reached("joint_check") for _ in range(CASES)]

    for case in cases:
        answer(town, case, SEATS[0])
        together(*[lambda c=case, s=seat: answer(town, c, s) for seat in SEATS[1:]])

    concluded = [town.events(case).count("conclude_joint_check") for case in cases]
    assert [town.state(case) for case in cases] == ["proposed"] * CASES
    assert concluded == [1] * CASES
