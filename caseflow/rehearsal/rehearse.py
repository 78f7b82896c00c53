"""Rehearsing measures: one case each, by its main road, all on one virtual clock."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from caseflow.cases.event_log import event_log
from caseflow.cases.xes import xes
from caseflow.catalogue import queries as catalogue
from caseflow.catalogue.loading import read_policies
from caseflow.catalogue.places import data_root
from caseflow.catalogue.queries import LoadedMeasure
from caseflow.kernel.calendar import SHANGHAI, local_date
from caseflow.kernel.errors import NotFound
from caseflow.rehearsal.house import House
from caseflow.rehearsal.openings import Booking, booking, enlist_for, open_booked, plan_calls
from caseflow.rehearsal.queries import Summary, path, summaries
from caseflow.rehearsal.scratch import scratch_house
from caseflow.rehearsal.troupe import Troupe
from caseflow.settings import Settings

BEGINS_AT: Final = datetime(2026, 9, 1, 9, tzinfo=SHANGHAI)
"""A working day in the life of every policy of this year; the clock of a rehearsal starts here."""

REMINDING: Final = frozenset({"clock_due", "clock_overdue"})
Progress = Callable[[str], None]


def rehearse(
    settings: Settings,
    measures: list[str] | None = None,
    *,
    progress: Progress | None = None,
    template: str | None = None,
    root: Path | None = None,
    log: Path | None = None,
) -> list[dict[str, Any]]:
    """Play one case of each measure (all of them if None) in a scratch database.

    `progress` is called with a measure's id when its case has ended. `template` names a founded
    database to copy instead of founding a new one. `log` is where the event log is kept (XES).

    Raises:
        NotFound: no such measure. RehearsalStuck: a case did not reach an end by its main road.
    """
    tell, folder = progress or (lambda _: None), root or data_root()
    only = None if measures is None else policies_of(folder, measures)
    with scratch_house(settings, folder, at=BEGINS_AT, template=template, only=only) as house:
        rows = rehearse_in(house, measures, progress=tell)
        if log is not None:
            write_log(house, log)
    return rows


def policies_of(root: Path, measures: Sequence[str]) -> set[str]:
    """Return the codes of the policies to which any of `measures` belongs."""
    return {
        files.policy.code
        for files in read_policies(root)
        if not {measure.id for measure in files.measures}.isdisjoint(measures)
    }


def rehearse_in(
    house: House, measures: Sequence[str] | None, *, progress: Progress
) -> list[dict[str, Any]]:
    """Play one case of each measure in `house`, whose clock stands inside every policy's life."""
    troupe = Troupe(house)
    codes: dict[int, str] = {}
    troupe.on_end = lambda root: progress(codes[root])
    for booked in book_measures(house, measures, at=troupe.now):
        outcome = open_booked(troupe.player, booked, troupe.now)
        case_id = troupe.join(outcome.case)
        codes[case_id] = booked.code
    troupe.play()
    return told(house, troupe.roots)


def write_log(house: House, file: Path) -> None:
    """Write the events of every case in `house` to `file`, as XES."""
    with house.database.connect() as connection, file.open("w", encoding="utf-8") as target:
        target.writelines(xes(event_log(connection)))


def book_measures(house: House, codes: Sequence[str] | None, *, at: datetime) -> list[Booking]:
    """Register an applicant and plan a call for every measure; `codes` None: for all of them.

    Raises:
        NotFound: no such measure.
    """
    with house.database.session() as session:
        wanted = _wanted(catalogue.measures(session), codes)
        calls = plan_calls(session, house, wanted, at=at)
        booked = []
        for number, measure in enumerate(wanted, start=1):
            applicant = enlist_for(session, house, measure, number=number, at=at)
            booked.append(booking(measure, applicant, calls[measure.code]))
    return booked


def _wanted(found: Sequence[LoadedMeasure], codes: Sequence[str] | None) -> Sequence[LoadedMeasure]:
    if codes is None:
        return found
    known = {measure.code: measure for measure in found}
    if unknown := [code for code in codes if code not in known]:
        raise NotFound(f"没有措施 {'、'.join(unknown)}。")
    return [known[code] for code in codes]


def reminding_notices(house: House) -> list[str]:
    """Return the names of the notices that remind somebody of a due date."""
    notices = house.cases.office.notices.notices.values()
    return [notice.name for notice in notices if notice.trigger in REMINDING]


def told(house: House, roots: Sequence[int]) -> list[dict[str, Any]]:
    """Return what became of each case, in the order they were opened."""
    with house.database.connect() as connection:
        found = summaries(connection, roots, reminding_notices(house))
        return [_row(case, path(connection, case.id)) for case in found]


def _row(case: Summary, states: list[str]) -> dict[str, Any]:
    ended = case.ended_at
    days = (local_date(ended) - local_date(case.created_at)).days if ended else None
    return {
        "id": case.measure,
        "family": case.family,
        "states": states,
        "final": case.state,
        "events": case.events,
        "reminders": case.reminders,
        "days": days,
    }
