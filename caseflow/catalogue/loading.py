"""Read a policy's folder: its values, its words, its measures."""

from pathlib import Path
from typing import Final

from caseflow.catalogue.compiling import compile_policy
from caseflow.catalogue.linting import lint
from caseflow.catalogue.measures import Measure
from caseflow.catalogue.places import data_root, policy_folders
from caseflow.catalogue.policies import Policy, PolicyFiles
from caseflow.catalogue.records import load_record
from caseflow.catalogue.schemas import MeasureRecord, PolicyRecord
from caseflow.catalogue.unchanged import Unchanged
from caseflow.catalogue.yaml_reader import read_yaml
from caseflow.kernel.errors import DefinitionError, NotFound, Problem
from caseflow.kernel.workflow.source import Source

__all__ = ["compile_policy", "data_root", "lint", "read_policies", "read_policy"]

POLICY_FILE: Final = "policy.yaml"
TEXT_FILE: Final = "text.txt"


def read_policies(root: Path) -> tuple[PolicyFiles, ...]:
    """Read every policy below `root` (see `places.data_root`), by the name of its folder."""
    return tuple(read_policy(folder) for folder in policy_folders(root))


def read_policy(folder: Path) -> PolicyFiles:
    """Read `policy.yaml`, `text.txt` and every measure of `folder`.

    Files that have not changed are not read twice by one process.

    Raises:
        NotFound: there is no such folder.
        DefinitionError: the faults of all files together, each with file and line.
    """
    if not folder.is_dir():
        raise NotFound(f"there is no policy folder {folder}")
    return _policy_files(folder)


def _read(folder: Path) -> PolicyFiles:
    problems: list[Problem] = []
    sources: dict[str, Source] = {}
    measures = [m for path in _measure_paths(folder) if (m := _measure(path, sources, problems))]
    policy = _policy(folder, sources, problems)
    text = _text(folder / TEXT_FILE, problems)
    if policy is not None:
        problems.extend(_misnamed(policy, measures, sources))
    if problems or policy is None:
        raise DefinitionError(sorted(problems))
    in_order = tuple(sorted(measures, key=lambda measure: measure.order))
    return PolicyFiles(folder=folder, policy=policy, measures=in_order, text=text, sources=sources)


def _measure_paths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.yaml") if path.name != POLICY_FILE)


def _measure(path: Path, sources: dict[str, Source], problems: list[Problem]) -> Measure | None:
    try:
        source = read_yaml(path)
        measure: Measure = load_record(MeasureRecord, source)
    except DefinitionError as error:
        problems.extend(error.problems)
        return None
    if measure.id != path.stem:
        message = f"the measure is {measure.id}, the file {path.name}; they must agree"
        problems.append(source.problem(("measure",), "measure-name", message))
    sources[path.stem] = source
    return measure


def _policy(folder: Path, sources: dict[str, Source], problems: list[Problem]) -> Policy | None:
    try:
        source = read_yaml(folder / POLICY_FILE)
        policy: Policy = load_record(PolicyRecord, source)
    except DefinitionError as error:
        problems.extend(error.problems)
        return None
    if policy.code != folder.name:
        message = f"the policy is {policy.code}, the folder {folder.name}; they must agree"
        problems.append(source.problem(("policy",), "policy-name", message))
    sources[policy.code] = source
    return policy


def _text(path: Path, problems: list[Problem]) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        problems.append(Problem(str(path), 1, "text-missing", "the policy's words must lie here"))
    except UnicodeDecodeError:
        problems.append(Problem(str(path), 1, "text-encoding", "save the text as UTF-8"))
    return ""


def _misnamed(policy: Policy, measures: list[Measure], sources: dict[str, Source]) -> list[Problem]:
    """An id is the policy's prefix, the article and a letter; the article is the policy's."""
    numbers = {article.number for article in policy.articles}
    problems = []
    for measure in measures:
        if measure.id not in sources:
            continue
        stem = f"{policy.prefix}-{measure.article}"
        if measure.id.rstrip("abcdefghijklmnopqrstuvwxyz") != stem:
            message = f"{measure.id} is not an id of article {measure.article}: {stem}[a-z]"
            problems.append(sources[measure.id].problem(("measure",), "measure-name", message))
        if measure.article not in numbers:
            message = f"{policy.code} has no article {measure.article}"
            problems.append(sources[measure.id].problem(("article",), "unknown-article", message))
    return problems


_policy_files = Unchanged(
    lambda folder: (each for each in folder.iterdir() if each.is_file()), _read
)
