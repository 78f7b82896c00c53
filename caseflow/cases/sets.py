"""Many cases in sets: one read and one write a set, and what one may not do never stops others."""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final

from caseflow.cases.service import Cases, Outcome, Request
from caseflow.kernel.errors import CaseflowError

SIZE: Final = 500
"""Cases in one statement (design §5: sets of 500 to 1,000)."""

Results = dict[int, Outcome | CaseflowError]


def act_in_sets(
    cases: Cases,
    connection: Any,
    requests: Mapping[int, Request],
    *,
    size: int = SIZE,
    progress: Callable[[int], None] = lambda _: None,
) -> Results:
    """Let each case's request happen, inside the caller's transaction; a result for each.

    The requests are of one actor at one instant. Where the database refuses a whole set, its cases
    are acted on one by one, and only those that it refuses stay as they are.
    """
    results: Results = {}
    for part in _sets(requests, size):
        results |= act_on_set(cases, connection, part)
        progress(len(part))
    return results


def act_on_set(cases: Cases, connection: Any, requests: Mapping[int, Request]) -> Results:
    """Let each case's request happen by one statement, or one by one where that is refused."""
    try:
        with connection.transaction():
            return cases.act_each(connection, requests)
    except CaseflowError as error:
        if len(requests) == 1:
            return dict.fromkeys(requests, error)
    return {case: _alone(cases, connection, case, request) for case, request in requests.items()}


def _alone(
    cases: Cases, connection: Any, case: int, request: Request
) -> Outcome | CaseflowError:
    return act_on_set(cases, connection, {case: request})[case]


def _sets(requests: Mapping[int, Request], size: int) -> Iterator[dict[int, Request]]:
    """Yield the requests in the order of the cases, so that two runs lock them alike."""
    ordered = iter(sorted(requests.items()))
    while part := dict(islice(ordered, size)):
        yield part
