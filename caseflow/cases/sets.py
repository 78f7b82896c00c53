"""Many cases in sets: one read and one write a set, and what one may not do never stops others.

The sets of one transaction go through a pipeline: while the database writes one set and reads the
next, this process decides the one between.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from psycopg import IntegrityError
from psycopg.errors import PipelineAborted

from caseflow.cases.reading import Asker, ask_locked, readings_of
from caseflow.cases.service import Cases, Decided, Outcome, Request
from caseflow.cases.statement import send, written_by
from caseflow.kernel.errors import CaseflowError

SIZE: Final = 500
"""Cases in one statement (design §5: sets of 500 to 1,000)."""
SAVEPOINT: Final = "SAVEPOINT one_set"
RELEASE: Final = "RELEASE SAVEPOINT one_set"
BACK: Final = "ROLLBACK TO SAVEPOINT one_set"

Results = dict[int, Outcome | CaseflowError]
Set = Mapping[int, Request]


def act_in_sets(
    cases: Cases,
    connection: Any,
    requests: Set,
    *,
    size: int = SIZE,
    progress: Callable[[int], None] = lambda _: None,
) -> Results:
    """Let each case's request happen, inside the caller's transaction; a result for each.

    The requests are of one actor at one instant. Where the database refuses a whole set, its cases
    are acted on one by one, and only those that it refuses stay as they are.
    """
    sets, results = list(_sets(requests, size)), Results()
    while sets:
        with _uncollected():
            done = _Pipe(cases, connection).run(sets)
        for part, found in zip(sets, done, strict=False):
            results |= found
            progress(len(part))
        sets = sets[len(done) :]
        if sets:
            results |= _one_by_one(cases, connection, sets.pop(0))
    return results


def act_on_set(cases: Cases, connection: Any, requests: Set) -> Results:
    """Let each case's request happen by one statement, or one by one where that is refused."""
    try:
        with connection.transaction(), _uncollected():
            return cases.act_each(connection, requests)
    except CaseflowError as error:
        if len(requests) == 1:
            return dict.fromkeys(requests, error)
    return _one_by_one(cases, connection, requests)


def _one_by_one(cases: Cases, connection: Any, requests: Set) -> Results:
    results = Results()
    for case, request in requests.items():
        results |= act_on_set(cases, connection, {case: request})
    return results


def _sets(requests: Set, size: int) -> Iterator[Set]:
    """Yield the requests in the order of the cases, so that two runs lock them alike."""
    ordered = iter(sorted(requests.items()))
    while part := dict(islice(ordered, size)):
        yield part


@contextmanager
def _uncollected() -> Iterator[None]:
    """Let the cycle collector rest: a set makes a million objects and no cycle (a quarter faster).

    What another thread does meanwhile is collected afterwards.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@dataclass(frozen=True)
class _Pipe:
    """The sets of one transaction on their way."""

    cases: Cases
    connection: Any

    def run(self, sets: Sequence[Set]) -> list[Results]:
        """Return the results of the first sets: of all, or up to one that the database refused.

        What was refused is undone, and everything behind it is as if it had not been asked yet.
        """
        done: list[Results] = []
        try:
            with self.connection.pipeline():
                self._flow(sets, done)
        except (IntegrityError, PipelineAborted):
            self.connection.execute(BACK)
        return done

    def _flow(self, sets: Sequence[Set], done: list[Results]) -> None:
        reading, writing = self._ask(sets[0]), None
        for number, part in enumerate(sets):
            readings = readings_of(self.connection, reading, _asker(part))
            if number + 1 < len(sets):
                reading = self._ask(sets[number + 1])
            decided = self.cases.decide_each(self.connection, readings, part)
            if writing is not None:
                done.append(_settled(*writing))
            writing = decided, self._write(decided)
        assert writing is not None
        done.append(_settled(*writing))

    def _ask(self, part: Set) -> Any:
        return ask_locked(self.connection, list(part), _asker(part))

    def _write(self, decided: Decided) -> Any:
        """Send a set's writes under a savepoint of their own; nothing where none may act."""
        self.connection.execute(SAVEPOINT)
        cursor = send(self.connection, decided.writes) if decided.acts else None
        self.connection.execute(RELEASE)
        return cursor


def _settled(decided: Decided, cursor: Any) -> Results:
    return decided.results(written_by(cursor) if cursor is not None else set())


def _asker(part: Set) -> Asker:
    first = next(iter(part.values()))
    return Asker(first.actor_id, first.at)
