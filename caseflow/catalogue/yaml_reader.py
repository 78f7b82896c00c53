"""YAML read strictly: what looks like one thing and means another is refused, with file and line.

A definition must mean what it says to the official who wrote it. So no aliases (a 306-byte file
can unfold to 387 million leaves), no tags, no duplicate keys, no floats, and none of YAML 1.1's
surprises (`no` is false, `010` is eight, `1:30` is ninety).
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path as FilePath
from typing import Any, Final

import yaml

from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.source import Path, Source

Document = Source
"""A file's plain data with the line of every key and item."""

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 20

_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FLOAT: Final = re.compile(
    r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9]+[eE][-+]?[0-9]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_ODD_NUMBER: Final = re.compile(
    r"[-+]?0[0-9_]+|[-+]?0[xob][0-9a-fA-F_]+|[-+]?[0-9][0-9_]+"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"
)
_ODD_DATE: Final = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}.*)?"
)
_ODD_BOOLEAN: Final = re.compile(r"(?:yes|no|on|off|true|false)", re.IGNORECASE)
_ODD_NULL: Final = re.compile(r"(?:Null|NULL)")
_CONSTANTS: Final[dict[str, Any]] = {
    "": None,
    "~": None,
    "null": None,
    "true": True,
    "false": False,
}

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: FilePath) -> Document:
    """Read one file into plain data (dict, list, str, int, bool, date, None) with its lines.

    Raises:
        DefinitionError: every fault that can be found, each with file, line and a `yaml-*` rule.
    """
    return read_text(_text(path), file=str(path))


def read_text(text: str, *, file: str) -> Document:
    """Read YAML from a string; `file` is the name used in problems."""
    builder = _Builder(file)
    try:
        data = builder.document(yaml.parse(text, Loader=_Loader))
    except yaml.YAMLError as error:
        builder.fault(_error_line(error), "yaml-syntax", _error_words(error))
    if builder.problems:
        raise DefinitionError(sorted(builder.problems))
    return Document(file=file, data=data, lines=builder.lines)


def _text(path: FilePath) -> str:
    raw = path.read_bytes() if path.is_file() else None
    if raw is None:
        raise DefinitionError([Problem(str(path), 1, "yaml-missing-file", "there is no such file")])
    if len(raw) > MAX_BYTES:
        message = f"the file has {len(raw)} bytes; at most {MAX_BYTES} are read"
        raise DefinitionError([Problem(str(path), 1, "yaml-too-large", message)])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start} is not UTF-8; save the file as UTF-8"
        raise DefinitionError([Problem(str(path), line, "yaml-encoding", message)]) from error


def _error_line(error: yaml.YAMLError) -> int:
    mark = getattr(error, "problem_mark", None)
    return mark.line + 1 if mark is not None else 1


def _error_words(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)


class _Builder:
    """Builds plain data from parser events, so that nothing is resolved behind our back."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []

    def fault(self, line: int, rule: str, message: str) -> None:
        """Note a problem; reading goes on, so that all are reported at once."""
        self.problems.append(Problem(self.file, line, rule, message))

    def document(self, events: Iterator[Any]) -> Any:
        """Consume the stream: exactly one document."""
        next(events)  # stream start
        if isinstance(next(events), yaml.StreamEndEvent):
            self.fault(1, "yaml-empty", "the file is empty")
            return None
        data = self.node(next(events), events, ())
        next(events)  # document end
        after = next(events)
        if not isinstance(after, yaml.StreamEndEvent):
            self.fault(after.start_mark.line + 1, "yaml-syntax", "a second document begins here")
        return data

    def node(self, event: Any, events: Iterator[Any], path: Path) -> Any:
        """Build what begins with `event`."""
        line = event.start_mark.line + 1
        self.lines.setdefault(path, line)
        if isinstance(event, yaml.AliasEvent):
            self.fault(line, "yaml-alias", f"alias *{event.anchor}: write the value out")
            return None
        self._plainness(event, line)
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event)
        if len(path) >= MAX_DEPTH:
            raise self._too_deep(line)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(events, path)
        return self.mapping(events, path)

    def _too_deep(self, line: int) -> yaml.YAMLError:
        error = yaml.MarkedYAMLError(problem=f"nested deeper than {MAX_DEPTH} levels")
        error.problem_mark = yaml.Mark(self.file, 0, line - 1, 0, None, 0)
        return error

    def _plainness(self, event: Any, line: int) -> None:
        if event.anchor is not None:
            self.fault(line, "yaml-alias", f"anchor &{event.anchor}: write the value out")
        if event.tag is not None:
            self.fault(line, "yaml-tag", f"tag {event.tag}: a definition holds plain values only")

    def sequence(self, events: Iterator[Any], path: Path) -> list[Any]:
        """Build a list."""
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            items.append(self.node(event, events, (*path, len(items))))
        return items

    def mapping(self, events: Iterator[Any], path: Path) -> dict[str, Any]:
        """Build a mapping with unique text keys."""
        result: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            line = event.start_mark.line + 1
            key = self.key(event, line, taken=result)
            inner = (*path, key)
            self.lines.setdefault(inner, line)
            value = self.node(next(events), events, inner)
            result.setdefault(key, value)
        return result

    def key(self, event: Any, line: int, *, taken: dict[str, Any]) -> str:
        """Return a mapping's key; anything but new text is a fault."""
        if not isinstance(event, yaml.ScalarEvent):
            error = yaml.MarkedYAMLError(
                problem="a key must be text", problem_mark=event.start_mark
            )
            raise error
        self._plainness(event, line)
        value = self.scalar(event)
        if event.value == "<<" and not event.style:
            self.fault(line, "yaml-alias", "merge key <<: write the keys out")
        elif not isinstance(value, str):
            self.fault(line, "yaml-key", f"the key {event.value} is not text; quote it")
        if event.value in taken:
            self.fault(line, "yaml-duplicate-key", f"the key {event.value} stands here twice")
        return str(event.value)

    def scalar(self, event: Any) -> Any:
        """Return the value of a scalar: quoted is text, plain is what it unmistakably is."""
        text, line = event.value, event.start_mark.line + 1
        if event.style:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        if _DATE.fullmatch(text):
            return self._date(text, line)
        self._oddness(text, line)
        return text

    def _date(self, text: str, line: int) -> date | None:
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.fault(line, "yaml-date", f"{text} is not a day of the calendar")
            return None

    def _oddness(self, text: str, line: int) -> None:
        if _FLOAT.fullmatch(text):
            self.fault(line, "yaml-float", f'{text} is a float: write it as a string "{text}"')
        elif _ODD_BOOLEAN.fullmatch(text):
            self.fault(line, "yaml-boolean", f'{text}: write true or false, or "{text}" for text')
        elif any(odd.fullmatch(text) for odd in (_ODD_NUMBER, _ODD_DATE, _ODD_NULL)):
            self.fault(
                line, "yaml-ambiguous", f'{text} is read differently by others: quote it "{text}"'
            )
