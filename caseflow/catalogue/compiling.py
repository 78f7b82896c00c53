"""Compile the workflow of every measure of a policy."""

from caseflow.catalogue.measures import Measure, PolicyFiles
from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.compiler import compile_workflows
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.source import Library


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

    Raises:
        DefinitionError: the family is not in the library, or the checker refuses the workflow.
    """
    family = library.families.get(measure.family)
    if family is None:
        known = ", ".join(sorted(library.families))
        message = f"there is no family {measure.family}; known: {known}"
        source = files.source(measure.id)
        raise DefinitionError([source.problem(("family",), "unknown-family", message)])
    return compile_workflows(family, library, files.spec(measure))
