"""The five wordings of 就高不重复, and how the money of two supports of one matter is settled.

Higher is what is payable after caps, never the nominal rate. (手册§5.1)
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Trigger = Literal[
    "matter",
    "measure",
    "enterprise_and_project",
    "kind_of_policy",
    "matter_also_inside_the_policy",
]
Mode = Literal["top_up", "refund_then_apply", "first_come"]

TRIGGERS: Final[dict[str, Trigger]] = {
    "same_matter_of_city_policies": "matter",
    "other_city_policies": "measure",
    "same_enterprise_and_project": "enterprise_and_project",
    "same_kind": "kind_of_policy",
    "same_matter": "matter_also_inside_the_policy",
}
"""What a policy's `overlap.against` says, and what therefore makes two supports one too many."""

MODES: Final[dict[str, str]] = {
    "top_up": "补差：已享受较低一项的，只补差额",
    "refund_then_apply": "先退后补：退回已享受的一项后，再享受较高一项",
    "first_come": "先到先得：已享受一项的，不再享受另一项",
}
DEFAULT_MODE: Final[Mode] = "top_up"
"""手册§5.1 [D]; a measure's `overlap.mode` says otherwise."""

INSIDE: Final = "matter_also_inside_the_policy"
INSIDE_QUESTION: Final = "AMB-26"
"""Two clauses of one document for one matter: only NT24 says what holds; elsewhere it is asked."""

VOUCHERS: Final = frozenset({"vouchers", "instant_vouchers", "issued_vouchers"})
"""Families for whose vouchers a district's award counts too (市区两级就高不重复, 手册 F13)."""

EXPECTED: Final[dict[str, tuple[str, ...]]] = {
    "vouchers": ("contract", "invoice"),
    "investment": ("project",),
    "titles": ("title",),
    "events": ("event",),
    "interest": ("loan",),
    "research": ("project",),
    "matched_research": ("project",),
    "scenarios": ("project",),
    "talent": ("person",),
    "allowances": ("person",),
    "equity": ("project",),
    "deals": ("project",),
    "platforms": ("project",),
    "laboratories": ("project",),
    "fee_support": ("contract",),
}
"""The kinds of matter a family's cases name, 惯例（手册§4、§5.1，D）; a measure may say others."""


@dataclass(frozen=True)
class OverlapTerms:
    """What a clause says of overlaps: its trigger, how it is settled, its words, what to name."""

    trigger: Trigger
    words: str
    mode: Mode = DEFAULT_MODE
    matters: tuple[str, ...] = ()

    @property
    def per_holder(self) -> bool:
        """Return whether the same matter of two enterprises is no overlap at all (AMB-25)."""
        return self.trigger == "enterprise_and_project"


def terms_of(
    policy_overlap: Mapping[str, Any], own: Mapping[str, Any] | None, family: str
) -> OverlapTerms:
    """Return a clause's terms: the policy's wording, and what the measure says for itself."""
    said = own or {}
    return OverlapTerms(
        trigger=TRIGGERS[policy_overlap["against"]],
        words=policy_overlap["words"],
        mode=said.get("mode") or DEFAULT_MODE,
        matters=tuple(said.get("matters") or EXPECTED.get(family, ())),
    )


@dataclass(frozen=True)
class Settlement:
    """What a second support of one matter pays, and what must come back before, in fen."""

    pay_fen: int
    refund_fen: int = 0


def settle(mode: Mode, entitled_fen: int, already_fen: int) -> Settlement:
    """Return what is paid for a matter that has `already_fen` when `entitled_fen` is payable.

    The sum of both is the higher one, whichever came first, in `top_up` and `refund_then_apply`;
    in `first_come` it is what came first.
    """
    if entitled_fen <= already_fen or (mode == "first_come" and already_fen > 0):
        return Settlement(0)
    if mode == "refund_then_apply":
        return Settlement(entitled_fen, refund_fen=already_fen)
    return Settlement(entitled_fen - already_fen)
