"""`caseflow cases`: everything that can be asked of a case and done to it, as somebody."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Group, RenderableType

from caseflow.cases.detail import CaseDetail, case_detail, may_upload
from caseflow.cases.opening import Opening, open_case
from caseflow.cases.queries import SORTS, CaseFilter, case_list, find_case, find_judged_case
from caseflow.cases.service import Outcome, Request
from caseflow.cases.trail import case_history
from caseflow.catalogue.pinned import Pinned
from caseflow.cli.case_quotes import quote_one
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.output import Option, cell, facts, json_option, note, show, table, yuan
from caseflow.cli.payload import given_payload
from caseflow.database.ids import PublicIds
from caseflow.documents.service import Uploader, receive_file
from caseflow.documents.service import upload as put
from caseflow.kernel.errors import NotAllowed

LINES = {
    "编号": "number",
    "条款": "measure",
    "标题": "title",
    "申报主体": "applicant_title",
    "环节": "state_title",
    "结果": "outcome",
    "版本": "version",
    "到期": "due_on",
}
EVENTS = {
    "版本": "version",
    "时间": "at",
    "事项": "title",
    "经办人": "actor_name",
    "代": "acting_for_name",
    "席位": "seat_title",
    "自": "from_title",
    "至": "to_title",
}
MOST = 200
limit_option: Option = click.option(
    "--limit", type=click.IntRange(1, MOST), default=50, show_default=True, help="At most so many."
)
request_option: Option = click.option(
    "--request-id", help="Makes a repetition safe: the same again returns the first answer."
)


@click.group()
def cases() -> None:
    """Cases (办件): what an actor may see of them and do with them.

    Example: caseflow cases list --as shujuju.handler
    """


cases.add_command(quote_one)


@cases.command("list")
@click.option("--measure", help="Only cases of this measure.")
@click.option("--family", help="Only cases run by this family.")
@click.option("--policy", help="Only cases of this policy.")
@click.option("--state", help="Only cases in this state, e.g. submitted.")
@click.option("--outcome", help="Only cases that ended so, or 'open'.")
@click.option("--applicant", help="Only cases of this applicant, by public id.")
@click.option("--territory", help="Only cases of this town or park, by code.")
@click.option("--parent", help="Only children of this case, by public id.")
@click.option("--call", help="Only cases that answer this call, by public id.")
@click.option("--text", help="Looked for in number, title and the applicant's name.")
@click.option(
    "--sort", type=click.Choice(SORTS), default="newest", show_default=True, help="Order."
)
@click.option("--after", metavar="CASE", help="Begin after this case (public id).")
@limit_option
@as_option
@json_option
def list_cases(
    *, sort: str, after: str | None, limit: int, login: str, as_json: bool, **wanted: Any
) -> None:
    """List the cases that the actor may see.

    Example: caseflow cases list --outcome open --sort due --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        page = case_list(session, actor, CaseFilter(**wanted), sort=sort, after=after, limit=limit)
    rows = [asdict(line) for line in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table("办件", LINES, rows))


@cases.command("show")
@click.argument("case")
@as_option
@json_option
def show_case(*, case: str, login: str, as_json: bool) -> None:
    """Show a case (by public id or number), its time, and what the actor may do with it.

    Example: caseflow cases show QD26-7a-2026-000001 --as shujuju.handler
    """
    with open_house() as house:
        detail = _detail(house, case, login)
    data = asdict(detail)
    show(data, as_json=as_json, view=lambda: _view(data))


def _detail(house: House, case: str, login: str) -> CaseDetail:
    at = house.now()
    with house.database.session() as session:
        return case_detail(session, house.actor(login, at), case, at, pinned=Pinned())


def _view(data: dict[str, Any]) -> RenderableType:
    line = data["case"]
    head = {label: line[key] for label, key in LINES.items()}
    head |= {"公开编号": line["public_id"], "审定": yuan(line["approved_fen"])}
    head |= {"已拨付": yuan(line["paid_fen"])}
    events = [
        {
            **event,
            "inputs": [f"{i['name']}{'*' if i['required'] else ''}" for i in event["inputs"]],
        }
        for event in data["events"]
    ]
    clocks = {
        "时限": "title",
        "状态": "status",
        "剩余": "remaining",
        "到期": "due_on",
        "依据": "rule",
    }
    options = {"可办": "event", "名称": "title", "填写（*必填）": "inputs", "暂不能办": "blocked"}
    caps = {"上限": "title", "条款": "words", "限额": "limit", "已占用": "used", "尚余": "left"}
    amounts = {"环节": "title", "金额": "amount", "核减": "cut", "理由": "reason"}
    orders = {"期": "instalment", "承担方": "share", "金额": "amount", "状态": "status",
              "指标文号": "document_no", "账号": "account", "支付日期": "paid_on",
              "凭证号": "voucher_no"}  # fmt: skip
    entries = {"版本": "version", "预算项目": "line_title", "年度": "year", "承担方": "share",
               "自": "source", "至": "target", "金额": "amount"}  # fmt: skip
    asked = {
        "编号": "id", "环节": "state_title", "席位": "seat_title", "单位": "organisation_title",
        "询问": "question", "状态": "status", "候选": "candidates", "签收": "claimant_name",
        "到期": "due_on", "结论": "verdict", "意见": "note", "证据": "evidence",
    }  # fmt: skip
    tasks = [task for task in data["tasks"] if task["closed_at"] is None or task["verdict"]]
    points = {"核查": "title", "情况": "standing_title", "有效": "valid", "尚缺": "reasons"}
    papers = {"材料": "kind", "名称": "title", "必交": "required"}
    return Group(
        facts(line["title"], head),
        table("时限", clocks, data["clocks"]),
        table("上限", caps, [_cap(each) for each in data["caps"]]),
        table("可办事项", options, events),
        table("金额", amounts, map(_in_yuan, data["amount_chain"])),
        table("拨付单", orders, map(_in_yuan, data["payments"])),
        table("预算分录", entries, map(_in_yuan, data["entries"])),
        table("核查", points, data["checks"]),
        table("材料", papers, data["documents"]),
        table("待办", asked, tasks),
    )


def _cap(room: dict[str, Any]) -> dict[str, str]:
    """Return a ceiling as a table shows it: money, or times where it counts awards."""
    shown = {"title": room["title"], "words": room["words"]}
    for name in ("limit", "used", "left"):
        fen = yuan(room[f"{name}_fen"]) if room["limit_fen"] is not None else ""
        times = f"{room[f'{name}_times']} 次" if room["limit_times"] is not None else ""
        shown[name] = " ".join(filter(None, (fen, times)))
    return shown


def _in_yuan(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "amount": yuan(row["fen"]), "cut": yuan(row.get("reduction_fen") or None)}


@cases.command("open")
@click.argument("measure")
@click.option("--applicant", required=True, help="The applicant's public id.")
@click.option("--title", required=True, help="The case's title.")
@click.option("--call", help="The call it answers, by public id.")
@click.option("--industry", help="The project's industry, where it decides the bureau.")
@click.option("--matter-on", type=click.DateTime(["%Y-%m-%d"]), help="The day of the matter.")
@request_option
@as_option
@json_option
def open_one(*, login: str, matter_on: Any, as_json: bool, **given: Any) -> None:
    """Open a case of MEASURE in its first state.

    Example: caseflow cases open QD26-7a --applicant ID --call ID --title 算力券申报
    --as jia.applicant
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        matter = matter_on.date() if matter_on else None
        wanted = Opening(actor_id=actor.id, at=at, matter_on=matter, **given)
        outcome = open_case(house.cases(), wanted)
    _told(outcome, as_json=as_json)


@cases.command()
@click.argument("case")
@click.argument("event")
@click.option("--payload", default=None, metavar="JSON|@FILE", help="What the event takes.")
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="NAME=VALUE",
    help="One value of the payload; JSON where it reads as JSON, else text.",
)
@click.option(
    "--expected-version",
    type=click.IntRange(1),
    help="Refuse if the case has moved on since this version.",
)
@request_option
@as_option
@json_option
def act(
    *, case: str, event: str, payload: str | None, pairs: tuple[str, ...],
    expected_version: int | None, request_id: str | None, login: str, as_json: bool,
) -> None:  # fmt: skip
    """Let EVENT happen to CASE (public id or number).

    Example: caseflow cases act QD26-7a-2026-000001 accept --as huilong_zhen.handler
    """
    body = given_payload(payload, pairs)
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        with house.database.session() as session:
            public_id = find_judged_case(session, actor, case).public_id
        request = Request(
            event, actor.id, at, body, expected_version=expected_version, id=request_id
        )
        outcome = house.cases().act(public_id, request)
    _told(outcome, as_json=as_json)


def _told(outcome: Outcome, *, as_json: bool) -> None:
    data = asdict(outcome)
    show(
        data, as_json=as_json, view=lambda: facts("办理结果", {k: cell(v) for k, v in data.items()})
    )


@cases.command()
@click.argument("case")
@click.argument("kind")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_option
@json_option
def upload(*, case: str, kind: str, file: Path, login: str, as_json: bool) -> None:
    """Put FILE to CASE as the document KIND of its checklist ('cases show' has the kinds).

    Example: caseflow cases upload QD26-7a-2026-000001 contract contract.pdf --as jia.applicant
    """
    with open_house() as house:
        kinds = [item.kind for item in _detail(house, case, login).documents]
        at = house.now()
        actor = house.actor(login, at)
        with house.database.session() as session:
            found = find_case(session, actor, case)
            if not may_upload(session, actor, found):
                raise NotAllowed("办件不在您的席位，不能上传材料。")
            settings = house.settings
            with file.open("rb") as stream:
                received = receive_file(
                    settings.files, stream, name=file.name, limit=settings.upload_limit
                )
            hand = Uploader(actor.id, at, house.signer)
            made = put(
                session, (found.id, found.number), hand, kind=kind, received=received,
                allowed_kinds=kinds, ids=PublicIds(),
            )  # fmt: skip
            row = {"id": made.public_id, "kind": kind, "size": made.size, "sha256": made.sha256}
    show(row, as_json=as_json, view=lambda: facts("已上传", row))


@cases.command()
@click.argument("case")
@click.option(
    "--after",
    type=click.IntRange(0),
    default=0,
    metavar="VERSION",
    help="Begin after this version.",
)
@limit_option
@as_option
@json_option
def history(*, case: str, after: int, limit: int, login: str, as_json: bool) -> None:
    """Show what happened to a case: who, in which seat, what, from where to where, when.

    Example: caseflow cases history QD26-7a-2026-000001 --as shujuju.handler --json
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        found = case_history(session, actor, case, pinned=Pinned(), after=after, limit=limit)
    rows = [asdict(event) for event in found]
    if len(rows) == limit:
        note(f"There may be more; the next page: --after {rows[-1]['version']}")
    show(rows, as_json=as_json, view=lambda: table("留痕", EVENTS, rows))
