"""What is new in the other four texts is checked too: changed in memory, each change is noticed."""

from dataclasses import replace

import pytest

from caseflow.catalogue.linting import lint
from tests.definitions.families import policies
from tests.definitions.golden import ALL


def rules(files, measure=None):
    """The faults found, of one measure's file or of all."""
    return {
        problem.rule
        for problem in lint(files, None)
        if measure is None or problem.file.endswith(f"/{measure}.yaml")
    }


def with_measure(id_, **changes):
    files = next(each for each in policies().values() if id_.startswith(f"{each.policy.prefix}-"))
    changed = replace(files.measure(id_), **changes)
    return replace(files, measures=tuple(changed if m.id == id_ else m for m in files.measures))


def measure(id_):
    return with_measure(id_).measure(id_)


def with_amount(id_, index, **changes):
    benefit = measure(id_).benefit
    amounts = list(benefit.amounts)
    amounts[index] = replace(amounts[index], **changes)
    return with_measure(id_, benefit=replace(benefit, amounts=tuple(amounts)))


def with_policy(code, **changes):
    files = policies()[code]
    return replace(files, policy=replace(files.policy, **changes))


@pytest.mark.parametrize("code", ALL)
def test_one_changed_character_of_any_clause_is_noticed(code):
    files = policies()[code]
    measures = tuple(replace(m, clause=spoiled(m.clause)) for m in files.measures)

    problems = lint(replace(files, measures=measures), None)

    told = {
        problem.file.rsplit("/", 1)[-1].removesuffix(".yaml")
        for problem in problems
        if problem.rule == "clause-not-in-text"
    }
    assert told == {measure.id for measure in files.measures}


def spoiled(clause):
    middle = len(clause) // 2
    other = "乙" if clause[middle] != "乙" else "甲"
    return clause[:middle] + other + clause[middle + 1 :]


@pytest.mark.parametrize("code", ALL)
def test_every_article_whose_measures_are_dropped_is_unclaimed_in_its_own_lines(code):
    files = policies()[code]

    problems = lint(replace(files, measures=files.measures[:1]), None)

    unclaimed = [problem for problem in problems if problem.rule == "text-unclaimed"]
    assert len({problem.line for problem in unclaimed}) >= ALL[code].articles - 1
    assert all(problem.file.endswith("text.txt") for problem in unclaimed)
    assert {problem.rule for problem in problems} <= {"text-unclaimed", "unknown-measure"}


@pytest.mark.parametrize(
    ("id_", "index", "changes", "rule"),
    [
        ("NT24-9a", 1, {"bound": "ceiling"}, "amount-words"),
        ("NT24-9a", 1, {"yuan": 5_000_001}, "amounts-differ"),
        ("YC-8a", -1, {"kind": "amount"}, "amount-words"),
        ("YC-8c", 0, {"period": None}, "amount-words"),
        ("WX-12a", 0, {"period": None}, "amount-words"),
        ("WX-6b", 1, {"words": "每个最高30万元的奖励"}, "words-not-in-clause"),
        ("WX-6b", -1, {"bound": "fixed"}, "amount-words"),
        ("NT26-4f", 0, {"bound": "ceiling"}, "amount-words"),
    ],
)
def test_an_amount_that_says_something_else_than_its_words_is_refused(id_, index, changes, rule):
    assert rule in rules(with_amount(id_, index, **changes), id_)


def test_a_figure_that_bounds_nothing_must_be_named_as_what_it_is():
    figures = measure("WX-11").figures
    words = (replace(figures[0], words="总规模11亿元"),)

    assert rules(with_measure("WX-11", figures=()), "WX-11") == {"amounts-differ"}
    assert "words-not-in-clause" in rules(with_measure("WX-11", figures=words), "WX-11")
    assert "amounts-differ" in rules(with_measure("NT26-3b", figures=()), "NT26-3b")
    assert "amounts-differ" in rules(with_measure("WX-7g", thresholds=()), "WX-7g")


def test_what_the_scan_left_in_the_text_is_unclaimed_unless_it_is_named():
    assert rules(with_policy("nantong-2026", artefacts=())) == {"text-unclaimed"}


def test_another_form_of_the_bureau_notes_finds_nobody():
    note = policies()["wuxi-2025"].policy.bureau_note
    without = replace(note, after=("负责）",))

    found = rules(with_policy("wuxi-2025", bureau_note=without), "WX-12a")

    assert found == {"bureaus-differ"}


@pytest.mark.parametrize(
    ("code", "part", "key"),
    [
        ("nantong-2026", "scope", "may_follow"),
        ("wuxi-2025", "scope", "may_follow"),
        ("wuxi-2025", "overlap", "yearly_control"),
        ("nantong-2026", "split", "words"),
        ("yancheng-ai-plus", "split", "words"),
        ("yancheng-ai-plus", "overlap", "words"),
        ("nantong-agi-2024", "change", "words"),
    ],
)
def test_words_of_a_policy_that_its_text_does_not_say_are_refused(code, part, key):
    value = getattr(policies()[code].policy, part)
    assert getattr(value, key)

    changed = with_policy(code, **{part: replace(value, **{key: "无此规定"})})

    assert rules(changed) == {"words-not-in-text"}


def test_an_indicator_stands_in_the_annex_word_for_word():
    indicators = policies()["nantong-agi-2024"].policy.indicators
    changed = (replace(indicators[0], words="1 智算规模(PFLOPS) 600 市科技局"), *indicators[1:])

    assert len(indicators) == 6
    assert [each.target for each in indicators] == [500, 10, 20, 100, 100, 2]
    assert rules(with_policy("nantong-agi-2024", indicators=changed)) == {"words-not-in-text"}
