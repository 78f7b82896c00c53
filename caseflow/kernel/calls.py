"""The life of a call (申报批次): its states, and which of them may follow which. 手册§2.1.

A batch (`batch`, 按批次) is reviewed, planned and publicised together; the cases of a standing call
(`standing`, 随报随办) go their own way, so that it has neither a plan nor a publicity of its own.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from caseflow.kernel.errors import Conflict

STANDING, BATCH = "standing", "batch"
OPEN: Final = "open"
REVIEWING: Final = "reviewing"
PROCEDURES: Final = (STANDING, BATCH)

TITLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "planned": "拟发布",
        "published": "已发布",
        "open": "受理中",
        "closed": "已截止",
        "reviewing": "评审中",
        "plan_drafted": "已拟定方案",
        "plan_approved": "方案已审定",
        "publicity": "公示",
        "released": "已下达",
        "settled": "兑付完成",
        "archived": "已归档",
    }
)
STATUSES: Final = tuple(TITLES)
BEFORE_CLOSING: Final = ("planned", "published", "open")
"""Where a call may still take applications, or will."""
AFTER_CLOSING: Final = ("closed", "reviewing")
"""Where a call may still take what is late, before its plan is drafted."""

EVENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "published": "call_published",
        "open": "call_opened",
        "closed": "call_closed",
        "reviewing": "call_review_begun",
        "plan_drafted": "call_plan_drafted",
        "plan_approved": "call_plan_approved",
        "publicity": "call_publicised",
        "released": "call_released",
        "settled": "call_settled",
        "archived": "call_archived",
    }
)
"""What the event of coming to a state is called in the call's stream."""

STEPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "planned": ("published", "closed"),
        "published": ("open", "closed"),
        "open": ("closed",),
        "closed": ("reviewing", "settled", "archived"),
        "reviewing": ("plan_drafted", "settled", "archived"),
        "plan_drafted": ("plan_approved", "reviewing"),
        "plan_approved": ("publicity", "settled"),
        "publicity": ("plan_drafted", "released"),
        "released": ("settled",),
        "settled": ("archived",),
        "archived": (),
    }
)
"""What may follow a state. Back go only a plan that is returned, and a list that changes while it
is public; a call whose cases have all ended has nothing left to plan or to pay, and is settled."""


def refuse_step(title: str, before: str, after: str, procedure: str) -> None:
    """Refuse a step that skips or goes back where nothing goes back.

    Raises:
        Conflict: as said, with what may follow.
    """
    possible = next_of(before, procedure)
    if after not in possible:
        told = "、".join(TITLES[each] for each in possible) or "无"
        raise Conflict(
            f"申报通知《{title}》现为“{TITLES[before]}”，不能转为“{TITLES[after]}”；可转为：{told}。"
        )


def next_of(status: str, procedure: str) -> tuple[str, ...]:
    """Return what may follow a state; a standing call is not reviewed as one."""
    return tuple(each for each in STEPS[status] if procedure == BATCH or each != REVIEWING)
