"""The ceilings of the published clauses, as an official would list them."""

import shutil

import pytest

from caseflow.catalogue.loading import read_policy
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.kernel.errors import DefinitionError
from tests.conftest import EVERYTHING
from tests.definitions.families import policies

WAN = 1_000_000


def ceilings(code, **parameters):
    """Scope, limit in 万元 and in times of every ceiling of a measure."""
    found = {m.id: m for files in policies().values() for m in files.measures}[code]
    info = MeasureInfo(
        version_id=1, measure_id=1, policy_version_id=1, code=code, title=found.title,
        family=found.family, workflow_hash="", children={}, organisations={},
        definition=found.to_data(),
    )  # fmt: skip
    return [
        (rule.scope, None if rule.limit_fen is None else rule.limit_fen / WAN, rule.limit_times)
        for rule in info.cap_rules(parameters)
    ]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("QD26-4", [("project_year", 200, None), ("project_life", 600, None)]),
        ("QD26-10a", [("project_life", 500, None)]),
        ("QD26-7a", [("enterprise_clause_year", 200, None)]),
        ("QD26-5c", [("enterprise_clause_year", 100, None)]),  # AMB-15: as a yearly one
        ("QD26-8a", [("enterprise_clause_life", 200, None)]),  # 每个数据源单位
        ("QD26-1c", [("project_life", 1000, None)]),  # AMB-16: all years of the project
        ("QD26-2b", [("object", 100, None)]),  # AMB-17: per device, the higher tier
        ("NT26-4a", [("enterprise_clause_year", 400, None)]),  # AMB-01
        ("NT26-3b", [("enterprise_clause_life", 20, None)]),  # AMB-14: once
        ("NT26-9", [("object", 50, None)]),  # AMB-35: per event
        ("WX-6b", [("enterprise_clause_life", 200, None)]),
        ("WX-8a", [("object", 50, 1), ("enterprise_clause_year", 200, None)]),
        ("WX-3d", [("project_life", 2000, None)]),
        ("WX-12a", [("enterprise_clause_year", 50, None)]),
        ("WX-1c", [("object", 80, None)]),  # an enterprise's title or a product's
        (
            "WX-9b",
            [
                ("object", 100, 1),
                ("enterprise_clause_year", None, 2),
                ("enterprise_clause_year", None, 1),
            ],
        ),
        ("YC-4b", [("project_life", 200, None)]),  # AMB-22: all years of the centre
        ("YC-8b", [("project_life", 10.8, None)]),
        ("YC-8c", [("project_year", 8, None), ("project_life", 80, None)]),
        ("QD26-10b", []),
    ],
)
def test_a_measure_has_the_ceilings_of_its_clause(code, expected):
    assert ceilings(code) == expected


def test_the_yearly_control_of_wuxi_applies_once_its_numbers_are_entered():
    found = ceilings("WX-8a", policy_year_fen=500 * WAN, policy_year_times=3)

    assert found[-1] == ("enterprise_policy_year", 500, 3)


def test_a_period_that_the_bureau_decided_goes_before_the_customary_one():
    assert ceilings("NT26-4a", cap_period="once") == [("enterprise_clause_life", 400, None)]


def test_every_figure_that_bounds_a_measure_is_a_ceiling_of_its_cases():
    without = [
        measure.id
        for files in policies().values()
        for measure in files.measures
        if measure.benefit.amounts and not ceilings(measure.id)
    ]

    assert without == []


def test_what_must_differ_says_for_whom(tmp_path):
    whole, folder = EVERYTHING / "policies" / "wuxi-2025", tmp_path / "wuxi-2025"
    folder.mkdir()
    for file in ("policy.yaml", "text.txt", "WX-9b.yaml"):
        shutil.copy(whole / file, folder / file)
    path = folder / "WX-9b.yaml"
    words = path.read_text(encoding="utf-8")
    path.write_text(words.replace("per: enterprise, within: year, ", ""), encoding="utf-8")

    with pytest.raises(DefinitionError, match="Goes with `per`"):
        read_policy(folder)
