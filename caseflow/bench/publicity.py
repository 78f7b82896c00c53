"""`caseflow bench publicity`: one publicity over, all its cases moved in one go, an event each.

Beside it stands the plain database: the same rows, ready-made, written by the same prepared
statement in the same sets, and rolled back; nothing read, decided, hashed or signed.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from sqlalchemy import select

from caseflow.batches.publicity import CLOSE, Listing, close_due, open_publicity
from caseflow.batches.published_list import Contact
from caseflow.bench.pgbench import ServerTime
from caseflow.bench.scratch import BATCH, Ground, Progress, ground, settle, submitted_cases
from caseflow.cases.models import Case
from caseflow.cases.reading import Asker, read_locked
from caseflow.cases.service import Outcome, Request
from caseflow.cases.sets import SIZE
from caseflow.cases.statement import write
from caseflow.database.access import EMBEDDED_FOLDER
from caseflow.documents.service import store_file
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.checks import PASS
from caseflow.kernel.errors import Conflict
from caseflow.reviews.checks.service import Finding, Recorder, Snapshot, Subject, record_check
from caseflow.settings import Settings

NAME: Final = "bench_publicity"
SUBMITTED_AT: Final = datetime(2026, 10, 13, 10, tzinfo=SHANGHAI)
DECIDED_AT: Final = datetime(2026, 10, 14, 9, tzinfo=SHANGHAI)
CLOSED_AT: Final = datetime(2026, 10, 22, 0, 5, tzinfo=SHANGHAI)
"""Five working days after 14 October end with 21 October."""
CLOSED: Final = "SELECT count(*) FROM event WHERE name = 'close_publicity'"
FEN: Final = 100_00
CUT: Final = {"cut_code": "ineligible", "reason": "只认可样本期间的用量。"}
ROAD: Final[tuple[tuple[str, str, dict[str, Any]], ...]] = (
    ("district.handler", "accept", {}),
    ("district.handler", "verify_claim", {"verified_fen": FEN, "note": "属实。", **CUT}),
    ("district.head", "recommend", {}),
    ("lead_bureau.handler", "conclude_review", {"reviewed_fen": FEN, "note": "同意。"}),
    ("lead_bureau.reviewer", "confirm_review", {}),
    ("cosign.credit", "answer_seat", {"verdict": "pass", "note": "无异议"}),
    ("cosign.market", "answer_seat", {"verdict": "pass", "note": "无异议"}),
    ("cosign.tax", "answer_seat", {"verdict": "pass", "note": "无异议"}),
    ("lead_bureau.handler", "draft_plan", {"planned_fen": FEN}),
    ("lead_bureau.reviewer", "confirm_plan", {}),
    ("lead_bureau.leader", "agree_plan", {"minutes_no": "〔2026〕第7号"}),
)
"""From submission to where a case waits to be publicised."""
PAPER: Final = "信用核查：未见异常".encode()
CONTACT: Final = Contact(phone="0513-00000000", email="bench@example.test", address="样例路1号")


@dataclass(frozen=True)
class _Cost:
    """What a piece of work took: seconds of the wall, and of both sides' processors."""

    seconds: float
    client: float
    server: float


def run(
    settings: Settings, *, cases: int = 5_000, progress: Progress = lambda _: None
) -> dict[str, Any]:
    """Measure the closing of one publicity of so many cases.

    Raises:
        Unavailable: the embedded server does not start.
        Conflict: the closing did not move every case, or not with an event each.
    """
    with ground(settings, NAME, progress) as where:
        made = submitted_cases(where, cases, at=SUBMITTED_AT, progress=progress)
        ids = [case for case, _ in made]
        _walk(where, ids, progress)
        _publicise(where, [public_id for _, public_id in made])
        plain = _plain(where, ids)
        settle(where.database)
        progress(f"closing {cases} cases")
        cost = _closed(where, settings, cases)
        events = _events(where)
        if events != cases:
            raise Conflict(f"{cases} cases were closed with {events} events.")
    return {
        "cases": cases,
        "events": events,
        "seconds": round(cost.seconds, 2),
        "client_seconds": round(cost.client, 2),
        "server_seconds": round(cost.server, 2),
        "per_second": round(cases / cost.seconds, 1),
        "plain_seconds": round(plain, 3),
        "ratio": round(plain / cost.seconds, 3),
    }


def _walk(where: Ground, ids: Sequence[int], progress: Progress) -> None:
    """Take all cases along the road, in sets; their applicants' credit is checked before."""
    _check_credit(where)
    for seat, event, payload in ROAD:
        progress(f"{event} ({seat})")
        request = Request(event, where.person_at(seat), DECIDED_AT, payload)
        for start in range(0, len(ids), BATCH):
            with where.database.connect() as connection, connection.transaction():
                results = where.cases.act_many(connection, ids[start : start + BATCH], request)
            for result in results.values():
                if not isinstance(result, Outcome):
                    raise Conflict(f"{event}: a case of the benchmark refuses: {result.message}")


def _check_credit(where: Ground) -> None:
    paper = store_file(where.cases.office.files, BytesIO(PAPER), limit=len(PAPER))
    snapshot = Snapshot(paper.sha256, paper.size, "credit.txt", "text/plain")
    operator = where.person_at("lead_bureau.handler")
    by = Recorder(operator, DECIDED_AT, where.cases.ids, where.cases.office.signer)
    with where.database.session() as session:
        for applicant in session.scalars(select(Case.applicant_id).distinct()).all():
            finding = Finding("credit", PASS, "bench", DECIDED_AT)
            record_check(session, finding, snapshot, subject=Subject(applicant), by=by)


def _publicise(where: Ground, listed: list[str]) -> None:
    handler = where.person_at("lead_bureau.handler")
    listing = Listing(
        cases=tuple(listed),
        title="公示测试名单",
        basis="启政办规〔2026〕1号",
        contact=CONTACT,
        working_days=5,
        actor_id=handler,
        at=DECIDED_AT,
    )
    open_publicity(where.cases, listing)


class _UndoneError(Exception):
    """What is written inside is rolled back."""


def _plain(where: Ground, ids: Sequence[int]) -> float:
    """Return the seconds in which the database writes what the closing writes, ready-made."""
    cases, seconds = where.cases, 0.0
    request = Request(CLOSE, cases.office.system_id, CLOSED_AT, {})
    asker = Asker(cases.office.system_id, CLOSED_AT)
    with suppress(_UndoneError), where.database.connect() as connection, connection.transaction():
        for start in range(0, len(ids), SIZE):
            part = dict.fromkeys(ids[start : start + SIZE], request)
            readings = read_locked(connection, list(part), asker)
            writes = cases.decide_each(connection, readings, part).writes
            began = time.perf_counter()
            write(connection, writes)
            seconds += time.perf_counter() - began
        raise _UndoneError
    return seconds


def _events(where: Ground) -> int:
    with where.database.connect() as connection:
        row = connection.execute(CLOSED).fetchone()
    return int(row[0]) if row else 0


def _closed(where: Ground, settings: Settings, cases: int) -> _Cost:
    used = ServerTime(settings.home / EMBEDDED_FOLDER)
    before, cpu, start = used.read(), time.process_time(), time.perf_counter()
    moved = close_due(where.cases, CLOSED_AT)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    if moved != cases:
        raise Conflict(f"{cases} cases were listed, but {moved} moved.")
    return _Cost(seconds, cpu, used.since(before))
