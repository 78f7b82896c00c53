"""`caseflow calls`: the windows in which applications are taken."""

from dataclasses import asdict
from datetime import date
from typing import Any

import click

from caseflow.batches.short_pools import Division, apply_division, preview_division
from caseflow.catalogue import queries
from caseflow.catalogue.models import Call
from caseflow.catalogue.service import Window, plan_call, set_pool
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import Page, facts, json_option, paged, show, table, yuan
from caseflow.database.ids import PublicIds
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import NotAllowed
from caseflow.kernel.money import Money
from caseflow.kernel.pools import RULES
from caseflow.kernel.workflow.vocabulary import SEATS

COLUMNS = {
    "编号": "id",
    "条款": "measure",
    "标题": "title",
    "状态": "status",
    "开始": "opens_on",
    "截止": "closes_on",
}
DIVIDED = {
    "办件": "number", "申报主体": "applicant", "名次": "rank", "应安排": "wanted",
    "安排": "allotted", "结果": "result", "理由": "reason",
}  # fmt: skip
"""A veto is for one case by name, never for a batch."""
PLANNERS = frozenset(seat.role for seat in SEATS.values() if seat.party == "lead_bureau")
day_type = click.DateTime(["%Y-%m-%d"])


@click.group()
def calls() -> None:
    """Calls for applications (申报通知): when a measure takes applications.

    Example: caseflow calls list --open
    """


@calls.command("list")
@click.option("--measure", help="Only calls of this measure.")
@click.option("--status", type=click.Choice(["planned", "open", "closed"]), help="In this state.")
@click.option("--open", "is_open", is_flag=True, help="Only those whose window holds today.")
@paged("id", "measure", "status", "opens_on", "closes_on")
@json_option
def list_calls(
    *, measure: str | None, status: str | None, is_open: bool, page: Page, as_json: bool
) -> None:
    """List calls, the last to open first.

    Example: caseflow calls list --measure QD26-7a --json
    """
    with open_house() as house, house.database.session() as session:
        codes = {each.id: each.code for each in queries.measures(session)}
        found = queries.calls(
            session,
            measure_code=measure,
            status=status,
            open_on=house.today() if is_open else None,
        )
        rows = page.of(_row(call, codes) for call in found)
    show(rows, as_json=as_json, view=lambda: table("申报通知", COLUMNS, rows))


def _row(call: Call, codes: dict[int, str]) -> dict[str, Any]:
    return {
        "id": call.public_id,
        "measure": codes.get(call.measure_id),
        "title": call.title,
        "status": call.status,
        "opens_on": call.opens_on,
        "closes_on": call.closes_on,
        "eligible_from": call.eligible_from,
        "eligible_to": call.eligible_to,
        "short_pool": call.short_pool,
        "pool_fen": call.pool_fen,
    }


def _day(given: Any) -> date | None:
    day: date | None = given.date() if given else None
    return day


@calls.command("plan")
@click.argument("measure")
@click.option("--title", required=True, help="The call's title.")
@click.option("--opens-on", type=day_type, required=True, help="First day, inclusive.")
@click.option("--closes-on", type=day_type, required=True, help="Last day, inclusive.")
@click.option("--eligible-from", type=day_type, help="The matter is not before this day.")
@click.option("--eligible-to", type=day_type, help="The matter is not after this day.")
@click.option("--short-pool", type=click.Choice(RULES), help="What is done when money is short.")
@click.option("--pool-yuan", help="The pool; if not given, what the budget line has.")
@as_option
@json_option
def plan(
    *, measure: str, title: str, short_pool: str | None, pool_yuan: str | None, login: str,
    as_json: bool, **days: Any,
) -> None:  # fmt: skip
    """Plan a call for MEASURE; the worker opens and closes it.

    Example: caseflow calls plan QD26-7a --title 2026年度算力券申报通知
    --opens-on 2026-06-01 --closes-on 2026-07-31 --as shujuju.handler
    """
    if pool_yuan and short_pool is None:
        raise click.UsageError("--pool-yuan belongs to a --short-pool.")
    window = Window(
        opens_on=days["opens_on"].date(),
        closes_on=days["closes_on"].date(),
        eligible_from=_day(days["eligible_from"]),
        eligible_to=_day(days["eligible_to"]),
    )
    with open_house() as house, house.database.session() as session:
        at = house.now()
        actor = house.actor(login, at)
        _refuse_stranger(actor, queries.measure(session, measure))
        made = plan_call(
            session,
            measure_code=measure,
            title=title,
            window=window,
            by=actor.id,
            at=at,
            ids=PublicIds(),
            signer=house.signer,
        )
        if short_pool is not None:
            fen = Money.from_yuan(pool_yuan).fen if pool_yuan else None
            set_pool(
                session, made, rule=short_pool, fen=fen, by=actor.id, at=at, signer=house.signer
            )
        row = _row(made, {made.measure_id: measure})
    show(row, as_json=as_json, view=lambda: facts("已拟定申报通知", row))


def _refuse_stranger(actor: Actor, measure: queries.LoadedMeasure) -> None:
    """Let only the measure's lead bureau plan its calls."""
    lead = measure.version.organisations.get("lead_bureau")
    if not any(actor.holds(lead, role) for role in PLANNERS if lead is not None):
        raise NotAllowed(f"{measure.code} 的申报通知由牵头部门拟定，您不在该部门。")


@calls.command()
@click.argument("call")
@click.option("--apply", "applying", is_flag=True, help="Plan each case so, on its own checks.")
@as_option
@json_option
def divide(*, call: str, applying: bool, login: str, as_json: bool) -> None:
    """Divide the pool of CALL among its cases in 拟支持; without --apply only say how.

    Example: caseflow calls divide CALL --apply --as shujuju.handler
    """
    with open_house() as house:
        at, cases = house.now(), house.cases()
        actor = house.actor(login, at)
        doing = apply_division if applying else preview_division
        found = doing(cases, actor, call, at)
    show(asdict(found), as_json=as_json, view=lambda: _division(found))


def _division(found: Division) -> Any:
    title = (
        f"{found.title}：资金池 {yuan(found.pool_fen)}，应安排 {yuan(found.wanted_fen)}，"
        f"{found.rule_title}"
    )
    rows = [
        {**asdict(line), "wanted": yuan(line.wanted_fen), "allotted": yuan(line.fen)}
        for line in found.lines
    ]
    return table(title, DIVIDED, rows)
