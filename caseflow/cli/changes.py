"""`caseflow policies suspend | resume | repeal | replace | changes | impacts | decide`."""

from dataclasses import asdict
from typing import Any, Final

import click

from caseflow.cli.output import Command, Option, as_option, facts, json_option, note, show, table
from caseflow.kernel.policy_changes import DECISIONS, STATES

LINE: Final = {
    "编号": "public_id",
    "政策": "policy",
    "调整": "kind",
    "文号": "document_no",
    "办理": "changed_by",
    "时间": "changed_at",
    "清单": "total",
    "待决定": "undecided",
}
IMPACTS: Final = {
    "办件": "number",
    "申报主体": "applicant_title",
    "条款": "measure",
    "环节": "state_title",
    "决定": "status",
    "理由": "reason",
    "决定人": "decided_by",
    "时间": "decided_at",
}
limit_option: Option = click.option(
    "--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="At most so many."
)


def _said(command: Command) -> Command:
    """Give a command that changes a policy its reason, its document, and who asks."""
    for option in (
        json_option,
        as_option,
        click.option("--document-no", required=True, help="By which document (文号)."),
        click.option("--reason", required=True, help="Why."),
    ):
        command = option(command)
    return command


@click.command("suspend")
@click.argument("policy")
@_said
def suspend_policy(*, policy: str, as_json: bool, **said: str) -> None:
    """Suspend POLICY (暂停执行): it takes no application; what was promised is paid.

    Example: caseflow policies suspend qidong-2026 --reason 清理规范 --document-no 启政〔2026〕20号
    --as zhengfuban.office
    """
    _change(policy, "suspended", as_json=as_json, **said)


@click.command("resume")
@click.argument("policy")
@_said
def resume_policy(*, policy: str, as_json: bool, **said: str) -> None:
    """Resume the suspended POLICY (恢复执行); its suspension asks for no decision any more.

    Example: caseflow policies resume qidong-2026 --reason 清理完毕 --document-no 启政〔2026〕22号
    --as zhengfuban.office
    """
    _change(policy, "resumed", as_json=as_json, **said)


@click.command("repeal")
@click.argument("policy")
@_said
def repeal_policy(*, policy: str, as_json: bool, **said: str) -> None:
    """Repeal POLICY (废止) for good: its calls close; what was promised is paid.

    Example: caseflow policies repeal qidong-2026 --reason 上位政策调整
    --document-no 启政〔2026〕21号 --as zhengfuban.office
    """
    _change(policy, "repealed", as_json=as_json, **said)


@click.command("replace")
@click.argument("policy")
@click.option("--by", "replaced_by", required=True, help="The policy that takes its place.")
@_said
def replace_policy(*, policy: str, replaced_by: str, as_json: bool, **said: str) -> None:
    """Let another policy in force take the place of POLICY (替代), for good.

    Example: caseflow policies replace qidong-2026 --by qidong-2027 --reason 修订重发
    --document-no 启政〔2027〕1号 --as zhengfuban.office
    """
    _change(policy, "replaced", as_json=as_json, replaced_by=replaced_by, **said)


def _change(policy: str, kind: str, *, login: str, as_json: bool, **said: Any) -> None:
    from caseflow.batches.changes.queries import change_line
    from caseflow.batches.changes.service import Wanted, change_policy
    from caseflow.cli.house import open_house

    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        public_id = change_policy(house.cases(), actor, Wanted(policy, kind, **said), at)
        with house.database.session() as session:
            line = asdict(change_line(session, actor, public_id))
    row = {**line, **line["progress"]}
    show(line, as_json=as_json, view=lambda: facts("已办理", {k: row[v] for k, v in LINE.items()}))


@click.command("changes")
@click.argument("policy")
@click.option("--after", metavar="ID", help="Begin after this change.")
@limit_option
@as_option
@json_option
def list_changes(*, policy: str, login: str, as_json: bool, **wanted: Any) -> None:
    """List what happened to POLICY since it was issued, with how far the deciding is.

    Example: caseflow policies changes qidong-2026 --as shujuju.division_head
    """
    from caseflow.batches.changes.queries import change_list
    from caseflow.cli.house import open_house

    with open_house() as house, house.database.session() as session:
        page = change_list(session, house.actor(login, house.now()), policy=policy, **wanted)
    rows = [asdict(each) for each in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    flat = [{**row, **row["progress"]} for row in rows]
    show(rows, as_json=as_json, view=lambda: table(policy, LINE, flat))


@click.command("impacts")
@click.argument("change", metavar="ID")
@click.option("--status", type=click.Choice(STATES), help="Only cases in this state.")
@click.option("--after", metavar="CASE", help="Begin after this case.")
@limit_option
@as_option
@json_option
def list_impacts(*, change: str, login: str, as_json: bool, **wanted: Any) -> None:
    """List the cases that the change ID touches (影响清单), and what was decided.

    Example: caseflow policies impacts 4jsQ… --status undecided --as shujuju.division_head
    """
    from caseflow.batches.changes.queries import impact_list
    from caseflow.cli.house import open_house

    with open_house() as house, house.database.session() as session:
        page = impact_list(session, house.actor(login, house.now()), change, **wanted)
    data, done = asdict(page), page.change.progress
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    title = f"{page.change.policy} {page.change.kind}：{done.total} 件，待决定 {done.undecided} 件"
    show(data, as_json=as_json, view=lambda: table(title, IMPACTS, data["items"]))


@click.command("decide")
@click.argument("change", metavar="ID")
@click.argument("case")
@click.argument("decision", type=click.Choice(DECISIONS))
@click.option("--reason", required=True, help="Why.")
@click.option("--reason-code", help="To terminate: e.g. policy_expired.")
@click.option("--remedy", help="To terminate: where the applicant may turn (救济途径).")
@click.option("--document-no", help="To terminate: the document's number.")
@as_option
@json_option
def decide_impact(
    *, change: str, case: str, decision: str, reason: str, login: str, as_json: bool, **said: Any
) -> None:
    """Decide what becomes of CASE after the change ID: keep, re_evaluate or terminate it; once.

    Example: caseflow policies decide 4jsQ… 9Kfm… keep --reason 按受理时规定办理
    --as shujuju.division_head
    """
    from caseflow.batches.changes.queries import impact_line
    from caseflow.batches.changes.service import Decision, decide
    from caseflow.cli.house import open_house

    payload = {name: value for name, value in said.items() if value is not None}
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        decide(house.cases(), actor, change, case, Decision(decision, reason, payload), at)
        with house.database.session() as session:
            line = asdict(impact_line(session, actor, change, case))
    show(
        line,
        as_json=as_json,
        view=lambda: facts("已决定", {k: line[v] for k, v in IMPACTS.items()}),
    )


COMMANDS: Final = (
    suspend_policy, resume_policy, repeal_policy, replace_policy, list_changes, list_impacts,
    decide_impact,
)  # fmt: skip
