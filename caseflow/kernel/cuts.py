"""Reductions (核减): where an amount falls below the one before it, somebody or a rule says why.

Source: 手册§11.3 (13) 每一笔核减都有理由; the columns 核减额、核减原因 of §10.2 and §10.4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from caseflow.kernel.benefits.rounding import rounded
from caseflow.kernel.errors import InvalidInput

CUT_CODES: Final[dict[str, str]] = {
    "ineligible": "费用或者事项不予认可",
    "evidence": "凭证、材料不足以证明",
    "audit": "审计、评估核减",
    "standard": "按支持标准、分档核减",
    "ceiling": "按最高限额核减",
    "rounding": "按取整规则舍去",
    "overlap": "就高不重复核减",
    "pool_short": "资金不足，按申报通知写明的办法核减",
    "credit": "按信用审查结果核减",
    "agreed": "协商一致或者申报主体自行调减",
    "correction": "更正填报、计算错误",
    "decision": "会议研究决定",
    "other": "其他（须在理由中写明）",
}
"""The closed list of reasons; `ceiling`, `overlap` and `rounding` are found by the rule itself."""
BY_RULE: Final = ("ceiling", "overlap", "rounding")
CUT_CODE, REASON = "cut_code", "reason"
EXPLAINS: Final = (CUT_CODE, REASON)
"""What an act brings with it that enters an amount below the one before it."""
CEILINGS: Final = ("ceiling_fen", "clause_ceiling_fen")
OVERLAP: Final = "overlap_allowed_fen"
ROUNDING: Final = "settled_rounding"


@dataclass(frozen=True)
class Cut:
    """The amount `name` of `fen` is less than the last amount before it in the chain.

    `code` is the rule that makes just this figure, None where only a person can say why.
    """

    name: str
    fen: int
    before: str
    before_fen: int
    code: str | None


def cut_of(name: str, facts: Mapping[str, Any], chain: Sequence[str]) -> Cut | None:
    """Return the reduction that the amount `name` is, None where it is none; `chain` has the order.

    A figure is made by rule where it is what a ceiling, the overlap or the bureau's rounding leaves
    of the one before it, to the fen: anything lower is somebody's own decision.
    """
    fen = facts[name]
    earlier = [each for each in chain[: chain.index(name)] if facts.get(each) is not None]
    if not earlier or fen >= facts[earlier[-1]]:
        return None
    before_fen = facts[earlier[-1]]
    return Cut(name, fen, earlier[-1], before_fen, _by_rule(fen, before_fen, facts))


def _by_rule(fen: int, before_fen: int, facts: Mapping[str, Any]) -> str | None:
    """Return the rule that leaves `fen` of `before_fen`; each limit may be rounded."""
    how = facts.get(ROUNDING)
    limits = [("ceiling", facts.get(name)) for name in CEILINGS]
    limits += [("overlap", facts.get(OVERLAP)), ("rounding", before_fen)]
    for code, limit in limits:
        if limit is None or limit > before_fen:
            continue
        whole = limit if how is None else rounded(Fraction(limit), how)
        if fen in (limit, whole):
            return code
    return None


def refuse_silent(
    given: Mapping[str, Any], facts: Mapping[str, Any], titles: Mapping[str, str]
) -> None:
    """Refuse an act whose amounts fall without a reason; `titles` are the amounts' in their order.

    Raises:
        InvalidInput: `fields` names what is missing, the message the step and both figures.
    """
    lacking = [name for name in EXPLAINS if name not in given]
    for name in titles:
        if name not in given or not lacking:
            continue
        cut = cut_of(name, facts, tuple(titles))
        if cut is not None and cut.code is None:
            raise InvalidInput(
                f"{titles[name]} {_yuan(cut.fen)} 元低于{titles[cut.before]}"
                f" {_yuan(cut.before_fen)} 元，须写明核减原因（cut_code）和理由（reason）。",
                fields=dict.fromkeys(lacking, "核减须写明原因"),
            )


def _yuan(fen: int) -> str:
    return f"{fen // 100:,}.{fen % 100:02d}"
