"""`caseflow versions`: what a changed measure would do to running cases, and publishing it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Group, RenderableType
from rich.text import Text

from caseflow.batches.publications.plans import Plans, read_plans
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import Option, facts, json_option, note, progress, show, table
from caseflow.cli.problems import DONE, FAILED
from caseflow.cli.versions import CHANGES

RESULTS: Final = {"stays": "留在原版本", "moves": "可以迁移", "stranded": "无处可去"}
COUNTS: Final = {"条款": "measure", **{title: name for name, title in RESULTS.items()}}
CASES: Final = {
    "办件": "number",
    "环节": "state_title",
    "结果": "result",
    "迁往": "to_state",
    "原因": "reasons",
    "时限": "clocks",
    "待办": "tasks",
    "金额（元）": "amount",
}
PUBLICATIONS: Final = {
    "编号": "public_id",
    "版本": "version",
    "替代": "replaces",
    "文号": "document_no",
    "理由": "reason",
    "发布人": "published_by",
    "时间": "published_at",
}

plan_option: Option = click.option(
    "--plan",
    "file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML: for each measure states, stay, clocks, treatment.",
)


def plans_of(file: Path | None) -> Plans:
    """Return the plans of a YAML file; none without a file.

    Raises:
        DefinitionError: no YAML. InvalidInput: no plans.
    """
    from caseflow.catalogue.yaml_reader import read_yaml

    return {} if file is None else read_plans(read_yaml(file).data)


@click.group()
def versions() -> None:
    r"""New versions (新版本) of a policy while cases run: check, publish, list.

    A plan says what becomes of cases that a new version would strand:

    \b
    QD26-7a:
      states: {third_party_audit: bureau_review}   # enter this state anew
      stay: [joint_check]                          # stay on the old version
      clocks: {audit: $end}                        # or the clock that goes on
      treatment: keep                              # days used stay used (or: restart)

    Example: caseflow versions check qidong-2026 --as shujuju.leader
    """


@versions.command()
@click.argument("policy")
@plan_option
@as_option
@json_option
def check(*, policy: str, file: Path | None, login: str, as_json: bool) -> int:
    """Tell what publishing POLICY's files would do to every running case; nothing is written.

    Exit code 1 if a case would be stranded.
    Example: caseflow versions check qidong-2026 --plan plan.yaml --as shujuju.leader --json
    """
    from caseflow.batches.publications.candidates import current_version, read_candidate
    from caseflow.batches.publications.service import dry_run, publishers_seat
    from caseflow.kernel.errors import NotFound

    plans = plans_of(file)
    with open_house() as house, progress("Checking") as step, house.database.session() as session:
        at, before = house.now(), current_version(session, policy)
        if before is None:
            raise NotFound(f"没有政策 {policy!r}。")
        publishers_seat(session, house.actor(login, at), before)
        candidate = read_candidate(house.root, policy)
        found = dry_run(session, house.cases(), candidate, plans, at, progress=step)
    show(asdict(found), as_json=as_json, view=lambda: _view(found))
    return FAILED if found.stranded else DONE


def _view(found: Any) -> RenderableType:
    if found.comparison is None:
        return (
            f"{found.policy}：与现行第 {found.version} 版相同。"
            if not found.is_new
            else "首次载入。"
        )
    rows = [
        {"measure": each.measure, **_change(change)}
        for each in (*found.comparison.difference.measures_changed, *found.comparison.workflows)
        for change in each.changes
    ]
    counts = [{"measure": code, **each} for code, each in found.counts.items()]
    parts: list[RenderableType] = [
        table(f"{found.policy}：与现行第 {found.version} 版的差异", CHANGES, rows),
        table("在办件", COUNTS, counts),
        table("逐件", CASES, [_case_row(each) for each in found.cases]),
    ]
    if found.comparison.touched:
        touched = "、".join(found.comparison.touched)
        parts.append(Text(f"条款内容有变，发布后生成影响清单：{touched}"))
    return Group(*parts)


def _change(change: Any) -> dict[str, Any]:
    return {"path": change.path, "before": _short(change.before), "after": _short(change.after)}


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"  # noqa: PLR2004 - a column's width


def _case_row(each: Any) -> dict[str, Any]:
    from caseflow.cli.output import yuan

    found = each.assessment
    before, after = found.amount_before_fen, found.amount_after_fen
    amount = yuan(after) if before == after else f"{yuan(before)} → {yuan(after)}"
    return {
        "number": each.number,
        "state_title": each.state_title,
        "result": RESULTS[found.result],
        "to_state": found.to_state if found.to_state != found.from_state else "",
        "reasons": list(found.reasons),
        "clocks": [
            f"{c.title}：{c.due_before or '—'} → {c.due_after or '—'}" for c in found.clocks
        ],
        "tasks": list(found.tasks),
        "amount": amount,
    }


@versions.command()
@click.argument("policy")
@plan_option
@click.option("--reason", required=True, help="Why it is published.")
@click.option("--document-no", required=True, help="By which document (文号).")
@as_option
@json_option
def publish(
    *, policy: str, file: Path | None, reason: str, document_no: str, login: str, as_json: bool
) -> None:
    """Make what POLICY's files say its current version, over running cases.

    Cases keep their version; `caseflow migrations propose` moves them. Refused where cases would
    be stranded and the plan does not say what becomes of them.
    Example: caseflow versions publish qidong-2026 --plan plan.yaml --reason 流程优化
    --document-no 启数〔2026〕8号 --as shujuju.leader
    """
    from caseflow.batches.publications.candidates import read_candidate
    from caseflow.batches.publications.service import Words
    from caseflow.batches.publications.service import publish as publish_version

    plans = plans_of(file)
    with open_house() as house, progress("Publishing") as step, house.database.session() as session:
        at = house.now()
        done = publish_version(
            session,
            house.cases(),
            read_candidate(house.root, policy),
            plans,
            house.actor(login, at),
            Words(reason, document_no),
            at,
            progress=step,
        )
    data = asdict(done)
    shown = {
        "政策": policy,
        "版本": done.version,
        "发布编号": done.publication,
        "调整": done.change,
    }
    show(data, as_json=as_json, view=lambda: facts("已发布", shown))
    if done.change:
        note(f"条款内容有变：caseflow policies impacts {done.change} --as …")


@versions.command("list")
@click.argument("policy")
@click.option("--after", metavar="ID", help="Begin after this publication.")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@as_option
@json_option
def list_publications(
    *, policy: str, after: str | None, limit: int, login: str, as_json: bool
) -> None:
    """List which versions of POLICY were published over running cases, with their plans.

    Example: caseflow versions list qidong-2026 --as shenjiju.auditor --json
    """
    from caseflow.batches.publications.queries import publication_list

    with open_house() as house, house.database.session() as session:
        house.actor(login, house.now())
        page = publication_list(session, policy, after=after, limit=limit)
    rows = [asdict(each) for each in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table(policy, PUBLICATIONS, rows))
