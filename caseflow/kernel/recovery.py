"""How paid money comes back (追缴): grounds, what may be claimed, how a receipt is split.

Source: 手册§5.9; 财政违法行为处罚处分条例 14. Refunds go back to the treasury by their original
subject, both shares in proportion to what each has paid.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from caseflow.kernel.bars import LONGEST_YEARS
from caseflow.kernel.errors import InvalidInput

RECOVERY: Final = "recovery"
"""The kind of child case that a recovery is."""

GROUNDS: Final[dict[str, str]] = {
    "false_material": "提供虚假材料",
    "misuse": "挪用或者违规使用资金",
    "overpaid": "多拨、错拨",
    "duplicate": "事后发现重复享受",
    "failed_acceptance": "验收不合格",
    "title_revoked": "称号被撤销",
    "breach": "违反协议",
    "talent_left": "人才离开",
    "project_moved": "项目迁出（依协议约定）",
    "audit_finding": "审计发现问题",
}
"""The closed list of triggers. (手册§5.9)"""

LEGALLY_REVIEWED: Final = "project_moved"
"""公平竞争审查条例 9(1): no measure may hinder moving away; only an agreement that passed legality
review can be a ground. (手册§5.6)"""

COMPANIONS: Final = (
    ("bar_years", "bar_basis", "禁止申报须写明依据"),
    ("interest_fen", "interest_basis", "利息须写明依据"),
)
"""What a decision may say only together, and why."""
OFFSET: Final = ("offset_allowed", "offset_words")


@dataclass(frozen=True)
class Shares:
    """Fen of the city's and of the district's share."""

    city: int = 0
    district: int = 0

    @property
    def total(self) -> int:
        """Return both shares together."""
        return self.city + self.district


def split_receipt(fen: int, *, paid: Shares, recovered: Shares) -> Shares:
    """Return what of a receipt of `fen` goes back to each share, in proportion to what each paid.

    The proportion is kept over all receipts together: the city has the floor of everything
    recovered × its payments ÷ all payments, the district the rest, so no fen is lost however the
    receipts fall. Neither share gets back more than it has paid, nor less than nothing: that bounds
    the split where the proportion has changed since an earlier receipt.

    Raises:
        InvalidInput: nothing, or more than was paid and has not come back yet.
    """
    left = Shares(paid.city - recovered.city, paid.district - recovered.district)
    if not 0 < fen <= left.total:
        raise InvalidInput(
            f"缴款 {fen} 分，须大于零且不超过已拨付尚未追回的 {left.total} 分。",
            fields={"receipt_fen": f"大于 0，至多 {left.total}"},
        )
    so_far = proportion(recovered.total + fen, paid).city
    city = max(so_far - recovered.city, fen - left.district, 0)
    city = min(city, left.city, fen)
    return Shares(city, fen - city)


def proportion(fen: int, paid: Shares) -> Shares:
    """Return what of `fen` falls on each share: the city's floor, the district the rest.

    Where nothing is paid any more (退票) nothing falls on either.
    """
    if paid.total == 0:
        return Shares()
    city = fen * paid.city // paid.total
    return Shares(city, fen - city)


def refuse_undecidable(payload: Mapping[str, Any], recoverable_fen: int) -> None:
    """Refuse a decision of more than was paid, or one that leaves out what it must say.

    Raises:
        InvalidInput: `fields` says which of its values is wrong.
    """
    fields = {}
    if not 0 < payload["recovery_fen"] <= recoverable_fen:
        fields["recovery_fen"] = f"须大于 0，至多为已拨付尚未追回的 {recoverable_fen} 分"
    for name, companion, reason in COMPANIONS:
        if (name in payload) != (companion in payload):
            fields[name if companion in payload else companion] = reason
    if not 1 <= payload.get("bar_years", 1) <= LONGEST_YEARS:
        fields["bar_years"] = f"须为 1 至 {LONGEST_YEARS} 年"
    allowed, words = OFFSET
    if payload[allowed] != (words in payload):
        fields[words] = "写明可以抵扣的须录入原文，未写明的不得录入"
    if "credit_entry" in payload and "bar_years" not in payload:
        fields["credit_entry"] = "随禁止申报一并登记"
    if fields:
        listed = "；".join(f"{name}：{reason}" for name, reason in fields.items())
        raise InvalidInput(f"追回决定所填内容有误：{listed}", fields=fields)


def take_receipt(fen: int, left_fen: int, *, name: str = "receipt_fen") -> int:
    """Return what is left of the decided sum after a receipt of `fen`, which was given as `name`.

    Raises:
        InvalidInput: nothing, or more than is left.
    """
    if not 0 < fen <= left_fen:
        raise InvalidInput(
            f"缴款 {fen} 分，须大于零且不超过应追回未缴的 {left_fen} 分。",
            fields={name: f"大于 0，至多 {left_fen}"},
        )
    return left_fen - fen
