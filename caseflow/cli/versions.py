"""`caseflow policies enact | versions | diff`: from a draft to the issued document, and after."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Group, RenderableType
from rich.text import Text

from caseflow.catalogue.differences import Change, Difference
from caseflow.catalogue.places import data_root, policy_folders
from caseflow.cli.output import cell, document, json_option, note, show, table
from caseflow.kernel.errors import InvalidInput, NotFound

VERSIONS: Final = {
    "版本": "version",
    "现行": "current",
    "状态": "status",
    "文号": "doc_no",
    "印发": "issued_on",
    "施行": "effective_from",
    "截止": "effective_to",
    "载入": "loaded_at",
}
CHANGES: Final = {"条款": "measure", "位置": "path", "原": "before", "现": "after"}
DAY: Final = click.DateTime(["%Y-%m-%d"])


def folder_of(root: Path, policy: str) -> Path:
    """Return the folder of a policy below `root`.

    Raises:
        NotFound: there is none of this name.
    """
    known = {folder.name: folder for folder in policy_folders(root)}
    if policy not in known:
        raise NotFound(f"There is no policy {policy!r}; known: {', '.join(known)}.")
    return known[policy]


@click.command("enact")
@click.argument("policy")
@click.option("--doc-no", required=True, help="The number of the document (文号).")
@click.option("--issued-on", type=DAY, required=True, help="The day it was issued (印发).")
@click.option("--effective-from", type=DAY, required=True, help="Its first day (施行).")
@click.option("--effective-to", type=DAY, help="Its last day (default: the draft's).")
@click.option(
    "--text",
    "words",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The issued words, UTF-8 (default: the draft's).",
)
@click.option("--effective-words", help="The sentence that dates it (default: found in the words).")
@click.option("--issuer", help="Who issued it (default: the draft's).")
@click.option("--title", help="Its title (default: the draft's).")
@click.option("--legal-form", help="Its form (default: the draft's without 征求意见稿).")
@click.option("--dry-run", is_flag=True, help="Check and show the differences; write nothing.")
@json_option
def enact_policy(
    *, policy: str, words: Path | None, dry_run: bool, as_json: bool, **said: Any
) -> None:
    """Make a consultation draft (征求意见稿) the document that was issued, in its files.

    Every value is held against the issued words; if one does not agree, nothing is written.
    Example: caseflow policies enact nantong-2026 --doc-no 通政办规〔2026〕9号
    --issued-on 2026-12-01 --effective-from 2027-01-01 --text issued.txt --dry-run
    """
    from caseflow.catalogue.enacting import Enactment, prepare, write

    said = {name: _plain(value) for name, value in said.items()}
    wanted = Enactment(**said, text=None if words is None else _words(words))
    prepared = prepare(folder_of(data_root(), policy), wanted)
    if not dry_run:
        write(prepared)
    record, difference = prepared.after.policy.to_data(), prepared.difference
    keys = ("title", "doc_no", "status", "issued_on", "effective_from", "effective_to")
    result = {
        "policy": policy,
        "written": not dry_run,
        **{key: record[key] for key in keys},
        **_difference_data(difference),
    }
    show(result, as_json=as_json, view=lambda: _difference_view(policy, difference))
    if dry_run:
        note("Nothing was written (--dry-run).")
    else:
        note("Written. 'caseflow policies load' makes it the next version; read the comments over.")


def _plain(given: Any) -> Any:
    return given.date() if isinstance(given, datetime) else given


def _words(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"{path} is not UTF-8"
        raise InvalidInput(f"--text: {reason}.", fields={"text": reason}) from error


@click.command("versions")
@click.argument("policy")
@json_option
def list_versions(*, policy: str, as_json: bool) -> None:
    """List the loaded versions of a policy; cases keep the one they pinned.

    Example: caseflow policies versions qidong-2026
    """
    from caseflow.catalogue.queries import policy_versions
    from caseflow.cli.house import open_house

    with open_house() as house, house.database.session() as session:
        found = policy_versions(session, policy, on=house.today())
    rows = [_version_row(each) for each in found]
    show(rows, as_json=as_json, view=lambda: table(policy, VERSIONS, rows))


def _version_row(found: Any) -> dict[str, Any]:
    row = asdict(found)
    return {**row, "doc_no": row.pop("document_no")}


@click.command("diff")
@click.argument("policy")
@click.option("--from", "begin", type=click.IntRange(1), help="The version before (default: last).")
@click.option("--to", "end", type=click.IntRange(1), help="The version after (default: current).")
@json_option
def show_difference(*, policy: str, begin: int | None, end: int | None, as_json: bool) -> None:
    """Show how a loaded version of a policy differs from another.

    Example: caseflow policies diff nantong-2026 --from 1 --to 2
    """
    from caseflow.catalogue.queries import version_difference
    from caseflow.cli.house import open_house

    with open_house() as house, house.database.session() as session:
        found = version_difference(session, policy, on=house.today(), begin=begin, end=end)
    if as_json:
        versions = {"from": _version_row(found.before), "to": _version_row(found.after)}
        document({"policy": policy, **versions, **_difference_data(found.difference)})
        return
    title = f"{policy}：第 {found.before.version} 版 → 第 {found.after.version} 版"
    show(None, as_json=False, view=lambda: _difference_view(title, found.difference))


def _difference_data(difference: Difference) -> dict[str, Any]:
    data = asdict(difference)
    return {"changes": data.pop("policy"), **data}


def _difference_view(title: str, difference: Difference) -> RenderableType:
    rows = [_change_row("", change) for change in difference.policy]
    for each in difference.measures_changed:
        rows += [_change_row(each.measure, change) for change in each.changes]
    parts: list[RenderableType] = [table(title, CHANGES, rows)]
    for label, codes in (
        ("新增条款", difference.measures_added),
        ("取消条款", difference.measures_removed),
    ):
        if codes:
            parts.append(Text(f"{label}：{cell(codes)}"))
    parts += [Text(line) for line in difference.text]
    return Group(*parts)


def _change_row(measure: str, change: Change) -> dict[str, Any]:
    shown = {"before": _shown(change.before), "after": _shown(change.after)}
    return {"measure": measure, "path": change.path, **shown}


def _shown(value: Any) -> Any:
    """Return a value for a table; lists and mappings as JSON."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
