"""Reading a plan: what becomes of the cases of each measure when a new version is published."""

from collections.abc import Mapping
from typing import Any, Final

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.workflow.succession import TREATMENTS, MovePlan

KEYS: Final = frozenset({"states", "stay", "clocks", "treatment"})
Plans = Mapping[str, MovePlan]


def read_plans(data: Any) -> dict[str, MovePlan]:
    """Return the plan of each measure, by id; see `read_plan`.

    Raises:
        InvalidInput: not an object of measures and plans.
    """
    if not isinstance(data, Mapping) or not all(isinstance(name, str) for name in data):
        raise _refusal("plan", "须为条款编号到方案的对象")
    return {name: read_plan(plan, where=name) for name, plan in data.items()}


def read_plan(data: Any, *, where: str = "plan") -> MovePlan:
    """Return one plan: `{states: {old: new}, stay: [state], clocks: {old: new}, treatment: keep}`.

    Raises:
        InvalidInput: unknown keys or wrong types; `where` names the plan in the message.
    """
    if not isinstance(data, Mapping):
        raise _refusal(where, "须为对象")
    unknown = sorted(str(key) for key in data.keys() - KEYS)
    if unknown:
        raise _refusal(where, f"没有 {'、'.join(unknown)} 一项；可写 {'、'.join(sorted(KEYS))}")
    stay = data.get("stay", [])
    if not isinstance(stay, list | tuple) or not all(isinstance(each, str) for each in stay):
        raise _refusal(f"{where}.stay", "须为环节编码的列表，* 表示全部")
    treatment = data.get("treatment", "keep")
    if treatment not in TREATMENTS:
        raise _refusal(f"{where}.treatment", f"须为 {' 或 '.join(TREATMENTS)}")
    return MovePlan(
        states=_names(data.get("states", {}), f"{where}.states"),
        stay=frozenset(stay),
        clocks=_names(data.get("clocks", {}), f"{where}.clocks"),
        treatment=treatment,
    )


def _names(data: Any, where: str) -> dict[str, str]:
    if not isinstance(data, Mapping):
        raise _refusal(where, "须为旧编码到新编码的对象")
    if not all(isinstance(each, str) for pair in data.items() for each in pair):
        raise _refusal(where, "编码须为文字")
    return dict(data)


def _refusal(field: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{field}：{reason}。", fields={field: reason})
