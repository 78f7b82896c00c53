"""A policy's text without its white space, and where each character stood.

Line breaks inside a paragraph are artefacts of scanning; words are compared without them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from caseflow.catalogue.policies import Policy


def joined(text: str) -> str:
    """Return `text` without any white space."""
    return "".join(text.split())


@dataclass(frozen=True)
class Words:
    """The characters of a text that are not white space, each with its 1-based line."""

    text: str
    lines: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> "Words":
        """Read a text."""
        numbered = [
            (character, number)
            for number, line in enumerate(text.split("\n"), start=1)
            for character in line
            if not character.isspace()
        ]
        return cls("".join(c for c, _ in numbered), tuple(n for _, n in numbered))

    def find(self, words: str, section: "Section | None" = None) -> int:
        """Return where `words` begin (inside `section`), or -1."""
        start, end = (section.start, section.end) if section else (0, len(self.text))
        return self.text.find(joined(words), start, end)

    def line_at(self, position: int) -> int:
        """Return the line on which the character at `position` stands."""
        return self.lines[min(position, len(self.lines) - 1)] if self.lines else 1


@dataclass(frozen=True)
class Section:
    """The part of the text that belongs to one article: from its heading to the next."""

    number: int
    start: int
    end: int


@dataclass(frozen=True)
class Sections:
    """The support sections of a text; `missing` names the headings that are not found in order."""

    found: dict[int, Section]
    missing: tuple[str, ...]


def sections(policy: Policy, words: Words) -> Sections:
    """Cut the support sections out of the text, heading by heading."""
    starts, missing, position = [], [], 0
    for article in policy.articles:
        start = words.text.find(joined(article.heading), position)
        if start < 0:
            missing.append(article.heading)
            continue
        starts.append((article.number, start))
        position = start + 1
    end = words.text.find(joined(policy.support_ends_before), position)
    if end < 0:
        missing.append(policy.support_ends_before)
        end = len(words.text)
    return Sections({section.number: section for section in _cut(starts, end)}, tuple(missing))


def _cut(starts: list[tuple[int, int]], end: int) -> Iterator[Section]:
    ends = [start for _, start in starts[1:]] + [end]
    for (number, start), stop in zip(starts, ends, strict=True):
        yield Section(number, start, stop)
