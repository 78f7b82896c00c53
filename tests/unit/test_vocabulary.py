"""The closed vocabulary says everything once."""

import ast
from pathlib import Path

from caseflow.kernel.policy_changes import DECISIONS, OVER, STATES, UNDECIDED
from caseflow.kernel.workflow import money_words, vocabulary


def test_no_input_is_declared_twice():
    files = (vocabulary.__file__, money_words.__file__)
    trees = [ast.parse(Path(file).read_text(encoding="utf-8")) for file in files]
    declared = [
        node.args[0].value
        for tree in trees
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


def test_a_case_that_a_change_of_policy_meets_is_undecided_over_or_decided():
    assert len(STATES) == len({UNDECIDED, OVER, *DECISIONS}) == 5
    assert set(STATES) == {UNDECIDED, OVER, *DECISIONS}
