"""`caseflow measures`: every support of every policy, and playing one case of each."""

import os
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType

from caseflow.catalogue.listing import measure_entry
from caseflow.catalogue.loading import read_policies
from caseflow.catalogue.measures import Measure
from caseflow.catalogue.places import data_root
from caseflow.catalogue.policies import PolicyFiles
from caseflow.catalogue.quoting import facts_listing
from caseflow.cli.output import Page, facts, json_option, paged, progress, show, table
from caseflow.cli.policies import MEASURES, on_option
from caseflow.kernel.errors import NotFound

REHEARSED = {
    "条款": "id",
    "流程": "family",
    "结果": "final",
    "环节数": "count",
    "事件": "events",
    "提醒": "reminders",
    "历时（天）": "days",
}

IN_FORCE = {
    "代码": "name",
    "参数": "title",
    "值": "value",
    "自": "valid_from",
    "文号": "document_no",
}
MISSING = {
    "代码": "name",
    "参数": "title",
    "必需": "needed",
    "明确": "answers",
    "责任单位": "bureau",
    "录入": "enters",
    "确认": "confirms",
}


@click.group()
def measures() -> None:
    """Measures (支持条款): what each promises, and rehearsing them.

    Example: caseflow measures list --family vouchers
    """


def read_measures() -> dict[str, tuple[PolicyFiles, Measure]]:
    """Return every measure of the files by its id, with the policy it is from."""
    found = read_policies(data_root())
    return {measure.id: (files, measure) for files in found for measure in files.measures}


def find_measure(measure_id: str) -> tuple[PolicyFiles, Measure]:
    """Return one measure of the files with its policy.

    Raises:
        NotFound: no policy has it.
    """
    known = read_measures()
    if measure_id not in known:
        raise NotFound(f"There is no measure {measure_id!r}; 'caseflow measures list' has them.")
    return known[measure_id]


@measures.command("list")
@click.option("--policy", help="Only measures of this policy.")
@click.option("--family", help="Only measures run by this family, e.g. vouchers.")
@click.option("--article", type=int, help="Only measures of this article.")
@click.option("--bureau", help="Only measures of this bureau, as the text writes it.")
@paged("id", "article", "family", "title")
@json_option
def list_measures(
    *, policy: str | None, family: str | None, article: int | None, bureau: str | None,
    page: Page, as_json: bool,
) -> None:  # fmt: skip
    """List the measures of all policies, from the files; no database is needed.

    Example: caseflow measures list --policy qidong-2026 --article 8
    """
    rows = page.of(
        {"policy": files.policy.code, **measure_entry(measure)}
        for files, measure in read_measures().values()
        if policy in {None, files.policy.code}
        and family in {None, measure.family}
        and article in {None, measure.article}
        and bureau in {None, *measure.bureaus}
    )
    show(rows, as_json=as_json, view=lambda: table("支持条款", MEASURES, rows))


@measures.command("show")
@click.argument("measure_id", metavar="MEASURE")
@on_option
@json_option
def show_measure(*, measure_id: str, day: Any, as_json: bool) -> None:
    """Show all that a measure's file says, which parameters are in force on a day, which missing.

    Example: caseflow measures show QD26-5a --on 2026-10-12
    """
    from caseflow.cli.clauses import known_parameters, parameters_entry

    files, measure = find_measure(measure_id)
    known = known_parameters(measure_id, day)
    entry = {
        **measure.to_data(),
        "id": measure.id,
        "policy": files.policy.code,
        "amounts_yuan": measure.amounts_yuan,
        "rates_pct": measure.rates_pct,
        "facts": facts_listing(measure.to_data(), known.parameters),
        "parameters": parameters_entry(known, measure.to_data()),
    }
    show(entry, as_json=as_json, view=lambda: _measure_view(entry))


def _measure_view(entry: dict[str, Any]) -> RenderableType:
    from caseflow.cli.clauses import readable

    labels = {**MEASURES, "条文": "clause", "申报主体": "applicants"}
    parts: list[RenderableType] = [
        facts(entry["id"], {label: entry[key] for label, key in labels.items()}),
        table("材料", {"代码": "kind", "名称": "title", "必交": "required", "依据": "source"},
              entry["documents"]),
    ]  # fmt: skip
    if entry["benefit"]["parts"]:
        columns = {"事实": "name", "名称": "title", "类型": "type", "单位": "unit", "用途": "role"}
        parts.append(table("测算所需事实", columns, entry["facts"]))
    parameters = entry["parameters"]
    if parameters["in_force"]:
        title, rows = f"已确定的参数（{parameters['on']}）", readable(parameters["in_force"])
        parts.append(table(title, IN_FORCE, rows))
    if parameters["missing"]:
        parts.append(table("尚未录入的参数", MISSING, parameters["missing"]))
    questions = [q for q in entry["open_questions"] if q["id"] not in parameters["answered"]]
    if questions:
        columns = {"编号": "id", "问题": "text", "现行处理": "default"}
        parts.append(table("待明确", columns, questions))
    return Group(*parts)


@measures.command("rehearse")
@click.argument("names", nargs=-1, metavar="[MEASURE]...")
@click.option("--all", "everything", is_flag=True, help="Rehearse every measure.")
@click.option(
    "--xes",
    "log",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the event log of the cases in this file (XES, IEEE 1849).",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 16),
    default=lambda: min(4, os.cpu_count() or 1),
    help="Processes that play side by side, with --all (default: processors, at most 4).",
)
@json_option
def rehearse_measures(
    *, names: tuple[str, ...], everything: bool, log: Path | None, jobs: int, as_json: bool
) -> None:  # fmt: skip
    """Play one case of each measure to its end, on a virtual clock in a scratch database.

    Example: caseflow measures rehearse --all --json
    """
    if bool(names) == everything:
        raise click.UsageError("Name the measures to rehearse, or give --all.")
    from caseflow.database.readiness import driver_errors
    from caseflow.rehearsal.rehearse import rehearse
    from caseflow.rehearsal.side_by_side import rehearse_side_by_side
    from caseflow.settings import read_settings

    known = read_measures()
    missing = [name for name in names if name not in known]
    if missing:
        raise NotFound(f"There is no measure {missing[0]!r}; 'caseflow measures list' has them.")
    chosen = list(names or known)
    with driver_errors(), progress("Rehearsing", total=len(chosen)) as step:
        if everything and log is None and jobs > 1:
            rows = rehearse_side_by_side(read_settings(), chosen, jobs=jobs, progress=step)
        else:
            rows = rehearse(read_settings(), chosen, progress=step, log=log)
    counted = [{**row, "count": len(row["states"])} for row in rows]
    show(rows, as_json=as_json, view=lambda: table("演练", REHEARSED, counted))
