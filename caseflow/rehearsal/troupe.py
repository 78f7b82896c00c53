"""Many cases on one virtual clock: a working day for every step, the sweeps in between."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from caseflow.batches.life import LifeSwept, sweep_life
from caseflow.batches.publicity import Listing, close_due, open_publicity
from caseflow.batches.sweeps import sweep_timers
from caseflow.catalogue.service import WARNINGS
from caseflow.deadlines.queries import load_calendar
from caseflow.kernel.calendar import ONE_DAY, SHANGHAI, Calendar, local_date, shanghai_instant
from caseflow.kernel.errors import CaseflowError
from caseflow.rehearsal.checks import clear
from caseflow.rehearsal.house import House
from caseflow.rehearsal.player import PUBLICISE, Player, RehearsalStuck
from caseflow.rehearsal.queries import Due, Standing, case_id_of, next_due, standings
from caseflow.rehearsal.samples import SAMPLE_CONTACT

OFFICE_HOUR: Final = 10
"""People act at 10:00 Asia/Shanghai of a working day."""

OPENS, CLOSES = 9, 18
"""The hours of Asia/Shanghai between which people act at all."""

SWEEP_LAG: Final = timedelta(minutes=5)
"""How long after something fell due the worker comes round."""

PUBLICITY_DAYS: Final = 5
"""Working days of a publicity where the measure says nothing else. 惯例（手册§6.5）"""

LISTER: Final = "lead_bureau.handler"
HANDLER: Final = "handler"
"""Who lists cases in a publicity, and the duty this is. (workflows/stages/publicity.yaml)"""

MOST_ROUNDS: Final = 5_000

OnSweep = Callable[[datetime], None]


@dataclass
class Troupe:
    """The players of some cases. `leave_alone` says which standings nobody touches for now."""

    house: House
    roots: list[int] = field(default_factory=list)
    leave_alone: Callable[[Standing], bool] = lambda _: False
    lives: list[tuple[datetime, LifeSwept]] = field(default_factory=list)
    on_sweep: OnSweep = lambda _at: None
    on_end: Callable[[int], None] = lambda _: None
    player: Player = field(init=False)
    now: datetime = field(init=False)
    _swept: datetime = field(init=False)
    _open: set[int] = field(default_factory=set)
    _worked_on: date | None = None

    def __post_init__(self) -> None:
        self.player = Player(self.house)
        self.now = self.house.clock.now()
        self._swept = self.now - ONE_DAY

    def join(self, public_id: str) -> int:
        """Take over the case of that public id, with its children; returns its internal id."""
        with self.house.database.connect() as connection:
            case_id = case_id_of(connection, public_id)
        self.roots.append(case_id)
        return case_id

    def standing(self, case_id: int) -> Standing:
        """Return where an open case stands.

        Raises:
            RehearsalStuck: it has ended, or is none of the troupe's.
        """
        for case in self._standings():
            if case.id == case_id:
                return case
        raise RehearsalStuck(f"办件 {case_id} 已办结或不在演练之列。")

    def take(self, case_id: int, event: str, *, given: Mapping[str, Any] | None = None) -> None:
        """Let `event` happen to a case now, by whoever sits in its seat.

        Raises:
            RehearsalStuck: it is not possible, or refused.
        """
        case = self.standing(case_id)
        step = self.player.workflow(case).step(case.state, event)
        if step is None:
            raise self.player.stuck(case, f"{event!r} 在此环节不存在。")
        self.player.play(case, step, self.now, given=given)

    def play(self, until: datetime | None = None) -> None:
        """Play every case to its end, or until the virtual clock stands at `until`.

        Raises:
            RehearsalStuck: a case cannot go on, or nothing is left to wait for.
        """
        for _ in range(MOST_ROUNDS):
            cases = self._standings()
            if until is None and not cases:
                return
            at_work = self._is_at_work()
            acted = at_work and self._act(cases)
            target = self._next_round(cases) if at_work and not acted else self._tomorrow()
            if until is not None and (target is None or target >= until):
                self.move_to(until)
                return
            if target is None:
                raise self._nothing_left(cases)
            self.move_to(target)
        raise RehearsalStuck(f"演练超过 {MOST_ROUNDS} 轮仍未结束。")

    def move_to(self, target: datetime) -> None:
        """Move the virtual clock to `target`, sweeping whenever something falls due before it."""
        while True:
            due = self._next_due()
            if due is None or due.at + SWEEP_LAG > target:
                break
            self._swept = due.at
            self._set_clock(max(self.now, due.at + SWEEP_LAG))
            self._sweep(due)
        self._set_clock(target)

    def _sweep(self, due: Due) -> None:
        """Do what a worker does at this instant; what cannot be due is not asked for."""
        cases = self.house.cases
        if due.life_on is not None:
            self.lives.append((self.now, sweep_life(cases, self.now)))
        if due.publicity is not None and due.publicity <= self.now:
            close_due(cases, self.now)
        while sweep_timers(cases, self.now).claimed:
            pass
        self.on_sweep(self.now)

    def _set_clock(self, at: datetime) -> None:
        self.now = at
        self.house.clock.move_to(at)

    def _next_due(self) -> Due | None:
        """Return what falls due next after the last swept instant, None when nothing does."""
        with self.house.database.connect() as connection:
            return next_due(connection, self._swept, WARNINGS)

    def _standings(self) -> list[Standing]:
        with self.house.database.connect() as connection:
            found = standings(connection, self.roots)
        still = {case.root_id for case in found}
        for ended in sorted(self._open - still):
            self.on_end(ended)
        self._open = still
        return found

    def _act(self, cases: Iterable[Standing]) -> bool:
        """Let every case that can take a step take it; publicities list all that wait for one."""
        listed: dict[tuple[int, int], list[Standing]] = defaultdict(list)
        acted = False
        today = local_date(self.now)
        for case in cases:
            step = None if self.leave_alone(case) else self.player.next_step(case)
            if step is None or self._waits(case, today):
                continue
            acted = True
            if step.event == PUBLICISE:
                listed[case.parties["lead_bureau"], self._publicity_days(case)].append(case)
            else:
                self.player.play(case, step, self.now)
        for (_, working_days), together in listed.items():
            self.publicise(together, working_days=working_days)
        if acted:
            self._worked_on = today
        return acted

    def _waits(self, case: Standing, today: date) -> bool:
        ready = self.player.not_before(case)
        return ready is not None and today < ready

    def _publicity_days(self, case: Standing) -> int:
        choice = self.player.measure(case).definition.get("workflow", {})
        days = choice.get("parameters", {}).get("publicity_days", PUBLICITY_DAYS)
        return int(days["value"] if isinstance(days, dict) else days)

    def publicise(
        self, together: list[Standing], *, working_days: int = PUBLICITY_DAYS
    ) -> tuple[str, date]:
        """List cases of one lead bureau in one publicity; returns its id and its last day."""
        first, lister = together[0], self._lister(together)
        for case in together:
            step = self.player.workflow(case).step(case.state, PUBLICISE)
            if step is not None:
                clear(self.house, case.public_id, step, lister, self.now)
        listing = Listing(
            cases=tuple(case.public_id for case in together),
            title=f"拟支持项目公示（{local_date(self.now)}）",
            basis="会议研究决定",
            contact=SAMPLE_CONTACT,
            working_days=working_days,
            actor_id=lister,
            at=self.now,
        )
        try:
            view = open_publicity(self.house.cases, listing)
        except CaseflowError as error:
            raise self.player.stuck(first, error.message) from error
        return view.public_id, view.ends_on

    def _lister(self, together: Sequence[Standing]) -> int:
        """Return a handler of the lead bureau who has no other duty on any of the cases."""
        for person in self.player.people(together[0].parties, LISTER):
            if all(case.duties.get(str(person), HANDLER) == HANDLER for case in together):
                return person
        raise self.player.stuck(together[0], f"{LISTER} 无人可办。")

    def _is_at_work(self) -> bool:
        """Return whether people act now: in the hours of a working day, one round a day."""
        today = local_date(self.now)
        hour = self.now.astimezone(SHANGHAI).hour
        return (
            self._worked_on != today
            and self._calendar().is_working(today)
            and hour in range(OPENS, CLOSES)
        )

    def _tomorrow(self) -> datetime:
        """Return the next time at which people are at work."""
        today = local_date(self.now)
        morning = self.next_morning(today)
        if morning > self.now and self._worked_on != today:
            return morning
        return self.next_morning(today + ONE_DAY)

    def _next_round(self, cases: list[Standing]) -> datetime | None:
        """Return when somebody can act again who cannot now, None where nothing is left."""
        waiting = [
            self.next_morning(ready)
            for case in cases
            if not self.leave_alone(case)
            if (ready := self.player.not_before(case)) and ready > local_date(self.now)
        ]
        due = self._next_due()
        if due is not None:
            swept = max(self.now, due.at + SWEEP_LAG)
            waiting.append(max(swept, self.next_morning(local_date(swept))))
        return min(waiting, default=None)

    def next_morning(self, day: date) -> datetime:
        """Return the office hour of `day`, or of the next working day."""
        return shanghai_instant(self._calendar().received_on(day), hour=OFFICE_HOUR)

    def _calendar(self) -> Calendar:
        with self.house.database.connect() as connection:
            return load_calendar(connection)

    def _nothing_left(self, cases: list[Standing]) -> RehearsalStuck:
        first = next((case for case in cases if not self.leave_alone(case)), cases[0])
        return self.player.stuck(first, "无人可办，也没有任何时限在运行")
