"""The house asked about itself: who may read the time, what is pure, how long a thing may be."""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from caseflow.database.migration import head_revision

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
TEXTS = {path: path.read_text() for path in FILES}
NODES = {path: [*ast.walk(ast.parse(text))] for path, text in TEXTS.items()}


def _imports(path: Path) -> Iterator[str]:
    for node in NODES[path]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _where(wrong: Callable[[Path], object]) -> list[str]:
    """Return the files of which `wrong` has something to say."""
    return [str(path.relative_to(ROOT)) for path in FILES if wrong(path)]


def test_the_kernel_imports_the_standard_library_and_transitions_only():
    allowed = (sys.stdlib_module_names - IMPURE) | {"caseflow", "transitions"}

    def others(path):
        return {name.partition(".")[0] for name in _imports(path)} - allowed

    assert _where(lambda path: "kernel" in path.parts and others(path)) == []


def test_only_the_clock_reads_the_time():
    words = re.compile(r"datetime\.now|utcnow|date\.today|time\.time\(|perf_counter")
    free = {"clock.py", "bench"}

    assert _where(lambda path: not free & set(path.parts) and words.search(TEXTS[path])) == []


def test_only_history_writes_events():
    free = {"history", "bench"}

    def writes(path):
        return not free & set(path.parts) and "INSERT INTO event" in TEXTS[path]

    assert _where(writes) == []


def test_no_file_is_two_things():
    assert _where(lambda path: len(TEXTS[path].splitlines()) > LONGEST_FILE) == []


def test_no_function_is_two_things():
    def long(path):
        return [
            node.name
            for node in NODES[path]
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and node.end_lineno - node.lineno >= LONGEST_FUNCTION
        ]

    assert _where(long) == []


def test_no_name_is_vague():
    assert _where(lambda path: VAGUE & {path.stem, *path.parts}) == []


@pytest.mark.parametrize("feature", FEATURES)
def test_a_feature_folder_says_what_it_is(feature):
    folder = PACKAGE / feature

    assert (folder / "models.py").exists()
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))


def test_money_is_never_a_float():
    def calls(path):
        return "bench" not in path.parts and [
            node
            for node in NODES[path]
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float"
        ]

    assert _where(calls) == []


def test_migrations_are_one_chain_in_the_order_of_their_numbers():
    migrations = ROOT / "migrations"
    chain = [each.revision for each in ScriptDirectory(str(migrations)).walk_revisions()]
    files = sorted(path.name[:4] for path in (migrations / "versions").glob("*.py"))

    assert chain[::-1] == files
    assert head_revision(migrations) == chain[0]
