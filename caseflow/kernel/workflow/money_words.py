"""Words of the vocabulary about money alone: reductions (核减), offsets (抵扣), 退汇."""

from typing import Final

from caseflow.kernel.cuts import CUT_CODES
from caseflow.kernel.workflow.model import Fact

MONEY_INPUTS: Final = (
    Fact("cut_code", "choice", "核减原因", choices=tuple(CUT_CODES), sample="ineligible"),
    Fact("offset_fen", "fen", "本次抵扣金额", unit="fen", sample=1),
    Fact("counterpart", "text", "抵扣的另一方（办件编号）", sample="QD26-7a-2026-000001"),
)
MONEY_EFFECTS: Final = {
    "offset_payment": "从应拨付资金中抵扣应追回金额",
    "record_offset": "登记抵扣，视同缴款，按比例退回市、区两级",
    "return_to_trustee": "资金池冲回银行退汇的转拨款，款在受托机构待转",
}
PAYS: Final = frozenset(
    {"open_payment", "confirm_payment", "confirm_district_payment", "offset_payment"}
)
"""The effects that make a step a payment for the legal properties."""
