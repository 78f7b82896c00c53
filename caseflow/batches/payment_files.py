"""Files of payment orders (拨付明细表，手册§10.6): masked for reports, whole for who pays.

The whole one has the accounts to pay to. Only the treasury of a share gets it, only with what it is
to pay now, and each time is an event in the treasury's own history.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

from sqlalchemy.orm import Session

from caseflow.cases.payments import (
    HELD,
    PAYABLE,
    STATUS_TITLES,
    PaymentFilter,
    PaymentLine,
    payment_lines,
)
from caseflow.funds.sheets import MOST_ROWS, About, Column, Sheet, workbook
from caseflow.history import service as history
from caseflow.history.part import Draft, Place, Signer
from caseflow.identity.queries import Actor
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.kernel.ledger import ORDERED
from caseflow.kernel.shares import CITY, SHARES

PAYING_ROLES: Final = {"city": "treasury", "district": "district_finance"}
"""Who pays a share: 国库支付, 属地财政; theirs alone is the file with whole accounts."""
TITLES: Final = {"city": "市级拨付明细表", "district": "区级拨付明细表", None: "拨付明细表"}
KEY, PAID_ON, VOUCHER, STATUS, REMARK = (
    "拨付单号", "支付日期", "支付凭证号", "支付状态", "备注",
)  # fmt: skip
EXPORTED: Final = "payments_exported"
NOTES: Final = (
    "一行一张拨付单（一期一级）；审定金额、市区承担、累计已拨、尾款按办件计，尾款为尚未下达的部分",
    "本期应拨为实际支付的净额；依追回决定抵扣的，抵扣前金额与抵扣金额列在末尾两栏，累计已拨含已抵扣",
)
ASKED: Final = f"请填写{PAID_ON}、{VOUCHER}、{STATUS}，退票在{REMARK}写明原因，连同{KEY}一并交回"


@dataclass(frozen=True)
class PaymentFile:
    """A made file: its bytes, their SHA-256, and the orders in it."""

    content: bytes
    sha256: str
    lines: tuple[PaymentLine, ...]


def payment_report(
    session: Session, actor: Actor, wanted: PaymentFilter, at: datetime
) -> PaymentFile:
    """Return the orders of the cases that the actor may see, accounts masked.

    Raises:
        InvalidInput: more than a file takes.
    """
    lines = _lines(session, actor, wanted, at)
    return _file(lines, _columns(lines, "账号(末四位)"), _about(actor, wanted, at, NOTES))


def treasury_file(
    session: Session, actor: Actor, wanted: PaymentFilter, at: datetime, *, signer: Signer
) -> PaymentFile:
    """Return what the actor's treasury is to pay now of its share, with whole accounts; logged.

    Orders that are held, or whose account the payee is still correcting, are not in it.

    Raises:
        NotAllowed: the actor does not pay this share. InvalidInput: no share, or too many orders.
    """
    if wanted.share is None:
        raise InvalidInput(
            "含完整账号的拨付文件须指明 share。", fields={"share": "、".join(SHARES)}
        )
    payer = _treasury(actor, wanted.share)
    asked = replace(wanted, status=PAYABLE, payer=payer)
    lines = _lines(session, actor, asked, at, shown=str)
    blank = [replace(line, remark=None) for line in lines]
    made = _file(blank, _columns(lines, "账号"), _about(actor, asked, at, (*NOTES, ASKED)))
    payload = {
        "share": wanted.share,
        "filter": asked.told(),
        "orders": [line.key for line in lines],
        "fen": sum(line.net_fen for line in lines),
        "sha256": made.sha256,
    }
    draft = Draft(EXPORTED, actor.id, at, payload).seated(Place(payer, PAYING_ROLES[wanted.share]))
    history.append_draft(session, draft, stream=payer, signer=signer)
    return made


def _treasury(actor: Actor, share: str) -> int:
    role = PAYING_ROLES[share]
    seats = [each.organisation_id for each in actor.assignments if each.role == role]
    if not seats:
        who = "国库支付" if share == CITY else "属地财政"
        raise NotAllowed(f"含完整账号的拨付文件只交{who}席位，您不在该席位。")
    return seats[0]


def _lines(
    session: Session, actor: Actor, wanted: PaymentFilter, at: datetime, **shown: Any
) -> tuple[PaymentLine, ...]:
    lines = payment_lines(session, actor, wanted, at, limit=MOST_ROWS + 1, **shown)
    if len(lines) > MOST_ROWS:
        raise InvalidInput(f"一个文件至多 {MOST_ROWS} 张拨付单，请缩小范围。")
    return lines[::-1]


def _about(actor: Actor, wanted: PaymentFilter, at: datetime, notes: tuple[str, ...]) -> About:
    return About(
        title=TITLES[wanted.share],
        period=f"截至{local_date(at)}",
        generated_at=at,
        by=actor.name,
        filter=wanted.told(),
        notes=notes,
    )


def _columns(lines: Sequence[PaymentLine], account: str) -> tuple[Column, ...]:
    """Return the columns of §10.6 in its order; the percentages where all rows share them."""
    percents = {line.city_percent for line in lines}
    said = percents.pop() if len(percents) == 1 else None
    city = district = ""
    if said is not None:
        city, district = f"({_told(Fraction(said))}%)", f"({_told(100 - Fraction(said))}%)"
    return (
        Column("指标文号", "document_no"),
        Column("预算年度", "year", "number"),
        Column("批次", "call"),
        Column("收款单位", "payee"),
        Column("开户行", "bank"),
        Column(account, "account"),
        Column("项目编号", "number"),
        Column("条款", "measure"),
        Column("审定金额", "approved_fen", "fen"),
        Column(f"市级承担{city}", "city_fen", "fen"),
        Column(f"区级承担{district}", "district_fen", "fen"),
        Column("本期应拨", "net_fen", "fen"),
        Column("累计已拨", "paid_fen", "fen"),
        Column("尾款", "left_fen", "fen"),
        Column("功能科目", "functional_subject"),
        Column("经济科目", "economic_subject"),
        Column(PAID_ON, "paid_on", "date"),
        Column(VOUCHER, "voucher_no"),
        Column(f"{STATUS}(已付/退票/暂停)", "status_title"),
        Column(REMARK, "remark"),
        Column(KEY, "key"),
        Column("抵扣前金额", "fen", "fen"),
        Column("抵扣金额", "offset_fen", "fen"),
    )


def _told(percent: Fraction) -> str:
    return f"{percent.numerator}" if percent.denominator == 1 else f"{percent}"


def _file(lines: Sequence[PaymentLine], columns: tuple[Column, ...], about: About) -> PaymentFile:
    rows = [{**asdict(line), "status_title": _status(line)} for line in lines]
    content = workbook([Sheet("拨付明细", about, columns, rows)])
    return PaymentFile(content, hashlib.sha256(content).hexdigest(), tuple(lines))


def _status(line: PaymentLine) -> str | None:
    """Return how an order stands; nothing where the treasury is to say so."""
    if line.held and line.status == ORDERED:
        return STATUS_TITLES[HELD]
    return None if line.status == ORDERED else STATUS_TITLES[line.status]
