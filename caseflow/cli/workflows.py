"""`caseflow workflows`: whether every measure's workflow is sound; its pictures, its nets."""

from typing import Any

import click

from caseflow.catalogue.compiling import compile_measure
from caseflow.catalogue.library import load_library
from caseflow.catalogue.places import data_root
from caseflow.cli.exporting import export_workflows
from caseflow.cli.measures import find_measure, read_measures
from caseflow.cli.output import json_option, progress, show, table
from caseflow.cli.pictures import draw_gallery, draw_workflow
from caseflow.cli.problems import DONE, FAILED
from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.model import Workflow


@click.group()
def workflows() -> None:
    """Workflows (办理流程): checking, drawing and exporting them.

    Example: caseflow workflows check
    """


workflows.add_command(draw_workflow)
workflows.add_command(draw_gallery)
workflows.add_command(export_workflows)


@workflows.command("check")
@click.argument("names", nargs=-1, metavar="[MEASURE]...")
@json_option
def check_workflows(*, names: tuple[str, ...], as_json: bool) -> int:
    """Compile and check the workflow of every measure, and of its children.

    Exit code 1, and every fault with file and line, if one is not sound.
    Example: caseflow workflows check QD26-7a
    """
    library = load_library(data_root() / "workflows")
    known = read_measures()
    rows: list[dict[str, Any]] = []
    problems: set[Problem] = set()
    with progress("Compiling", total=len(names or known)) as step:
        for name in names or known:
            files, measure = known[name] if name in known else find_measure(name)
            try:
                compiled = compile_measure(files, measure, library)
            except DefinitionError as error:
                problems.update(error.problems)
            else:
                rows.extend(_row(name, workflow) for workflow in compiled.values())
            step(name)
    return _verdict(rows, sorted(problems), as_json=as_json)


def _row(measure_id: str, workflow: Workflow) -> dict[str, Any]:
    return {
        "workflow": workflow.name,
        "measure": measure_id,
        "family": workflow.family,
        "states": len(workflow.states),
        "steps": len(workflow.steps),
        "clocks": len(workflow.clocks),
        "hash": workflow.hash,
    }


def _verdict(rows: list[dict[str, Any]], problems: list[Problem], *, as_json: bool) -> int:
    result = {
        "ok": not problems,
        "workflows": rows,
        "problems": [vars(problem) for problem in problems],
    }
    columns = {
        "流程": "workflow",
        "类型": "family",
        "环节": "states",
        "步骤": "steps",
        "时限": "clocks",
    }
    if problems:
        show(result, as_json=as_json, view=lambda: "\n".join(map(str, problems)))
        return FAILED
    show(result, as_json=as_json, view=lambda: table("可用的流程", columns, rows))
    return DONE
