"""The fixture: one 算力券 case from the call to the payment, to the day (domain handbook 6.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from caseflow.deadlines.queries import load_calendar
from caseflow.kernel import clocks
from caseflow.kernel.calendar import SHANGHAI, local_date
from caseflow.rehearsal.applicants import Applicant
from caseflow.rehearsal.queries import clock_of
from caseflow.rehearsal.troupe import Troupe

MEASURE: Final = "QD26-7a"
USCC: Final = "91320681MA2TE5T28T"
FIRM: Final = "示例算力科技（启东）有限公司"
OPENS_ON, CLOSES_ON = date(2026, 10, 12), date(2026, 11, 6)
ELIGIBLE_FROM, ELIGIBLE_TO = date(2026, 5, 14), date(2026, 10, 31)
"""Use before the policy's first day does not count."""

FEN: Final = 100
CLAIMED_FEN: Final = 1_200_000 * FEN
"""50 % of the 2,400,000 yuan paid."""

ELIGIBLE_FEN: Final = 1_000_000 * FEN
"""50 % of the 2,000,000 yuan that remain without storage and network."""


def at(text: str) -> datetime:
    """Return an instant from `2026-11-06 16:20`, Asia/Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@dataclass(frozen=True)
class Beat:
    """One act of the script: when, which event, what is given, and the clock to look at then."""

    at: datetime
    event: str
    clock: str
    given: Mapping[str, Any] = field(default_factory=dict)
    renewed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moment:
    """What was seen after a beat: the state, and the clock in the numbers people are shown."""

    at: datetime
    event: str
    title: str
    state: str
    clock: str
    status: str
    used: int
    left: int
    due_on: date
    provisional: bool


LACKING: Final = ("用量日志缺失，请补充计量导出的完整日志", "一张发票未注明合同号，请更换")
SCRIPT: Final = (
    Beat(at("2026-11-06 16:20"), "submit", "acceptance", {"applied_fen": CLAIMED_FEN}),
    Beat(at("2026-11-10 10:00"), "request_correction", "acceptance", {"items": list(LACKING)}),
    Beat(at("2026-11-17 10:00"), "resubmit", "acceptance", renewed=("usage_log", "invoices")),
    Beat(at("2026-11-18 10:00"), "accept", "district_review"),
    Beat(at("2026-12-02 09:30"), "verify_claim", "district_sign", {"verified_fen": CLAIMED_FEN}),
    Beat(at("2026-12-02 15:00"), "recommend", "bureau_review"),
    Beat(at("2026-12-03 10:00"), "send_to_audit", "bureau_review"),
    Beat(
        at("2026-12-17 10:00"),
        "report_audit",
        "bureau_review",
        {
            "audited_fen": ELIGIBLE_FEN,
            "cut_code": "ineligible",
            "reason": "剔除存储、网络费用40万元（非智能算力费用）",
        },
    ),
    Beat(at("2026-12-17 14:00"), "conclude_review", "recheck"),
    Beat(at("2026-12-17 15:00"), "confirm_review", "cosign@cosign.credit"),
    Beat(at("2026-12-17 16:00"), "answer_seat", "plan"),
    Beat(at("2026-12-18 09:30"), "draft_plan", "plan_review"),
    Beat(at("2026-12-18 10:30"), "confirm_plan", "meeting"),
    Beat(at("2026-12-18 14:00"), "agree_plan", "listing"),
)
PUBLICISED_AT: Final = at("2026-12-18 15:00")
OBJECTED_AT: Final = at("2026-12-24 10:00")
CLOSED_AT: Final = at("2026-12-26 00:05")
"""The publicity runs to Friday 12-25 24:00; the job comes round five minutes later."""

DISMISSED_AT: Final = at("2027-01-05 10:00")


def play_script(troupe: Troupe, case_id: int, applicant: Applicant) -> list[Moment]:
    """Play the fixture's case from its draft to the wait for publicity; the others play along."""
    return [_play(troupe, case_id, applicant, beat) for beat in SCRIPT]


def _play(troupe: Troupe, case_id: int, applicant: Applicant, beat: Beat) -> Moment:
    troupe.play(until=beat.at)
    case = troupe.standing(case_id)
    if beat.renewed:
        troupe.player.upload(case, beat.renewed, person=applicant.person_id, at=beat.at)
    troupe.take(case_id, beat.event, given=beat.given)
    return look(troupe, case_id, beat.event, beat.clock)


def look(troupe: Troupe, case_id: int, event: str, name: str) -> Moment:
    """Return how the case and its clock `name` stand now; `event` is what has just happened."""
    on = local_date(troupe.now)
    with troupe.house.database.connect() as connection:
        calendar = load_calendar(connection)
        row = clock_of(connection, case_id, name)
    clock = clocks.from_row(row.clock)
    workflow = troupe.player.workflow_of(row.workflow_hash)
    titles = {step.event: step.title for step in workflow.steps.values()}
    return Moment(
        at=troupe.now,
        event=event,
        title=titles.get(event, event),
        state=row.state,
        clock=workflow.clock(name).title,
        status=clock.status,
        used=clocks.used(clock, on, calendar),
        left=clocks.remaining(clock, on, calendar),
        due_on=clock.due_on,
        provisional=clock.provisional,
    )
