"""Hold a policy's indicators against its text, its measures and the organisations of its city."""

import re
from collections.abc import Iterator
from typing import Final

from caseflow.catalogue.cities import City
from caseflow.catalogue.compiling import compile_measure
from caseflow.catalogue.indicators.definitions import Indicator
from caseflow.catalogue.policies import PolicyFiles
from caseflow.catalogue.words import Words, joined
from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.source import Library, Path

SAYS: Final = {
    "at_least": re.compile("以上|不低于|不少于|达到"),
    "more_than": re.compile("超过|大于"),
    "at_most": re.compile("以下|不超过|不高于|以内"),
    "less_than": re.compile("低于|不足|小于"),
}
"""How a text words each comparison."""


def lint_indicators(
    files: PolicyFiles, words: Words, library: Library | None, city: City | None
) -> Iterator[Problem]:
    """Yield every fault: words, figures, owners, and how cases count."""
    source = files.source(files.policy.code)
    lead = files.policy.lead
    if lead is not None:
        if words.find(lead.words) < 0 or lead.bureau not in lead.words:
            message = f"the text does not say that {lead.bureau} leads: {lead.words}"
            yield source.problem(("lead", "words"), "words-not-in-text", message)
        yield from _owner(files, city, lead.bureau, ("lead", "bureau"))
    names: list[str] = []
    for index, indicator in enumerate(files.policy.indicators):
        path: Path = ("indicators", index)
        if indicator.id in names:
            yield source.problem((*path, "id"), "duplicate-indicator", f"{indicator.id} again")
        names.append(indicator.id)
        for fault in _faults(indicator, words):
            yield source.problem((*path, "words"), *fault)
        for place, owner in enumerate(indicator.owners):
            yield from _owner(files, city, owner, (*path, "owners", place))
        yield from _counting(files, indicator, library, path)


def _faults(indicator: Indicator, words: Words) -> Iterator[tuple[str, str]]:
    """Yield the rule and the fault of every value that the words it comes from do not say."""
    if words.find(indicator.words) < 0:
        yield "words-not-in-text", f"the text does not say: {indicator.words}"
        return
    row = joined(indicator.words)
    told = (indicator.number, indicator.title, indicator.unit, indicator.target, *indicator.owners)
    for value in told:
        if str(value) not in row:
            yield "indicator-words", f"{value} is not in its words: {indicator.words}"
    for step in (each for each in (indicator.baseline, *indicator.steps) if each is not None):
        if words.find(step.words) < 0:
            yield "words-not-in-text", f"the text does not say: {step.words}"
        elif str(step.value) not in step.words or str(step.year) not in step.words:
            yield "indicator-words", f"{step.value} by {step.year} is not in: {step.words}"
    yield from _comparison_faults(indicator, words)


def _comparison_faults(indicator: Indicator, words: Words) -> Iterator[tuple[str, str]]:
    said, rule = indicator.comparison.words, indicator.comparison.rule
    if said is not None and words.find(said) < 0:
        yield "words-not-in-text", f"the text does not say: {said}"
    elif said is not None and not (SAYS[rule].search(said) and str(indicator.target) in said):
        yield "indicator-comparison", f"{rule} {indicator.target} is not what is said by: {said}"


def _owner(files: PolicyFiles, city: City | None, name: str, path: Path) -> Iterator[Problem]:
    if city is not None and name not in city.names:
        message = f"{city.title} has no organisation that a text calls {name}"
        yield files.source(files.policy.code).problem(path, "unknown-bureau", message)


def _counting(
    files: PolicyFiles, indicator: Indicator, library: Library | None, path: Path
) -> Iterator[Problem]:
    """Yield the measures that the policy does not have, and the states that theirs do not."""
    counting, source = indicator.counting, files.source(files.policy.code)
    measures = {measure.id: measure for measure in files.measures}
    for index, code in enumerate(counting.measures if counting else ()):
        place: Path = (*path, "counting", "measures", index)
        if code not in measures:
            message = f"{files.policy.code} has no measure {code}"
            yield source.problem(place, "unknown-measure", message)
        elif counting and library and not _reaches(files, code, counting.reached, library):
            message = f"{code} reaches none of the states {', '.join(counting.reached)}"
            yield source.problem(place, "unknown-state", message)


def _reaches(files: PolicyFiles, code: str, reached: tuple[str, ...], library: Library) -> bool:
    try:
        compiled = compile_measure(files, files.measure(code), library)
    except DefinitionError:
        return True  # said where the measure is compiled
    states = {name.partition("#")[0] for name in compiled[code].states}
    return bool(states & set(reached))
