"""`caseflow recoveries`: claiming back what was paid, the 追缴台账, and bars from applying."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Group

from caseflow.cases.queries import MAX_PAGE, find_case
from caseflow.cases.recoveries.ledger import ledger, workbook
from caseflow.cases.recoveries.offsetting import Offset, offset_payment
from caseflow.cases.recoveries.queries import (
    RecoveryFilter,
    bar_list,
    recovery_detail,
    recovery_list,
)
from caseflow.cases.recoveries.service import RecoveryOpening, lift_bar, open_recovery
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import Option, facts, json_option, note, show, table, yuan
from caseflow.kernel.recovery import GROUNDS

LINES = {
    "编号": "number",
    "单位": "applicant_title",
    "事由": "ground_title",
    "原拨付": "paid",
    "应追回": "decided",
    "已缴": "received",
    "未缴": "left",
    "期限": "due_on",
    "禁报至": "bar_to",
    "状态": "state_title",
}
RECEIPTS = {
    "凭证号": "voucher_no",
    "到账日期": "received_on",
    "金额": "received",
    "退回市级": "city",
    "退回区级": "district",
    "抵扣自": "offset_case",
}
BARS = {
    "追缴": "recovery_number",
    "单位": "applicant_title",
    "自": "from_on",
    "至": "to_on",
    "依据": "basis",
    "解除": "lifted_at",
    "理由": "lift_reason",
}
MONEY = {
    "paid": "paid_fen",
    "decided": "decided_fen",
    "received": "received_fen",
    "left": "left_fen",
}
case_option: Option = click.option("--case", help="Only recoveries of this paid case.")
applicant_option: Option = click.option(
    "--applicant", help="Only recoveries from this applicant, by public id."
)
outcome_option: Option = click.option("--outcome", help="Only those that ended so, or 'open'.")


@click.group()
def recoveries() -> None:
    """Recoveries (追缴): what was paid wrongly comes back, to both shares in proportion.

    Example: caseflow recoveries list --outcome open --as shujuju.division_head
    """


def _row(line: dict[str, Any]) -> dict[str, Any]:
    return {**line, **{name: yuan(line[fen]) for name, fen in MONEY.items()}}


@recoveries.command("open")
@click.argument("case")
@click.option("--ground", type=click.Choice(list(GROUNDS)), required=True, help="Why, by its name.")
@click.option("--evidence", required=True, help="What is known, and from where.")
@click.option("--legal-review-no", help="The legality review, due where the project moved away.")
@click.option("--request-id", help="Makes a repetition safe.")
@as_option
@json_option
def open_one(*, case: str, login: str, as_json: bool, **wanted: Any) -> None:
    """Open a recovery of what a case (public id or number) was paid.

    Example: caseflow recoveries open QD26-7a-2026-000001 --ground misuse
    --evidence 审计抽查发现资金未用于租用算力 --as shujuju.division_head
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        with house.database.session() as session:
            found = find_case(session, actor, case).public_id
        opening = RecoveryOpening(case=found, actor_id=actor.id, at=at, **wanted)
        outcome = asdict(open_recovery(house.cases(), opening))
    show(outcome, as_json=as_json, view=lambda: facts("追缴", outcome))


@recoveries.command("offset")
@click.argument("recovery")
@click.option("--from", "payment", required=True, help="The case that waits to be paid.")
@click.option("--fen", type=click.IntRange(1), required=True, help="How much is set off, in fen.")
@click.option("--voucher-no", required=True, help="The treasury's voucher of the two bookings.")
@click.option("--note", help="What else the history is to say.")
@click.option("--request-id", help="Makes a repetition safe.")
@as_option
@json_option
def offset(*, recovery: str, payment: str, login: str, as_json: bool, **wanted: Any) -> None:
    """Set off a payment that waits against a recovery whose decision allows it (抵扣).

    Example: caseflow recoveries offset QD26-7a-2026-000001/R1 --from QD26-8c-2026-000002
    --fen 1000000 --voucher-no DK-0001 --as caizhengju.treasury
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        with house.database.session() as session:
            paying = find_case(session, actor, payment).public_id
            claim = find_case(session, actor, recovery).public_id
        setting = Offset(payment=paying, recovery=claim, actor_id=actor.id, at=at, **wanted)
        outcome = asdict(offset_payment(house.cases(), setting))
    show(outcome, as_json=as_json, view=lambda: facts("抵扣", outcome))


@recoveries.command("list")
@case_option
@applicant_option
@outcome_option
@click.option("--after", metavar="RECOVERY", help="Begin after this one (public id).")
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_PAGE),
    default=50,
    show_default=True,
    help="At most so many.",
)
@as_option
@json_option
def list_recoveries(
    *, after: str | None, limit: int, login: str, as_json: bool, **wanted: Any
) -> None:
    """List the recoveries that the actor may see, the newest first.

    Example: caseflow recoveries list --as shenjiju.auditor --json
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        page = recovery_list(session, actor, RecoveryFilter(**wanted), after=after, limit=limit)
    rows = [_row(asdict(line)) for line in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table("追缴台账", LINES, rows))


@recoveries.command("show")
@click.argument("recovery")
@as_option
@json_option
def show_recovery(*, recovery: str, login: str, as_json: bool) -> None:
    """Show a recovery (public id or number) with its receipts by share.

    Example: caseflow recoveries show QD26-7a-2026-000001/R1 --as shenjiju.auditor
    """
    with open_house() as house, house.database.session() as session:
        detail = asdict(recovery_detail(session, house.actor(login, house.now()), recovery))
    row = _row(detail["line"])
    told = {heading: row[key] for heading, key in LINES.items()}
    receipts = [
        {
            **each,
            "received": yuan(each["fen"]),
            "city": yuan(each["city_fen"]),
            "district": yuan(each["district_fen"]),
        }
        for each in detail["receipts"]
    ]
    show(
        detail,
        as_json=as_json,
        view=lambda: Group(facts("追缴", told), table("缴款", RECEIPTS, receipts)),
    )


@recoveries.command("export")
@case_option
@applicant_option
@outcome_option
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), required=True, help="The XLSX file to write."
)
@as_option
def export(*, output: Path, login: str, **wanted: Any) -> None:
    """Write the 追缴台账 as a workbook.

    Example: caseflow recoveries export -o 追缴台账.xlsx --as shenjiju.auditor
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        actor = house.actor(login, at)
        found = ledger(session, actor, RecoveryFilter(**wanted))
        output.write_bytes(workbook(found, by=actor.name, at=at))
    note(f"{len(found.lines)} lines in {output}")


@recoveries.command("bars")
@click.argument("applicant")
@as_option
@json_option
def list_bars(*, applicant: str, login: str, as_json: bool) -> None:
    """List the bars of an applicant (public id), the newest first.

    Example: caseflow recoveries bars ZBbQv8L5ShFHy75AnsTkUW --as shenjiju.auditor
    """
    with open_house() as house, house.database.session() as session:
        found = bar_list(session, house.actor(login, house.now()), applicant)
    rows = [asdict(line) for line in found]
    show(rows, as_json=as_json, view=lambda: table("禁止申报", BARS, rows))


@recoveries.command("lift-bar")
@click.argument("recovery")
@click.option("--reason", required=True, help="Why it is lifted; its history keeps it.")
@as_option
@json_option
def lift(*, recovery: str, reason: str, login: str, as_json: bool) -> None:
    """Lift the bar that the decision of a recovery placed.

    Example: caseflow recoveries lift-bar QD26-7a-2026-000001/R1 --reason 已全额退款并完成信用修复
    --as shujuju.leader
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        with house.database.session() as session:
            found = find_case(session, actor, recovery).public_id
        outcome = asdict(lift_bar(house.cases(), found, reason=reason, actor_id=actor.id, at=at))
    show(outcome, as_json=as_json, view=lambda: facts("禁止申报", outcome))
