"""The history against the log: each act is an event, each other event has its cause."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from caseflow.rehearsal.scenario_call.cast import Play
from caseflow.rehearsal.scenario_call.expecting import Expected, expected_of

SYSTEM: Final = "system"
PAGE: Final = 200
NO_SEAT: Final = frozenset({"public", SYSTEM})
"""Seats that belong to no organisation."""
SWEPT: Final = frozenset({"call_opened", "call_closed", "publicity_closed"})
"""What the system does on a day that stands in the event itself."""
CAUSES: Final = {
    "call_review_begun": frozenset({"call_closed"}),
    "call_released": frozenset({"order_payment"}),
    "call_settled": frozenset({"confirm_district_payment", "waitlist_over"}),
    "call_archived": frozenset({"call_settled"}),
}
"""What the system does to a call once such an event has happened to it or to its cases."""

Told = dict[str, Any]


@dataclass
class Comparison:
    """How many requests, acts and events there are; `gaps` says what does not agree, in words."""

    requests: int = 0
    refused: int = 0
    acts: int = 0
    events: int = 0
    streams: int = 0
    caused: int = 0
    timed: int = 0
    gaps: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Return whether the history tells the play back without a gap."""
        return not self.gaps


def read_history(play: Play, since: str) -> list[Told]:
    """Return every event since an instant, as the auditor reads them page by page."""
    found: list[Told] = []
    query: dict[str, Any] = {"since": since, "limit": PAGE}
    while True:
        page = play.talk.get("/history/events", play.auditor, **query)
        found += page["items"]
        if page["next"] is None:
            return found
        query["after"] = page["next"]


def verify_history(play: Play) -> dict[str, Any]:
    """Return whether every event of the house is as it was written, page by page."""
    events, faults = 0, list[Any]()
    query: dict[str, str] = {}
    while True:
        page = play.talk.get("/history/verification", play.auditor, **query)
        events, faults = events + page["events"], faults + page["faults"]
        if page["next"] is None:
            return {"ok": not faults, "events": events, "faults": faults}
        query = {"after": page["next"]}


def compare(play: Play, events: Sequence[Told]) -> Comparison:
    """Compare the log of the play with the history, event by event."""
    log = list(play.talk.log)
    result = Comparison(
        requests=len(log), refused=sum(not each.is_done for each in log), events=len(events)
    )
    wanted: list[Expected] = []
    for asked in log:
        expected = expected_of(asked)
        if expected is None:
            result.gaps.append(f"不知该留下什么：{asked.told}")
        wanted += expected or []
    result.acts = len(wanted)
    rest = _match(wanted, events, result)
    by_stream = _streams(events)
    result.streams = len(by_stream)
    for stream in by_stream.values():
        result.gaps += _broken(stream)
    for event in rest:
        result.gaps += _unexplained(event, by_stream[event["stream"]], events, result)
    result.gaps += [gap for event in events for gap in _anonymous(event)]
    return result


def _match(wanted: Iterable[Expected], events: Sequence[Told], result: Comparison) -> list[Told]:
    """Strike out every event that an act asked for; returns those that nobody asked for."""
    index: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for event in events:
        index[event["actor"], event["event"]].append(event)
    struck: set[str] = set()
    for each in wanted:
        fitting = [
            event
            for event in index[each.login, each.event]
            if event["mark"] not in struck and _fits(each, event)
        ]
        if fitting:
            struck.add(fitting[0]["mark"])
        else:
            about = f"{each.subject or ''} {each.seq or ''}".strip()
            result.gaps.append(f"请求 #{each.asked} 的 {each.event}（{about}，{each.login}）未留痕")
    return [event for event in events if event["mark"] not in struck]


def _fits(each: Expected, event: Told) -> bool:
    return (
        (each.subject is None or each.subject == event["subject"])
        and (each.seq is None or each.seq == event["seq"])
        and (each.key is None or each.key == event["request_id"])
    )


def _streams(events: Iterable[Told]) -> dict[int, list[Told]]:
    found: dict[int, list[Told]] = defaultdict(list)
    for event in events:
        found[event["stream"]].append(event)
    return {stream: sorted(told, key=lambda e: e["seq"]) for stream, told in found.items()}


def _broken(stream: list[Told]) -> Iterator[str]:
    """Yield where numbers of a history are missing, or a case jumps from one state to another."""
    first = stream[0]
    name = f"{first['subject_kind']} {first['subject']}"
    if first["subject_kind"] is None:
        yield f"流 {first['stream']} 不知属于什么"
    if first["subject_kind"] == "case" and first["seq"] != 1:
        yield f"{name} 的留痕不从第 1 件开始"
    for before, after in pairwise(stream):
        if after["seq"] != before["seq"] + 1:
            yield f"{name} 缺第 {before['seq'] + 1} 件留痕"
        if after["from_state"] != before["to_state"]:
            yield f"{name} 第 {after['seq']} 件：前后环节不相接"
        if after["at"] < before["at"]:
            yield f"{name} 第 {after['seq']} 件：时间倒流"


def _unexplained(
    event: Told, stream: list[Told], events: Sequence[Told], result: Comparison
) -> Iterator[str]:
    """Yield why an event that nobody asked for is not explained: it must be the system's."""
    name = f"{event['subject']} 第 {event['seq']} 件 {event['event']}"
    if event["actor"] != SYSTEM:
        yield f"{name}：{event['actor']} 未作此请求"
    elif event["caused_by"] is not None:
        result.caused += 1
        if not any(each["seq"] == event["caused_by"] for each in stream):
            yield f"{name}：起因 {event['caused_by']} 不在留痕中"
    elif event["clock"] is not None or event["event"] in SWEPT:
        result.timed += 1
    elif _has_cause(event, events):
        result.caused += 1
    else:
        yield f"{name}：系统所为，没有起因"


def _has_cause(event: Told, events: Iterable[Told]) -> bool:
    """Return whether what moves a call has happened before."""
    causes = CAUSES.get(event["event"], frozenset())
    return any(each["event"] in causes and each["at"] <= event["at"] for each in events)


def _anonymous(event: Told) -> Iterator[str]:
    """Yield what of who, in which seat, of which organisation is not told."""
    name = f"{event['subject']} 第 {event['seq']} 件 {event['event']}"
    if not event["actor"] or not event["at"]:
        yield f"{name}：不知何人何时"
    if event["subject_kind"] != "case":
        return
    if event["seat"] is None:
        yield f"{name}：不知席位"
    elif event["seat"] not in NO_SEAT and event["organisation_title"] is None:
        yield f"{name}：不知单位"
