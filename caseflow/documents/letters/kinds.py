"""The kinds of formal documents: `notifications/letters/`, a file each with its words beside it.

`offices.yaml` has the word (发文字号代字) under which each organisation numbers its documents.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from marshmallow import fields

from caseflow.catalogue.records import Record, load_record, text, texts, word
from caseflow.catalogue.yaml_reader import read_yaml
from caseflow.documents.letters.words import ASKED, FACTS, faults
from caseflow.kernel.errors import DefinitionError, NotFound, Problem
from caseflow.kernel.workflow.source import Source
from caseflow.kernel.workflow.vocabulary import OUTCOMES, SEATS

OFFICES_FILE: Final = "offices.yaml"
TEXT_SUFFIX: Final = ".zh-CN.txt"
PDF_LAYOUT: Final = "letter.typ"
DOCX_LAYOUT: Final = "letter.docx"
CASE: Final = "case"
PUBLICITY: Final = "publicity"
RECEIPT: Final = "receipt"
"""What a document is about: a case, a publicity, or the delivery of another document."""


@dataclass(frozen=True)
class LetterKind:
    """One kind: which events it rests on, who makes it, what it must say.

    `by`: the seats that may make it; the organisation of the event's seat issues it where it is
    one of theirs, else that of the first. `requires` names facts without which it is refused.
    """

    letter: str
    title: str
    of: str
    source: str
    basis: str
    word: str = ""
    events: tuple[str, ...] = ()
    into: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    clocks: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    text: str = ""

    def rests_on(self, event: str, *, state: str | None, ended: str | None) -> bool:
        """Return whether an event that led to `state` (and so to an end) makes this document."""
        if ended is not None and ended in self.outcomes:
            return True
        reached = (state or "").partition("#")[0]
        return event in self.events and (not self.into or reached in self.into)


@dataclass(frozen=True)
class LetterBook:
    """All kinds by name, in order of their files; `offices` maps organisation codes to words."""

    folder: Path
    kinds: Mapping[str, LetterKind]
    offices: Mapping[str, str]

    def kind(self, name: str, of: str | None = None) -> LetterKind:
        """Return the kind of that name (about a case, a publicity …, if `of` says so).

        Raises:
            NotFound: there is none.
        """
        found = self.kinds.get(name)
        if found is None or of not in {None, found.of}:
            known = "、".join(k.letter for k in self.kinds.values() if of in {None, k.of})
            raise NotFound(f"没有文书种类 {name!r}；可用：{known}。")
        return found

    def form_sha256(self, kind: LetterKind) -> str:
        """Return the hash of everything but the facts that a document's looks depend on."""
        digest = hashlib.sha256(f"{kind.title}\n{kind.text}".encode())
        for layout in (PDF_LAYOUT, DOCX_LAYOUT):
            digest.update(hashlib.sha256((self.folder / layout).read_bytes()).digest())
        return digest.hexdigest()


class _KindRecord(Record):
    makes = LetterKind

    letter = text(pattern=r"[a-z][a-z_]*")
    title = text()
    of = word(CASE, PUBLICITY, RECEIPT)
    source = text()
    basis = text()
    word = text(required=False)
    events = texts()
    into = texts()
    outcomes = texts()
    clocks = texts()
    by = texts()
    requires = texts()
    asks = texts()


@dataclass(frozen=True)
class _Offices:
    offices: Mapping[str, str]
    source: str


class _OfficesRecord(Record):
    makes = _Offices

    offices = fields.Dict(keys=text(), values=text(), required=True)
    source = text()


def load_letters(folder: Path) -> LetterBook:
    """Read `notifications/letters/`.

    Raises:
        DefinitionError: the faults of all files together: shape, unknown names, templates.
    """
    problems: list[Problem] = []
    kinds: dict[str, LetterKind] = {}
    offices: Mapping[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            source = read_yaml(path)
            if path.name == OFFICES_FILE:
                offices = load_record(_OfficesRecord, source).offices
                continue
            kind = load_record(_KindRecord, source)
        except DefinitionError as error:
            problems += error.problems
            continue
        beside = folder / f"{path.stem}{TEXT_SUFFIX}"
        problems += [*_problems(source, kind, path), *_text_problems(beside)]
        words = beside.read_text(encoding="utf-8") if beside.is_file() else ""
        kinds[kind.letter] = replace(kind, text=words)
    problems += _missing_layouts(folder)
    if problems:
        raise DefinitionError(sorted(problems))
    return LetterBook(folder=folder, kinds=kinds, offices=offices)


def _problems(source: Source, kind: LetterKind, path: Path) -> Iterator[Problem]:
    if kind.letter != path.stem:
        message = f"the kind {kind.letter} stands in the file {path.name}"
        yield source.problem(("letter",), "letter-name", message)
    if (kind.of == RECEIPT) == bool(kind.word and kind.by):
        message = "a document of a case or publicity has a word and seats, a receipt has neither"
        yield source.problem(("of",), "letter-number", message)
    if (kind.of == CASE) != bool(kind.events or kind.outcomes):
        message = "a document of a case rests on an event or outcome, another on none"
        yield source.problem(("of",), "letter-event", message)
    known = (
        ("by", set(SEATS)), ("outcomes", set(OUTCOMES)), ("requires", set(FACTS)),
        ("asks", set(ASKED)),
    )  # fmt: skip
    for key, names in known:
        for name in set(getattr(kind, key)) - names:
            yield source.problem((key,), "letter-unknown", f"{name} is no word for {key}")


def _text_problems(beside: Path) -> Iterator[Problem]:
    if not beside.is_file():
        yield Problem(str(beside), 1, "letter-text", "there is no such file")
        return
    for line, what in faults(beside.read_text(encoding="utf-8")):
        yield Problem(str(beside), line, "letter-template", what)


def _missing_layouts(folder: Path) -> Iterator[Problem]:
    for layout in (PDF_LAYOUT, DOCX_LAYOUT, OFFICES_FILE):
        if not (folder / layout).is_file():
            yield Problem(str(folder / layout), 1, "letter-layout", "there is no such file")
