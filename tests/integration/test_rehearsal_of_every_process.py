"""One measure of every process of every family, in all five policies, played to its end."""

from typing import Any

import pytest

from caseflow.catalogue.loading import read_policies
from caseflow.database.server import Server
from caseflow.rehearsal.rehearse import rehearse
from tests.conftest import EVERYTHING, untraced
from tests.factories.rehearsal import settings_on

pytestmark = [pytest.mark.long, pytest.mark.no_cover]

CHOSEN = {
    measure.workflow.process or measure.family: measure.id
    for files in read_policies(EVERYTHING)
    for measure in files.measures
}
INTENDED = {
    "disbursed", "closed", "exited", "settled", "allowance_over", "recommended",
}  # fmt: skip


@pytest.fixture(scope="module")
def rehearsed(
    server: Server,
    drafts_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
) -> dict[str, dict[str, Any]]:
    """The rehearsals, played once for all tests here; `make soak` plays all 132 measures."""
    settings = settings_on(server, tmp_path_factory.mktemp("home"), database="postgres")
    chosen = list(CHOSEN.values())
    with untraced(pytestconfig):
        rows = rehearse(settings, chosen, template=drafts_template, root=EVERYTHING)
    return {row["id"]: row for row in rows}


def test_every_process_ends_as_intended(rehearsed: dict[str, dict[str, Any]]) -> None:
    wrong = [row["id"] for row in rehearsed.values() if row["final"] not in INTENDED]

    assert wrong == []
    assert len(rehearsed) == len(CHOSEN) == 24


def test_every_family_is_there(rehearsed: dict[str, dict[str, Any]]) -> None:
    assert len({row["family"] for row in rehearsed.values()}) == 14


def test_the_road_is_told_from_its_first_state_to_its_last(
    rehearsed: dict[str, dict[str, Any]],
) -> None:
    for row in rehearsed.values():
        assert row["states"][-1] == row["final"], row["id"]
        assert row["events"] >= len(row["states"]), row["id"]
        assert row["days"] > 0, row["id"]
