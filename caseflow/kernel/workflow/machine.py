"""Running a compiled workflow: one shared `transitions` machine a workflow, no memory a case.

`Runner.decide` is pure: it is given the case's situation and answers with the moves that follow
(the event asked for, then the automatic ones) or says why not.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from transitions import EventData, Machine

from caseflow.kernel.conditions import all_hold, explain, failed
from caseflow.kernel.cuts import refuse_silent
from caseflow.kernel.equity.acts import outstanding_in
from caseflow.kernel.errors import EventNotAllowed, GuardFailed, InvalidInput
from caseflow.kernel.workflow.effects import apply, derive
from caseflow.kernel.workflow.model import Step, Test, Workflow
from caseflow.kernel.workflow.payload import checked
from caseflow.kernel.workflow.vocabulary import (
    AMOUNTS,
    GUARDS,
    SEATS,
    SEND_BACK,
    SYSTEM_FACTS,
    TAKE_BACK,
)
from caseflow.kernel.workflow.voting import entered

AMOUNT_TITLES: Final = {name: fact.title for name, fact in AMOUNTS.items()}
MOST_AUTOMATIC: Final = 20
"""The checker refuses endless chains; this is the net under it."""


class Situation(NamedTuple):
    """What a decision needs to know: the state, and every fact, entered and kept."""

    state: str
    facts: Mapping[str, Any]


class Move(NamedTuple):
    """One event that happened: from where to where, by which step, with which payload."""

    step: Step
    source: str
    target: str
    payload: Mapping[str, Any]

    @property
    def stays(self) -> bool:
        """Return whether the case is where it was."""
        return self.source == self.target


class Decision(NamedTuple):
    """The moves of one act in order, and all facts after them."""

    moves: tuple[Move, ...]
    facts: Mapping[str, Any]
    entered: Mapping[str, Any] = MappingProxyType({})

    @property
    def state(self) -> str:
        """Return where the case stands in the end."""
        return self.moves[-1].target


class _Adapter:
    """What `transitions` sees for the moment of one trigger."""

    __slots__ = ("facts", "state")

    def __init__(self, state: str, facts: Mapping[str, Any]) -> None:
        self.state = state
        self.facts = facts


class Runner:
    """A workflow ready to run; made once per hash and shared by all threads."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.facts = {**SYSTEM_FACTS, **AMOUNTS, **workflow.facts}
        self._machine = _machine(workflow)
        self._automatic: dict[str, tuple[Step, ...]] = {}
        for step in workflow.steps.values():
            if step.automatic:
                known = self._automatic.get(step.source, ())
                self._automatic[step.source] = (*known, step)

    def decide(self, situation: Situation, event: str, payload: Mapping[str, Any]) -> Decision:
        """Return what follows when `event` happens in `situation`.

        Raises:
            EventNotAllowed: not in this state; the error names the events that are possible.
            GuardFailed: possible here, but a condition is not met; each is explained.
            InvalidInput: the payload lacks something, has too much, or of the wrong type; an amount
                below the one before it has no reason (核减原因).
        """
        step = self.workflow.step(situation.state, event)
        if step is None:
            raise self._impossible(situation.state, event)
        given = checked(step, payload, self.facts)
        facts = {**situation.facts, **given.facts}
        facts.update(derive(facts))
        self._refuse_failed_guards(step, facts)
        refuse_silent(given.payload, facts, AMOUNT_TITLES)
        moves = [self._move(step, situation.state, facts, given.payload)]
        facts = self._after(moves[0], facts)
        moves += self._follow(moves[0].target, facts)
        self._refuse_unsettled(moves[-1], facts)
        return Decision(tuple(moves), facts, given.facts)

    def wake(self, situation: Situation) -> Decision | None:
        """Return the automatic moves that are due in `situation`, None when there are none."""
        facts = dict(situation.facts)
        moves = self._follow(situation.state, facts)
        return Decision(tuple(moves), facts) if moves else None

    def allowed(self, state: str) -> tuple[Step, ...]:
        """Return the steps that people can ask for in `state`."""
        return tuple(step for step in self.workflow.steps_from(state) if "system" not in step.by)

    def _follow(self, state: str, facts: dict[str, Any]) -> list[Move]:
        """Take automatic steps until none is enabled; `facts` is brought up to date."""
        moves: list[Move] = []
        while len(moves) < MOST_AUTOMATIC:
            step = self._enabled(state, facts)
            if step is None:
                break
            move = self._move(step, state, facts, {})
            facts.update(self._after(move, facts))
            moves.append(move)
            state = move.target
        return moves

    def _enabled(self, state: str, facts: Mapping[str, Any]) -> Step | None:
        for step in self._automatic.get(state, ()):
            guarded = all(all_hold(GUARDS[name].tests, facts) for name in step.guards)
            if guarded and any(all_hold(branch.when, facts) for branch in step.branches):
                return step
        return None

    def _after(self, move: Move, facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return the facts after a move; in a state that was entered nobody has answered yet."""
        after = apply(move, facts)
        if not move.stays:
            after.update(entered(self.workflow.states[move.target]))
        return after

    def _move(
        self, step: Step, state: str, facts: Mapping[str, Any], payload: Mapping[str, Any]
    ) -> Move:
        if (state, step.event) not in self.workflow.steps:
            return Move(step, state, self._back(step, payload), payload)
        adapter = _Adapter(state, facts)
        if not self._machine.events[step.event].trigger(adapter):
            raise GuardFailed(
                f"“{step.title}”没有可走的分支：{self._why_no_branch(step, facts)}",
                allowed=self._names(state),
                failed=[self._why_no_branch(step, facts)],
            )
        return Move(step=step, source=state, target=adapter.state, payload=payload)

    def _back(self, step: Step, payload: Mapping[str, Any]) -> str:
        """Return where an act on tasks leads: where it is, or back along a compiled road."""
        state = self.workflow.states[step.source]
        if SEND_BACK in step.effects:
            roads = state.returns
        elif TAKE_BACK in step.effects:
            roads = state.taken_from
        else:
            return step.source
        target = str(payload["return_to"])
        if target not in roads:
            listed = "、".join(f"{code}（{self.workflow.states[code].title}）" for code in roads)
            raise InvalidInput(
                f"“{step.title}”不能到 {target!r}；可以到：{listed}。",
                fields={"return_to": "不是可退回的环节"},
            )
        return target

    def _refuse_failed_guards(self, step: Step, facts: Mapping[str, Any]) -> None:
        refusals = [
            GUARDS[name].refusal for name in step.guards if failed(GUARDS[name].tests, facts)
        ]
        if refusals:
            raise GuardFailed(
                f"“{step.title}”暂不能办理：{'；'.join(refusals)}。",
                allowed=self._names(step.source),
                failed=refusals,
            )

    def _refuse_unsettled(self, last: Move, facts: Mapping[str, Any]) -> None:
        """Refuse to end a case whose granted money is neither back nor accounted for."""
        if not self.workflow.states[last.target].end:
            return
        outstanding = outstanding_in(facts)
        if outstanding:
            refusal = f"尚有 {outstanding} 分拨投资金未收回、核销或转为补助"
            raise GuardFailed(
                f"“{last.step.title}”暂不能办理：{refusal}。",
                allowed=self._names(last.source),
                failed=[refusal],
            )

    def _why_no_branch(self, step: Step, facts: Mapping[str, Any]) -> str:
        tests = {test for branch in step.branches for test in failed(branch.when, facts)}
        ordered = sorted(tests, key=lambda test: (test.fact, test.op))
        return "；".join(explain(test, facts, self.facts) for test in ordered)

    def _impossible(self, state: str, event: str) -> EventNotAllowed:
        names = self._names(state)
        title = self.workflow.states[state].title
        possible = "、".join(self._labels(state)) or "无（已办结）"
        return EventNotAllowed(
            f"在“{title}”环节不能办理 {event!r}；现在可以：{possible}。", allowed=names
        )

    def _names(self, state: str) -> list[str]:
        return [step.event for step in self.workflow.steps_from(state)]

    def _labels(self, state: str) -> list[str]:
        return [
            f"{step.event}（{step.title}：{'、'.join(SEATS[seat].title for seat in step.by)}）"
            for step in self.workflow.steps_from(state)
        ]


def _machine(workflow: Workflow) -> Machine:
    transitions = [
        {
            "trigger": step.event,
            "source": step.source,
            "dest": branch.target,
            "conditions": [_condition(branch.when)] if branch.when else [],
        }
        for step in workflow.steps.values()
        for branch in step.branches
    ]
    return Machine(
        model=None,
        states=list(workflow.states),
        transitions=transitions,
        initial=workflow.initial,
        auto_transitions=False,
        send_event=True,
        queued=False,
    )


def _condition(tests: Sequence[Test]) -> Any:
    def met(event: EventData) -> bool:
        adapter: Any = event.model
        return all_hold(tests, adapter.facts)

    return met
