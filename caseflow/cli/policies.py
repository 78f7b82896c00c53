"""`caseflow policies`: what the files say, whether it is what the text says, and loading them."""

from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType

from caseflow.catalogue.cities import City, read_cities
from caseflow.catalogue.library import load_library
from caseflow.catalogue.listing import policies_listing, policy_entry
from caseflow.catalogue.loading import lint, read_policies, read_policy
from caseflow.catalogue.places import data_root, policy_folders
from caseflow.cli.changes import COMMANDS as CHANGES_OF_POLICIES
from caseflow.cli.output import Option, Page, facts, json_option, paged, progress, show, table
from caseflow.cli.problems import DONE, FAILED
from caseflow.cli.versions import enact_policy, folder_of, list_versions, show_difference
from caseflow.clock import SystemClock
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.source import Library

POLICIES = {
    "政策": "policy",
    "标题": "title",
    "文号": "doc_no",
    "状态": "status",
    "施行": "effective_from",
    "截止": "effective_to",
    "条款数": "count",
}
MEASURES = {
    "条款": "id",
    "条": "article",
    "标题": "title",
    "流程": "family",
    "金额（元）": "amounts_yuan",
    "比例（%）": "rates_pct",
    "责任单位": "bureaus",
}
INDICATORS = {
    "序号": "number",
    "指标": "title",
    "单位": "unit",
    "目标": "target",
    "年份": "year",
    "责任单位": "owners",
}
SHOWN = ("issuer", "city", "issued_on", "scope", "overlap", "change", "split", "indicators")
"""What `policies show` tells of a policy beside its listing, as the definition has it."""


@click.group()
def policies() -> None:
    """Policies (政策文件): what their files say, and loading them.

    Example: caseflow policies list
    """


for command in (enact_policy, list_versions, show_difference, *CHANGES_OF_POLICIES):
    policies.add_command(command)


def chosen_day(day: Any) -> date:
    """Return the day of `--on`, today in Asia/Shanghai where none was given."""
    return day.date() if day else local_date(SystemClock().now())


on_option: Option = click.option(
    "--on",
    "day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day whose legal state is shown (default: today).",
)


@policies.command("list")
@on_option
@click.option("--status", help="Only policies in this state, e.g. in_force.")
@paged("policy", "title", "status", "effective_from", "effective_to")
@json_option
def list_policies(*, day: Any, status: str | None, page: Page, as_json: bool) -> None:
    """List every policy with its measures, from the files; no database is needed.

    Example: caseflow policies list --status in_force --json
    """
    found = policies_listing(read_policies(data_root()), chosen_day(day))
    rows = page.of(row for row in found if status in {None, row["status"]})
    counted = [{**row, "count": len(row["measures"])} for row in rows]
    show(rows, as_json=as_json, view=lambda: table("政策", POLICIES, counted))


@policies.command("show")
@click.argument("policy")
@on_option
@json_option
def show_policy(*, policy: str, day: Any, as_json: bool) -> None:
    """Show one policy and its measures, from the files.

    Example: caseflow policies show qidong-2026
    """
    files = read_policy(folder_of(data_root(), policy))
    record = files.policy.to_data()
    entry = {
        **policy_entry(files, chosen_day(day)),
        **{key: record[key] for key in SHOWN},
        "articles": {str(article["number"]): article["heading"] for article in record["articles"]},
    }
    show(entry, as_json=as_json, view=lambda: _policy_view(entry))


def _policy_view(entry: dict[str, Any]) -> RenderableType:
    labels = {**POLICIES, "制定机关": "issuer"}
    head = {label: entry[key] for label, key in labels.items() if key in entry}
    head["适用"], head["参照"] = entry["scope"]["words"], entry["scope"]["may_follow"]
    head["不重复"], head["调整"] = entry["overlap"]["words"], entry["change"]["words"]
    head["资金分担"] = entry["split"] and entry["split"]["words"]
    parts = [facts(entry["title"], head), table("支持条款", MEASURES, entry["measures"])]
    if entry["indicators"]:
        parts.append(table("指标", INDICATORS, entry["indicators"]))
    return Group(*parts)


@policies.command("lint")
@click.argument("names", nargs=-1, metavar="[POLICY]...")
@json_option
def lint_policies(*, names: tuple[str, ...], as_json: bool) -> int:
    """Hold every file against its text and compile every workflow; list every fault.

    Exit code 1 if there is one. Example: caseflow policies lint qidong-2026
    """
    root = data_root()
    problems = sorted(_problems(root, names))
    rows = [vars(each) for each in problems]
    result = {"ok": not problems, "problems": rows}
    show(result, as_json=as_json, view=lambda: "\n".join(map(str, problems)) or "No faults.")
    return FAILED if problems else DONE


def _problems(root: Path, names: tuple[str, ...]) -> set[Problem]:
    """Return every fault of the library, the cities and the policies named (all if none)."""
    problems: set[Problem] = set()
    library = _kept(problems, lambda: load_library(root / "workflows"))
    cities = _kept(problems, lambda: read_cities(root)) or {}
    chosen = names or tuple(folder.name for folder in policy_folders(root))
    with progress("Reading", total=len(chosen)) as step:
        for name in chosen:
            problems.update(_faults(folder_of(root, name), library, cities))
            step(name)
    return problems


def _faults(folder: Path, library: Library | None, cities: dict[str, City]) -> list[Problem]:
    try:
        files = read_policy(folder)
    except DefinitionError as error:
        return list(error.problems)
    faults = lint(files, library, cities.get(files.policy.city))
    if files.policy.city not in cities:
        source = files.source(files.policy.code)
        message = f"there is no city {files.policy.city} in policies/cities/"
        faults.append(source.problem(("city",), "unknown-city", message))
    return faults


def _kept(problems: set[Problem], read: Any) -> Any:
    """Return what `read` returns; its faults go to `problems`, and None comes back."""
    try:
        return read()
    except DefinitionError as error:
        problems.update(error.problems)
        return None


@policies.command("load")
@json_option
def load_policies(*, as_json: bool) -> None:
    """Load every city, the calendars and every policy into the database; again: nothing new.

    Example: caseflow policies load
    """
    from caseflow.batches.founding import load_everything
    from caseflow.catalogue.queries import policies as loaded_policies
    from caseflow.cli.house import open_house
    from caseflow.database.ids import PublicIds

    with open_house() as house, progress("Loading") as step, house.database.session() as session:
        at = house.now()
        load_everything(
            session, house.root, at=at, signer=house.signer, ids=PublicIds(), progress=step
        )
        rows = [
            {
                "policy": each.code,
                "title": each.version.title,
                "version": each.version.version,
                "status": each.status,
                "loaded_at": each.version.loaded_at,
            }
            for each in loaded_policies(session, on=local_date(at))
        ]
    columns = {"政策": "policy", "标题": "title", "版本": "version", "状态": "status"}
    show(rows, as_json=as_json, view=lambda: table("已载入", columns, rows))
