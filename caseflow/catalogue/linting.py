"""Hold a policy's files against its text: words, figures, bureaus, and nothing left over."""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final, TypeVar

from caseflow.catalogue.bureau_notes import BureauNotes
from caseflow.catalogue.cities import City
from caseflow.catalogue.compiling import compile_measure, process_of
from caseflow.catalogue.indicators.linting import lint_indicators
from caseflow.catalogue.measures import Amount, Figure, Measure, Rate, Threshold
from caseflow.catalogue.policies import PolicyFiles
from caseflow.catalogue.words import Section, Sections, Words, joined, sections
from caseflow.kernel.chinese_amounts import amounts_yuan, percentages
from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.source import Library, Path

CEILING_WORDS: Final = re.compile("最高|不超过|不高于")
FROM_ISSUE: Final = ("印发之日", "发布之日", "公布之日")
"""How a text says that it takes effect on the day it is issued."""

YEARLY_WORDS: Final = re.compile("每年|/年")
RANGE: Final = frozenset({"range_low", "range_high"})

T = TypeVar("T")


def lint(files: PolicyFiles, library: Library | None, city: City | None = None) -> list[Problem]:
    """Return every fault of a policy's files; none means that they say what the text says.

    Without `library` workflows are not compiled; without `city` bureaus are only compared with
    the text, not with the organisations that exist.
    """
    words = Words.of(files.text)
    parts = sections(files.policy, words)
    problems = [
        *_policy_words(files, words),
        *_headings(files, parts),
        *_unclaimed(files, words, parts),
        *lint_indicators(files, words, library, city),
    ]
    for measure in files.measures:
        problems.extend(_measure(files, measure, words, parts))
        problems.extend(_compiles(files, measure, library))
        problems.extend(_organisations(files, measure, city))
    return sorted(set(problems))


def _policy_words(files: PolicyFiles, words: Words) -> Iterator[Problem]:
    policy, source = files.policy, files.source(files.policy.code)
    quoted: list[tuple[Path, str | None]] = [
        (("title",), policy.title),
        (("doc_no",), policy.doc_no),
        (("issuer",), policy.issuer),
        (("adopted_by",), policy.adopted_by),
        (("effective_words",), policy.effective_words),
        (("scope", "words"), policy.scope.words),
        (("overlap", "words"), policy.overlap.words),
        (("change", "words"), policy.change.words),
        (("scope", "may_follow"), policy.scope.may_follow),
        (("overlap", "yearly_control"), policy.overlap.yearly_control),
        (("split", "words"), policy.split.words if policy.split else None),
    ]
    for path, value in quoted:
        if value is not None and words.find(value) < 0:
            message = f"the text does not say: {value}"
            yield source.problem(path, "words-not-in-text", message)
    yield from _dates(files, words)


def _dates(files: PolicyFiles, words: Words) -> Iterator[Problem]:
    policy, source = files.policy, files.source(files.policy.code)
    life = joined(policy.effective_words)
    for key, day, where in (
        ("issued_on", policy.issued_on, words.text),
        ("effective_from", policy.effective_from, life),
        ("effective_to", policy.effective_to, life),
    ):
        on_issue = key == "effective_from" and day == policy.issued_on
        if on_issue and any(words in life for words in FROM_ISSUE):
            continue
        if day is not None and _written_day(day) not in where:
            message = f"the text does not say {_written_day(day)} where it dates itself"
            yield source.problem((key,), "date-not-in-text", message)


def _written_day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _headings(files: PolicyFiles, parts: Sections) -> Iterator[Problem]:
    source = files.source(files.policy.code)
    for heading in parts.missing:
        message = f"the text does not have, in this order: {heading}"
        yield source.problem(("articles",), "heading-not-in-text", message)


def _measure(
    files: PolicyFiles, measure: Measure, words: Words, parts: Sections
) -> Iterator[Problem]:
    section = parts.found.get(measure.article)
    if section is None:
        return
    source, clause = files.source(measure.id), joined(measure.clause)
    start = words.find(clause, section)
    if start < 0:
        message = f"article {measure.article} of the text does not say this, word for word"
        yield source.problem(("clause",), "clause-not-in-text", message)
    else:
        yield from _bureaus(files, measure, words, after=start + len(clause))
    for index, aside in enumerate(measure.beside):
        if words.find(aside, section) < 0:
            message = f"article {measure.article} of the text does not say: {aside}"
            yield source.problem(("beside", index), "words-not-in-text", message)
    yield from _figures(files, measure)
    yield from _quotations(files, measure)


def _bureaus(
    files: PolicyFiles, measure: Measure, words: Words, *, after: int
) -> Iterator[Problem]:
    """The first note after the clause names the bureaus of the measure, in their order."""
    note = BureauNotes.of(files)
    written = note.next_names(words, after)
    if written != list(map(joined, measure.bureaus)):
        message = f"the text names {'、'.join(written) or 'nobody that a measure knows'}"
        yield files.source(measure.id).problem(("bureaus",), "bureaus-differ", message)


def _figures(files: PolicyFiles, measure: Measure) -> Iterator[Problem]:
    """Every figure of the clause stands in the measure, and the other way round, in order."""
    source = files.source(measure.id)
    aside: list[Threshold | Figure] = [*measure.thresholds, *measure.figures]
    stated = _without(amounts_yuan(measure.clause), [figure.yuan for figure in aside])
    if stated != measure.amounts_yuan:
        message = f"the clause states {stated} yuan, the measure {measure.amounts_yuan}"
        yield source.problem(("benefit", "amounts"), "amounts-differ", message)
    rates = _without(percentages(measure.clause), [figure.percent for figure in aside])
    if rates != measure.rates_pct:
        message = f"the clause states {rates} percent, the measure {measure.rates_pct}"
        yield source.problem(("benefit", "rates"), "rates-differ", message)
    yield from _figure_words(files, measure)


def _without(stated: list[T], thresholds: list[T | None]) -> list[T]:
    """Return the figures stated that are not thresholds; each threshold takes one away."""
    for threshold in thresholds:
        if threshold in stated:
            stated.remove(threshold)
    return stated


def _figure_words(files: PolicyFiles, measure: Measure) -> Iterator[Problem]:
    source = files.source(measure.id)
    for index, amount in enumerate(measure.benefit.amounts):
        for fault in _amount_faults(amount):
            yield source.problem(("benefit", "amounts", index), "amount-words", fault)
    for index, rate in enumerate(measure.benefit.rates):
        for fault in _rate_faults(rate):
            yield source.problem(("benefit", "rates", index), "rate-words", fault)


def _amount_faults(amount: Amount) -> Iterator[str]:
    if amount.yuan not in amounts_yuan(amount.words) and amount.kind != "range_low":
        yield f"{amount.yuan} yuan is not in its words: {amount.words}"
    if bool(YEARLY_WORDS.search(amount.words)) != (amount.period == "year"):
        yield f"period {amount.period} does not fit the words: {amount.words}"
    if amount.kind in RANGE:
        if amount.bound != "range":
            yield f"bound is {amount.bound}, but the words are a range: {amount.words}"
    else:
        yield from _bound_fault(amount.bound, amount.words)


def _rate_faults(rate: Rate) -> Iterator[str]:
    if rate.percent not in percentages(rate.words):
        yield f"{rate.percent}% is not in its words: {rate.words}"
    yield from _bound_fault(rate.bound, rate.words)


def _bound_fault(bound: str, words: str) -> Iterator[str]:
    read = "ceiling" if CEILING_WORDS.search(words) else "fixed"
    if bound != read:
        yield f"bound is {bound}, but the words are a {read} one: {words}"


def _quotations(files: PolicyFiles, measure: Measure) -> Iterator[Problem]:
    clause = joined(measure.clause)
    for path, words in _quoted(measure):
        if joined(words) not in clause:
            message = f"the clause does not say: {words}"
            yield files.source(measure.id).problem(path, "words-not-in-clause", message)


def _quoted(measure: Measure) -> Iterator[tuple[Path, str]]:
    lists: dict[Path, Iterable[str | None]] = {
        ("benefit", "rates"): (rate.words for rate in measure.benefit.rates),
        ("benefit", "amounts"): (amount.words for amount in measure.benefit.amounts),
        ("benefit", "caps"): (cap.words or None for cap in measure.benefit.caps),
        ("conditions",): (condition.words for condition in measure.conditions),
        ("thresholds",): (threshold.words for threshold in measure.thresholds),
        ("figures",): (figure.words for figure in measure.figures),
        ("exclusions",): (exclusion.words for exclusion in measure.exclusions),
    }
    for path, values in lists.items():
        for index, words in enumerate(values):
            if words is not None:
                yield (*path, index), words
    if measure.selection.words is not None:
        yield ("selection",), measure.selection.words
    if measure.quota is not None:
        yield ("quota",), measure.quota.words


def _unclaimed(files: PolicyFiles, words: Words, parts: Sections) -> Iterator[Problem]:
    """Every character of a support section belongs to a heading, clause, aside or bureau note."""
    headings = {article.number: article.heading for article in files.policy.articles}
    notes = BureauNotes.of(files)
    for section in parts.found.values():
        claims = [headings[section.number]]
        for measure in files.measures:
            if measure.article == section.number:
                claims += [measure.clause, *measure.beside]
        claims += [*files.policy.artefacts, *notes.written(words, section)]
        for start, left in _left(words, section, claims):
            message = f"no measure claims these words: {left}"
            file = str(files.folder / "text.txt")
            yield Problem(file, words.line_at(start), "text-unclaimed", message)


def _left(words: Words, section: Section, claims: list[str]) -> Iterator[tuple[int, str]]:
    free = [True] * (section.end - section.start)
    inside = words.text[section.start : section.end]
    for claim in map(joined, claims):
        for match in re.finditer(re.escape(claim), inside):
            free[match.start() : match.end()] = [False] * len(match[0])
    marks = "".join("x" if is_free else " " for is_free in free)
    for run in re.finditer("x+", marks):
        yield section.start + run.start(), inside[run.start() : run.end()]


def _compiles(files: PolicyFiles, measure: Measure, library: Library | None) -> Iterator[Problem]:
    if library is None:
        return
    try:
        compile_measure(files, measure, library)
    except DefinitionError as error:
        yield from error.problems
    else:
        yield from _children(files, measure, library)


def _children(files: PolicyFiles, measure: Measure, library: Library) -> Iterator[Problem]:
    """A document that a child case asks for names a kind of child that the family opens."""
    kinds = process_of(files, measure, library).data.get("children", {})
    for index, document in enumerate(measure.documents):
        if document.child is not None and document.child not in kinds:
            message = f"{measure.family} opens no child cases of the kind {document.child}"
            path: Path = ("documents", index, "child")
            yield files.source(measure.id).problem(path, "unknown-child", message)


def _organisations(files: PolicyFiles, measure: Measure, city: City | None) -> Iterator[Problem]:
    for index, bureau in enumerate(measure.bureaus if city else ()):
        if city and bureau not in city.names:
            message = f"{city.title} has no organisation that a text calls {bureau}"
            path: Path = ("bureaus", index)
            yield files.source(measure.id).problem(path, "unknown-bureau", message)
