"""The workflow library on disk: `workflows/stages/*.yaml`, `workflows/*.yaml`, `ends.yaml`."""

from collections.abc import Iterator
from pathlib import Path

from caseflow.catalogue.unchanged import Unchanged
from caseflow.catalogue.yaml_reader import read_yaml
from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.source import Library, Source

ENDS = "ends.yaml"


def load_library(root: Path) -> Library:
    """Read every stage, family and the end states below `root` (the folder `workflows/`).

    Files that have not changed are not read twice by one process.

    Raises:
        DefinitionError: the faults of all files together, not only of the first.
    """
    return _library(root)


def _read(root: Path) -> Library:
    problems: list[Problem] = []
    stages = _read_all(sorted((root / "stages").glob("*.yaml")), problems)
    families = _read_all(sorted(root.glob("*.yaml")), problems)
    ends = families.pop(Path(ENDS).stem, None)
    if ends is None and not any(Path(problem.file).name == ENDS for problem in problems):
        problems.append(Problem(str(root / ENDS), 1, "yaml-missing-file", "there is no such file"))
    if problems or ends is None:
        raise DefinitionError(problems)
    return Library(stages=stages, families=families, ends=ends)


def _files(root: Path) -> Iterator[Path]:
    yield from (root / "stages").glob("*.yaml")
    yield from root.glob("*.yaml")


def _read_all(paths: list[Path], problems: list[Problem]) -> dict[str, Source]:
    sources = {}
    for path in paths:
        try:
            sources[path.stem] = read_yaml(path)
        except DefinitionError as error:
            problems.extend(error.problems)
    return sources


_library = Unchanged(_files, _read)
