"""`caseflow workflows export`: workflows as Petri nets, for the tools of others."""

from collections.abc import Iterable
from pathlib import Path

import click

from caseflow.catalogue.compiling import compile_measure
from caseflow.catalogue.library import load_library
from caseflow.catalogue.places import data_root
from caseflow.cli.measures import find_measure, read_measures
from caseflow.cli.output import note, progress
from caseflow.kernel.errors import NotFound
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.petri import net_of
from caseflow.kernel.workflow.pnml import pnml

FORMATS = {"pnml": pnml}


def chosen_workflow(measure_id: str, child: str | None) -> Workflow:
    """Return the compiled workflow of a measure, or of one kind of its child cases.

    Raises:
        NotFound: there is no such measure, or it has no such children.
    """
    compiled = compiled_workflows(measure_id)
    name = f"{measure_id}/{child}" if child else measure_id
    if name not in compiled:
        kinds = ", ".join(each.partition("/")[2] for each in compiled if "/" in each) or "none"
        raise NotFound(f"{measure_id} has no child cases of kind {child!r}; known: {kinds}.")
    return compiled[name]


def compiled_workflows(measure_id: str) -> dict[str, Workflow]:
    """Return the compiled workflows of a measure and of its children, by name."""
    files, measure = find_measure(measure_id)
    return compile_measure(files, measure, load_library(data_root() / "workflows"))


@click.command("export")
@click.argument("measure_id", metavar="[MEASURE]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every measure, with its children.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(sorted(FORMATS)),
    default="pnml",
    show_default=True,
    help="PNML: a Petri net (ISO/IEC 15909-2).",
)
@click.option("--child", metavar="KIND", help="Export this kind of its child cases instead.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Write to this file; with --all to this folder, a file a workflow.",
)
def export_workflows(
    *, measure_id: str | None, everything: bool, kind: str, child: str | None, output: Path | None
) -> None:  # fmt: skip
    """Export a measure's workflow as a Petri net that other tools can judge and replay.

    A place a state, a transition a branch of an event, one source and one sink. The workflow of
    its child cases is a net of its own.
    Example: caseflow workflows export QD26-7a --format pnml -o QD26-7a.pnml
    """
    if everything:
        if measure_id or child or output is None:
            raise click.UsageError(
                "--all takes a folder (-o FOLDER), and neither MEASURE nor KIND."
            )
        _export_all(output, kind)
        return
    if measure_id is None:
        raise click.UsageError("Name the measure to export, or give --all.")
    text = FORMATS[kind](net_of(chosen_workflow(measure_id, child)))
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        note(f"Written to {output}.")


def _export_all(folder: Path, kind: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    library, known = load_library(data_root() / "workflows"), read_measures()
    written = 0
    with progress("Exporting", total=len(known)) as step:
        for name, (files, measure) in known.items():
            written += _write(folder, kind, compile_measure(files, measure, library).values())
            step(name)
    note(f"{written} nets written to {folder}.")


def _write(folder: Path, kind: str, workflows: Iterable[Workflow]) -> int:
    """Write a file a workflow; a child's is named `<measure>.<kind>`; how many there were."""
    texts = {each.name.replace("/", "."): FORMATS[kind](net_of(each)) for each in workflows}
    for name, text in texts.items():
        (folder / f"{name}.{kind}").write_text(text, encoding="utf-8")
    return len(texts)
