"""An event log as XES (IEEE 1849): piece by piece, so that a log of any length can be written.

A person is never in it. `org:resource` is the seat that acted and `org:group` the public body,
where it was one; applicants are not named.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final
from xml.sax.saxutils import quoteattr

from caseflow.cases.event_log import LoggedEvent
from caseflow.kernel.calendar import SHANGHAI

HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1849.2016" xes.features="" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <extension name="Lifecycle" prefix="lifecycle" uri="http://www.xes-standard.org/lifecycle.xesext"/>
  <extension name="Organizational" prefix="org" uri="http://www.xes-standard.org/org.xesext"/>
  <extension name="Time" prefix="time" uri="http://www.xes-standard.org/time.xesext"/>
  <global scope="trace">
    <string key="concept:name" value=""/>
    <string key="policy" value=""/>
    <string key="measure" value=""/>
    <string key="workflow" value=""/>
  </global>
  <global scope="event">
    <string key="concept:name" value=""/>
    <string key="lifecycle:transition" value="complete"/>
    <string key="org:resource" value=""/>
    <date key="time:timestamp" value="1970-01-01T00:00:00.000+00:00"/>
  </global>
  <classifier name="Event" keys="concept:name"/>
  <string key="lifecycle:model" value="standard"/>
"""
TAIL: Final = "</log>\n"
SYSTEM: Final = "system"

OnTrace = Callable[[str], None]


def xes(events: Iterable[LoggedEvent], *, on_trace: OnTrace = lambda _: None) -> Iterator[str]:
    """Yield the document in pieces; `on_trace` is told each case's number when it is through.

    The events of a case must stand together, in their order.
    """
    yield HEAD
    for _, trace in groupby(events, key=attrgetter("stream")):
        yield from _trace(trace, on_trace)
    yield TAIL


def _trace(events: Iterator[LoggedEvent], on_trace: OnTrace) -> Iterator[str]:
    first = next(events)
    yield "  <trace>\n" + _attributes(_of_case(first), indent=4)
    yield _event(first)
    yield from map(_event, events)
    yield "  </trace>\n"
    on_trace(first.number)


def _of_case(event: LoggedEvent) -> dict[str, str | None]:
    return {
        "concept:name": event.number,
        "policy": event.policy,
        "measure": event.measure,
        "workflow": event.workflow_hash,
        "child_kind": event.child_kind,
        "parent": event.parent,
    }


def _event(event: LoggedEvent) -> str:
    attributes = {
        "concept:name": event.name,
        "lifecycle:transition": "complete",
        "org:resource": event.seat or SYSTEM,
        "org:group": event.office,
        "from_state": event.from_state,
        "to_state": event.to_state,
    }
    at = event.at.astimezone(SHANGHAI).isoformat(timespec="milliseconds")
    date = f'      <date key="time:timestamp" value="{at}"/>\n'
    return f"    <event>\n{_attributes(attributes, indent=6)}{date}    </event>\n"


def _attributes(values: dict[str, str | None], *, indent: int) -> str:
    return "".join(
        f'{" " * indent}<string key="{key}" value={quoteattr(value)}/>\n'
        for key, value in values.items()
        if value is not None
    )
