"""Which titles make cases of which measures: the files, and what a row of a list comes to."""

from datetime import date
from types import SimpleNamespace

import pytest
from marshmallow import ValidationError

from caseflow.batches.title_survey import _Desk
from caseflow.catalogue.quoting import facts_of
from caseflow.catalogue.schemas import MeasureRecord
from caseflow.catalogue.yaml_reader import read_yaml
from caseflow.kernel.benefits.sheet import Terms
from caseflow.kernel.overlap.rules import EXPECTED
from caseflow.kernel.titles import matter_of
from tests.conftest import EVERYTHING
from tests.definitions.families import measures

MEASURES = {measure.id: measure for measure in measures()}
SERVED = [(m, each) for m in MEASURES.values() if m.titles for each in m.titles.serves]


def test_every_reward_by_list_has_its_titles():
    asked = {
        m.id
        for m in MEASURES.values()
        if (m.family, m.selection.method) == ("titles", "list_match")
    }

    assert {m.id for m in MEASURES.values() if m.titles} == asked


def test_a_kind_of_title_is_of_one_sort_everywhere():
    sorts = {(each.kind, each.per) for _, each in SERVED}

    assert len(sorts) == len({kind for kind, _ in sorts})


@pytest.mark.parametrize(("measure", "served"), SERVED, ids=lambda v: getattr(v, "id", None))
def test_a_title_tells_what_a_quote_needs_and_is_a_matter(measure, served):
    needed = {fact.name for fact in facts_of(measure.to_data()) if fact.required}
    kinds = measure.overlap.matters if measure.overlap else EXPECTED[measure.family]
    thing = "样品" if served.per == "object" else ""
    said = {
        "kind": served.kind,
        "level": served.level,
        "issued_on": date(2026, 8, 3),
        "thing": thing,
    }

    assert needed - {"adopters"} <= served.facts.keys()
    assert matter_of(kinds[0], said, object_no="备案2026-1") is not None


@pytest.mark.parametrize(
    "facts", [{"no_such_fact": True}, {"level": "世界级"}], ids=["unknown", "never"]
)
def test_a_title_tells_facts_of_the_benefit_alone(facts):
    own = {"kind": "首台套", "per": "object", "level": "national", "facts": facts}

    with pytest.raises(ValidationError) as refused:
        MeasureRecord().load({**_file("QD26-2b"), "titles": {"source": "惯例", "serves": [own]}})

    assert "titles" in refused.value.messages


def _file(code: str):
    (path,) = (EVERYTHING / "policies").glob(f"*/{code}.yaml")
    return read_yaml(path).data


def desk(code: str) -> _Desk:
    """A measure in force that looks at a list, with nothing settled by its bureau."""
    policy = SimpleNamespace(
        status="in_force", effective_from=date(2026, 1, 1), effective_to=date(2027, 12, 31)
    )
    version = SimpleNamespace(definition=MEASURES[code].to_data())
    measure = SimpleNamespace(code=code, version=version, policy=policy)
    land = SimpleNamespace(today=date(2026, 9, 1))
    return _Desk(land, SimpleNamespace(measure=measure), Terms(), {})


@pytest.mark.parametrize(
    ("code", "number", "given", "fen"),
    [
        ("QD26-2b", 0, (0, 0), 1_000_000_00),
        ("QD26-2b", 0, (500_000_00, 1), 500_000_00),
        ("QD26-2b", 0, (1_000_000_00, 1), 0),
        ("QD26-2b", 0, (999_999_99, 1), 1),
        ("QD26-8d", 1, (0, 0), 500_000_00),
        ("QD26-8d", 1, (500_000_00, 1), 0),
        ("WX-1d", 1, (0, 0), 300_000_00),
        ("WX-2c", 0, (1_000_000_00, 1), 0),
        ("NT26-2c", 0, (0, 0), None),
    ],
)
def test_a_title_is_worth_what_its_clause_leaves_of_it(code, number, given, fen):
    entry = MEASURES[code].to_data()["titles"]["serves"][number]

    amount, why = desk(code)._quote(entry, given)

    assert amount == fen
    assert bool(why) == (fen is None)
