"""`caseflow clock`: the present instant, and moving it where it is virtual."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from caseflow.batches.sweeps import sweep_all
from caseflow.cli.house import House, open_house
from caseflow.cli.output import facts, json_option, progress, show
from caseflow.clock import VirtualClock, clock_for, skew
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import InvalidInput, NotAllowed


@click.group()
def clock() -> None:
    """The present instant of this house; in rehearsals it is virtual and can be moved.

    Example: caseflow clock show
    """


@clock.command("show")
@json_option
def show_clock(*, as_json: bool) -> None:
    """Show the present instant, whether it is virtual, and how far off the machine's clock is.

    Example: caseflow clock show --json
    """
    with open_house() as house:
        result = _state(house)
    show(result, as_json=as_json, view=lambda: facts("时钟", result))


def _state(house: House) -> dict[str, Any]:
    present = clock_for(house.database.connect)
    at = present.now()
    return {
        "at": at,
        "shanghai": at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "virtual": isinstance(present, VirtualClock),
        "skew_ms": round(skew(house.database.connect).total_seconds() * 1000),
    }


@clock.command("move")
@click.argument("to")
@click.option(
    "--start",
    is_flag=True,
    help="Make this database virtual first: for ever, and only on this machine.",
)
@click.option("--sweep", is_flag=True, help="Then let everything happen that is due.")
@json_option
def move_clock(*, to: str, start: bool, sweep: bool, as_json: bool) -> None:  # fmt: skip
    """Move a virtual clock to TO: 2026-06-01, or 2026-06-01T09:00 (Asia/Shanghai unless it says).

    Example: caseflow clock move 2026-06-09 --sweep
    """
    at = _instant(to)
    with open_house() as house:
        _refuse(house, at, start=start)
        VirtualClock(house.database.connect).move_to(at)
        result = _state(house)
        if sweep:
            with progress("Sweeping") as step:
                swept = sweep_all(house.cases(), at, progress=lambda count: step(str(count)))
            result["swept"] = asdict(swept)
    show(result, as_json=as_json, view=lambda: facts("时钟", result))


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is no instant; write 2026-06-01 or 2026-06-01T09:00."
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=SHANGHAI)


def _refuse(house: House, at: datetime, *, start: bool) -> None:
    """Refuse to move the real time, and to go back."""
    present = clock_for(house.database.connect)
    if isinstance(present, VirtualClock):
        if at < present.now():
            now = present.now().astimezone(SHANGHAI)
            raise InvalidInput(f"The clock stands at {now:%Y-%m-%d %H:%M} and never goes back.")
        return
    if not start:
        raise NotAllowed("This house runs on the real time; --start makes a rehearsal of it.")
    if house.database.address.server is None or not house.settings.is_loopback:
        raise NotAllowed("Only the embedded database of a server on loopback can be made virtual.")
    with house.database.connect() as connection:
        row = connection.execute("SELECT max(at) FROM event").fetchone()
    if row and row[0] and at < row[0]:
        last = row[0].astimezone(SHANGHAI)
        raise InvalidInput(
            f"This database has a history up to {last:%Y-%m-%d %H:%M}; start the virtual clock"
            " later, or before 'caseflow policies load' in a fresh CASEFLOW_HOME."
        )
