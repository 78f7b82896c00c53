"""`caseflow migrations`: moving running cases to the current version of their measure."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from caseflow.batches.case_migrations.models import ITEM_STATUSES
from caseflow.batches.publications.plans import read_plan
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.output import Option, facts, json_option, note, progress, show, table

LINE: Final = {
    "编号": "public_id",
    "条款": "measure",
    "版本": "to_policy_version",
    "状态": "status",
    "提出": "proposed_by",
    "批准": "approved_by",
    "待迁": "pending",
    "已迁": "moved",
    "留原版本": "kept",
    "未成": "refused",
}
ITEMS: Final = {
    "办件": "number",
    "结果": "status",
    "自": "from_state",
    "至": "to_state",
    "事件": "event",
    "说明": "told",
}
limit_option: Option = click.option(
    "--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many."
)


@click.group()
def migrations() -> None:
    """Migrations (办件迁移): running cases to the current version: propose, approve, run.

    Example: caseflow migrations list --as shujuju.handler
    """


@migrations.command()
@click.argument("measure")
@click.option("--plan", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="YAML: states, stay, clocks, treatment (default: as published).")  # fmt: skip
@click.option("--case", "cases", multiple=True, metavar="ID", help="Only this case; repeatable.")
@click.option("--change", metavar="ID", help="Only cases this change's list says to re-evaluate.")
@click.option("--reason", required=True, help="Why they move.")
@click.option("--basis", required=True, help="What it is based on.")
@click.option("--document-no", required=True, help="By which document (文号).")
@as_option
@json_option
def propose(
    *, measure: str, file: Path | None, cases: tuple[str, ...], login: str, as_json: bool,
    **said: Any,
) -> None:  # fmt: skip
    """Propose to move the running cases of MEASURE; a second person approves.

    Example: caseflow migrations propose QD26-7a --reason 流程优化 --basis 会议纪要第3号
    --document-no 启数〔2026〕9号 --as shujuju.handler
    """
    from caseflow.batches.case_migrations.service import Proposal
    from caseflow.batches.case_migrations.service import propose as propose_migration
    from caseflow.catalogue.yaml_reader import read_yaml

    plan = None if file is None else read_plan(read_yaml(file).data)
    wanted = Proposal(measure, plan=plan, cases=cases or None, **said)
    with open_house() as house:
        at = house.now()
        public_id = propose_migration(house.cases(), house.actor(login, at), wanted, at)
        _told("已提出，待第二人批准", house, public_id, login, as_json=as_json)


@migrations.command("list")
@click.option("--measure", help="Only of this measure.")
@click.option("--after", metavar="ID", help="Begin after this migration.")
@limit_option
@as_option
@json_option
def list_migrations(*, login: str, as_json: bool, **wanted: Any) -> None:
    """List the migrations of the actor's bureau, the last first.

    Example: caseflow migrations list --measure QD26-7a --as shujuju.handler
    """
    from caseflow.batches.case_migrations.queries import migration_list

    with open_house() as house, house.database.session() as session:
        page = migration_list(session, house.actor(login, house.now()), **wanted)
    rows = [asdict(each) for each in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table("办件迁移", LINE, rows))


@migrations.command("show")
@click.argument("migration", metavar="ID")
@click.option("--status", type=click.Choice(ITEM_STATUSES), help="Only cases in this state.")
@click.option("--after", metavar="CASE", help="Begin after this case.")
@limit_option
@as_option
@json_option
def show_migration(*, migration: str, login: str, as_json: bool, **wanted: Any) -> None:
    """Show what became of each case of the migration ID.

    Example: caseflow migrations show 4jsQ… --status refused --as shujuju.handler
    """
    from caseflow.batches.case_migrations.queries import item_list

    with open_house() as house, house.database.session() as session:
        page = item_list(session, house.actor(login, house.now()), migration, **wanted)
    data = asdict(page)
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    rows = [{**each, "told": _words(each["result"])} for each in data["items"]]
    show(data, as_json=as_json, view=lambda: table(_title(page.migration), ITEMS, rows))


def _title(line: Any) -> str:
    counted = f"待迁{line.pending} 已迁{line.moved} 留原版本{line.kept} 未成{line.refused}"
    return f"{line.measure} {line.status}：{counted}"


def _words(result: dict[str, Any]) -> list[str]:
    clocks = [f"{c['title']} {c['due_before']} → {c['due_after']}" for c in result["clocks"]]
    refused = [result["refused"]] if "refused" in result else []
    return [*refused, *result["reasons"], *clocks, *result["tasks"]]


@migrations.command()
@click.argument("migration", metavar="ID")
@as_option
@json_option
def approve(*, migration: str, login: str, as_json: bool) -> None:
    """Approve the migration ID as a head of the lead bureau who did not propose it.

    Example: caseflow migrations approve 4jsQ… --as shujuju.leader
    """
    from caseflow.batches.case_migrations.service import approve as approve_migration

    with open_house() as house:
        at = house.now()
        approve_migration(house.cases(), house.actor(login, at), migration, at)
        _told("已批准，由后台逐件迁移，也可立即执行", house, migration, login, as_json=as_json)


@migrations.command()
@click.argument("migration", metavar="ID")
@click.option("--reason", required=True, help="Why.")
@as_option
@json_option
def withdraw(*, migration: str, reason: str, login: str, as_json: bool) -> None:
    """Withdraw the proposal ID; every case keeps its version.

    Example: caseflow migrations withdraw 4jsQ… --reason 时机未到 --as shujuju.handler
    """
    from caseflow.batches.case_migrations.service import withdraw as withdraw_migration

    with open_house() as house:
        at = house.now()
        withdraw_migration(house.cases(), house.actor(login, at), migration, reason, at)
        _told("已撤回", house, migration, login, as_json=as_json)


@migrations.command("run")
@click.argument("migration", metavar="ID")
@click.option("--limit", type=click.IntRange(1), help="Settle at most so many cases now.")
@as_option
@json_option
def run_migration(*, migration: str, limit: int | None, login: str, as_json: bool) -> None:
    """Move what is pending of the approved migration ID now; a worker does what is left.

    Example: caseflow migrations run 4jsQ… --as shujuju.handler
    """
    from caseflow.batches.case_migrations.queries import migration_line
    from caseflow.batches.case_migrations.running import run

    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        with house.database.session() as session:
            total = migration_line(session, actor, migration).pending
        with progress("Moving", total=min(total, limit or total)) as step:
            ran = run(house.cases(), actor, migration, at, limit=limit, progress=step)
    shown = {"已迁": ran.moved, "留原版本": ran.kept, "未成": ran.refused, "尚待": ran.left}
    show(asdict(ran), as_json=as_json, view=lambda: facts("本次执行", shown))


def _told(title: str, house: House, migration: str, login: str, *, as_json: bool) -> None:
    from caseflow.batches.case_migrations.queries import migration_line

    with house.database.session() as session:
        line = asdict(migration_line(session, house.actor(login, house.now()), migration))
    show(line, as_json=as_json, view=lambda: facts(title, {k: line[v] for k, v in LINE.items()}))
