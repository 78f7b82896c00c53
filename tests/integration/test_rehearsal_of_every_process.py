"""One measure of every process of every family, in all five policies, played to its end."""

from typing import Any

import pytest

from caseflow.catalogue.loading import read_policies
from caseflow.database.server import Server
from caseflow.rehearsal.rehearse import rehearse
from tests.conftest import EVERYTHING
from tests.factories.rehearsal import settings_on

MEASURES = [measure for files in read_policies(EVERYTHING) for measure in files.measures]
CHOSEN = {measure.workflow.process or measure.family: measure.id for measure in MEASURES}
INTENDED = {
    "disbursed", "closed", "exited", "settled", "allowance_over", "recommended",
}  # fmt: skip


@pytest.fixture(scope="module")
def rehearsed(
    server: Server,
    drafts_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, dict[str, Any]]:
    """The rehearsals, played once for all tests here; `caseflow demo` plays every measure too."""
    settings = settings_on(server, tmp_path_factory.mktemp("home"), database="postgres")
    chosen = [*CHOSEN.values()]
    rows = rehearse(settings, chosen, template=drafts_template, root=EVERYTHING)
    assert sorted(row["id"] for row in rows) == sorted(chosen)
    return {row["id"]: row for row in rows}


@pytest.mark.soak
def test_every_process_ends_as_intended(rehearsed: dict[str, dict[str, Any]]) -> None:
    wrong = [row["id"] for row in rehearsed.values() if row["final"] not in INTENDED]

    assert wrong == []
    families = {measure.id: measure.family for measure in MEASURES}
    assert {row["id"]: row["family"] for row in rehearsed.values()} == {
        measure: families[measure] for measure in rehearsed
    }


def test_every_process_and_every_family_is_chosen() -> None:
    assert len(CHOSEN) == 24
    assert len({m.family for m in MEASURES if m.id in CHOSEN.values()}) == 14


@pytest.mark.soak
def test_the_road_is_told_from_its_first_state_to_its_last(
    rehearsed: dict[str, dict[str, Any]],
) -> None:
    for row in rehearsed.values():
        assert row["states"][-1] == row["final"], row["id"]
        assert row["events"] >= len(row["states"]), row["id"]
        assert row["days"] > 0, row["id"]
