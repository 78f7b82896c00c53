"""Deciding a plan: reviewed, approved with the minutes of the meeting, made public; or returned.

Three people of the lead bureau, never one twice: 经办, 复核, 分管领导 with the minutes. Each
takes at the same time their step on every supported case that waits for it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from caseflow.batches.plans.drafting import JUDGE, PUBLIC, WITHDRAW
from caseflow.batches.plans.models import (
    APPROVED,
    DRAFTED,
    PUBLICISED,
    RETURNED,
    REVIEWED,
    SUPPORT,
    WHOLE,
    Plan,
)
from caseflow.batches.plans.proposing import live_cases
from caseflow.batches.plans.queries import (
    STATUS_TITLES,
    PlanView,
    call_of,
    find_plan,
    lines_of,
    plan_view,
)
from caseflow.batches.publicity import Listing, PublicityView, list_cases, publicity
from caseflow.batches.published_list import Contact
from caseflow.cases.service import Cases, Request
from caseflow.catalogue.calls.queries import (
    HANDLER,
    LEADER,
    REVIEWER,
    publicity_days,
    refuse_others,
)
from caseflow.catalogue.calls.service import Mover, locked, move, record
from caseflow.catalogue.models import Call
from caseflow.history.part import Place
from caseflow.identity.queries import Actor
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotAllowed

CONFIRM, AGREE, RETURN = "confirm_plan", "agree_plan", "return_plan"
IN_REVIEW, IN_MEETING = "plan_review", "leadership_meeting"


@dataclass(frozen=True)
class Announcing:
    """How a plan is made public; without `working_days` for as many as the call says."""

    title: str
    basis: str
    contact: Contact
    working_days: int | None = None


def review_plan(cases: Cases, actor: Actor, plan: str, at: datetime) -> PlanView:
    """Confirm a plan as the second person (复核), with every case of it that waits for that.

    Raises:
        NotFound: no such plan. NotAllowed: not the reviewer, or the one who drafted it.
        Conflict: not in draft, or a case that refuses, with the reason.
    """
    with cases.database.session() as session:
        deciding = _Deciding(cases, session, actor, plan, at)
        deciding.expect(DRAFTED, roles=(REVIEWER,))
        deciding.act(CONFIRM, {}, standing=(IN_REVIEW,))
        found = deciding.plan
        found.status, found.reviewed_by, found.reviewed_at = REVIEWED, actor.id, at
        deciding.tell("plan_reviewed", {})
        return deciding.view()


def approve_plan(
    cases: Cases, actor: Actor, plan: str, *, minutes_no: str, at: datetime
) -> PlanView:
    """Approve a plan with the minutes (会议纪要) of the meeting that agreed to it.

    Raises:
        NotFound: no such plan. NotAllowed: not the leader, or one who drafted or reviewed it.
        InvalidInput: no minutes. Conflict: not reviewed yet, or a case that refuses.
    """
    if not minutes_no.strip():
        raise InvalidInput("审定方案须写明会议纪要文号。", fields={"minutes_no": "必填"})
    with cases.database.session() as session:
        deciding = _Deciding(cases, session, actor, plan, at)
        deciding.expect(REVIEWED, roles=(LEADER,))
        deciding.act(AGREE, {"minutes_no": minutes_no}, standing=(IN_MEETING,))
        found = deciding.plan
        found.status, found.approved_by, found.approved_at = APPROVED, actor.id, at
        found.minutes_no = minutes_no.strip()
        deciding.tell("supplementary_plan_approved", {"minutes_no": minutes_no}, "plan_approved")
        return deciding.view()


def return_plan(cases: Cases, actor: Actor, plan: str, *, reason: str, at: datetime) -> PlanView:
    """Return a plan to be drafted anew: the reviewer what is drafted, the leader what is reviewed.

    Raises:
        NotFound: no such plan. NotAllowed: not in that seat, or the one who drafted it.
        InvalidInput: no reason. Conflict: neither drafted nor reviewed, or a case that refuses.
    """
    if not reason.strip():
        raise InvalidInput("退回方案须写明理由。", fields={"reason": "必填"})
    with cases.database.session() as session:
        deciding = _Deciding(cases, session, actor, plan, at)
        found = deciding.plan
        deciding.expect(
            DRAFTED, REVIEWED, roles=(LEADER if found.status == REVIEWED else REVIEWER,)
        )
        deciding.act(RETURN, {"reason": reason}, standing=(IN_REVIEW, IN_MEETING))
        found.status, found.returned_by, found.returned_at = RETURNED, actor.id, at
        found.return_reason = reason.strip()
        deciding.tell("supplementary_plan_returned", {"reason": reason}, "reviewing")
        return deciding.view()


def publicise_plan(
    cases: Cases, actor: Actor, plan: str, said: Announcing, at: datetime
) -> PublicityView:
    """Make an approved plan public: one publicity of exactly the cases that it supports.

    Who has ended meanwhile is left out; a case whose objection is open stands on the list and stays
    where it is.

    Raises:
        NotFound: no such plan. NotAllowed: not the handler. InvalidInput: what is said is wrong.
        Conflict: not approved, nobody is left to list, or a case is not ready, with the reason.
    """
    with cases.database.session() as session:
        deciding = _Deciding(cases, session, actor, plan, at)
        deciding.expect(APPROVED, roles=(HANDLER,))
        listed = deciding.supported()
        if not listed:
            raise Conflict("方案没有可公示的拟支持办件。")
        deciding.act(WITHDRAW, {"reason": "重新公示"}, standing=(PUBLIC,))
        listing = Listing(
            cases=tuple(case.public_id for case in listed),
            title=said.title,
            basis=said.basis,
            contact=said.contact,
            working_days=said.working_days or publicity_days(session, deciding.call),
            actor_id=actor.id,
            at=at,
            is_plan=True,
        )
        row = list_cases(session, cases, listing)
        found = deciding.plan
        found.status, found.publicity_id = PUBLICISED, row.id
        told = {"publicity": row.public_id}
        deciding.tell("supplementary_plan_publicised", told, "publicity")
        session.execute(JUDGE)
        number = row.public_id
    return publicity(cases, number)


class _Deciding:
    """One decision on a plan, under the lock of its call."""

    def __init__(
        self, cases: Cases, session: Session, actor: Actor, plan: str, at: datetime
    ) -> None:
        self._cases = cases
        self._session = session
        self._actor = actor
        self._at = at
        self._place: Place | None = None
        self.call: Call = locked(session, call_of(session, find_plan(session, plan)).public_id)
        self.plan: Plan = find_plan(session, plan)
        session.refresh(self.plan)

    def expect(self, *statuses: str, roles: Iterable[str]) -> None:
        """Refuse whoever does not sit there, a plan that is elsewhere, one person in two roles."""
        self._place = refuse_others(self._session, self._actor, self.call, roles)
        plan = self.plan
        if plan.status not in statuses:
            told = "、".join(STATUS_TITLES[each] for each in statuses)
            raise Conflict(f"方案现为“{STATUS_TITLES[plan.status]}”，须在“{told}”时办理。")
        if APPROVED not in statuses and self._actor.id in (plan.drafted_by, plan.reviewed_by):
            raise NotAllowed("拟定、复核、审定方案须由不同的人办理（四眼原则）。")

    def supported(self) -> list[Any]:
        """Return the supported cases of the plan that have not ended, as they stand."""
        mine = {
            each.case_id for each in lines_of(self._session, self.plan) if each.result == SUPPORT
        }
        return [case for case in live_cases(self._session, self.call) if case.id in mine]

    def act(self, event: str, payload: dict[str, Any], *, standing: Sequence[str]) -> None:
        """Let `event` happen to every supported case that stands there; all of them or none."""
        found = {c.id: c.number for c in self.supported() if c.state in standing}
        if not found:
            return
        driver: Any = self._session.connection().connection.driver_connection
        request = Request(event, self._actor.id, self._at, payload)
        results = self._cases.act_many(driver, list(found), request)
        refused = [
            f"{found[number]}：{result.message}"
            for number, result in results.items()
            if isinstance(result, CaseflowError)
        ]
        if refused:
            raise Conflict(f"方案不能办理：{'；'.join(refused)}")

    def tell(self, name: str, told: dict[str, Any], status: str | None = None) -> None:
        """Move the call, or record what happened to a plan that does not move it."""
        plan = self.plan
        self._session.flush()
        said = {"plan": plan.public_id, "version": plan.version, **told}
        mover = Mover(self._actor.id, self._at, self._cases.office.signer, self._place)
        if status is not None and plan.kind == WHOLE:
            move(self._session, self.call, status, mover, **said)
        else:
            record(self._session, self.call, name, said, mover)

    def view(self) -> PlanView:
        """Return the plan after the database has judged it."""
        self._session.execute(JUDGE)
        return plan_view(self._session, self.plan)
