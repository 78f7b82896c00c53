"""Playing cases by their main road, through nothing but the public services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Any, Final

from sqlalchemy import select

from caseflow.cases.experts.draws import PanelOrder, draw_panel
from caseflow.cases.reading import iso
from caseflow.cases.seats import ANYONE, SYSTEM
from caseflow.cases.service import Outcome, Request
from caseflow.catalogue.pinned import MeasureInfo
from caseflow.documents.service import ReceivedFile, attach, receive_file
from caseflow.identity.models import Person
from caseflow.identity.queries import actor_by_login
from caseflow.kernel.calendar import local_date
from caseflow.kernel.equity.acts import TODAY
from caseflow.kernel.errors import CaseflowError
from caseflow.kernel.workflow.effects import CLAUSE_CEILING
from caseflow.kernel.workflow.judging import SEATS_PANEL, TAKES_SHEET
from caseflow.kernel.workflow.model import State, Step, Workflow
from caseflow.kernel.workflow.vocabulary import INPUTS, SEATS
from caseflow.rehearsal.checks import clear
from caseflow.rehearsal.house import House
from caseflow.rehearsal.queries import Standing, seated, seated_experts
from caseflow.rehearsal.samples import explained, payload_for

PUBLICISE: Final = "publicise"
ANSWER: Final = "answer_seat"
COMPLETE: Final = "documents_complete"
AHEAD: Final = timedelta(days=5)
"""How long before its last day an obligation of months is met: after the reminder of T-7."""


class RehearsalStuck(CaseflowError):
    """A case cannot go on by its main road: which, where, why, and what was possible."""


@dataclass
class Player:
    """Plays one step of one case at a time: chooses it, fills it in, finds who takes it."""

    house: House
    _seated: dict[tuple[int, str], list[int]] = field(default_factory=dict)
    _files: dict[str, ReceivedFile] = field(default_factory=dict)

    def workflow(self, case: Standing) -> Workflow:
        """Return the workflow that the case runs by."""
        return self.workflow_of(case.workflow_hash)

    def workflow_of(self, workflow_hash: str) -> Workflow:
        """Return the workflow of that hash."""
        with self.house.database.connect() as connection:
            return self.house.cases.pinned.runner(connection, workflow_hash).workflow

    def measure(self, case: Standing) -> MeasureInfo:
        """Return the measure that the case is about."""
        with self.house.database.connect() as connection:
            return self.house.cases.pinned.measure(connection, case.measure_version_id)

    def next_step(self, case: Standing) -> Step | None:
        """Return the step of the main road that a person takes next, None where nobody does.

        Of several main events (`a|b`) it is the first not yet taken from this state.

        Raises:
            RehearsalStuck: the state has no main event that is possible in it.
        """
        workflow = self.workflow(case)
        state = workflow.states[case.state]
        if state.holders == (SYSTEM,):
            return None
        names = (state.main or "").split("|")
        name = next((each for each in names if each not in case.done), names[-1])
        step = workflow.step(case.state, name)
        if step is None:
            raise self.stuck(case, f"主路径事件 {name!r} 在此环节不存在")
        return None if SYSTEM in step.by else step

    def not_before(self, case: Standing) -> date | None:
        """Return the day on which the holder acts who has months for it, None for at once."""
        workflow = self.workflow(case)
        state: State = workflow.states[case.state]
        clock = workflow.clocks[state.clock] if state.clock else None
        if clock is None or clock.unit != "months":
            return None
        due_on = case.due_on(clock.name)
        return due_on - AHEAD if due_on else None

    def play(
        self, case: Standing, step: Step, at: datetime, *, given: Mapping[str, Any] | None = None
    ) -> None:
        """Take a step, once for each seat that has to answer; `given` goes before the samples.

        Raises:
            RehearsalStuck: it is refused; the message has the refusal.
        """
        if SEATS_PANEL in step.effects:
            self.draw(case, step, at)
            return
        if TAKES_SHEET in step.effects:
            self.score(case, step, at, given=given)
            return
        if ANSWER not in step.effects:
            self.act(case, step, at, given=given)
            return
        for seat in case.seats:
            self.act(case, step, at, person=self.person(case, step, only=seat), given=given)

    def draw(self, case: Standing, step: Step, at: datetime) -> None:
        """Draw the smallest panel that the workflow takes, by lot, and let its review begin."""
        with self.house.database.session() as session:
            login = session.scalars(
                select(Person.login).filter_by(id=self.person(case, step))
            ).one()
            actor = actor_by_login(session, login, at)
        order = PanelOrder(document_no=str(INPUTS["document_no"].sample))
        try:
            draw_panel(self.house.cases, actor, case.public_id, order, at=at)
        except CaseflowError as error:
            raise self.stuck(case, error.message) from error

    def score(
        self, case: Standing, step: Step, at: datetime, *, given: Mapping[str, Any] | None = None
    ) -> None:
        """Let every expert of the panel hand in a sheet."""
        with self.house.database.connect() as connection:
            panel = seated_experts(connection, case.id)
        for expert in panel:
            self.act(case, step, at, person=expert, given=given)

    def act(
        self,
        case: Standing,
        step: Step,
        at: datetime,
        *,
        person: int | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Let a person of the step's seats take it; `given` goes before the samples."""
        actor = person or self.person(case, step)
        if COMPLETE in step.guards:
            self.upload_missing(case, actor, at)
        clear(self.house, case.public_id, step, actor, at)
        facts = {
            **case.facts,
            "paid_fen": case.paid_fen,
            "case_number": case.number,
            TODAY: iso(local_date(at)),
        }
        ceiling_fen = self._ceiling_fen(case)
        samples = payload_for(self.workflow(case), step, facts, ceiling_fen, given=given)
        known = {**facts, CLAUSE_CEILING: ceiling_fen}
        payload = explained(step, known, {**samples, **(given or {})})
        try:
            return self.house.cases.act(case.public_id, Request(step.event, actor, at, payload))
        except CaseflowError as error:
            raise self.stuck(case, error.message) from error

    def _ceiling_fen(self, case: Standing) -> int | None:
        """Return the most a case may ask for: a child, of what its parent has left, one half."""
        own = self.measure(case).ceiling_fen(case.child_kind)
        if case.left_by_parent_fen is None:
            return own
        half = max(1, case.left_by_parent_fen // 2)
        return half if own is None else min(own, half)

    def person(self, case: Standing, step: Step, *, only: str | None = None) -> int:
        """Return somebody in one of the step's seats who has no other duty on the case.

        Raises:
            RehearsalStuck: nobody sits there, or only people with another duty.
        """
        for seat in step.by if only is None else (only,):
            if seat in {ANYONE, SYSTEM}:
                continue
            for person in self.people(case.parties, seat):
                duty = case.duties.get(str(person))
                if duty is None or step.duty is None or duty == step.duty:
                    return person
        raise self.stuck(case, f"{step.event} 的席位 {'、'.join(step.by)} 无人可办")

    def people(self, parties: Mapping[str, int], seat: str) -> list[int]:
        """Return who sits in a seat of a case with these parties."""
        place = SEATS[seat]
        key = (parties.get(place.party, 0), place.role)
        if key not in self._seated:
            with self.house.database.connect() as connection:
                self._seated = seated(connection)
        return self._seated.get(key, [])

    def upload_missing(self, case: Standing, person: int, at: datetime) -> None:
        """Upload a small real file for every required document that is not there yet."""
        required = self.measure(case).required_documents(case.child_kind)
        missing = [kind for kind in required if kind not in case.documents]
        if missing:
            self.upload(case, missing, person=person, at=at)

    def upload(self, case: Standing, kinds: Sequence[str], *, person: int, at: datetime) -> None:
        """Upload a small real file of each kind; it replaces the one before."""
        checklist = {
            each["kind"]: each["title"] for each in self.measure(case).checklist(case.child_kind)
        }
        with self.house.database.session() as session:
            for kind in kinds:
                attach(
                    session,
                    case.id,
                    kind=kind,
                    received=self._file(checklist[kind]),
                    by=person,
                    at=at,
                    allowed_kinds=checklist,
                    ids=self.house.ids,
                )

    def _file(self, title: str) -> ReceivedFile:
        """Return the sample file of that title, stored the first time it is asked for."""
        if title not in self._files:
            words = f"示例材料：{title}\n本文件仅用于演练，不含任何真实单位或个人的信息。\n"
            name = title.replace("/", "_")
            self._files[title] = receive_file(
                self.house.files,
                BytesIO(words.encode()),
                name=f"{name}.txt",
                limit=self.house.upload_limit,
            )
        return self._files[title]

    def stuck(self, case: Standing, why: str) -> RehearsalStuck:
        """Return the error that says where the case stands, why, and what was possible."""
        workflow = self.workflow(case)
        steps = workflow.steps_from(case.state)
        possible = "、".join(f"{step.event}（{'、'.join(step.by)}）" for step in steps)
        title = workflow.states[case.state].title
        return RehearsalStuck(
            f"{case.number} 停在“{title}”（{case.state}）：{why} 可办：{possible}。",
            case=case.number,
            state=case.state,
            possible=[step.event for step in steps],
        )
