"""What a formal document may say of a case: facts as they stood at the event it rests on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from caseflow.cases.models import Case
from caseflow.catalogue.models import PolicyVersion
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.deadlines.models import CaseClock
from caseflow.documents.letters.kinds import LetterKind
from caseflow.documents.letters.words import account, identity
from caseflow.funds.models import AmountStep, Payment
from caseflow.history.models import Event
from caseflow.identity.models import Organisation, Territory
from caseflow.kernel.calendar import local_date
from caseflow.kernel.chinese_writing import chinese_number
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.vocabulary import AMOUNTS

SAID: Final = ("reason", "remedy", "items", "basis", "minutes_no", "document_no")
"""What of an event's payload a document repeats."""
REASON_TITLES: Final = {
    "not_in_scope": "不属于支持范围",
    "not_in_period": "不在支持期间",
    "condition_not_met": "不符合条款规定的条件",
    "material_false": "材料不实",
    "duplicate": "重复申报",
    "credit_veto": "信用审查未通过",
    "related_party": "关联交易",
    "cost_not_recognised": "费用不予认定",
    "quota_exceeded": "超出名额",
    "budget_exhausted": "预算已用完",
    "policy_expired": "政策已到期",
}
"""手册§2.3(4)."""
SHARES: Final = {"city": "市级", "district": "区级"}
CITY_SIGN: Final = "市"
INDIVIDUAL: Final = "individual"


@dataclass(frozen=True)
class Ground:
    """The event that a document rests on, with the case and what it pins."""

    case: Case
    event: Event
    workflow: Workflow
    measure: MeasureInfo


def ground_of(
    session: Session,
    case: Case,
    kind: LetterKind,
    *,
    workflow: Workflow,
    measure: MeasureInfo,
    version: int | None,
) -> Ground:
    """Return the last event of the case (or its event `version`) that makes a document of `kind`.

    Raises:
        InvalidInput: there is no such event, or that event makes no such document.
    """
    query = select(Event).where(Event.stream == case.id).order_by(Event.seq.desc())
    if version is not None:
        query = query.where(Event.seq == version)
    for event in session.scalars(query):
        state = workflow.states.get(event.to_state or "")
        ended = state.end if state else None
        if kind.rests_on(event.name, state=event.to_state, ended=ended):
            return Ground(case, event, workflow, measure)
    told = "尚无" if version is None else f"第 {version} 版不是"
    message = f"{told}可制作“{kind.title}”的事项"
    raise InvalidInput(f"办件 {case.number} {message}。", fields={"kind": message})


def full_title(session: Session, organisation: Organisation) -> str:
    """Return an organisation's name in full: 市数据局 of 启东市 is 启东市数据局."""
    place = session.get_one(Territory, organisation.territory_id)
    if organisation.title.startswith(CITY_SIGN) and place.title.endswith(CITY_SIGN):
        return place.title + organisation.title.removeprefix(CITY_SIGN)
    return organisation.title


def facts_of_case(session: Session, ground: Ground, kind: LetterKind) -> dict[str, Any]:
    """Return everything that a document of `kind` may say of the case; what is missing is None."""
    payload = ground.event.payload
    return {
        **_parties(session, ground.case),
        **_clause(session, ground),
        **{name: payload.get(name) for name in SAID},
        "reason_title": REASON_TITLES.get(payload.get("reason_code", "")),
        "happened_on": local_date(ground.event.at).isoformat(),
        "happened": _event_title(ground),
        "state": _state_title(ground),
        **_deadline(session, ground, kind),
        **_amounts(session, ground),
        **_payments(session, ground),
    }


def _parties(session: Session, case: Case) -> dict[str, Any]:
    applicant = session.get_one(Organisation, case.applicant_id)
    is_person = applicant.kind == INDIVIDUAL
    return {
        "addressee": applicant.title,
        "you": "您" if is_person else "你单位",
        "identifier": identity(applicant.identity_number or "") if is_person else applicant.uscc,
        "case_number": case.number,
        "title": case.title,
        "submitted_on": _day(case.submitted_at),
    }


def _day(at: datetime | None) -> str | None:
    return local_date(at).isoformat() if at else None


def _clause(session: Session, ground: Ground) -> dict[str, Any]:
    policy = session.get_one(PolicyVersion, ground.case.policy_version_id)
    definition = ground.measure.definition
    return {
        "measure": ground.measure.title,
        "article": f"第{chinese_number(definition['article'])}条",
        "clause": definition["clause"],
        "policy": policy.title,
        "policy_no": policy.document_no,
    }


def _event_title(ground: Ground) -> str | None:
    step = ground.workflow.step(ground.event.from_state or "", ground.event.name)
    return step.title if step else None


def _state_title(ground: Ground) -> str | None:
    state = ground.workflow.states.get(ground.event.to_state or "")
    return state.title if state else None


def _deadline(session: Session, ground: Ground, kind: LetterKind) -> dict[str, Any]:
    """Return the limit that began with the event; one that began again later says nothing of it."""
    began_on = local_date(ground.event.at)
    query = select(CaseClock).where(
        CaseClock.case_id == ground.case.id, CaseClock.started_on == began_on
    )
    for clock in session.scalars(query):
        if clock.name.partition("#")[0] in kind.clocks:
            return {
                "deadline_on": clock.due_on.isoformat(),
                "deadline_limit": clock.limit_count,
                "deadline_unit": clock.unit,
                "provisional": clock.provisional or None,
            }
    return {}


def _amounts(session: Session, ground: Ground) -> dict[str, Any]:
    """Return the amount history up to the event, and each cut with its reason."""
    query = (
        select(AmountStep)
        .where(AmountStep.case_id == ground.case.id, AmountStep.seq <= ground.event.seq)
        .order_by(AmountStep.seq)
    )
    steps = {f"{step.kind}_fen": step for step in session.scalars(query)}
    known = [(fact.title, steps[name]) for name, fact in AMOUNTS.items() if name in steps]
    return {**{name: step.fen for name, step in steps.items()}, "cuts": list(_cuts(known))}


def _cuts(known: list[tuple[str, AmountStep]]) -> Iterator[dict[str, Any]]:
    for (_, before), (title, step) in pairwise(known):
        if step.fen < before.fen:
            yield {"words": title, "fen": before.fen - step.fen, "reason": step.reason}


def _payments(session: Session, ground: Ground) -> dict[str, Any]:
    """Return what the event paid, and what the case had been paid by then."""
    mine = (Payment.case_id == ground.case.id, Payment.paid_at <= ground.event.at)
    query = select(Payment).where(*mine, Payment.paid_at == ground.event.at)
    now = session.scalars(query.order_by(Payment.instalment, Payment.share)).all()
    before = session.scalar(select(func.sum(Payment.fen)).where(*mine, Payment.status == "paid"))
    return {
        "payments": [_payment(row) for row in now],
        "paid_now_fen": sum(row.fen for row in now) or None,
        "paid_fen": int(before) if before else None,
    }


def _payment(row: Payment) -> Mapping[str, Any]:
    return {
        "instalment": row.instalment,
        "share": SHARES[row.share],
        "fen": row.fen,
        "account": account(row.account_number),
        "voucher_no": row.voucher_no,
    }
