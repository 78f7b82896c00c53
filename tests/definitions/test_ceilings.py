"""How much one case may be given: the clause's figure for one object, one child, one whole."""

import re
import shutil

import pytest

from caseflow.catalogue.loading import read_policy
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.kernel.errors import DefinitionError
from tests.conftest import EVERYTHING
from tests.definitions.families import policies

WAN = 1_000_000


def ceiling(code, child_kind=None):
    """The ceiling in fen of a case of the measure, or of its child."""
    found = {m.id: m for files in policies().values() for m in files.measures}[code]
    info = MeasureInfo(
        version_id=1, measure_id=1, policy_version_id=1, code=code, title=found.title,
        family=found.family, workflow_hash="", children={}, organisations={},
        definition=found.to_data(),
    )  # fmt: skip
    return info.ceiling_fen(child_kind)


@pytest.mark.parametrize(
    ("code", "child_kind", "wan"),
    [
        ("QD26-7a", None, 200),
        ("QD26-8d", None, 100),  # two tiers: the higher one
        ("WX-6b", None, 200),  # 50万 and n × 30万, together 200万
        ("WX-8a", None, 50),  # one product; 200万 are the enterprise's for a year
        ("NT24-9a", None, 600),
        ("QD26-4", "year", 200),
        ("QD26-4", None, 600),
        ("YC-8b", None, 10.8),
        ("YC-8b", "period", 0.9),
        ("YC-8c", None, 80),
        ("YC-8c", "period", 8),
    ],
)
def test_one_case_is_bounded_by_the_figure_for_one_case(code, child_kind, wan):
    assert ceiling(code, child_kind) == wan * WAN


def test_a_clause_without_a_figure_bounds_nothing():
    assert ceiling("QD26-10b") is None


@pytest.mark.parametrize("name", ["period_months", "allowance_periods"])
def test_an_allowance_says_how_long_it_is(tmp_path, name):
    whole, folder = EVERYTHING / "policies" / "yancheng-ai-plus", tmp_path / "yancheng-ai-plus"
    folder.mkdir()
    for file in ("policy.yaml", "text.txt", "YC-8b.yaml"):
        shutil.copy(whole / file, folder / file)
    path = folder / "YC-8b.yaml"
    words = path.read_text(encoding="utf-8")
    path.write_text(re.sub(rf" +{name}: .*\n", "", words), encoding="utf-8")

    with pytest.raises(DefinitionError, match=name):
        read_policy(folder)
