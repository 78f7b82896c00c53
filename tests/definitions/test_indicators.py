"""The annex of a policy is its indicators, row by row; every figure is one of the text."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from caseflow.catalogue.indicators.definitions import Comparison, Counting, Step, target_in
from caseflow.catalogue.indicators.linting import lint_indicators
from caseflow.catalogue.loading import read_policy
from caseflow.catalogue.seating import owners_of
from caseflow.catalogue.words import Words
from caseflow.kernel.errors import DefinitionError
from tests.conftest import EVERYTHING
from tests.definitions.families import cities, library, policies

CODE = "nantong-agi-2024"
ROW = re.compile(r"^(\d+)\t(.+?)\((.+?)\)\t(\d+)\t(.+)$", re.MULTILINE)


def files():
    return policies()[CODE]


def changed(index=0, **values):
    """The policy with one indicator changed."""
    indicators = list(files().policy.indicators)
    indicators[index] = replace(indicators[index], **values)
    return replace(files(), policy=replace(files().policy, indicators=tuple(indicators)))


def rules(found, library=None, city=None):
    words = Words.of(found.text)
    return {problem.rule for problem in lint_indicators(found, words, library, city)}


def test_every_row_of_the_annex_is_an_indicator_word_for_word():
    annex = files().text[files().text.index("附件:") :]
    rows = [
        (int(number), title, unit, int(target), owners.split("、"))
        for number, title, unit, target, owners in ROW.findall(annex)
    ]

    assert len(rows) == 6
    assert "2027年目标(累计数)" in annex
    assert rows == [
        (each.number, each.title, each.unit, each.target, list(each.owners))
        for each in files().policy.indicators
    ]
    assert {each.year for each in files().policy.indicators} == {2027}


def test_only_that_policy_has_an_annex_of_indicators():
    assert [code for code, each in policies().items() if each.policy.indicators] == [CODE]


def test_owners_are_organisations_the_lead_first_and_each_bureau_of_an_industry():
    city = cities()["nantong"]
    owners = [owners_of(each, city) for each in files().policy.indicators]

    assert owners[0] == ["nt_kejiju", "nt_shujuju"]
    assert owners[2] == owners[3] == owners[4] == list(dict.fromkeys(city.industries.values()))


AT_LEAST, MORE = "at_least", "more_than"
SAID = "布局智能算力规模500P以上"
OTHER = "构建高质量数据集10个以上"


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"target": 501}, "indicator-words"),
        ({"unit": "个"}, "indicator-words"),
        ({"owners": ("市科技局", "市财政局")}, "indicator-words"),
        ({"id": "datasets"}, "duplicate-indicator"),
        ({"comparison": Comparison(AT_LEAST, "一", "没有这句话")}, "words-not-in-text"),
        ({"comparison": Comparison(MORE, "一", SAID)}, "indicator-comparison"),
        ({"comparison": Comparison(AT_LEAST, "一", OTHER)}, "indicator-comparison"),
        ({"steps": (Step(2026, 300, "到2026年300P"),)}, "words-not-in-text"),
        ({"baseline": Step(2024, 1, "到2027年")}, "indicator-words"),
        ({"counting": Counting(("NT24-44",), ("approved",), "case", "惯例")}, "unknown-measure"),
    ],
)
def test_what_the_text_does_not_say_is_noticed(values, rule):
    assert rule in rules(changed(**values))


def test_the_text_says_who_leads():
    lead = replace(files().policy.lead, words="本行动方案由市财政局牵头组织实施")

    assert rules(replace(files(), policy=replace(files().policy, lead=lead))) == {
        "words-not-in-text"
    }


def test_owners_and_states_that_do_not_exist_are_noticed():
    city = cities()["nantong"]
    counting = Counting(("NT24-4",), ("crowned",), "case", "惯例")

    assert rules(changed(3, counting=counting), library()) == {"unknown-state"}
    nowhere = replace(city, names={k: v for k, v in city.names.items() if k != "市科技局"})
    assert "unknown-bureau" in rules(changed(), city=nowhere)


YEAR = "    year: 2027\n"
BASE = (EVERYTHING / "policies" / CODE / "policy.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("target: 500", "target: 500.5", "float"),
        ("target: 500", "target: '5e2'", "target"),
        ("target: 500", "target: -5", "target"),
        ("period: quarter, day: 15", "period: week, day: 15", "period"),
        ("period: quarter, day: 15", "period: quarter, day: 31", "day"),
        ("rule: at_least", "rule: about", "rule"),
        ("distinct: case", "distinct: project", "distinct"),
        (YEAR, f"{YEAR}    colour: red\n", "colour"),
        (YEAR, f"{YEAR}    steps: [{{year: 2027, value: 1, words: x}}]\n", "steps"),
    ],
)  # fmt: skip
def test_another_shape_is_refused(tmp_path, before, after, words):
    folder = tmp_path / CODE
    folder.mkdir()
    (folder / "text.txt").symlink_to(EVERYTHING / "policies" / CODE / "text.txt")
    (folder / "policy.yaml").write_text(BASE.replace(before, after, 1), encoding="utf-8")

    with pytest.raises(DefinitionError, match=words):
        read_policy(folder)


def test_the_target_of_a_year_is_the_next_step_and_after_the_last_the_last():
    steps = [{"year": 2025, "value": 100}, {"year": 2026, "value": "250.5"}]
    definition = {"steps": steps, "year": 2027, "target": 500}

    found = {year: target_in(definition, year) for year in (2024, 2025, 2026, 2027, 2028)}

    assert found == {
        2024: (2025, Decimal(100)),
        2025: (2025, Decimal(100)),
        2026: (2026, Decimal("250.5")),
        2027: (2027, Decimal(500)),
        2028: (2027, Decimal(500)),
    }
