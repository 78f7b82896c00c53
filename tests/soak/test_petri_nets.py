"""Judged by pm4py, which knows nothing of caseflow: is every net sound, does it replay its cases?

Only `make soak` installs pm4py (AGPL); the product never imports it. Fitness is measured by
alignments: token-based replay guesses among transitions of one label (the branches of an event,
a withdrawal that is possible in twenty states) and calls a fitting trace unfit.
"""

import warnings
from collections import defaultdict

import pytest

from caseflow.cases.recomputing import EVENT as DEADLINE_RECOMPUTED
from caseflow.catalogue.compiling import compile_policy
from caseflow.catalogue.library import load_library
from caseflow.catalogue.loading import read_policies
from caseflow.kernel.workflow.petri import net_of, place_id
from caseflow.kernel.workflow.pnml import pnml
from caseflow.rehearsal.rehearse import rehearse
from tests.conftest import EVERYTHING
from tests.factories.rehearsal import settings_on

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pm4py = pytest.importorskip("pm4py", reason="only `make soak` installs it")
    from pm4py.algo.analysis.woflan import algorithm as woflan
    from pm4py.algo.conformance.alignments.petri_net import algorithm as alignments
    from pm4py.objects.log.obj import EventLog, Trace
    from pm4py.objects.petri_net.utils.petri_utils import remove_arc

pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore::PendingDeprecationWarning"),  # pm4py's, about numpy
    pytest.mark.filterwarnings("ignore:Install the optional requirement:UserWarning"),
]

EVENT_NAME = "concept:name"
LIBRARY = load_library(EVERYTHING / "workflows")
WORKFLOWS = {
    name: workflow
    for files in read_policies(EVERYTHING)
    for compiled in compile_policy(files, LIBRARY).values()
    for name, workflow in compiled.items()
}


@pytest.fixture(scope="module")
def traces(server, tmp_path_factory):
    """Every measure's rehearsal as pm4py reads it from XES: the traces by the workflow's hash.

    A deadline that a new calendar moved is an event of the case but no step of its workflow.
    The first event of a case is in the net, as the transition out of the source; so is that of a
    child, in its own net.
    """
    home = tmp_path_factory.mktemp("home")
    file = home / "rehearsal.xes"
    rehearse(settings_on(server, home, database="postgres"), root=EVERYTHING, log=file)
    found = defaultdict(list)
    for trace in pm4py.read_xes(str(file), return_legacy_log_object=True):
        steps = [event for event in trace if event[EVENT_NAME] != DEADLINE_RECOMPUTED]
        kept = Trace(steps, attributes=trace.attributes)
        found[trace.attributes["workflow"]].append(kept)
    return found


@pytest.fixture(params=WORKFLOWS)
def workflow(request):
    """Every measure's workflow, and those of its child cases."""
    return WORKFLOWS[request.param]


@pytest.fixture
def net(workflow, tmp_path):
    """Its net with the initial and the final marking, as pm4py reads the PNML."""
    file = tmp_path / "net.pnml"
    file.write_text(pnml(net_of(workflow)), encoding="utf-8")
    return pm4py.read_pnml(str(file), auto_guess_final_marking=True)


def is_sound(net):
    quietly = {"print_diagnostics": False, "return_asap_when_not_sound": True}
    return woflan.apply(*net, parameters=quietly)


def fitness(net, log):
    aligned = alignments.apply(
        EventLog(log),
        *net,
        variant=alignments.Variants.VERSION_DIJKSTRA_LESS_MEMORY,
        parameters={"show_progress_bar": False},
    )
    return [each["fitness"] for each in aligned]


def an_arc_in_use(net, trace):
    """Return the arc by which the middle of the trace leads into its next place."""
    ways = defaultdict(list)
    for arc in net[0].arcs:
        for before in getattr(arc.source, "in_arcs", ()):
            if getattr(arc.source, "label", None):
                ways[before.source.name, arc.source.label, arc.target.name].append(arc)
    used = [
        ways[place_id(event["from_state"]), event[EVENT_NAME], place_id(event["to_state"])]
        for event in trace
        if "from_state" in event and event["from_state"] != event["to_state"]
    ]
    alone = [arcs[0] for arcs in used if len(arcs) == 1]
    return alone[len(alone) // 2]


def test_a_net_is_sound_and_replays_its_rehearsal(workflow, net, traces):
    mine = traces[workflow.hash]

    assert mine, "no case of it was rehearsed"
    assert is_sound(net)
    assert fitness(net, mine) == [1.0] * len(mine)


def test_a_net_that_lost_one_arc_is_neither_sound_nor_fit(workflow, net, traces):
    mine = traces[workflow.hash]

    remove_arc(net[0], an_arc_in_use(net, mine[0]))

    assert not is_sound(net)
    assert all(each < 1.0 for each in fitness(net, mine))
