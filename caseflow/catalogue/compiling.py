"""Compile the workflow of every measure of a policy."""

from typing import Final
from weakref import WeakKeyDictionary

from caseflow.catalogue.measures import Measure, content_hash
from caseflow.catalogue.policies import PolicyFiles
from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.compiler import compile_workflows, for_measure
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.source import Library, MeasureSpec, Source

_COMPILED: Final[WeakKeyDictionary[Library, dict[str, tuple[MeasureSpec, dict[str, Workflow]]]]] = (
    WeakKeyDictionary()
)
"""What was compiled from a library, by what a measure says of its workflow."""


def compile_policy(files: PolicyFiles, library: Library) -> dict[str, dict[str, Workflow]]:
    """Return, for every measure id, its checked workflow and those of its children, by name.

    Raises:
        DefinitionError: the problems of all measures together.
    """
    problems: list[Problem] = []
    compiled: dict[str, dict[str, Workflow]] = {}
    for measure in files.measures:
        try:
            compiled[measure.id] = compile_measure(files, measure, library)
        except DefinitionError as error:
            problems.extend(error.problems)
    if problems:
        raise DefinitionError(sorted(set(problems)))
    return compiled


def compile_measure(files: PolicyFiles, measure: Measure, library: Library) -> dict[str, Workflow]:
    """Return one measure's checked workflow and those of its children, by name.

    Measures that say the same of their workflow are compiled and checked once for a library.

    Raises:
        DefinitionError: the family is not in the library, or the checker refuses the workflow.
    """
    process, spec = process_of(files, measure, library), files.spec(measure)
    known = _COMPILED.setdefault(library, {})
    own = [spec.parameters, spec.without, spec.flags, spec.checks]
    said = content_hash([process.data["family"], spec.family, *own])
    if said not in known:
        known[said] = spec, compile_workflows(process, library, spec)
    first, compiled = known[said]
    return for_measure(compiled, first, spec)


def process_of(files: PolicyFiles, measure: Measure, library: Library) -> Source:
    """Return the definition that runs a measure: its family's, or another of the same family.

    Raises:
        DefinitionError: there is no such family, or the process named is not one of it.
    """
    source = files.source(measure.id)
    family = library.families.get(measure.family)
    if family is None or not is_family(family):
        names = (name for name, each in library.families.items() if is_family(each))
        message = f"there is no family {measure.family}; known: {', '.join(sorted(names))}"
        raise DefinitionError([source.problem(("family",), "unknown-family", message)])
    if measure.workflow.process is None:
        return family
    process = library.families.get(measure.workflow.process)
    if process is None or not is_process(process, measure.family):
        families = library.families.items()
        of_it = (name for name, each in families if is_process(each, measure.family))
        message = f"{measure.family} has no other process {measure.workflow.process}; it has: "
        message += ", ".join(sorted(of_it)) or "none"
        raise DefinitionError([source.problem(("workflow", "process"), "unknown-process", message)])
    return process


def is_process(source: Source, family: str) -> bool:
    """Return whether a definition is another process of `family`, and not of its child cases."""
    return source.data.get("of") == family and not source.data.get("child", False)


def is_family(source: Source) -> bool:
    """Return whether a definition is a family's own, not another process or its child cases."""
    return "of" not in source.data and not source.data.get("child", False)
