"""`caseflow calls`: the windows in which applications are taken."""

from dataclasses import asdict
from datetime import date
from typing import Any, BinaryIO

import click
from sqlalchemy import true

from caseflow.batches.short_pools import (
    Division,
    apply_division,
    preview_division,
    refuse_strangers,
)
from caseflow.batches.summaries.service import send_sheet, sheet_file, sheets
from caseflow.catalogue import queries
from caseflow.catalogue.calls.queries import (
    DIVISION_HEAD,
    PUBLISHERS,
    CallFilter,
    call_list,
    find,
    late_intakes,
    measure_code,
    refuse_others,
    values_of,
)
from caseflow.catalogue.calls.service import (
    Late,
    Mover,
    Particulars,
    ask_late,
    consent_late,
    locked,
    publish,
)
from caseflow.catalogue.models import Call
from caseflow.catalogue.service import Window, plan_call, set_pool
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import Page, facts, json_option, paged, show, table, yuan
from caseflow.database.ids import PublicIds
from caseflow.identity.queries import Actor
from caseflow.kernel.benefits.rounding import ROUNDINGS
from caseflow.kernel.calls import BATCH, STANDING, STATUSES, TITLES
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
MOST_LISTED = 5_000
PLANNERS = frozenset(seat.role for seat in SEATS.values() if seat.party == "lead_bureau")
day_type = click.DateTime(["%Y-%m-%d"])


@click.group()
def calls() -> None:
    """Calls for applications (申报通知): when a measure takes applications.

    Example: caseflow calls list --open
    """


@calls.command("list")
@click.option("--measure", help="Only calls of this measure.")
@click.option("--status", type=click.Choice(STATUSES), help="In this state.")
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
        asked = CallFilter(measure, status, house.today() if is_open else None)
        found = call_list(session, true(), asked, limit=MOST_LISTED)
        rows = page.of(_row(call, code) for call, code in found)
    show(rows, as_json=as_json, view=lambda: table("申报通知", COLUMNS, rows))


def _row(call: Call, code: str) -> dict[str, Any]:
    return {
        "id": call.public_id,
        "measure": code,
        "title": call.title,
        "status": call.status,
        "opens_on": call.opens_on,
        "closes_on": call.closes_on,
        "eligible_from": call.eligible_from,
        "eligible_to": call.eligible_to,
        "procedure": call.procedure,
        "short_pool": call.short_pool,
        "pool_fen": call.pool_fen,
        "quota": call.quota,
        "publicity_days": call.publicity_days,
        "rounding": call.rounding,
        "documents": call.documents,
    }


def _document(text: str) -> tuple[str, str]:
    kind, _, title = text.partition("=")
    return kind, title


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
@click.option("--batch", is_flag=True, help="Reviewed, planned and publicised together (按批次).")
@click.option("--quota", type=click.IntRange(1), help="How many are supported (名额).")
@click.option("--publicity-days", type=click.IntRange(1, 30), help="Working days of publicity.")
@click.option("--rounding", type=click.Choice(tuple(ROUNDINGS)), help="How amounts are rounded.")
@click.option("--document", multiple=True, metavar="KIND[=TITLE]", help="Asked for in addition.")
@as_option
@json_option
def plan(
    *, measure: str, title: str, short_pool: str | None, pool_yuan: str | None, login: str,
    as_json: bool, **said: Any,
) -> None:  # fmt: skip
    """Plan a call for MEASURE; the worker opens and closes it.

    A batch waits for a second person to publish it.

    Example: caseflow calls plan QD26-7a --title 2026年度算力券申报通知
    --opens-on 2026-06-01 --closes-on 2026-07-31 --as shujuju.handler
    """
    if pool_yuan and short_pool is None:
        raise click.UsageError("--pool-yuan belongs to a --short-pool.")
    window = Window(
        opens_on=said["opens_on"].date(),
        closes_on=said["closes_on"].date(),
        eligible_from=_day(said["eligible_from"]),
        eligible_to=_day(said["eligible_to"]),
        says=Particulars(
            procedure=BATCH if said["batch"] else STANDING,
            quota=said["quota"],
            publicity_days=said["publicity_days"],
            rounding=said["rounding"],
            documents=tuple(_document(each) for each in said["document"]),
        ),
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
        row = _row(made, measure)
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


@calls.command("show")
@click.argument("call")
@json_option
def show_call(*, call: str, as_json: bool) -> None:
    """Show CALL and the values that hold for its cases, with whose they are.

    Example: caseflow calls show CALL --json
    """
    with open_house() as house, house.database.session() as session:
        found = find(session, call)
        values = [asdict(each) for each in values_of(session, found)]
        row = {
            **_row(found, measure_code(session, found)),
            "status_title": TITLES[found.status],
            "values": values,
        }
    told = {
        **{name: row[key] for name, key in COLUMNS.items()},
        "状态": row["status_title"],
        **{v["title"]: f"{_told(v['value'])}（{SOURCES[v['source']]}）" for v in values},
    }
    show(row, as_json=as_json, view=lambda: facts(row["title"], told))


SOURCES = {"call": "申报通知", "measure": "条款"}


def _told(value: Any) -> str:
    if isinstance(value, list):
        return "、".join(each["title"] or each["kind"] for each in value)
    return "未写明" if value is None else str(value)


@calls.command("publish")
@click.argument("call")
@as_option
@json_option
def publish_call(*, call: str, login: str, as_json: bool) -> None:
    """Publish CALL, a batch that somebody else has planned; it opens on its first day.

    Example: caseflow calls publish CALL --as shujuju.reviewer
    """
    with open_house() as house, house.database.session() as session:
        at, found = house.now(), locked(session, call)
        actor = house.actor(login, at)
        place = refuse_others(session, actor, found, PUBLISHERS)
        mover = Mover(actor.id, at, house.signer, place)
        row = _row(publish(session, found, mover), measure_code(session, found))
    show(row, as_json=as_json, view=lambda: facts("已发布申报通知", row))


LATE = {
    "编号": "public_id", "申报主体": "applicant_title", "宽限至": "until_on", "理由": "reason",
    "申请": "asked_by", "同意": "consented_by",
}  # fmt: skip


@calls.command("late")
@click.argument("call")
@click.option("--applicant", help="Ask that this applicant, by public id, may hand in late.")
@click.option("--until-on", type=day_type, help="To the end of this day.")
@click.option("--reason", help="Why.")
@click.option("--consent", metavar="ID", help="Consent to what another has asked.")
@as_option
@json_option
def late(
    *, call: str, applicant: str | None, until_on: Any, reason: str | None, consent: str | None,
    login: str, as_json: bool,
) -> None:  # fmt: skip
    """List what was asked to be let in late under CALL, ask for it, or consent to it.

    The section head asks with a reason, a second person consents: nothing is let in before.

    Example: caseflow calls late CALL --applicant ID --until-on 2026-11-12 --reason 系统故障
    --as shujuju.division_head
    """
    if applicant and not (until_on and reason):
        raise click.UsageError("--applicant goes with --until-on and --reason.")
    with open_house() as house, house.database.session() as session:
        at, found = house.now(), locked(session, call)
        actor = house.actor(login, at)
        if applicant:
            place = refuse_others(session, actor, found, (DIVISION_HEAD,))
            wanted = Late(applicant, until_on.date(), reason or "")
            mover = Mover(actor.id, at, house.signer, place)
            ask_late(session, found, wanted, mover, ids=PublicIds())
        elif consent:
            place = refuse_others(session, actor, found, PUBLISHERS)
            consent_late(session, found, consent, Mover(actor.id, at, house.signer, place))
        else:
            refuse_strangers(session, actor, found)
        rows = [asdict(each) for each in late_intakes(session, found)]
    show(rows, as_json=as_json, view=lambda: table("逾期收件", LATE, rows))


SHEETS = {
    "编号": "public_id", "单位": "organisation", "版本": "version", "文号": "document_no",
    "件数": "line_count", "申请金额": "applied", "报送": "sent_at",
}  # fmt: skip


@calls.command("sheets")
@click.argument("call")
@click.option("--send", "document_no", metavar="NUMBER", help="Send mine under this number first.")
@as_option
@json_option
def list_sheets(*, call: str, document_no: str | None, login: str, as_json: bool) -> None:
    """List the summary sheets (申报汇总表) of CALL that I may see; a town's handler sends one.

    Example: caseflow calls sheets CALL --send 汇报〔2026〕3号 --as huilong_zhen.handler
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        if document_no is not None:
            send_sheet(house.cases(), actor, call, document_no=document_no, at=at)
        with house.database.session() as session:
            found = [asdict(each) for each in sheets(session, actor, call)]
    rows = [{**each, "applied": yuan(each["applied_fen"])} for each in found]
    show(found, as_json=as_json, view=lambda: table("申报汇总表", SHEETS, rows))


@calls.command("sheet")
@click.argument("sheet")
@click.option("--output", "-o", type=click.File("wb", lazy=True), required=True, help="The file.")
@as_option
def write_sheet(*, sheet: str, output: BinaryIO, login: str) -> None:
    """Write SHEET as XLSX, exactly as it was sent.

    Example: caseflow calls sheet SHEET -o 汇总表.xlsx --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        output.write(sheet_file(house.cases(), session, actor, sheet))
