"""Drafting a plan (拟定拟支持方案): the first, a changed one in its place, a supplementary one.

A plan is drafted as a whole: its lines are written and each case takes the step that brings it to
the plan's review, all in one transaction, or nothing happens and every refusal is told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from caseflow.batches.models import Publicity
from caseflow.batches.plans.models import (
    DRAFTED,
    RESTARTED,
    SUPPLEMENTARY,
    SUPPORT,
    UNSUPPORTED,
    WHOLE,
    Plan,
    PlanLine,
)
from caseflow.batches.plans.proposing import PROPOSED, Wish, live_cases, propose, wishes_of
from caseflow.batches.plans.queries import PlanView, last_whole, lines_of, plan_view
from caseflow.cases.cutting import rule_cut
from caseflow.cases.facts import facts_of
from caseflow.cases.reading import Asker, read_locked
from caseflow.cases.service import Cases, Request
from caseflow.catalogue.calls.queries import HANDLER, refuse_others
from caseflow.catalogue.calls.service import Mover, locked, move, record
from caseflow.catalogue.models import Call
from caseflow.history import service as history
from caseflow.history.part import Draft
from caseflow.identity.queries import Actor
from caseflow.kernel.calls import BATCH, TITLES
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput
from caseflow.kernel.money import Money

DRAFT, REPLAN, WITHDRAW = "draft_plan", "replan", "withdraw_listing"
VETOED: Final = "plan_vetoed"
BY_NAME: Final = "核查结果为否决，须单件办理，不列入方案"
PUBLIC, PENDING, DISPUTED = "publicity", "publicity_pending", "objection"
DECIDED: Final = (PUBLIC, PENDING)
"""Where a case stands that a plan has brought as far as its publicity."""
JUDGE: Final = text("SET CONSTRAINTS ALL IMMEDIATE")


@dataclass(frozen=True)
class Drafting:
    """What is drafted for a call; without lines, what `propose` gives.

    A plan that changes a public list says why.
    """

    call: str
    lines: tuple[Wish, ...] | None = None
    kind: str = WHOLE
    reason: str | None = None


def draft_plan(cases: Cases, actor: Actor, wanted: Drafting, at: datetime) -> PlanView:
    """Draft a plan, the whole list or a supplementary one (递补); the lead bureau's handler may.

    While the list is public, another whole plan takes its place: the publicity ends as restarted,
    whoever stays on the list waits for the next, an open objection stays with its case.

    Raises:
        NotFound: no such call. NotAllowed: not the handler.
        InvalidInput: a line is wrong, a case is forgotten or not of the call.
        Conflict: not now; over quota or pool; a case that cannot take the step, with the reason.
    """
    with cases.database.session() as session:
        call = locked(session, wanted.call)
        place = refuse_others(session, actor, call, (HANDLER,))
        mover = Mover(actor.id, at, cases.office.signer, place)
        drafting = _Drafting(cases, session, call, actor, mover)
        plan = drafting.draft(wanted)
        session.execute(JUDGE)
        return plan_view(session, plan)


class _Drafting:
    """One plan in the making."""

    def __init__(
        self, cases: Cases, session: Session, call: Call, actor: Actor, mover: Mover
    ) -> None:
        self._cases = cases
        self._session = session
        self._call = call
        self._actor = actor
        self._at = mover.at
        self._mover = mover
        self._live = {each.public_id: each for each in live_cases(session, call)}

    def draft(self, wanted: Drafting) -> Plan:
        """Write the plan and let its cases take their steps."""
        self._refuse_now(wanted)
        before = last_whole(self._session, self._call)
        wishes = self._explained(self._wishes(wanted, before))
        refuse_faults(wishes)
        self._refuse_strangers(wishes, before, is_whole=wanted.kind == WHOLE)
        if wanted.kind == WHOLE and before is not None and self._call.status == PUBLIC:
            self._withdraw(before, wanted.reason or "")
        plan = self._write(wishes, wanted, before if wanted.kind == WHOLE else None)
        self._refuse_excess(plan)
        self._move_cases(wishes, wanted)
        told = {"plan": plan.public_id, "version": plan.version, **_sums(plan)}
        if plan.kind == WHOLE:
            move(self._session, self._call, "plan_drafted", self._mover, **told,
                 reason=wanted.reason)  # fmt: skip
        else:
            name = "supplementary_plan_drafted"
            record(self._session, self._call, name, {**told, "reason": wanted.reason}, self._mover)
        return plan

    def _refuse_now(self, wanted: Drafting) -> None:
        call = self._call
        if call.procedure != BATCH:
            raise Conflict(f"申报通知《{call.title}》随报随办，没有批次方案。")
        possible = ("reviewing", PUBLIC) if wanted.kind == WHOLE else (PUBLIC, "released")
        if call.status not in possible:
            told = "、".join(TITLES[each] for each in possible)
            raise Conflict(
                f"《{call.title}》现为“{TITLES[call.status]}”，须在“{told}”时拟定{_title(wanted)}。"
            )
        if (call.status == PUBLIC or wanted.kind == SUPPLEMENTARY) and not wanted.reason:
            raise InvalidInput("名单变更、递补须写明理由。", fields={"reason": "必填"})

    def _wishes(self, wanted: Drafting, before: Plan | None) -> tuple[Wish, ...]:
        if wanted.lines is not None:
            return wanted.lines
        if before is not None:
            raise InvalidInput("名单变更、递补须逐件列明。", fields={"lines": "必填"})
        found = propose(self._cases, self._session, self._call, self._at)
        if found.pending:
            waiting = "、".join(found.pending)
            raise Conflict(f"本批尚有 {len(found.pending)} 件未到拟支持环节：{waiting}。")
        return wishes_of(found)

    def _explained(self, wishes: Sequence[Wish]) -> tuple[Wish, ...]:
        """Let what a rule cuts to the fen say so itself; of any other cut a person says why."""
        silent = {wish.case: wish for wish in wishes if self._is_silent_cut(wish)}
        numbers = [self._live[case].id for case in silent]
        for reading in read_locked(self._driver(), numbers, Asker(self._actor.id, self._at)):
            measure = self._cases.pinned.measure(self._driver(), reading.measure_version_id)
            workflow = self._cases.pinned.runner(self._driver(), reading.workflow_hash).workflow
            facts = facts_of(reading, measure, workflow, self._at)
            wish = silent[reading.public_id]
            cut = rule_cut(wish.fen or 0, facts, reading, measure, workflow)
            if cut is not None:
                silent[wish.case] = replace(wish, reason=cut.words, cut_code=cut.code)
        return tuple(silent.get(wish.case, wish) for wish in wishes)

    def _is_silent_cut(self, wish: Wish) -> bool:
        case = self._live.get(wish.case)
        if case is None or wish.fen is None or wish.reason or wish.cut_code:
            return False
        return bool(wish.fen < (case.wanted_fen or 0))

    def _refuse_strangers(
        self, wishes: Sequence[Wish], before: Plan | None, *, is_whole: bool
    ) -> None:
        """Refuse a case that is not of the call or has ended; a whole plan forgets no live case."""
        named = {wish.case for wish in wishes}
        strange = named - self._live.keys()
        forgotten = self._live.keys() - named if is_whole else set()
        wrong = [f"{each} 不是本批在办办件" for each in sorted(strange)]
        wrong += [f"遗漏 {self._live[each].number}" for each in sorted(forgotten)]
        if wrong:
            raise InvalidInput(f"方案名单有误：{'；'.join(wrong)}。", fields={"lines": wrong[0]})
        for wish in wishes:
            case = self._live[wish.case]
            if wish.fen is not None and wish.fen < (case.wanted_fen or 0) and not wish.reason:
                raise InvalidInput(f"{case.number}：核减须写明理由。", fields={"reason": wish.case})
        if before is None:
            return
        then = {line.case_id: line.result for line in lines_of(self._session, before)}
        for wish in wishes if is_whole else ():
            case = self._live[wish.case]
            if wish.result == SUPPORT and then.get(case.id) != SUPPORT:
                raise Conflict(f"{case.number} 不在已公示的名单中，递补须另拟补充方案并补充公示。")

    def _withdraw(self, before: Plan, reason: str) -> None:
        """End the publicity of the plan that is changed: its list counts no longer."""
        shown = self._session.get_one(Publicity, before.publicity_id, with_for_update=True)
        if shown.status != "open" or self._at >= shown.ends_at:
            raise Conflict("原名单公示期已满；此后的变更须另拟补充方案。")
        shown.status, shown.closed_at = RESTARTED, self._at
        before.status = RESTARTED
        self._session.flush()
        payload = {"plan": before.public_id, "reason": reason}
        draft = Draft("publicity_restarted", self._actor.id, self._at, payload)
        history.append_draft(
            self._session, draft.seated(self._mover.place), stream=shown.id,
            signer=self._mover.signer,
        )  # fmt: skip

    def _write(self, wishes: Sequence[Wish], wanted: Drafting, before: Plan | None) -> Plan:
        session, supported = self._session, [w.fen or 0 for w in wishes if w.result == SUPPORT]
        last = select(func.coalesce(func.max(Plan.version), 0)).where(Plan.call_id == self._call.id)
        plan = Plan(
            public_id=self._cases.ids.new(),
            call_id=self._call.id,
            version=session.scalars(last).one() + 1,
            kind=wanted.kind,
            status=DRAFTED,
            replaces_id=before.id if before else None,
            reason=wanted.reason or (f"接替第 {before.version} 版" if before else None),
            line_count=len(wishes),
            support_count=len(supported),
            support_fen=sum(supported),
            drafted_by=self._actor.id,
            drafted_at=self._at,
        )
        session.add(plan)
        session.flush()
        session.add_all(self._line(plan, number, w) for number, w in enumerate(wishes, start=1))
        session.flush()
        return plan

    def _line(self, plan: Plan, number: int, wish: Wish) -> PlanLine:
        case = self._live[wish.case]
        return PlanLine(
            plan_id=plan.id,
            case_id=case.id,
            line=number,
            line_count=plan.line_count,
            result=wish.result,
            rank=case.rank,
            wanted_fen=case.wanted_fen,
            fen=wish.fen,
            reason=wish.reason,
            reason_code=wish.reason_code,
        )

    def _refuse_excess(self, plan: Plan) -> None:
        """Say in words what the database refuses: too many places, too much money."""
        call = self._call
        if call.quota is not None and plan.support_count > call.quota:
            raise Conflict(f"拟支持 {plan.support_count} 件，超过本批名额 {call.quota} 件。")
        if call.pool_fen is not None and plan.support_fen > call.pool_fen:
            wanted, there_is = Money.from_fen(plan.support_fen), Money.from_fen(call.pool_fen)
            raise Conflict(f"拟支持 {wanted}，超过本批资金池 {there_is}。")

    def _move_cases(self, wishes: Iterable[Wish], wanted: Drafting) -> None:
        """Bring each case to where the plan has it; refusals are told together."""
        refused = []
        for wish in wishes:
            case = self._live[wish.case]
            for event, payload in self._steps(case, wish, wanted):
                request = Request(event, self._actor.id, self._at, payload)
                (result,) = self._cases.act_many(self._driver(), [case.id], request).values()
                if isinstance(result, CaseflowError):
                    refused.append(f"{case.number}：{result.message}")
                    break
                if result.state.partition("#")[0] == VETOED:
                    refused.append(f"{case.number}：{BY_NAME}")
        if refused:
            raise Conflict(f"不能列入方案：{'；'.join(refused)}")

    def _steps(
        self, case: Any, wish: Wish, wanted: Drafting
    ) -> Iterable[tuple[str, Mapping[str, Any]]]:
        """Return the steps that bring a case from where it stands to where the plan has it."""
        if wanted.kind == SUPPLEMENTARY and case.state in (PUBLIC, DISPUTED):
            raise Conflict(f"{case.number} 仍在原名单中公示，不列入补充方案。")
        said = {"reason": wanted.reason or "名单变更"}
        is_same = wish.result == SUPPORT and wish.fen == case.planned_fen
        if case.state == DISPUTED:
            if not is_same:
                raise Conflict(f"{case.number} 异议尚未办结，不得在方案中变更。")
            return []
        if case.state in DECIDED and is_same:
            return [(WITHDRAW, said)] if case.state == PUBLIC else []
        back = [(REPLAN, said)] if case.state in DECIDED else []
        if wish.result != SUPPORT:
            return back
        if case.state not in (*DECIDED, PROPOSED):
            if is_same:
                return []
            raise Conflict(f"{case.number} 不在“拟支持”环节，不能列为拟支持。")
        drafted = {"planned_fen": wish.fen, "reason": wish.reason, "cut_code": wish.cut_code}
        return [*back, (DRAFT, {n: value for n, value in drafted.items() if value is not None})]

    def _driver(self) -> Any:
        return self._session.connection().connection.driver_connection


def refuse_faults(wishes: Sequence[Wish]) -> None:
    """Refuse lines that contradict themselves.

    Raises:
        InvalidInput: no line, a case twice, support without an amount, no reason where one is due.
    """
    if not wishes or len({wish.case for wish in wishes}) < len(wishes):
        raise InvalidInput("方案至少列一件，每件只列一次。", fields={"lines": "空或重复"})
    for wish in wishes:
        if (wish.result == SUPPORT) != (wish.fen is not None):
            raise InvalidInput(
                f"{wish.case}：拟支持须写明金额，其他不写。", fields={"fen": wish.case}
            )
        is_explained = bool(wish.reason and wish.reason.strip() and wish.reason_code)
        if wish.result == UNSUPPORTED and not is_explained:
            raise InvalidInput(
                f"{wish.case}：不予支持须写明理由和理由代码。", fields={"reason_code": wish.case}
            )
        if wish.result != UNSUPPORTED and wish.reason_code:
            raise InvalidInput(
                f"{wish.case}：理由代码只用于不予支持。", fields={"reason_code": wish.case}
            )


def _sums(plan: Plan) -> dict[str, int]:
    return {"cases": plan.support_count, "fen": plan.support_fen}


def _title(wanted: Drafting) -> str:
    return "方案" if wanted.kind == WHOLE else "补充方案"
