"""A net as PNML (ISO/IEC 15909-2, place/transition nets): the same net gives the same bytes.

A transition is named by its event, as logs name it; its Chinese title stands beside it for people.
Silent transitions carry the mark that ProM introduced and everybody reads.
"""

from typing import Final
from xml.etree import ElementTree as ET

from caseflow.kernel.workflow.petri import Net, Place, Transition

GRAMMAR: Final = "http://www.pnml.org/version-2009/grammar"
SILENT: Final = {"tool": "ProM", "version": "6.4", "activity": "$invisible$"}
TOOL: Final = {"tool": "caseflow", "version": "1"}


def pnml(net: Net) -> str:
    """Return the PNML document of a net."""
    root = ET.Element("pnml", xmlns=f"{GRAMMAR}/pnml")
    inside = ET.SubElement(root, "net", id="net", type=f"{GRAMMAR}/ptnet")
    _label(inside, "name", net.name)
    own = ET.SubElement(inside, "toolspecific", TOOL)
    ET.SubElement(own, "workflow", title=net.title, hash=net.workflow_hash)
    page = ET.SubElement(inside, "page", id="page")
    for place in net.places:
        _add_place(page, place, is_marked=place.id == net.source)
    for transition in net.transitions:
        _add_transition(page, transition)
    for number, arc in enumerate(net.arcs, start=1):
        ET.SubElement(page, "arc", id=f"a{number}", source=arc.source, target=arc.target)
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _label(element: ET.Element, kind: str, text: str) -> None:
    ET.SubElement(ET.SubElement(element, kind), "text").text = text


def _add_place(page: ET.Element, place: Place, *, is_marked: bool) -> None:
    element = ET.SubElement(page, "place", id=place.id)
    _label(element, "name", place.title)
    if is_marked:
        _label(element, "initialMarking", "1")


def _add_transition(page: ET.Element, transition: Transition) -> None:
    element = ET.SubElement(page, "transition", id=transition.id)
    _label(element, "name", transition.label or transition.title)
    if transition.label is None:
        ET.SubElement(element, "toolspecific", SILENT)
        return
    own = ET.SubElement(element, "toolspecific", TOOL)
    ET.SubElement(own, "title").text = transition.title
