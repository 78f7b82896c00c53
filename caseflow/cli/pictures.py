"""`caseflow workflows draw` and `gallery`: pictures of measures and of families."""

from pathlib import Path

import click

from caseflow.catalogue.drawing import mermaid, svg
from caseflow.catalogue.family_drawing import family_svg
from caseflow.catalogue.library import load_library
from caseflow.catalogue.places import data_root
from caseflow.cli.exporting import chosen_workflow
from caseflow.cli.output import note, progress
from caseflow.kernel.errors import NotFound

FORMATS = {"svg": svg, "mermaid": mermaid}


@click.command("draw")
@click.argument("measure_id", metavar="[MEASURE]", required=False)
@click.option("--family", metavar="FAMILY", help="Draw the stages of this family instead (SVG).")
@click.option(
    "--format",
    "kind",
    type=click.Choice(sorted(FORMATS)),
    default="svg",
    show_default=True,
    help="SVG for the screen, Mermaid for documents.",
)
@click.option("--child", metavar="KIND", help="Draw this kind of its child cases instead.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file instead of stdout.",
)
def draw_workflow(
    *, measure_id: str | None, family: str | None, kind: str, child: str | None,
    output: Path | None,
) -> None:  # fmt: skip
    """Draw a measure's workflow, or the stages of a family, with Chinese labels.

    The picture of a measure has every state and event; that of a family has its road.
    Example: caseflow workflows draw QD26-7a --format svg -o QD26-7a.svg
    """
    if (measure_id is None) == (family is None):
        raise click.UsageError("Name a measure, or give --family.")
    if measure_id is not None:
        drawn = FORMATS[kind](chosen_workflow(measure_id, child))
    elif child or kind != "svg":
        raise click.UsageError("--family is drawn as SVG; its children are families of their own.")
    else:
        drawn = _family(str(family))
    if output is None:
        click.echo(drawn, nl=False)
    else:
        output.write_text(drawn, encoding="utf-8")
        note(f"Written to {output}.")


def _family(name: str) -> str:
    library = load_library(data_root() / "workflows")
    if name not in library.families:
        raise NotFound(
            f"There is no family {name!r}; known: {', '.join(sorted(library.families))}."
        )
    return family_svg(name, library)


@click.command("gallery")
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder to write to, a file a family: workflows/pictures in this repository.",
)
def draw_gallery(*, output: Path) -> None:
    """Draw every family, the other processes and the child cases among them.

    Example: caseflow workflows gallery -o workflows/pictures
    """
    library = load_library(data_root() / "workflows")
    output.mkdir(parents=True, exist_ok=True)
    with progress("Drawing", total=len(library.families)) as step:
        for name in sorted(library.families):
            (output / f"{name}.svg").write_text(family_svg(name, library), encoding="utf-8")
            step(name)
    note(f"{len(library.families)} pictures written to {output}.")
