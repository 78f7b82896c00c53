"""`caseflow plans`: the plan of a batch (拟支持方案), from its proposal to its publicity."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, BinaryIO

import click
import orjson
from rich.console import Group

from caseflow.batches.plans import service
from caseflow.batches.plans.drafting import Drafting, draft_plan
from caseflow.batches.plans.models import KINDS, RESULTS, WHOLE
from caseflow.batches.plans.proposing import Wish, propose
from caseflow.batches.plans.queries import (
    RESULT_TITLES,
    PlanView,
    call_of,
    find_plan,
    plan_heads,
    plan_view,
)
from caseflow.batches.plans.service import Announcing
from caseflow.batches.published_list import Contact
from caseflow.batches.short_pools import refuse_strangers
from caseflow.catalogue.calls.queries import find
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import Page, facts, json_option, paged, show, table, yuan

HEADS = {
    "编号": "public_id", "版本": "version", "种类": "kind_title", "状态": "status_title",
    "拟支持件数": "support_count", "拟支持金额": "amount", "会议纪要": "minutes_no",
    "公示": "publicity",
}  # fmt: skip
LINES = {
    "": "line", "办件": "number", "申报主体": "applicant", "名次": "rank", "结果": "result_title",
    "应安排": "wanted", "拟支持": "amount", "理由": "reason",
}  # fmt: skip
PROPOSED = {
    "办件": "number", "申报主体": "applicant", "名次": "rank", "结果": "result_title",
    "应安排": "wanted", "拟支持": "amount", "理由": "reason",
}  # fmt: skip
WISH = frozenset(Wish.__dataclass_fields__)


@click.group()
def plans() -> None:
    """Plans of batches (拟支持方案): drafted, reviewed, approved with minutes, made public as one.

    Example: caseflow plans propose CALL --as shujuju.handler
    """


@plans.command("list")
@click.argument("call")
@paged("public_id", "version", "status")
@as_option
@json_option
def list_plans(*, call: str, page: Page, login: str, as_json: bool) -> None:
    """List the versions of CALL's plan, the newest first.

    Example: caseflow plans list CALL --as shujuju.handler --json
    """
    with open_house() as house, house.database.session() as session:
        found = find(session, call)
        refuse_strangers(session, house.actor(login, house.now()), found)
        rows = page.of(
            {**asdict(h), "amount": yuan(h.support_fen)} for h in plan_heads(session, found)
        )
    show(rows, as_json=as_json, view=lambda: table("拟支持方案", HEADS, rows))


@plans.command("propose")
@click.argument("call")
@as_option
@json_option
def show_proposal(*, call: str, login: str, as_json: bool) -> None:
    """Show the plan that ranks, places and pool give CALL; nothing is written.

    Example: caseflow plans propose CALL --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        at, found = house.now(), find(session, call)
        refuse_strangers(session, house.actor(login, at), found)
        proposal = propose(house.cases(), session, found, at)
    title = (
        f"{proposal.title}：拟支持 {proposal.support_count} 件 {yuan(proposal.support_fen)}，"
        f"尚未到拟支持环节 {len(proposal.pending)} 件"
    )
    rows = [_told(asdict(line)) for line in proposal.lines]
    show(asdict(proposal), as_json=as_json, view=lambda: table(title, PROPOSED, rows))


@plans.command("show")
@click.argument("plan")
@as_option
@json_option
def show_plan(*, plan: str, login: str, as_json: bool) -> None:
    """Show PLAN with every line, cut and reason.

    Example: caseflow plans show PLAN --as caizhengju.finance_division
    """
    with open_house() as house, house.database.session() as session:
        found = find_plan(session, plan)
        refuse_strangers(session, house.actor(login, house.now()), call_of(session, found))
        view = plan_view(session, found)
    _show(view, as_json=as_json)


@plans.command("draft")
@click.argument("call")
@click.option("--lines", type=click.File("rb"), help="A JSON list of lines, - for stdin.")
@click.option("--kind", type=click.Choice(KINDS), default=WHOLE, help="supplementary: 递补.")
@click.option("--reason", help="Why: of a supplementary plan, or one that changes a public list.")
@as_option
@json_option
def draft(
    *, call: str, lines: BinaryIO | None, kind: str, reason: str | None, login: str, as_json: bool
) -> None:
    """Draft a plan for CALL as it is proposed, or with the lines of a file.

    A line: {"case": …, "result": "support", "fen": …}; "waitlist" and "unsupported" without an
    amount, the latter with "reason" and "reason_code"; less than was wanted with "reason" and
    "cut_code".

    Example: caseflow plans draft CALL --as shujuju.handler
    """
    wishes = None if lines is None else _wishes(lines)
    wanted = Drafting(call, wishes, kind, reason)
    with open_house() as house:
        at = house.now()
        view = draft_plan(house.cases(), house.actor(login, at), wanted, at)
    _show(view, as_json=as_json)


def _wishes(lines: BinaryIO) -> tuple[Wish, ...]:
    try:
        said = orjson.loads(lines.read())
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"no JSON: {error}.", param_hint="--lines") from error
    if not isinstance(said, list):
        raise click.BadParameter("must be a JSON list.", param_hint="--lines")
    return tuple(map(_wish, said))


def _wish(line: Any) -> Wish:
    is_line = isinstance(line, Mapping) and {"case", "result"} <= line.keys() <= WISH
    fen = line.get("fen") if is_line else None
    if not is_line or line["result"] not in RESULTS or not (fen is None or type(fen) is int):
        kinds = ", ".join(RESULTS)
        told = f"{line!r:.80}: case, result ({kinds}), whole fen, reason, reason_code, cut_code"
        raise click.BadParameter(told, param_hint="--lines")
    return Wish(**line)


@plans.command("review")
@click.argument("plan")
@as_option
@json_option
def review(*, plan: str, login: str, as_json: bool) -> None:
    """Confirm PLAN as the second person, with all its cases.

    Example: caseflow plans review PLAN --as shujuju.reviewer
    """
    with open_house() as house:
        at = house.now()
        view = service.review_plan(house.cases(), house.actor(login, at), plan, at)
    _show(view, as_json=as_json)


@plans.command("approve")
@click.argument("plan")
@click.option("--minutes-no", required=True, help="The minutes (会议纪要) of the meeting.")
@as_option
@json_option
def approve(*, plan: str, minutes_no: str, login: str, as_json: bool) -> None:
    """Approve PLAN with the minutes of the meeting that agreed to it.

    Example: caseflow plans approve PLAN --minutes-no 〔2026〕第9号 --as shujuju.leader
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        view = service.approve_plan(house.cases(), actor, plan, minutes_no=minutes_no, at=at)
    _show(view, as_json=as_json)


@plans.command("return")
@click.argument("plan")
@click.option("--reason", required=True, help="What is to be put right.")
@as_option
@json_option
def return_one(*, plan: str, reason: str, login: str, as_json: bool) -> None:
    """Return PLAN to be drafted anew.

    Example: caseflow plans return PLAN --reason 金额有误 --as shujuju.reviewer
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        view = service.return_plan(house.cases(), actor, plan, reason=reason, at=at)
    _show(view, as_json=as_json)


@plans.command("publicise")
@click.argument("plan")
@click.option("--title", required=True, help="The publicity's title.")
@click.option("--basis", required=True, help="The document it rests on.")
@click.option(
    "--contact", nargs=3, required=True, metavar="PHONE EMAIL ADDRESS", help="Where objections go."
)
@click.option("--working-days", type=click.IntRange(1, 30), help="As the call says if not given.")
@as_option
@json_option
def publicise(
    *, plan: str, title: str, basis: str, contact: tuple[str, str, str], working_days: int | None,
    login: str, as_json: bool,
) -> None:  # fmt: skip
    """Make PLAN public: one publicity of exactly the cases that it supports.

    Example: caseflow plans publicise PLAN --title 拟支持名单公示 --basis 启政办规〔2026〕1号
    --contact 0513-00000000 sample@example.test 样例路1号 --as shujuju.handler
    """
    said = Announcing(title, basis, Contact(*contact), working_days)
    with open_house() as house:
        at = house.now()
        opened = service.publicise_plan(house.cases(), house.actor(login, at), plan, said, at)
    row = {
        "公示": opened.public_id, "标题": opened.title, "件数": len(opened.cases),
        "开始": opened.starts_on, "截止": opened.ends_on, "名单": opened.list_sha256,
    }  # fmt: skip
    show(asdict(opened), as_json=as_json, view=lambda: facts("已公示", row))


def _told(line: dict[str, Any]) -> dict[str, Any]:
    amounts = {"wanted": yuan(line["wanted_fen"]), "amount": yuan(line["fen"])}
    return {**line, **amounts, "result_title": RESULT_TITLES[line["result"]]}


def _show(view: PlanView, *, as_json: bool) -> None:
    head, lines = view.plan, [_told(asdict(line)) for line in view.lines]
    about = {
        "编号": head.public_id, "申报通知": head.call_title, "版本": head.version,
        "种类": head.kind_title, "状态": head.status_title, "拟支持": head.support_count,
        "名额": head.quota, "应安排": yuan(view.wanted_fen), "拟支持金额": yuan(head.support_fen),
        "核减": yuan(view.cut_fen), "资金池": yuan(head.pool_fen), "会议纪要": head.minutes_no,
        "公示": head.publicity,
    }  # fmt: skip
    show(
        asdict(view),
        as_json=as_json,
        view=lambda: Group(facts("拟支持方案", about), table("名单", LINES, lines)),
    )
