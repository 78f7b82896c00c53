"""`caseflow checks`: checks of applicants (核查): what is asked where, results, lists sent in."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Group

from caseflow.batches.checks import CallChecked, CheckImport, CheckList, check_call, import_checks
from caseflow.cases.checks.queries import CaseChecks, case_checks, evidence_of
from caseflow.cases.checks.service import Checking, CheckLine, record_by_hand, run_checks
from caseflow.catalogue.pinned import Pinned
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import Option, facts, json_option, note, progress, show, table
from caseflow.cli.problems import DONE, FAILED
from caseflow.documents.service import receive_file
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.checks import KINDS, POINTS, RESULTS
from caseflow.reviews.checks.service import Finding

LISTED = {
    "编号": "public_id", "类别": "kind_title", "结果": "result_title", "来源": "source",
    "查询时间": "queried_at", "有效至": "valid_until", "有效": "is_valid", "最新": "is_latest",
    "时点": "point_title", "经办人": "operator", "说明": "note",
}  # fmt: skip
STANDING = {"时点": "title", "须核查": "kind_titles", "情况": "standing_title", "尚缺": "reasons"}
LINES = {"类别": "kind_title", "办理": "status", "结果": "result", "来源": "source",
         "说明": "reason"}  # fmt: skip
CASES = {"编号": "number", "申报主体": "applicant_title", "核查": "told"}
ROWS = {"行": "row", "信用代码": "uscc", "办理": "result", "核查编号": "check", "说明": "message"}
SHOWN = {"代码": "kind", "名称": "title", "询问": "question", "逐件": "of_case", "系统": "computed"}

point_option: Option = click.option(
    "--point", type=click.Choice(list(POINTS)), help="When: where the case stands if not said."
)
kind_option: Option = click.option(
    "--kind", "kinds", multiple=True, type=click.Choice(list(KINDS)),
    help="Only this kind; all that the measure asks for if not said.",
)  # fmt: skip
again_option: Option = click.option(
    "--again", is_flag=True, help="Ask anew what was answered today."
)


@click.group()
def checks() -> None:
    """Checks (核查) of applicants: credit, territory, safety, first time, duplicates.

    Example: caseflow checks list QD26-7a-2026-000001 --as shujuju.handler
    """


@checks.command("kinds")
@json_option
def list_kinds(*, as_json: bool) -> None:
    """List the kinds of check, and what each asks.

    Example: caseflow checks kinds --json
    """
    rows = [{"kind": name, **asdict(kind)} for name, kind in KINDS.items()]
    show(rows, as_json=as_json, view=lambda: table("核查类别", SHOWN, rows))


@checks.command("list")
@click.argument("case")
@click.option("--after", metavar="CHECK", help="Begin after this check (public id).")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@as_option
@json_option
def list_checks(*, case: str, after: str | None, limit: int, login: str, as_json: bool) -> None:
    """List the checks of a case (by public id or number), and how it stands at each point.

    Example: caseflow checks list QD26-7a-2026-000001 --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        actor = house.actor(login, at)
        found = case_checks(session, actor, case, at, pinned=Pinned(), after=after, limit=limit)
    if found.page.next is not None:
        note(f"There are more; the next page: --after {found.page.next}")
    show(asdict(found), as_json=as_json, view=lambda: _listed(found))


def _listed(found: CaseChecks) -> Any:
    return Group(
        table(f"{found.number} 核查情况", STANDING, map(asdict, found.points)),
        table("核查记录", LISTED, map(asdict, found.page.items)),
    )


@checks.command()
@click.argument("case")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("result", type=click.Choice(list(RESULTS)))
@click.option("--source", required=True, help="Who said so, e.g. 信用中国.")
@click.option("--evidence", required=True, help="The paper that says so.",
              type=click.Path(exists=True, dir_okay=False, path_type=Path))  # fmt: skip
@click.option("--queried-at", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d"]),
              help="When it was asked, Asia/Shanghai; now if not said.")  # fmt: skip
@click.option("--note", default="", help="What else to know; not in the history.")
@point_option
@as_option
@json_option
def record(
    *,
    case: str,
    evidence: Path,
    queried_at: datetime | None,
    point: str | None,
    login: str,
    as_json: bool,
    **said: Any,
) -> None:
    """Record a check of CASE by hand, with its evidence; the same again is the same check.

    Example: caseflow checks record QD26-7a-2026-000001 credit pass --source 信用中国
    --evidence report.pdf --as shujuju.handler
    """
    with open_house() as house, evidence.open("rb") as file:
        at, cases = house.now(), house.cases()
        asked = queried_at.replace(tzinfo=SHANGHAI) if queried_at else at
        limit, files = house.settings.upload_limit, house.settings.files
        line = record_by_hand(
            cases,
            house.actor(login, at),
            case,
            Finding(queried_at=asked, **said),
            lambda: receive_file(files, file, name=evidence.name, limit=limit),
            at=at,
            point=point,
        )
    show(asdict(line), as_json=as_json, view=lambda: facts("核查", _line(line)))


def _line(line: CheckLine) -> dict[str, Any]:
    return {"编号": line.check, "类别": line.kind_title, "结果": line.result, "来源": line.source}


@checks.command()
@click.argument("case")
@point_option
@kind_option
@again_option
@as_option
@json_option
def run(
    *, case: str, point: str | None, kinds: tuple[str, ...], again: bool, login: str, as_json: bool
) -> int:
    """Ask the city's sources about CASE, and this house's own records.

    Exit code 1 if a kind was not answered: nothing is recorded then, and nothing has passed.
    Example: caseflow checks run QD26-7a-2026-000001 --point payment --as shujuju.handler
    """
    with open_house() as house:
        at, cases = house.now(), house.cases()
        actor = house.actor(login, at)
        lines = run_checks(cases, actor, case, Checking(point, kinds or None, again), at=at)
    rows = [asdict(line) for line in lines]
    show(rows, as_json=as_json, view=lambda: table("核查", LINES, rows))
    return DONE if all(line.check for line in lines) else FAILED


@checks.command("run-call")
@click.argument("call")
@point_option
@kind_option
@again_option
@as_option
@json_option
def run_call(
    *, call: str, point: str | None, kinds: tuple[str, ...], again: bool, login: str, as_json: bool
) -> int:
    """Check every open case of CALL that I see, each alone; safe to run again.

    Exit code 1 if a case was refused or a kind was not answered; the others are done.
    Example: caseflow checks run-call CALL --point publicity --as shujuju.handler
    """
    with open_house() as house:
        at, cases = house.now(), house.cases()
        actor = house.actor(login, at)
        with progress("Checking") as step:
            found = check_call(
                cases,
                actor,
                call,
                Checking(point, kinds or None, again),
                at=at,
                on_case=lambda done, total: step(f"{done}/{total}"),
            )
    show(asdict(found), as_json=as_json, view=lambda: _call(found))
    bad = sum(found.counts[name] for name in ("refused", "unanswered", "no_source"))
    return FAILED if bad else DONE


def _call(found: CallChecked) -> Any:
    rows = [
        {**asdict(each), "told": each.refused or "；".join(map(_told, each.lines))}
        for each in found.cases
    ]
    counted = "，".join(f"{name} {count}" for name, count in found.counts.items() if count)
    return table(f"批量核查：{counted or '没有须核查的'}", CASES, rows)


def _told(line: CheckLine) -> str:
    said = RESULTS[line.result] if line.result else line.reason
    return f"{line.kind_title}：{said}{'（今日已核查）' if line.status == 'already' else ''}"


@checks.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", required=True, help="Which source sent it, by its name in the city file.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and keep nothing.")
@as_option
@json_option
def import_list(*, file: Path, source: str, dry_run: bool, login: str, as_json: bool) -> int:
    """Take in a list FILE (.xlsx or .csv) of findings: each row alone, the same row once.

    Exit code 1 if a row was refused; the others are done.
    Example: caseflow checks import list.xlsx --source credit_list --dry-run --as shujuju.handler
    """
    told = CheckList(source, file.name, file.read_bytes(), dry_run=dry_run)
    with open_house() as house:
        at, cases = house.now(), house.cases()
        found = import_checks(cases, house.actor(login, at), told, at=at)
    show(asdict(found), as_json=as_json, view=lambda: _imported(found))
    return FAILED if found.refused else DONE


def _imported(found: CheckImport) -> Any:
    title = (
        f"{'试办' if found.dry_run else '导入'}：登记 {found.recorded}，已有 {found.already}，"
        f"拒绝 {found.refused}；因否决暂停办件 {found.held}"
    )
    return table(title, ROWS, map(asdict, found.rows))


@checks.command()
@click.argument("case")
@click.argument("check")
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="Where to write the snapshot.")  # fmt: skip
@as_option
@json_option
def evidence(*, case: str, check: str, output: Path, login: str, as_json: bool) -> None:
    """Write the snapshot of a check to FILE.

    Example: caseflow checks evidence CASE CHECK -o report.pdf --as shenjiju.auditor
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        files = house.settings.files
        found, path = evidence_of(session, actor, case, check, files=files)
        output.write_bytes(path.read_bytes())
        row = {"file": str(output), "sha256": found.sha256, "size": found.size}
    show(row, as_json=as_json, view=lambda: facts("已写出核查证据", row))
