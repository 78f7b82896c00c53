"""Facts in, yuan out: every measure with a figure, as an official would check it by hand."""

import re
from decimal import Decimal
from functools import cache

import pytest

from caseflow.catalogue.places import policy_folders
from caseflow.catalogue.quoting import Clause, quote_clause, rule_of, subject_of
from caseflow.catalogue.yaml_reader import read_yaml
from caseflow.kernel.benefits.model import Parameter
from caseflow.kernel.benefits.parameters import read_parameter
from caseflow.kernel.benefits.sheet import Terms
from caseflow.kernel.errors import QuoteRefused
from tests.conftest import EVERYTHING
from tests.definitions.families import policies

pytestmark = pytest.mark.no_cover

FOLDERS = {folder.name: folder / "examples" for folder in policy_folders(EVERYTHING)}
KEYS = {"title", "day", "facts", "yuan", "refused", "cuts", "terms", "parameters"}


@pytest.fixture(scope="module", params=FOLDERS)
def files(request):
    return next(each for each in policies().values() if each.policy.code == request.param)


@cache
def written(code, id_):
    path = FOLDERS[code] / f"{id_}.yaml"
    if not path.exists():
        return []
    data = read_yaml(path).data
    assert data["measure"] == id_
    for example in data["examples"]:
        assert set(example) <= KEYS, (id_, example)
    return data["examples"]


def examples(files):
    for measure in files.measures:
        for example in written(files.policy.code, measure.id):
            yield measure, example


def told(files, measure, example):
    clause = Clause.of_files(files.policy, measure, example["day"])
    terms = Terms(**example.get("terms", {}), parameters=settled(measure, example))
    return quote_clause(clause, example.get("facts", {}), on=example["day"], terms=terms)


def settled(measure, example):
    """Return the parameters of an example, each read as the bureau's handler enters it."""
    subject = subject_of(measure.to_data())
    return {
        name: Parameter(name, read_parameter(subject, name, value), example["day"], "文号")
        for name, value in example.get("parameters", {}).items()
    }


def test_an_example_gives_the_yuan_an_official_worked_out(files):
    wrong = []
    for measure, example in examples(files):
        if "yuan" in example:
            quote = told(files, measure, example)
            yuan = f"{Decimal(quote.amount_fen) / 100:.2f}"
            cuts = {line.rule for line in quote.lines if line.kind == "cut"}
            if yuan != example["yuan"] or not cuts >= set(example.get("cuts", ())):
                wrong.append((measure.id, example["title"], yuan, example["yuan"], cuts))

    assert wrong == []


def test_an_example_that_is_refused_says_why_and_who_decides(files):
    for measure, example in examples(files):
        if "refused" in example:
            with pytest.raises(QuoteRefused, match=re.escape(example["refused"])) as refusal:
                told(files, measure, example)
            assert measure.bureaus[0] in refusal.value.message, measure.id


def test_every_measure_with_a_figure_has_a_rule_and_examples_below_at_and_above_and_refused(files):
    counted = {}
    for measure, example in examples(files):
        kinds = counted.setdefault(measure.id, [])
        kinds.append("refused" if "refused" in example else "yuan")
    with_figures = [m for m in files.measures if m.amounts_yuan or m.rates_pct]

    assert [m.id for m in with_figures if not m.benefit.parts] == []
    assert [m.id for m in with_figures if len(counted.get(m.id, ())) < 4] == []
    assert [m.id for m in with_figures if "refused" not in counted[m.id]] == []


def test_a_rule_points_at_facts_and_figures_that_exist(files):
    wrong = []
    for measure in files.measures:
        rule = rule_of(measure.to_data())
        names = {fact.name for fact in rule.facts}
        for each in (*rule.parts, *rule.caps):
            said = vars(each)
            asked = [said.get(key) for key in POINTERS] + [*said.get("period", ())]
            asked += said["less"] if isinstance(said.get("less"), tuple) else [said.get("less")]
            wrong += [(measure.id, name) for name in asked if name and name not in names]
            wrong += [(measure.id, n) for n in [said.get("rate")] if n and n >= len(rule.rates)]
            wrong += [(measure.id, n) for n in _places(said) if n >= len(rule.amounts)]

    assert wrong == []


POINTERS = (
    "base", "by", "count", "months", "decided", "stretches", "since", "paid", "counted",
)  # fmt: skip


def _places(said):
    flat = [n for v in said["tiers"].values() for n in (v if isinstance(v, list | tuple) else [v])]
    return [*flat, *([said["amount"]] if said.get("amount") is not None else [])]


def test_every_fact_asked_for_is_used_or_is_a_condition(files):
    idle = []
    for measure in files.measures:
        rule = rule_of(measure.to_data())
        used = {
            name
            for each in (*rule.parts, *rule.caps)
            for value in vars(each).values()
            for name in (value if isinstance(value, tuple) else [value])
            if isinstance(name, str)
        }
        idle += [
            (measure.id, fact.name)
            for fact in rule.facts
            if fact.role not in {"condition", "date"} and not fact.must and fact.name not in used
        ]

    assert idle == []
