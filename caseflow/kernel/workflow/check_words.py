"""The words of checks (核查) in the vocabulary: a fact, and two guards, for every point."""

from typing import Final

from caseflow.kernel.checks import PASSED, POINTS, STANDINGS, VETOED
from caseflow.kernel.workflow.model import Fact, Test

CHECKS_AT: Final = "checks_at_"
CHECK_FACTS: Final = tuple(
    Fact(CHECKS_AT + point, "choice", f"核查情况（{title}）", tuple(STANDINGS), system=True)
    for point, title in POINTS.items()
)
CHECK_GUARDS: Final[dict[str, tuple[tuple[Test, ...], str]]] = {
    **{
        f"{point}_checked": (
            (Test(CHECKS_AT + point, "one_of", (PASSED, VETOED)),),
            f"{title}的核查尚未完成或已失效，请先办理核查",
        )
        for point, title in POINTS.items()
    },
    **{
        f"{point}_cleared": (
            (Test(CHECKS_AT + point, "one_of", (PASSED,)),),
            f"{title}的核查没有全部通过（尚未核查、已失效或有否决）",
        )
        for point, title in POINTS.items()
    },
}
"""Guards: the tests and the refusal. `checked`: there is an answer; `cleared`: it is no veto."""
REFUSALS: Final[dict[str, str]] = {
    refusal: test.fact.removeprefix(CHECKS_AT) for (test,), refusal in CHECK_GUARDS.values()
}
"""The point that each refusal is about."""
CHECK_EFFECTS: Final = {"note_veto": "如实记录核查发现的否决情形"}
