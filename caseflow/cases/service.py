"""The one way a case moves: `act()` for one, `act_many()` for a set, `open_case()` to begin."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from psycopg import Rollback
from psycopg.errors import IntegrityError

from caseflow.cases.acting import Act, Office
from caseflow.cases.barring import refuse_barred_act
from caseflow.cases.caps import explained, refuse_uncontrolled, room_of
from caseflow.cases.checks.relying import with_reasons
from caseflow.cases.children import add_children
from caseflow.cases.consequences import keep_time, writes_of
from caseflow.cases.desk import Desk, Doer, Named, desk_of, named_in
from caseflow.cases.facts import facts_of
from caseflow.cases.going_back import refuse_road
from caseflow.cases.reading import Asker, Reading, read_case, read_locked
from caseflow.cases.recoveries.lifting import tell_paid_case, touches_paid_case
from caseflow.cases.refusals import (
    MATTERS,
    is_decided_anew,
    meaning_of,
    refused_by,
    stand_in_each_others_way,
)
from caseflow.cases.seats import SYSTEM, Place, seat_of
from caseflow.cases.statement import Writes, write
from caseflow.catalogue.pinned import Pinned
from caseflow.database.access import Database
from caseflow.database.ids import PublicIds
from caseflow.deadlines.queries import load_calendar
from caseflow.history.queries import act_result
from caseflow.identity.commitments import committing
from caseflow.kernel.errors import (
    CaseflowError,
    GuardFailed,
    InvalidInput,
    NotFound,
    RequestReused,
    StaleVersion,
)
from caseflow.kernel.event_bytes import canonical
from caseflow.kernel.overlap.matters import matters_data, matters_of
from caseflow.kernel.workflow.machine import Decision, Situation

TRIES: Final = 5
"""How often an act without an expected version is decided anew when somebody was quicker."""
RESERVED: Final = frozenset({"publicity_id", "publicity_ends_on"})
REPLACE: Final = "replace_expert"
OFFSETS: Final = frozenset({"offset_payment", "record_offset"})
OF_A_LIST: Final = frozenset({"withdraw_listing", "replan", "relist"})
"""What happens to a case because the list changes in which it is public: a plan's to do."""


@dataclass(frozen=True)
class Request:
    """What somebody asks of a case. `id` makes a repetition safe; `actor_id` is a person."""

    event: str
    actor_id: int
    at: datetime
    payload: Mapping[str, Any]
    expected_version: int | None = None
    id: str | None = None

    def hash(self, public_id: str) -> bytes | None:
        """Return the hash of the request's body, which a repetition must share."""
        if self.id is None:
            return None
        body = {"case": public_id, "event": self.event, "payload": self.payload}
        return hashlib.sha256(canonical(body)).digest()


@dataclass(frozen=True)
class Outcome:
    """What became of a request: where the case stands now, and the events that brought it there."""

    case: str
    number: str
    state: str
    version: int
    events: tuple[str, ...]
    replayed: bool = False


@dataclass(frozen=True)
class Decided:
    """A set of acts that was decided and not yet written; `refused` are those that may not be."""

    acts: Sequence[Act]
    writes: Writes
    refused: Mapping[int, Outcome | CaseflowError]

    def results(self, written: set[int]) -> dict[int, Outcome | CaseflowError]:
        """Return the result of each case, `written` being those that the database wrote."""
        stale = StaleVersion("办件已被他人推进。")
        done = {
            act.case_id: outcome_of(act) if act.case_id in written else stale for act in self.acts
        }
        return {**self.refused, **done}


class Cases:
    """The acts of one process: its road to the database and what it keeps in memory."""

    def __init__(
        self, database: Database, office: Office, *, ids: PublicIds, pinned: Pinned
    ) -> None:
        self.database = database
        self.connect = database.connect
        self.office = office
        self.ids = ids
        self.pinned = pinned

    def act(self, public_id: str, request: Request) -> Outcome:
        """Let `request` happen to the case, in one read and one write.

        Raises:
            NotFound: no such case. EventNotAllowed, GuardFailed: not possible now, and why.
            NotAllowed: not in the actor's seat, or against the separation of duties.
            StaleVersion: the case is not at `expected_version` any more.
            RequestReused: the request's id was used before for something else.
            InvalidInput: the payload is wrong. CapReached: a ceiling leaves less than is asked.
        """
        request = self.vetted(request)
        for _ in range(TRIES):
            with self.connect() as connection:
                try:
                    outcome = self._try(connection, public_id, request)
                except IntegrityError as error:
                    if is_decided_anew(error):
                        continue
                    raise meaning_of(connection, public_id, request.payload, error) from error
            if outcome is not None:
                return outcome
            if request.expected_version is not None:
                break
        raise StaleVersion("办件已被他人推进，请刷新后重新办理。")

    def vetted(self, request: Request) -> Request:
        """Return the request with its matters as keys; a person's number goes no further.

        Raises:
            InvalidInput: it brings what only a batch may bring, or a matter that is none.
        """
        _refuse_reserved(request)
        if MATTERS not in request.payload:
            return request
        found = matters_of(request.payload[MATTERS], committing(self.office.signer))
        return replace(request, payload={**request.payload, MATTERS: matters_data(found)})

    def _try(self, connection: Any, public_id: str, request: Request) -> Outcome | None:
        """Decide and write once; None when somebody was quicker."""
        reading = read_case(connection, public_id, Asker(request.actor_id, request.at, request.id))
        if reading is None:
            raise NotFound(f"没有办件 {public_id!r}。")
        if reading.request:
            return self.replay(connection, reading, request)
        self._refuse_stale(reading, request)
        act = self.decide(connection, reading, request)
        writes = writes_of(act, self.office)
        add_children(connection, act, writes, office=self.office, pinned=self.pinned, ids=self.ids)
        written = self._written(connection, act, writes)
        return outcome_of(act) if act.case_id in written else None

    def _written(self, connection: Any, act: Act, writes: Writes) -> set[int]:
        """Write the act; where it writes to a paid case too, under that one's lock, or nothing."""
        if not touches_paid_case(act):
            return write(connection, writes)
        written: set[int] = set()
        with connection.transaction() as transaction:
            tell_paid_case(connection, act, writes, self.office)
            written = write(connection, writes)
            if act.case_id not in written:
                raise Rollback(transaction)
        return written

    def decide(
        self, connection: Any, reading: Reading, request: Request, *, expired: str | None = None
    ) -> Act:
        """Return the decided act: authorised, guarded, its clocks kept."""
        runner = self.pinned.runner(connection, reading.workflow_hash)
        measure = self.pinned.measure(connection, reading.measure_version_id)
        step = runner.workflow.step(reading.state, request.event)
        is_system = request.actor_id == self.office.system_id
        facts = facts_of(reading, measure, runner.workflow, request.at)
        place, task = Place(SYSTEM), request.payload.get("task")
        if step:
            asker = request.actor_id
            place = seat_of(reading, step, actor_id=asker, is_system=is_system, task=task)
        try:
            decision = runner.decide(
                Situation(reading.state, facts), request.event, request.payload
            )
        except GuardFailed as error:
            error = with_reasons(error, reading, runner.workflow, request.at)
            raise explained(error, room_of(reading, measure, runner.workflow)) from error
        refuse_uncontrolled(reading, measure, runner.workflow, decision)
        refuse_road(connection, reading, decision.moves[0], request.actor_id)
        named = named_in(connection, reading, decision.moves[0], request.at)
        doer = Doer(request.actor_id, place, request.at, reading.head_seq + 1)
        desk = desk_of(reading, runner.workflow, decision, doer, named)
        return self._act(
            connection, reading, decision, request=request, place=place, desk=desk, expired=expired
        )

    def wake(self, connection: Any, reading: Reading, at: datetime) -> Act | None:
        """Return the act of the automatic events that are due on a case, None if none are."""
        runner = self.pinned.runner(connection, reading.workflow_hash)
        measure = self.pinned.measure(connection, reading.measure_version_id)
        facts = facts_of(reading, measure, runner.workflow, at)
        decision = runner.wake(Situation(reading.state, facts))
        if decision is None:
            return None
        request = Request("wake", self.office.system_id, at, {})
        doer = Doer(self.office.system_id, Place(SYSTEM), at, reading.head_seq + 1)
        desk = desk_of(reading, runner.workflow, decision, doer, Named())
        return self._act(
            connection, reading, decision, request=request, place=doer.place, desk=desk
        )

    def _act(
        self,
        connection: Any,
        reading: Reading,
        decision: Decision,
        *,
        request: Request,
        place: Place,
        desk: Desk,
        expired: str | None = None,
    ) -> Act:
        workflow = self.pinned.runner(connection, reading.workflow_hash).workflow
        refuse_barred_act(reading, workflow, decision, request.at)
        calendar = load_calendar(connection, reading.calendar_stamp)
        return Act(
            reading=reading,
            workflow=workflow,
            measure=self.pinned.measure(connection, reading.measure_version_id),
            decision=decision,
            timekeeper=keep_time(
                reading,
                workflow,
                decision,
                desk=desk,
                calendar=calendar,
                at=request.at,
                expired=expired,
            ),
            actor_id=request.actor_id,
            system_id=self.office.system_id,
            seat=place.seat,
            at=request.at,
            desk=desk,
            acting_for_id=place.acting_for,
            request_id=request.id,
            request_hash=request.hash(reading.public_id),
        )

    def _refuse_stale(self, reading: Reading, request: Request) -> None:
        expected = request.expected_version
        if expected is not None and expected != reading.head_seq:
            raise StaleVersion(
                f"办件现为第 {reading.head_seq} 版，您看到的是第 {expected} 版，请刷新后重新办理。",
            )

    def replay(self, connection: Any, reading: Reading, request: Request) -> Outcome:
        """Return the first answer to a repeated request, rebuilt from its events."""
        stream, seq, body_hash = reading.request
        same = request.hash(reading.public_id)
        if stream != reading.id or same is None or same.hex() != body_hash:
            raise RequestReused(f"请求号 {request.id!r} 已用于另一请求。")
        result = act_result(connection, stream, seq)
        return Outcome(
            case=reading.public_id,
            number=reading.number,
            state=result.state,
            version=result.version,
            events=result.events,
            replayed=True,
        )

    def act_many(
        self, connection: Any, case_ids: Sequence[int], request: Request
    ) -> dict[int, Outcome | CaseflowError]:
        """Let `request` happen to each case; see `act_each`."""
        return self.act_each(connection, dict.fromkeys(case_ids, request))

    def act_each(
        self, connection: Any, requests: Mapping[int, Request]
    ) -> dict[int, Outcome | CaseflowError]:
        """Let each case's request happen, inside the caller's transaction; a result for each.

        The requests are of one actor at one instant. The cases are locked, decided in memory and
        written by one statement. A case that may not take its event is left as it is, and its
        result is the error that says why; so is the second of two for one matter.

        Raises:
            CapReached: each fits under a ceiling, all together do not; nothing is written.
            Conflict, InvalidInput: the database refuses what one of them writes; as before.
        """
        if not requests:
            return {}
        first = next(iter(requests.values()))
        asker = Asker(first.actor_id, first.at)
        decided = self.decide_each(
            connection, read_locked(connection, list(requests), asker), requests
        )
        try:
            with connection.transaction():
                written = write(connection, decided.writes) if decided.acts else set()
        except IntegrityError as error:
            if not stand_in_each_others_way(error):
                raise refused_by(error) from error
            alone = self._one_by_one(connection, [a.case_id for a in decided.acts], requests)
            return {**decided.refused, **alone}
        return decided.results(written)

    def decide_each(
        self, connection: Any, readings: Sequence[Reading], requests: Mapping[int, Request]
    ) -> "Decided":
        """Return what each case's request comes to, by what was read of it; nothing is written."""
        refused: dict[int, Outcome | CaseflowError] = {
            missing: NotFound(f"没有办件 {missing}。")
            for missing in requests.keys() - {reading.id for reading in readings}
        }
        acts = []
        for reading in readings:
            try:
                self._refuse_stale(reading, requests[reading.id])
                acts.append(self.decide(connection, reading, requests[reading.id]))
            except CaseflowError as error:
                refused[reading.id] = error
        return Decided(acts, self.gather(connection, acts), refused)

    def _one_by_one(
        self, connection: Any, case_ids: Sequence[int], requests: Mapping[int, Request]
    ) -> dict[int, Outcome | CaseflowError]:
        """Act on each case by itself, the first first: what one has taken the next is refused."""
        results: dict[int, Outcome | CaseflowError] = {}
        for case_id in case_ids:
            request = requests[case_id]
            asker = Asker(request.actor_id, request.at)
            (reading,) = read_locked(connection, [case_id], asker)
            try:
                with connection.transaction():
                    act = self.decide(connection, reading, request)
                    write(connection, self.gather(connection, [act]))
                results[case_id] = outcome_of(act)
            except CaseflowError as error:
                results[case_id] = error
            except IntegrityError as error:
                results[case_id] = meaning_of(connection, reading.public_id, request.payload, error)
        return results

    def gather(self, connection: Any, acts: Sequence[Act]) -> Writes:
        """Return the rows of all acts together."""
        gathered = Writes()
        for act in acts:
            writes = writes_of(act, self.office)
            add_children(
                connection, act, writes, office=self.office, pinned=self.pinned, ids=self.ids
            )
            tell_paid_case(connection, act, writes, self.office)
            gathered.merge([writes])
        return gathered


def _refuse_reserved(request: Request) -> None:
    """Refuse what only a batch may bring: a publicity's number and its last day."""
    if request.event == REPLACE:
        raise InvalidInput("补抽专家须随机抽取，不能直接登记。", fields={"event": "须经抽取"})
    if request.event in OFFSETS:
        raise InvalidInput("抵扣同时记入拨付和追缴，须经抵扣办理。", fields={"event": "须经抵扣"})
    if request.event in OF_A_LIST:
        raise InvalidInput("名单变更须通过拟支持方案办理。", fields={"event": "须经方案变更"})
    fields = dict.fromkeys(RESERVED & request.payload.keys(), "由公示确定")
    if fields:
        raise InvalidInput("列入公示须通过公示办理，公示期由系统计算。", fields=fields)


def outcome_of(act: Act) -> Outcome:
    """Return what the asker is told of an act that was written."""
    return Outcome(
        case=act.reading.public_id,
        number=act.reading.number,
        state=act.decision.state,
        version=act.reading.head_seq + len(act.decision.moves),
        events=tuple(move.step.event for move in act.decision.moves),
    )
