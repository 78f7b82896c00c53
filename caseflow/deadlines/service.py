"""Importing and confirming calendar years.

A trigger raises the calendar's version with every change. Afterwards the open clocks that reach
into the year (`queries.clocks_to_recompute`) must be recomputed through `act()`, which writes the
event.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from caseflow.deadlines.holidays import Day, Year, differing
from caseflow.deadlines.models import CalendarDay, CalendarYear
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound


def import_year(
    session: Session, year: int, *, source: str, days: Iterable[Day], by: int, at: datetime
) -> None:
    """Put a notice's days in place of the year's; it is good once a second person confirms it.

    Days that agree with the week are left out. Importing a confirmed year anew takes its
    confirmation back: deadlines that reach into it are provisional until it is confirmed again.

    Raises:
        InvalidInput: no source, a day of another year, or a day named twice.
    """
    given = tuple(days)
    _refuse_faults(year, source, given)
    _replace(session, Year(year, source, differing(given, year)), "imported", by=by, at=at)


def import_statutory_year(session: Session, days: Year, *, at: datetime) -> None:
    """Put the statutory days of a year that is not announced, for provisional deadlines.

    Raises:
        Conflict: the year's notice is already imported.
    """
    known = session.get(CalendarYear, days.year, with_for_update=True, populate_existing=True)
    if known is not None and known.status != "statutory":
        raise Conflict(f"{days.year}年放假通知已导入，不能再以法定节假日代替。")
    _replace(session, days, "statutory", by=None, at=at)


def confirm_year(session: Session, year: int, *, by: int, at: datetime) -> None:
    """Confirm an imported year; from then on deadlines in it are exact.

    Raises:
        NotFound: the year is not imported.
        Conflict: it is confirmed already, or holds statutory days only.
        NotAllowed: `by` imported it; it takes a second person.
    """
    known = session.get(CalendarYear, year, with_for_update=True, populate_existing=True)
    if known is None:
        raise NotFound(f"{year}年日历尚未导入；请先导入放假通知。")
    if known.status != "imported":
        state = "已确认" if known.status == "confirmed" else "仅有法定节假日，没有放假通知"
        raise Conflict(f"{year}年日历{state}，不能确认。")
    if known.imported_by == by:
        raise NotAllowed(f"{year}年日历须由导入人以外的第二人确认。")
    known.status, known.confirmed_by, known.confirmed_at = "confirmed", by, at
    session.flush()


def _refuse_faults(year: int, source: str, days: tuple[Day, ...]) -> None:
    if not source.strip():
        raise InvalidInput("须注明放假通知的来源。", fields={"source": "不能为空"})
    strange = sorted(each.day for each in days if each.day.year != year)
    twice = sorted(day for day, count in Counter(each.day for each in days).items() if count > 1)
    for faulty, reason in ((strange, f"不属于{year}年"), (twice, "重复")):
        if faulty:
            named = "、".join(str(day) for day in faulty)
            raise InvalidInput(f"{named}{reason}。", fields={"days": f"{named}{reason}"})


def _replace(session: Session, days: Year, status: str, *, by: int | None, at: datetime) -> None:
    """Write the year and its days; the row's lock serialises two imports of one year."""
    values = {
        "status": status,
        "source": days.source,
        "imported_by": by,
        "imported_at": at,
        "confirmed_by": None,
        "confirmed_at": None,
    }
    upsert = insert(CalendarYear).values(year=days.year, **values)
    session.execute(upsert.on_conflict_do_update(index_elements=["year"], set_=values))
    session.execute(delete(CalendarDay).where(CalendarDay.year == days.year))
    rows = [
        {"day": each.day, "year": days.year, "kind": each.kind, "name": each.name}
        for each in days.days
    ]
    if rows:
        session.execute(insert(CalendarDay).values(rows))
