"""Every rule has at least one broken definition that proves file, line and message."""

import re
import shutil
from pathlib import Path

import pytest

import caseflow
from caseflow.kernel.errors import DefinitionError
from tests.definitions.definitions import BROKEN, SOUND, compile_demo, library_with, read_broken

CASES = [read_broken(path) for path in sorted(BROKEN.glob("*.yaml"))]
ELSEWHERE = {
    # tests/unit/test_yaml_reader.py
    "yaml-empty",
    "yaml-encoding",
    "yaml-missing-file",
    "yaml-too-large",
    # tests/definitions/test_compiler.py, on the measure
    "stage-not-optional",
    "unknown-flag",
}


def test_the_library_they_are_broken_from_is_sound():
    workflows = compile_demo(flags=("selective",))

    assert set(workflows) == {"M-1", "M-1/period"}


@pytest.mark.parametrize("broken", CASES, ids=lambda broken: broken.path.stem)
def test_a_broken_definition_is_refused_with_file_line_and_message(broken, tmp_path):
    root = library_with(tmp_path)
    shutil.copy(broken.path, root / broken.replaces)

    with pytest.raises(DefinitionError) as refused:
        compile_demo(root, flags=tuple(broken.flags.split()))

    found = [
        problem
        for problem in refused.value.problems
        if problem.rule == broken.rule and broken.message in problem.message
    ]
    places = [(Path(problem.file), problem.line) for problem in found]
    assert places == [(root / broken.at, broken.line)], str(refused.value)
    assert {problem.rule for problem in refused.value.problems} == {broken.rule, *broken.also}


def test_every_rule_has_a_broken_definition():
    kernel = Path(caseflow.__file__).parent
    files = [
        *(kernel / "kernel" / "workflow").glob("*.py"),
        kernel / "kernel" / "conditions.py",
        kernel / "catalogue" / "yaml_reader.py",
        kernel / "catalogue" / "library.py",
    ]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    prefixes = (
        "yaml|unknown|duplicate|clock|branches|automatic|pays|main|stage|state|exit|decide|silence"
        "|judged"
    )
    written = set(re.findall(rf'"((?:{prefixes})(?:-[a-z]+)+)"', text))
    computed = {f"unknown-{what}" for what in re.findall(r'what="(\w+)"', text)}

    assert written | computed == ({case.rule for case in CASES} - UNPREFIXED) | ELSEWHERE


UNPREFIXED = {
    "event-without-seat",
    "fact-not-required",
    "name-mismatch",
    "no-way-out",
    "previous-without-memory",
    "publicises-without-checks",
    "recovery-without-approver",
    "recovery-without-reason",
    "rejection-without-reason",
    "wait-without-clock",
}


def test_several_problems_are_reported_together(tmp_path):
    text = (SOUND / "stages" / "review.yaml").read_text(encoding="utf-8")
    text = text.replace("duty: handler", "duty: king").replace("[note]", "[notes]")

    with pytest.raises(DefinitionError) as refused:
        compile_demo(library_with(tmp_path, review=text))

    assert [problem.rule for problem in refused.value.problems] == ["unknown-duty", "unknown-input"]
