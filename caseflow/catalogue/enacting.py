"""Turn a consultation draft (征求意见稿) into the document that was issued, or touch nothing.

The issued words win: every value is held against them before a file is replaced. Loading the
files afterwards makes the next version of the policy.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import yaml

from caseflow.catalogue.cities import City, read_city
from caseflow.catalogue.differences import Change, Content, Difference, compare, differences
from caseflow.catalogue.library import load_library
from caseflow.catalogue.linting import FROM_ISSUE, lint
from caseflow.catalogue.loading import POLICY_FILE, TEXT_FILE, read_policy
from caseflow.catalogue.places import data_root
from caseflow.catalogue.policies import Policy, PolicyFiles
from caseflow.catalogue.words import joined
from caseflow.catalogue.yaml_reader import read_text
from caseflow.kernel.errors import DefinitionError, InvalidInput, Problem
from caseflow.kernel.workflow.source import Library

__all__ = ["Change", "Enactment", "Prepared", "differences", "enact", "prepare", "write"]

DRAFT: Final = "consultation_draft"
DRAFT_FORM: Final = "（征求意见稿）"
"""What the legal form of a draft says behind it."""
EFFECT: Final = re.compile("施行|实施|执行|生效")
_NULL: Final = "tag:yaml.org,2002:null"
_COMMENT: Final = re.compile(r"[ \t]+#[^\r\n]*")


@dataclass(frozen=True)
class Enactment:
    """What the issued document says of itself; None keeps what the draft has.

    `text` has the issued words; `effective_words` are found in them as the sentence that has both
    dates. The legal form loses its （征求意见稿） unless one is given.
    """

    doc_no: str
    issued_on: date
    effective_from: date
    effective_to: date | None = None
    text: str | None = None
    effective_words: str | None = None
    issuer: str | None = None
    title: str | None = None
    legal_form: str | None = None


@dataclass(frozen=True)
class Prepared:
    """An enactment that was checked and is not written yet: the draft, what it becomes.

    `contents` has the bytes of every file that changes; policy.yaml comes last.
    """

    before: PolicyFiles
    after: PolicyFiles
    contents: Mapping[Path, bytes]

    @property
    def difference(self) -> Difference:
        """Return how the issued document differs from the draft."""
        return compare(_content(self.before, "draft"), _content(self.after, "issued"))


def enact(
    folder: Path, wanted: Enactment, *, library: Library | None = None, city: City | None = None
) -> PolicyFiles:
    """Make the draft in `folder` the issued document and return it as read again.

    Raises:
        InvalidInput: no draft, or its last day is before its first; nothing was written.
        DefinitionError: every place where files and issued words differ; nothing was written.
    """
    return write(prepare(folder, wanted, library=library, city=city))


def write(prepared: Prepared) -> PolicyFiles:
    """Replace the files that change, all or none, and return the policy as read again."""
    _replace(prepared.contents)
    return read_policy(prepared.after.folder)


def prepare(
    folder: Path, wanted: Enactment, *, library: Library | None = None, city: City | None = None
) -> Prepared:
    """Return what `enact` would write, checked in a copy; without library and city, the packaged.

    Raises:
        InvalidInput, DefinitionError: see `enact`.
    """
    before = read_policy(folder)
    _refuse(before.policy, wanted)
    root = data_root()
    library = library or load_library(root / "workflows")
    city = city or read_city(root / "policies" / "cities" / f"{before.policy.city}.yaml")
    text = before.text if wanted.text is None else wanted.text
    record = (folder / POLICY_FILE).read_bytes().decode()
    edited = _edited(record, _values(before.policy, wanted, text)).encode()
    with tempfile.TemporaryDirectory(prefix="caseflow-enact-") as scratch:
        copy = Path(shutil.copytree(folder, Path(scratch) / folder.name))
        _keep(copy / POLICY_FILE, edited)
        _keep(copy / TEXT_FILE, text.encode())
        after = _checked(copy, folder, library, city)
    words = {} if wanted.text is None else {folder / TEXT_FILE: text.encode()}
    return Prepared(before, after, {**words, folder / POLICY_FILE: edited})


def _refuse(draft: Policy, wanted: Enactment) -> None:
    for name in ("doc_no", "effective_words", "issuer", "title", "legal_form"):
        value = getattr(wanted, name)
        if value is not None and not value.strip():
            raise _refusal(name, "is empty")
    status = draft.status_on(wanted.issued_on)
    if status != DRAFT:
        reason = f"{draft.code} is {status} on {wanted.issued_on}; only a draft is enacted"
        raise _refusal("status", reason)
    last = wanted.effective_to or draft.effective_to
    if last is not None and last < wanted.effective_from:
        raise _refusal("effective_to", f"{last} is before effective_from {wanted.effective_from}")


def _refusal(field: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{field}: {reason}.", fields={field: reason})


def _values(draft: Policy, wanted: Enactment, text: str) -> dict[str, Any]:
    """Return the keys of policy.yaml that change, with their values."""
    words = wanted.effective_words or _effective_words(wanted, draft, text)
    values = {
        "status": "in_force",
        "doc_no": wanted.doc_no,
        "legal_form": wanted.legal_form or draft.legal_form.removesuffix(DRAFT_FORM),
        "issuer": wanted.issuer,
        "title": wanted.title,
        "issued_on": wanted.issued_on,
        "effective_from": wanted.effective_from,
        "effective_to": wanted.effective_to,
        "effective_words": words,
        "support_ends_before": _support_ends_before(draft, words, text),
    }
    held = draft.to_data()
    return {
        key: value.strip() if isinstance(value, str) else value
        for key, value in values.items()
        if value is not None and str(value) != held[key]
    }


def _effective_words(wanted: Enactment, draft: Policy, text: str) -> str:
    """Return the shortest run of sentences that gives both dates, the draft's if there is none."""
    first = [written_day(wanted.effective_from)]
    if wanted.effective_from == wanted.issued_on:
        first += FROM_ISSUE
    last = wanted.effective_to or draft.effective_to
    found = [
        run
        for run in _runs(text)
        if EFFECT.search(run)
        and any(words in run for words in first)
        and (last is None or written_day(last) in run)
    ]
    return min(found, key=len, default=draft.effective_words)


def _runs(text: str) -> Iterator[str]:
    """Yield runs of up to four neighbouring pieces of sentences or lines, without white space."""
    pieces = _pieces(text)
    for begin in range(len(pieces)):
        for end in range(begin + 1, begin + 5):
            yield "".join(pieces[begin:end])


def _pieces(text: str) -> list[str]:
    """Return the sentences, or the parts of them that stand on lines of their own."""
    pieces = (joined(piece) for piece in re.findall(r"[^。\n]+。?", text))
    return [piece for piece in pieces if piece]


def _support_ends_before(draft: Policy, words: str, text: str) -> str | None:
    """Return the first words of the dated sentence, where the draft's own marked the end."""
    marks = joined(draft.support_ends_before)
    if marks in joined(text) or not joined(draft.effective_words).startswith(marks):
        return None
    begin = _first_words(words)
    return next((_first_words(piece) for piece in _pieces(text) if begin in piece), begin)


def _first_words(sentence: str) -> str:
    return re.split(r"[，,；;。]", sentence)[0]


def written_day(day: date) -> str:
    """Return a day as a document writes it."""
    return f"{day.year}年{day.month}月{day.day}日"


def _edited(record: str, values: Mapping[str, Any]) -> str:
    """Return policy.yaml with other values behind these keys; everything else stays as it is.

    A comment behind an empty value, or behind the status, says why there was nothing: it goes,
    unless it names the new value.
    """
    root = yaml.compose(record, Loader=yaml.SafeLoader)
    assert isinstance(root, yaml.MappingNode)
    nodes = {key.value: node for key, node in root.value if key.value in values}
    for key, node in sorted(nodes.items(), key=lambda item: -item[1].start_mark.index):
        begin, end = node.start_mark.index, node.end_mark.index
        end -= len(record[begin:end]) - len(record[begin:end].rstrip())
        value, rest = _scalar(values[key]), record[end:]
        comment = _COMMENT.match(rest)
        if comment and (key == "status" or node.tag == _NULL) and value not in comment[0]:
            rest = rest[comment.end() :]
        gap = "" if record[begin - 1] in " \t\n" else " "
        record = record[:begin] + gap + value + rest
    return record


def _scalar(value: Any) -> str:
    """Return a value as YAML has it on one line: plain where plain means just that."""
    if isinstance(value, date):
        return value.isoformat()
    try:
        is_plain = read_text(f"key: {value}\n", file="").data == {"key": value}
    except DefinitionError:
        is_plain = False
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def _checked(copy: Path, folder: Path, library: Library, city: City) -> PolicyFiles:
    """Return the files of `copy` as those of `folder`, without a fault."""
    try:
        files = read_policy(copy)
    except DefinitionError as error:
        raise DefinitionError(_told_of(error.problems, copy, folder)) from error
    if problems := lint(files, library, city):
        raise DefinitionError(_told_of(problems, copy, folder))
    return replace(files, folder=folder)


def _told_of(problems: Any, copy: Path, folder: Path) -> list[Problem]:
    """Return problems of the copy as problems of the folder it is of."""
    return [
        replace(
            problem,
            file=problem.file.replace(str(copy), str(folder)),
            message=problem.message.replace(str(copy), str(folder)),
        )
        for problem in problems
    ]


def _content(files: PolicyFiles, name: str) -> Content:
    measures = {measure.id: measure.to_data() for measure in files.measures}
    return Content(name, files.policy.to_data(), measures, files.text)


def _replace(contents: Mapping[Path, bytes]) -> None:
    """Replace all files or none; new ones lie complete beside the old before the first moves.

    The last one moved is what makes the document issued.
    """
    old = {path: path.read_bytes() for path in contents}
    ready = {path: path.with_name(f".{path.name}.new") for path in contents}
    moved: list[Path] = []
    try:
        for path, content in contents.items():
            _keep(ready[path], content)
            shutil.copymode(path, ready[path])
        for path in contents:
            ready[path].replace(path)
            moved.append(path)
    except OSError:
        for path in moved:
            _keep(ready[path], old[path])
            ready[path].replace(path)
        raise
    finally:
        for path in ready.values():
            path.unlink(missing_ok=True)


def _keep(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)  # a text may be read-only
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
