"""`caseflow ties`: who is tied to whom (关联关系), and whether two parties are related."""

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Group, RenderableType

from caseflow.batches.ties import OUTCOMES, TieImport, TieList, import_ties
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import (
    DEFAULT_LIMIT,
    MOST,
    Option,
    facts,
    json_option,
    note,
    progress,
    show,
    table,
)
from caseflow.database.ids import PublicIds
from caseflow.identity.identifiers import IDENTITY_TYPES, Identity
from caseflow.identity.registering import Desk
from caseflow.identity.ties.models import Tie
from caseflow.identity.ties.queries import (
    RelationView,
    known_view,
    relation_view,
    tie_line,
    tie_list,
)
from caseflow.identity.ties.service import (
    End,
    NewTie,
    end_tie,
    identify_person,
    record_tie,
    strike_tie,
)
from caseflow.kernel.calendar import local_date
from caseflow.kernel.ties import KINDS, read_percent

TIES: Final = {
    "编号": "public_id", "关系": "kind_title", "持有方": "holder_title", "代码": "holder",
    "被持有方": "held_title", "被持有方代码": "held", "比例%": "percent", "自": "valid_from",
    "至": "valid_to", "来源": "source", "登记": "recorded_by", "撤销": "struck_reason",
}  # fmt: skip
ROWS: Final = {
    "行": "row", "关系": "kind", "持有方": "holder_title", "被持有方": "held_title",
    "结果": "told", "说明": "message",
}  # fmt: skip
SHOWN: Final = 50
"""How many rows of an import are shown to people; `--json` has them all."""
DAY: Final = click.DateTime(["%Y-%m-%d"])
DONE, FAILED = 0, 1
type_option: Option = click.option(
    "--identity-type", type=click.Choice(list(IDENTITY_TYPES)), default="resident_id",
    show_default=True, help="The person's document.",
)  # fmt: skip


@click.group()
def ties() -> None:
    """Ties (关联关系): shareholders, controllers, officers, shared addresses and phones.

    Example: caseflow ties relation 9132… 9132… --as shujuju.handler
    """


@ties.command("list")
@click.option("--code", help="Only ties of this credit code, on either side.")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only ties of this kind.")
@click.option("--on", type=DAY, help="Only ties that hold on this day.")
@click.option("--holder", "holder", metavar="LOGIN", help="Only what somebody of ours holds.")
@click.option("--after", metavar="NEXT", help="Begin after this one.")
@click.option("--limit", type=click.IntRange(1, MOST), default=DEFAULT_LIMIT, show_default=True,
              help="At most so many.")  # fmt: skip
@as_option
@json_option
def list_ties(
    *, on: datetime | None, holder: str | None, login: str, as_json: bool, **wanted: Any
) -> None:
    """List who is tied to whom, the last recorded first.

    Example: caseflow ties list --code 9132… --on 2026-10-12 --as shujuju.handler
    """
    day = on.date() if on else None
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        page = tie_list(session, actor, on=day, login=holder, **wanted)
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    rows = [asdict(each) for each in page.items]
    show(rows, as_json=as_json, view=lambda: table("关联关系", TIES, rows))


@ties.command("add")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("held")
@click.option("--held-title", required=True, help="What HELD is called.")
@click.option("--holder", "uscc", help="The holder's credit code …")
@click.option("--holder-login", help="… or, of somebody of ours, the login …")
@click.option("--identity-number", help="… or, of a person, the number of the document.")
@type_option
@click.option("--title", default="", help="What the holder is called.")
@click.option("--percent", help="A shareholder's share, such as 33.3.")
@click.option("--source", required=True, help="Who says so, and when it was looked up.")
@click.option("--valid-from", required=True, type=DAY, help="The first day.")
@click.option("--valid-to", type=DAY, help="The last day, where it has ended.")
@as_option
@json_option
def add(
    *, kind: str, held: str, held_title: str, title: str, valid_from: datetime,
    valid_to: datetime | None, login: str, as_json: bool, **said: Any,
) -> None:  # fmt: skip
    """Record that the holder is a KIND of HELD (a credit code): its shareholder, its director etc.

    Of a person's number only a keyed commitment is kept.
    Example: caseflow ties add shareholder 9132… --held-title 乙公司 --holder 9132… --title 甲公司
    --percent 60 --source 公示系统2026-10-12 --valid-from 2024-03-01 --as shujuju.handler
    """
    number, percent = said["identity_number"], said["percent"]
    identity = Identity(said["identity_type"], number) if number else None
    wanted = NewTie(
        kind, End(title, said["uscc"], identity, said["holder_login"]), End(held_title, held),
        said["source"], valid_from.date(), valid_to.date() if valid_to else None,
        None if percent is None else read_percent(percent),
    )  # fmt: skip
    _write("已登记", login, as_json, lambda session, *by: record_tie(session, wanted, *by))


@ties.command("end")
@click.argument("tie")
@click.option("--valid-to", required=True, type=DAY, help="The last day on which it holds.")
@as_option
@json_option
def end(*, tie: str, valid_to: datetime, login: str, as_json: bool) -> None:
    """Let TIE end, once.

    Example: caseflow ties end 4jsQ… --valid-to 2026-09-30 --as shujuju.handler
    """
    day = valid_to.date()
    _write("已终止", login, as_json, lambda session, *by: end_tie(session, tie, day, *by))


@ties.command("strike")
@click.argument("tie")
@click.option("--reason", required=True, help="Why it was wrong from the beginning.")
@as_option
@json_option
def strike(*, tie: str, reason: str, login: str, as_json: bool) -> None:
    """Strike out TIE, which somebody else entered by mistake; it stays on record.

    Example: caseflow ties strike 4jsQ… --reason 代码录入有误 --as shujuju.reviewer
    """
    _write("已撤销登记", login, as_json, lambda session, *by: strike_tie(session, tie, reason, *by))


def _write(title: str, login: str, as_json: bool, work: Any) -> None:  # noqa: FBT001 - as every command has it
    with open_house() as house, house.database.session() as session:
        at = house.now()
        row: Tie = work(session, house.actor(login, at), Desk(at, house.signer, PublicIds()))
        line = asdict(tie_line(session, row))
    show(line, as_json=as_json, view=lambda: table(title, TIES, [line]))


@ties.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--source", required=True, help="Who says so, and when it was looked up.")
@click.option("--dry-run", is_flag=True, help="Say what would become of each row; keep nothing.")
@as_option
@json_option
def import_file(*, file: Path, source: str, dry_run: bool, login: str, as_json: bool) -> int:
    r"""Take in a list FILE (.xlsx or .csv) of ties: each row alone, the same row once.

    \b
    The columns, each there once: 关系 持有方 持有方代码 证件类型 证件号码
      被持有方 被持有方代码 持股比例 起始日 终止日
    A row that is known and now has its last day (终止日) ends the tie. Exit code 1 if a row was
    refused; the others are done.
    Example: caseflow ties import 股权.xlsx --source 市场监管共享数据2026-10 --dry-run
    --as shichangju.cosign
    """
    told = TieList(source, file.name, file.read_bytes(), dry_run=dry_run)
    with open_house() as house, progress("登记关联关系") as step:
        at = house.now()
        found = import_ties(house.cases(), house.actor(login, at), told, at=at, step=step)
    show(asdict(found), as_json=as_json, view=lambda: _imported(found))
    return FAILED if found.counts["refused"] else DONE


def _imported(found: TieImport) -> RenderableType:
    counted = "，".join(f"{OUTCOMES[name]} {n}" for name, n in found.counts.items() if n)
    rows = [{**asdict(each), "told": OUTCOMES[each.result]} for each in found.rows[:SHOWN]]
    return table(f"{'试办' if found.dry_run else '导入'}：{counted or '没有行'}", ROWS, rows)


@ties.command("relation")
@click.argument("one")
@click.argument("other")
@click.option("--on", type=DAY, help="On which day; today where none is said.")
@as_option
@json_option
def relation(*, one: str, other: str, on: datetime | None, login: str, as_json: bool) -> None:
    """Say whether ONE and OTHER (credit codes) are related on a day, and by which ties.

    Example: caseflow ties relation 9132… 9132… --on 2026-10-12 --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        day = on.date() if on else local_date(at)
        actor = house.actor(login, at)
        found = relation_view(session, actor, one, other, on=day, at=at)
    show(asdict(found), as_json=as_json, view=lambda: _relation(found))


def _relation(found: RelationView) -> RenderableType:
    head = {
        "双方": [found.one, found.other], "日期": found.on, "结论": found.grade_title,
        "理由": found.reason, "未登记其股东或实际控制人": found.missing or "无",
    }  # fmt: skip
    path = [asdict(each) for each in found.path]
    return Group(facts("关联关系", head), table("依据", TIES, path))


@ties.command("identify")
@click.argument("person", metavar="LOGIN")
@click.option("--identity-number", required=True, help="The number; it is not kept.")
@type_option
@as_option
@json_option
def identify(
    *, person: str, identity_number: str, identity_type: str, login: str, as_json: bool
) -> None:
    """Say which person of the register LOGIN is, so that recusal is found by shareholding.

    Example: caseflow ties identify zhuanjiaku.expert1 --identity-number 3206… --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        desk = Desk(at, house.signer, PublicIds())
        identity = Identity(identity_type, identity_number)
        known = identify_person(session, person, identity, house.actor(login, at), desk)
        row = asdict(known_view(session, known))
    head = {"登录名": row["login"], "姓名": row["name"], "登记的关系": row["ties"]}
    show(row, as_json=as_json, view=lambda: facts("已登记身份", head))
