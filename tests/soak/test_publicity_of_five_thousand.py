"""5,000 cases through the closing of one publicity in one go: every one moved, an event each."""

from dataclasses import replace
from pathlib import Path

import pytest

from caseflow.bench import publicity
from caseflow.settings import Settings

pytestmark = pytest.mark.soak

CASES = 5_000
MOST_SECONDS = 10
CORES = 2


def test_a_publicity_of_five_thousand_cases_closes_in_ten_seconds(settings: Settings, server):
    home = Path(server.socket_folder).parent

    result = publicity.run(replace(settings, home=home), cases=CASES)

    assert (result["cases"], result["events"]) == (CASES, CASES)
    busiest = max(result["client_seconds"], result["server_seconds"])
    assert busiest < MOST_SECONDS, result
    assert result["client_seconds"] + result["server_seconds"] < CORES * MOST_SECONDS, result
    assert result["seconds"] < MOST_SECONDS, result
