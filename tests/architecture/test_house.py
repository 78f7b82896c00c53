"""The house asked about itself: who may read the time, what is pure, how long a thing may be."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "caseflow"
FILES = sorted(PACKAGE.rglob("*.py"))
IMPURE = {
    "io",
    "os",
    "pathlib",
    "random",
    "secrets",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "time",
}
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
FEATURES = (
    "batches", "cases", "catalogue", "deadlines", "documents", "funds", "history", "identity",
    "notifications", "reviews",
)  # fmt: skip
VAGUE = {"utils", "helpers", "common", "manager", "managers", "base", "misc"}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("path", sorted((PACKAGE / "kernel").rglob("*.py")), ids=_name)
def test_the_kernel_imports_the_standard_library_and_transitions_only(path):
    tops = {name.partition(".")[0] for name in _imports(ast.parse(path.read_text()))}

    assert tops <= (sys.stdlib_module_names - IMPURE) | {"caseflow", "transitions"}


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_only_the_clock_reads_the_time(path):
    words = re.compile(r"datetime\.now|utcnow|date\.today|time\.time\(|perf_counter")
    allowed = path.name == "clock.py" or "bench" in path.parts

    assert allowed or not words.search(path.read_text())


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_only_history_writes_events(path):
    assert (
        "history" in path.parts
        or "bench" in path.parts
        or "INSERT INTO event" not in path.read_text()
    )


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_file_and_no_function_is_two_things(path):
    text = path.read_text()
    functions = [
        node
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    long = {node.name for node in functions if node.end_lineno - node.lineno >= LONGEST_FUNCTION}

    assert len(text.splitlines()) <= LONGEST_FILE
    assert not long


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_no_name_is_vague(path):
    assert path.stem not in VAGUE
    assert not VAGUE & set(path.parts)


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_folder_says_what_it_is(feature):
    folder = PACKAGE / feature

    assert (folder / "models.py").exists()
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))


def test_money_is_never_a_float():
    for path in FILES:
        tree = ast.parse(path.read_text())
        calls = [
            n
            for n in ast.walk(tree)
            if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "float"
        ]
        assert not calls or "bench" in path.parts, path
