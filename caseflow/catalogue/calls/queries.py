"""Who leads a call, what it says in the place of its measure, and what was let in late."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, false, or_, select, true, tuple_
from sqlalchemy.orm import Session, aliased

from caseflow.catalogue.models import Call, LateIntake, Measure, MeasureVersion, PolicyVersion
from caseflow.database.paging import last_of
from caseflow.history.part import Place
from caseflow.identity.models import Organisation, Person
from caseflow.identity.queries import Actor
from caseflow.kernel.calls import BATCH
from caseflow.kernel.errors import NotAllowed, NotFound

PLANNED, AUDITOR = "planned", "auditor"
HANDLER, REVIEWER = "bureau_handler", "bureau_reviewer"
DIVISION_HEAD, LEADER = "bureau_division_head", "bureau_leader"
PUBLISHERS: Final = (REVIEWER, LEADER)
"""Who publishes calls, and consents to what is late."""
SEATS: Final = {
    HANDLER: "经办", REVIEWER: "复核", DIVISION_HEAD: "处室负责人", LEADER: "分管领导",
}  # fmt: skip
CUSTOMARY_DAYS: Final = 5
"""Working days of a publicity where neither call nor measure says so. 惯例（手册§6.5，C）"""
FROM_CALL, FROM_MEASURE = "call", "measure"


def find(session: Session, public_id: str) -> Call:
    """Return a call, which anybody may see.

    Raises:
        NotFound: there is none.
    """
    found = session.scalars(select(Call).where(Call.public_id == public_id)).one_or_none()
    if found is None:
        raise NotFound(f"没有申报通知 {public_id!r}。")
    return found


@dataclass(frozen=True)
class CallFilter:
    """Which calls are asked for; `open_on` is a day inside the window."""

    measure: str | None = None
    status: str | None = None
    open_on: date | None = None


def published() -> ColumnElement[bool]:
    """Return the condition that anybody may see a call: a batch from its publication on."""
    return or_(Call.procedure != BATCH, Call.status != PLANNED)


def led_by(actor: Actor) -> ColumnElement[bool]:
    """Return the condition that the actor sits in the bureau that leads the call's measure.

    Auditors see what every bureau plans.
    """
    if any(held.role == AUDITOR for held in actor.assignments):
        return true()
    lead = MeasureVersion.organisations["lead_bureau"].as_integer()
    bureaus = sorted({held.organisation_id for held in actor.assignments if held.role in SEATS})
    led = select(MeasureVersion.measure_id).where(lead.in_(bureaus))
    return Call.measure_id.in_(led) if bureaus else false()


def call_list(
    session: Session,
    seen: ColumnElement[bool],
    wanted: CallFilter | None = None,
    *,
    after: str | None = None,
    limit: int = 50,
) -> list[tuple[Call, str]]:
    """Return calls that are `seen` with their measures' ids, the last to open first.

    Raises:
        InvalidInput: `after` is none of them.
    """
    asked = wanted or CallFilter()
    query = select(Call, Measure.code).join(Measure, Measure.id == Call.measure_id).where(seen)
    if asked.measure is not None:
        query = query.where(Measure.code == asked.measure)
    if asked.status is not None:
        query = query.where(Call.status == asked.status)
    if asked.open_on is not None:
        query = query.where(Call.opens_on <= asked.open_on, Call.closes_on >= asked.open_on)
    if after is not None:
        place = select(Call.opens_on, Call.id).where(Call.public_id == after, seen)
        last = last_of(session, place, after)
        query = query.where(tuple_(Call.opens_on, Call.id) < tuple_(*last))
    rows = session.execute(query.order_by(Call.opens_on.desc(), Call.id.desc()).limit(limit))
    return [(call, code) for call, code in rows]


def lead_bureaus(session: Session, call: Call) -> set[int]:
    """Return the bureaus that lead the call's measure, in whatever version of it."""
    lead = MeasureVersion.organisations["lead_bureau"].as_integer()
    return set(session.scalars(select(lead).where(MeasureVersion.measure_id == call.measure_id)))


def refuse_others(session: Session, actor: Actor, call: Call, roles: Iterable[str]) -> Place:
    """Return the actor's seat of these of the lead bureau, be it on behalf of another (代理).

    Raises:
        NotAllowed: the actor sits in none of them.
    """
    wanted, leads = tuple(roles), lead_bureaus(session, call)
    for each in actor.holdings_on(call.measure_id):
        if each.organisation_id in leads and each.role in wanted:
            return Place(each.organisation_id, each.role)
    told = "、".join(SEATS[role] for role in wanted)
    raise NotAllowed(f"《{call.title}》的此项由牵头部门{told}办理，您不在该席位。")


@dataclass(frozen=True)
class Value:
    """A value that holds for a call's cases, and whose it is: `call` before `measure`."""

    name: str
    title: str
    value: Any
    source: str
    measure_says: Any


TITLES: Final = {
    "quota": "名额",
    "publicity_days": "公示期（工作日）",
    "rounding": "金额取整方式",
    "documents": "申报材料",
}


def values_of(session: Session, call: Call) -> tuple[Value, ...]:
    """Return what holds where call and measure may both say something."""
    definition = _definition(session, call)
    quota = definition.get("quota") or {}
    own = {
        "quota": _workflow_value(definition, "shortlist_size") or quota.get("number"),
        "publicity_days": _workflow_value(definition, "publicity_days") or CUSTOMARY_DAYS,
        "rounding": None,
        "documents": [
            {"kind": each["kind"], "title": each["title"]}
            for each in definition.get("documents", ())
            if each["required"] and not each.get("child")
        ],
    }
    return tuple(_value(name, getattr(call, name) or None, own[name]) for name in TITLES)


def publicity_days(session: Session, call: Call) -> int:
    """Return the working days for which the call's list is public."""
    own = _workflow_value(_definition(session, call), "publicity_days")
    return call.publicity_days or own or CUSTOMARY_DAYS


def _definition(session: Session, call: Call) -> dict[str, Any]:
    """Return the measure as its policy words it now, with its workflow's parameters."""
    query = (
        select(MeasureVersion.definition)
        .join(PolicyVersion, PolicyVersion.id == MeasureVersion.policy_version_id)
        .where(MeasureVersion.measure_id == call.measure_id)
        .order_by(PolicyVersion.current.desc(), MeasureVersion.id.desc())
    )
    found = session.scalars(query).first()
    return found or {}


def _workflow_value(definition: dict[str, Any], name: str) -> Any:
    said = definition.get("workflow", {}).get("parameters", {}).get(name)
    return said["value"] if isinstance(said, dict) else said


def _value(name: str, called: Any, own: Any) -> Value:
    if called is None:
        return Value(name, TITLES[name], own, FROM_MEASURE, own)
    return Value(name, TITLES[name], called, FROM_CALL, own)


@dataclass(frozen=True)
class LateView:
    """What was asked to be let in late, by whom, and who consented."""

    public_id: str
    applicant: str
    applicant_title: str
    until_on: date
    reason: str
    asked_by: str
    asked_at: datetime
    consented_by: str | None
    consented_at: datetime | None


def late_intakes(session: Session, call: Call) -> tuple[LateView, ...]:
    """Return what was asked to be let in late under a call, the oldest first."""
    asker, second = aliased(Person), aliased(Person)
    rows = session.execute(
        select(LateIntake, Organisation, asker.name, second.name)
        .join(Organisation, Organisation.id == LateIntake.organisation_id)
        .join(asker, asker.id == LateIntake.asked_by)
        .outerjoin(second, second.id == LateIntake.consented_by)
        .where(LateIntake.call_id == call.id)
        .order_by(LateIntake.id)
    )
    return tuple(
        LateView(
            public_id=late.public_id,
            applicant=applicant.public_id,
            applicant_title=applicant.title,
            until_on=late.until_on,
            reason=late.reason,
            asked_by=asked_by,
            asked_at=late.asked_at,
            consented_by=consented_by,
            consented_at=late.consented_at,
        )
        for late, applicant, asked_by, consented_by in rows
    )


def measure_code(session: Session, call: Call) -> str:
    """Return the code of the call's measure."""
    return session.scalars(select(Measure.code).where(Measure.id == call.measure_id)).one()
