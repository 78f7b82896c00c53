"""Routes of the house itself: its health, and its clock."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select

from caseflow import __version__
from caseflow.api.answers import answer_of
from caseflow.api.context import house, now, session
from caseflow.api.parsing import Blueprint, Body, Instant
from caseflow.api.rules import Rule, admits
from caseflow.batches.models import Sweep
from caseflow.batches.sweeps import sweep_all
from caseflow.clock import VirtualClock
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput, NotAllowed

blueprint = Blueprint("house", __name__, description="运行状况与时钟")


@dataclass(frozen=True)
class SweepView:
    """When the worker last looked for what is due."""

    name: str
    last_at: datetime
    acted: int


@dataclass(frozen=True)
class Health:
    """That the program and its database answer."""

    status: str
    version: str
    at: datetime
    sweeps: tuple[SweepView, ...]


@dataclass(frozen=True)
class Present:
    """The present instant, the day it is in Asia/Shanghai, and whose clock says so."""

    at: datetime
    today: date
    kind: str


@dataclass(frozen=True)
class ClockMoved:
    """The clock after it was moved, and what fell due on the way."""

    clock: Present
    acted: int
    reminded: int
    publicised: int


class Move(Body):
    """Where the virtual clock shall stand; never before it stands now."""

    to = Instant(required=True)


@blueprint.route("/health")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(Health))
def show_health() -> Health:
    """Say whether the program and its database answer."""
    rows = session().scalars(select(Sweep).order_by(Sweep.name))
    sweeps = tuple(SweepView(name=row.name, last_at=row.last_at, acted=row.acted) for row in rows)
    return Health(status="ok", version=__version__, at=now(), sweeps=sweeps)


@blueprint.route("/clock")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(Present))
def show_clock() -> Present:
    """Show the present instant."""
    return _view(now())


@blueprint.route("/clock", methods=["POST"])
@admits(Rule.LOOPBACK)
@blueprint.arguments(Move)
@blueprint.response(200, answer_of(ClockMoved))
def move_clock(wanted: dict[str, Any]) -> ClockMoved:
    """Move the virtual clock forward and let happen what falls due; in rehearsals only."""
    clock, to = house().clock, wanted["to"]
    if not isinstance(clock, VirtualClock):
        raise NotAllowed("本机使用系统时钟，不能拨动；只有演练（demo）的虚拟时钟可以。")
    if to < now():
        reason = f"不能早于现在的 {now().isoformat()}"
        raise InvalidInput(f"to：{reason}。", fields={"to": reason})
    clock.move_to(to)
    swept = sweep_all(house().cases, to)
    return ClockMoved(
        clock=_view(clock.now()),
        acted=swept.timers.acted,
        reminded=swept.timers.reminded,
        publicised=swept.publicised,
    )


def _view(at: datetime) -> Present:
    kind = "virtual" if isinstance(house().clock, VirtualClock) else "system"
    return Present(at=at, today=local_date(at), kind=kind)
