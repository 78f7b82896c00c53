"""The closed vocabulary says everything once."""

import ast
from pathlib import Path

from caseflow.kernel.workflow import vocabulary


def test_no_input_is_declared_twice():
    tree = ast.parse(Path(vocabulary.__file__).read_text(encoding="utf-8"))
    declared = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "Fact"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]

    assert len(declared) > 30
    assert sorted(declared) == sorted(set(declared))
    assert set(vocabulary.INPUTS) <= set(declared)
