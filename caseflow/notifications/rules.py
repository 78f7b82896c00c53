"""Who is told what, when and by which channel: the notice book of `notifications/`.

A notice is a YAML file with its text beside it (or that of the notice it names as `text`). It
answers to events of cases (`*_overdue` names all that end so), to the outcome a case ends with, or
to one of the `TRIGGERS`. `none.yaml` names the events that tell nobody but whoever gets a task by
them, and says why.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from caseflow.catalogue.unchanged import Unchanged
from caseflow.catalogue.yaml_reader import read_yaml
from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.schema import (
    NAMES,
    NUMBER,
    TEXT,
    ListOf,
    MapOf,
    Record,
    shape_problems,
)
from caseflow.kernel.workflow.source import Source
from caseflow.kernel.workflow.vocabulary import OUTCOMES, SEATS
from caseflow.notifications.templates import faults

HOLDER: Final = "holder"
"""The seats that hold the state the case has just entered."""

TASK: Final = "task"
"""The people whom an act on tasks is about: to whom it was handed, who is added, chased, copied."""

CHANNELS: Final = ("inbox", "email")
TRIGGERS: Final = (
    "task_opened",  # an act opened a task for a seat of a person
    "clock_due",  # a clock's reminder; days before its due date
    "clock_overdue",  # a clock's due date has passed and its holder has not acted
    "call_opened",
    "call_closing",  # told to the applicants with drafts and to the bureau
    "policy_expiring",  # told to the bureaus
    "draft_expiring",  # told to applicants with a draft under an expiring policy
    "calendar_missing",
    "child_opened",  # a child case was opened; told to the parties of its parent
    "case_migrated",  # a case moved to another version; told to its applicant and who holds it
    "impact_undecided",  # cases wait for a decision after a policy changed; told to the bureau
    "summary_sheet_sent",  # a town or park has sent its summary sheet; told to the bureau
    "letter_sent",  # a formal document was sent electronically; told to its addressee
    "indicator_due",  # a report of an indicator is due; `lead_bureau` stands for its owners
    "indicator_overdue",  # nothing confirmed came by the day
    "indicator_escalated",  # nor days after; told to the bureau that leads the policy as well
)
"""What tells people without an event of a case."""

NONE_FILE: Final = "none.yaml"
TEXT_SUFFIX: Final = ".zh-CN.txt"

_NOTICE: Final = Record(
    {"notice": TEXT, "title": TEXT, "to": NAMES, "channels": NAMES, "source": TEXT},
    {
        "text": TEXT,
        "events": NAMES,
        "into": NAMES,
        "outcomes": NAMES,
        "trigger": TEXT,
        "days": ListOf(NUMBER),
    },
)
_NONE: Final = Record({"none": MapOf(TEXT)})


@dataclass(frozen=True)
class NoticeRule:
    """One telling: which notice goes to which seats by which channels; `rule` names its cause."""

    notice: str
    rule: str
    seats: tuple[str, ...]
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Notice:
    """One file of `notifications/` with its text."""

    name: str
    title: str
    text: str
    to: tuple[str, ...]
    channels: tuple[str, ...]
    source: str
    events: tuple[str, ...] = ()
    into: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    trigger: str | None = None
    days: tuple[int, ...] = ()

    @property
    def patterns(self) -> tuple[str, ...]:
        """Return the names among `events` that stand for many."""
        return tuple(event for event in self.events if "*" in event)


@dataclass(frozen=True, eq=False)
class NoticeBook:
    """All notices by name; `none` maps the events that tell nobody to the reason why."""

    notices: Mapping[str, Notice]
    none: Mapping[str, str]
    _told: dict[tuple[str, str, str | None], tuple[NoticeRule, ...]] = field(
        default_factory=dict, repr=False
    )

    @property
    def events(self) -> frozenset[str]:
        """Return every event, or pattern of events, that a notice names."""
        return frozenset(event for notice in self.notices.values() for event in notice.events)

    def knows(self, event: str) -> bool:
        """Return whether somebody has decided whom `event` tells, be it nobody."""
        return event in self.none or any(fnmatchcase(event, name) for name in self.events)

    def for_event(self, event: str, *, to_state: str, ended: str | None) -> tuple[NoticeRule, ...]:
        """Return who is told what by `event` having led to `to_state`; `ended` is the outcome.

        One act tells a seat once, and the order is the order of precedence: what is said of the
        event, then what is said of the outcome, then the task that was opened (seat `holder`).
        """
        key = (event, to_state, ended)
        if key not in self._told:
            self._told[key] = tuple(self._tell(event, to_state.partition("#")[0], ended))
        return self._told[key]

    def _tell(self, event: str, state: str, ended: str | None) -> Iterator[NoticeRule]:
        told: set[str] = set()
        for notice in self._answering(event, state, ended):
            seats = tuple(seat for seat in notice.to if seat not in told)
            told.update(seats)
            if seats:
                yield NoticeRule(notice.name, event, seats, notice.channels)

    def _answering(self, event: str, state: str, ended: str | None) -> Iterator[Notice]:
        notices = tuple(self.notices.values())
        if event not in self.none:
            named = [notice for notice in notices if event in notice.events]
            yield from (notice for notice in named if state in notice.into)
            yield from (notice for notice in named if not notice.into)
            yield from (n for n in notices if any(fnmatchcase(event, name) for name in n.patterns))
            yield from (n for n in notices if ended in n.outcomes)
        if ended is None:
            yield from (n for n in notices if n.trigger == "task_opened")

    def for_trigger(self, trigger: str, *, days: int | None = None) -> tuple[NoticeRule, ...]:
        """Return who is told by a trigger; `days` to go (or past) is part of the rule's name.

        A notice that lists its days answers to those only, one that lists none to any.
        """
        rule = trigger if days is None else f"{trigger}-{days}"
        return tuple(
            NoticeRule(notice.name, rule, notice.to, notice.channels)
            for notice in self.notices.values()
            if notice.trigger == trigger and (not notice.days or days in notice.days)
        )

    def days(self, trigger: str) -> tuple[int, ...]:
        """Return the days before its date on which `trigger` is told, the earliest first."""
        found = {
            n for notice in self.notices.values() if notice.trigger == trigger for n in notice.days
        }
        return tuple(sorted(found, reverse=True))


def load_notices(root: Path) -> NoticeBook:
    """Read the folder `notifications/`; what has not changed is not read twice by one process.

    Raises:
        DefinitionError: the faults of all files together: shape, unknown names, templates.
    """
    return _notices(root)


def _read_book(root: Path) -> NoticeBook:
    problems: list[Problem] = []
    notices: dict[str, Notice] = {}
    for path in sorted(root.glob("*.yaml")):
        if path.name == NONE_FILE:
            continue
        source = _read(path, _NOTICE, problems)
        if source is not None:
            beside = root / (Path(source.data.get("text", path.stem)).name + TEXT_SUFFIX)
            notice = _notice(source.data, _text(beside, problems))
            problems += _problems(source, notice, path)
            notices[notice.name] = notice
    none = _read(root / NONE_FILE, _NONE, problems)
    if problems or none is None:
        raise DefinitionError(sorted(problems))
    book = NoticeBook(notices=notices, none=dict(none.data["none"]))
    both = sorted(book.events & set(book.none))
    if both:
        raise DefinitionError([_both(none, event) for event in both])
    return book


def _both(none: Source, event: str) -> Problem:
    message = f"{event} tells nobody here, but a notice names it"
    return none.problem(("none", event), "notice-contradiction", message)


def _read(path: Path, shape: Record, problems: list[Problem]) -> Source | None:
    try:
        source = read_yaml(path)
    except DefinitionError as error:
        problems += error.problems
        return None
    found = shape_problems(source, shape)
    problems += found
    return None if found else source


def _text(beside: Path, problems: list[Problem]) -> str:
    if not beside.is_file():
        problems.append(Problem(str(beside), 1, "notice-text", "there is no such file"))
        return ""
    text = beside.read_text(encoding="utf-8")
    problems += [Problem(str(beside), line, "notice-template", what) for line, what in faults(text)]
    return text


def _notice(data: Mapping[str, Any], text: str) -> Notice:
    return Notice(
        name=data["notice"],
        title=data["title"],
        text=text,
        to=tuple(data["to"]),
        channels=tuple(data["channels"]),
        source=data["source"],
        events=tuple(data.get("events", ())),
        into=tuple(data.get("into", ())),
        outcomes=tuple(data.get("outcomes", ())),
        trigger=data.get("trigger"),
        days=tuple(data.get("days", ())),
    )


def _problems(source: Source, notice: Notice, path: Path) -> Iterator[Problem]:
    if notice.name != path.stem:
        message = f"the notice {notice.name} stands in the file {path.name}"
        yield source.problem(("notice",), "notice-name", message)
    for line, what in faults(notice.title):
        yield Problem(source.file, source.line("title") + line - 1, "notice-template", what)
    if not (notice.events or notice.outcomes or notice.trigger):
        message = "nothing makes this notice: give events, outcomes or a trigger"
        yield source.problem((), "notice-without-cause", message)
    yield from _words(source, "to", notice.to, (HOLDER, TASK, *SEATS))
    yield from _words(source, "channels", notice.channels, CHANNELS)
    yield from _words(source, "outcomes", notice.outcomes, OUTCOMES)
    if notice.trigger is not None and notice.trigger not in TRIGGERS:
        message = f"{notice.trigger} is no trigger; known are {', '.join(TRIGGERS)}"
        yield source.problem(("trigger",), "notice-unknown-trigger", message)


def _words(
    source: Source, key: str, words: tuple[str, ...], known: tuple[str, ...]
) -> Iterator[Problem]:
    if key in source.data and not words:
        yield source.problem((key,), "notice-empty", f"{key} is empty")
    for index, word in enumerate(words):
        if word not in known:
            message = f"{word} is unknown in {key}; known are {', '.join(known)}"
            yield source.problem((key, index), "notice-unknown-word", message)


_notices = Unchanged(
    lambda folder: (each for each in folder.glob("*") if each.is_file()), _read_book
)
