import re
from collections import Counter
from xml.etree import ElementTree as ET

import pytest

from caseflow.kernel.workflow.graph import closure
from caseflow.kernel.workflow.model import Branch, State, Step, Test, Workflow
from caseflow.kernel.workflow.petri import OPENING, SINK, SOURCE, Arc, net_of, place_id
from caseflow.kernel.workflow.pnml import pnml
from tests.definitions.definitions import compile_demo

PNML = "{http://www.pnml.org/version-2009/grammar/pnml}"
DEMO = compile_demo()


def state(code, *, end=None):
    return State(code, f"环节{code}", "demo", "end" if end else "review", end=end)


def step(event, source, *branches, guards=()):
    return Step(event, source, f"办理{event}", branches, ("applicant",), guards=guards)


def workflow(*steps, ends=("done",)):
    """Return the workflow of these steps; its first state is the first step's source."""
    codes = dict.fromkeys(c for s in steps for c in (s.source, *(b.target for b in s.branches)))
    return Workflow(
        name="M-0",
        title="示范",
        family="demo",
        opened_by=("applicant",),
        initial=steps[0].source,
        states={c: state(c, end="closed" if c in ends else None) for c in codes},
        steps={(s.source, s.event): s for s in steps},
        clocks={},
        facts={},
    )


SMALLEST = workflow(step("finish", "draft", Branch("done")))


def ways(net):
    """Return every transition as (place before, label, place after)."""
    before = {arc.target: arc.source for arc in net.arcs}
    after = {arc.source: arc.target for arc in net.arcs}
    return [(before[each.id], each.label, after[each.id]) for each in net.transitions]


def test_the_smallest_net_goes_from_the_source_to_the_sink():
    net = net_of(SMALLEST)

    assert [place.id for place in net.places] == [SOURCE, "p.draft", "p.done", SINK]
    assert ways(net) == [
        (SOURCE, OPENING, "p.draft"),
        ("p.draft", "finish", "p.done"),
        ("p.done", None, SINK),
    ]


def test_an_event_that_stays_returns_the_token_to_its_place():
    net = net_of(
        workflow(step("answer", "seats", Branch("seats")), step("go", "seats", Branch("done")))
    )

    assert ("p.seats", "answer", "p.seats") in ways(net)


def test_every_branch_is_a_transition_of_the_same_label():
    high, low = (Test("holds", "at_least", 1),), (Test("holds", "at_most", 0),)
    net = net_of(
        workflow(
            step("decide", "a", Branch("b", high), Branch("done", low)),
            step("go", "b", Branch("done")),
        )
    )

    assert [t.id for t in net.transitions if t.label == "decide"] == [
        "t.a.decide.1",
        "t.a.decide.2",
    ]
    assert Arc("t.a.decide.2", "p.done") in net.arcs


def test_a_branch_that_its_guard_forbids_is_not_in_the_net():
    held = Branch("b", (Test("holds", "at_least", 1),))
    free = Branch("done", (Test("holds", "at_most", 0),))
    net = net_of(
        workflow(
            step("pay", "a", held, free, guards=("no_hold",)),
            step("hold", "a", Branch("b")),
            step("go", "b", Branch("done")),
        )
    )

    assert [way for way in ways(net) if way[1] == "pay"] == [("p.a", "pay", "p.done")]


def test_every_end_is_joined_to_the_one_sink_in_silence():
    net = net_of(
        workflow(
            step("go", "a", Branch("done")),
            step("drop", "a", Branch("gone")),
            ends=("done", "gone"),
        )
    )

    assert [way for way in ways(net) if way[2] == SINK] == [
        ("p.done", None, SINK),
        ("p.gone", None, SINK),
    ]


@pytest.mark.parametrize("name", DEMO)
def test_every_node_is_on_a_way_from_the_source_to_the_sink(name):
    net = net_of(DEMO[name])
    onward, backward = {}, {}
    for arc in net.arcs:
        onward.setdefault(arc.source, []).append(arc.target)
        backward.setdefault(arc.target, []).append(arc.source)
    nodes = {node.id for node in (*net.places, *net.transitions)}

    assert closure([SOURCE], onward) == closure([SINK], backward) == nodes
    assert SOURCE not in backward
    assert SINK not in onward


@pytest.mark.parametrize("name", DEMO)
def test_a_transition_takes_one_token_and_gives_one(name):
    net = net_of(DEMO[name])
    places = {place.id for place in net.places}

    taken = Counter(arc.target for arc in net.arcs if arc.source in places)
    given = Counter(arc.source for arc in net.arcs if arc.target in places)

    assert taken == given == Counter(each.id for each in net.transitions)


def test_a_return_has_a_transition_for_every_state_it_may_go_back_to():
    targets = {way[2] for way in ways(net_of(DEMO["M-1"])) if way[1] == "resume"}

    assert targets == {"p.reviewing", "p.checking"}


def test_a_state_that_is_used_again_has_an_id_that_xml_allows():
    assert place_id("performance#2") == "p.performance-2"


@pytest.mark.parametrize("name", DEMO)
def test_the_pnml_has_every_node_and_arc_once_and_marks_the_source(name):
    net = net_of(DEMO[name])
    root = ET.fromstring(pnml(net))
    page = root.find(f"{PNML}net/{PNML}page")
    ids = [element.get("id") for element in root.iter() if element.get("id")]

    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z_][\w.-]*", each, re.ASCII) for each in ids)
    assert len(page.findall(f"{PNML}place")) == len(net.places)
    assert len(page.findall(f"{PNML}transition")) == len(net.transitions)
    assert {(a.get("source"), a.get("target")) for a in page.findall(f"{PNML}arc")} == set(net.arcs)
    marked = [p.get("id") for p in page if p.find(f"{PNML}initialMarking/{PNML}text") is not None]
    assert marked == [SOURCE]


def test_the_pnml_names_transitions_by_their_events_and_marks_the_silent_ones():
    root = ET.fromstring(pnml(net_of(SMALLEST)))
    transitions = list(root.iter(f"{PNML}transition"))

    assert [each.findtext(f"{PNML}name/{PNML}text") for each in transitions] == [
        OPENING,
        "finish",
        "环节done",
    ]
    marks = [each.find(f"{PNML}toolspecific").get("activity") for each in transitions]
    assert marks == [None, None, "$invisible$"]
    assert transitions[1].findtext(f"{PNML}toolspecific/{PNML}title") == "办理finish"


def test_the_pnml_says_which_workflow_it_is():
    root = ET.fromstring(pnml(net_of(SMALLEST)))

    assert root.find(f"{PNML}net").get("type").endswith("/ptnet")
    assert next(root.iter(f"{PNML}workflow")).get("hash") == SMALLEST.hash


def test_the_same_workflow_gives_the_same_bytes():
    assert pnml(net_of(DEMO["M-1"])) == pnml(net_of(compile_demo()["M-1"]))
