"""Loading policies as versions, planning and moving calls, and the end of a policy's life."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from caseflow.catalogue import queries, versions
from caseflow.catalogue.calls.service import NOTHING_MORE, Mover, Particulars, move, publish
from caseflow.catalogue.cities import City
from caseflow.catalogue.models import Call, Measure, MeasureVersion, PolicyVersion
from caseflow.catalogue.policies import PolicyFiles
from caseflow.catalogue.versions import Workflows
from caseflow.database.ids import PublicIds
from caseflow.history import service as history
from caseflow.history.part import Signer
from caseflow.identity.service import LOADING_LOCK, ensure_system_person
from caseflow.kernel.calendar import local_date
from caseflow.kernel.calls import BEFORE_CLOSING, STANDING
from caseflow.kernel.errors import Conflict, InvalidInput, PolicyClosed
from caseflow.kernel.money import MOST_FEN
from caseflow.kernel.pools import RULES

WARNINGS: Final = (90, 60, 30, 7)
"""Days before a policy's last day on which its end is announced. (domain handbook 5.4)"""

CLOSED: Final = {
    "consultation_draft": "a consultation draft (征求意见稿) is no legal basis",
    "expired": "it has expired",
    "lapsed": "the draft has lapsed",
    "repealed": "it is repealed",
    "suspended": "it is suspended",
    "replaced": "another policy has replaced it",
}
"""Why a policy in one of these states opens no call. (优化营商环境条例 64)"""

SUSPENDED: Final = "suspended"
"""Its calls wait: they take nothing now, and go on when the policy does."""

MAX_TITLE: Final = 200


@dataclass(frozen=True)
class Window:
    """The days of a call, both ends inside: when to apply, and when the matter must lie.

    No eligible period: the whole life of the policy. `says`: what else the call says.
    """

    opens_on: date
    closes_on: date
    eligible_from: date | None = None
    eligible_to: date | None = None
    says: Particulars = NOTHING_MORE


DAYS: Final = ("opens_on", "closes_on", "eligible_from", "eligible_to")


def load_policy(
    session: Session,
    files: PolicyFiles,
    workflows: Workflows,
    *,
    city: City,
    by: int,
    at: datetime,
    signer: Signer,
) -> PolicyVersion:
    """Make what the files say the policy's current version; the same content again does nothing.

    What counts as content says `versions.digest`. Cases keep the version they pinned, and content
    that was current before becomes current again under its old number. Calls that have lost
    their measure, or their policy's force, are closed.

    Raises:
        NotFound: the city is not loaded.
        Conflict: a measure of this id belongs to another policy, or the policy is repealed or
            replaced.
    """
    session.execute(select(func.pg_advisory_xact_lock(LOADING_LOCK)))
    policy = versions.policy_row(session, files)
    content = versions.digest(files, workflows, city)
    before = versions.current(session, policy)
    if before is not None and before.content_hash == content:
        return before
    versions.refuse_over(before)
    after = versions.with_content(session, policy, content)
    if after is not None:
        versions.make_current(session, before, after)
    else:
        after = versions.new_version(session, policy, files, content=content, before=before, at=at)
        versions.make_current(session, before, after)
        versions.store_measures(session, after, files, workflows, city=city)
        versions.store_indicators(session, after, files, city=city)
    payload = versions.difference(session, before, after)
    hand = Mover(by, at, signer)
    _record(session, policy.id, "policy_loaded", payload, hand)
    _close_stranded_calls(session, after, hand)
    return after


def _close_stranded_calls(session: Session, version: PolicyVersion, hand: Mover) -> None:
    """Close the calls of a policy that takes no applications now, or has dropped the measure."""
    query = select(MeasureVersion.measure_id).where(MeasureVersion.policy_version_id == version.id)
    rests = version.status in CLOSED and version.status != SUSPENDED
    kept = frozenset() if rests else frozenset(session.scalars(query))
    calls = _live_calls(session, version)
    _move_calls(session, [c for c in calls if c.measure_id not in kept], "closed", hand)


def plan_call(
    session: Session,
    *,
    measure_code: str,
    title: str,
    window: Window,
    by: int,
    at: datetime,
    ids: PublicIds,
    signer: Signer,
) -> Call:
    """Plan a call (申报通知) for one measure; a standing call is public with that, a batch is not.

    Raises:
        NotFound: no such measure.
        PolicyClosed: the policy is a draft, expired, lapsed or repealed on the day of planning.
        InvalidInput: the window is over, turned round, or leaves the policy's life; no title; a
            particular that cannot be.
    """
    measure = queries.measure(session, measure_code)
    today, hand = local_date(at), Mover(by, at, signer)
    _refuse_closed(measure, today)
    _check_window(window, measure.policy, today)
    window.says.check()
    days = {name: getattr(window, name) for name in DAYS}
    said = window.says.columns()
    call = Call(
        public_id=ids.new(), measure_id=measure.id, title=_title(title), status="planned",
        planned_by=by, moved_at=at, **days, **said,
    )  # fmt: skip
    session.add(call)
    session.flush()
    payload = {"measure": measure_code, "title": call.title, **_as_text(days), **said}
    _record(session, call.id, "call_planned", payload, hand)
    return publish(session, call, hand) if call.procedure == STANDING else call


def set_pool(
    session: Session,
    call: Call,
    *,
    rule: str,
    fen: int | None,
    by: int,
    at: datetime,
    signer: Signer,
) -> Call:
    """Let a call say what is done when its pool is short, and what the pool is; said once.

    No sum: the pool is what the budget line has. The words are those of `kernel.pools`.

    Raises:
        InvalidInput: no such rule, no sum above nothing. Conflict: said before, or closed.
    """
    if rule not in RULES:
        raise _refusal("short_pool", f"{rule!r} is none of {', '.join(RULES)}")
    if fen is not None and not (type(fen) is int and 0 < fen <= MOST_FEN):
        raise _refusal("pool_fen", "a whole number of fen above nothing")
    if call.short_pool is not None or call.status not in BEFORE_CLOSING:
        raise Conflict(f"申报通知《{call.title}》已写明资金不足的办法或已截止，不得更改。")
    call.short_pool, call.pool_fen = rule, fen
    payload = {"short_pool": rule, "pool_fen": fen}
    _record(session, call.id, "call_pool_set", payload, Mover(by, at, signer))
    return call


def _refuse_closed(measure: queries.LoadedMeasure, today: date) -> None:
    status = queries.status_on(measure.policy, today)
    if status in CLOSED:
        raise PolicyClosed(
            f"{measure.code} opens no call: {measure.policy.title}: {CLOSED[status]}.",
            policy=measure.policy_code,
            status=status,
        )


def _check_window(window: Window, policy: PolicyVersion, today: date) -> None:
    if window.closes_on < today:
        raise _refusal("closes_on", f"{window.closes_on} is over")
    _check_days(("opens_on", window.opens_on), ("closes_on", window.closes_on), policy)
    begins, ends = window.eligible_from, window.eligible_to
    _check_days(("eligible_from", begins), ("eligible_to", ends), policy)


def _check_days(
    first: tuple[str, date | None], last: tuple[str, date | None], policy: PolicyVersion
) -> None:
    """Refuse a period that is turned round or reaches out of the policy's life, ends included."""
    if first[1] is not None and last[1] is not None and last[1] < first[1]:
        raise _refusal(last[0], f"{last[1]} is before {first[0]} {first[1]}")
    begins, ends = policy.effective_from, policy.effective_to
    for name, day in (first, last):
        if day is None or begins is None or ends is None or begins <= day <= ends:
            continue
        raise _refusal(name, f"{day} is outside the policy's life, {begins} to {ends}")


def _title(text: str) -> str:
    title = text.strip()
    if not title or len(title) > MAX_TITLE or not title.isprintable():
        raise _refusal("title", f"1 to {MAX_TITLE} printable characters")
    return title


def open_due_calls(session: Session, on: date, *, at: datetime, signer: Signer) -> list[Call]:
    """Open the published calls whose first day has come, if the policy is in force on that day.

    Calls another worker is just moving are left to it.
    """
    query = (
        select(Call)
        .join(Measure, Measure.id == Call.measure_id)
        .join(PolicyVersion, PolicyVersion.policy_id == Measure.policy_id)
        .where(Call.status == "published", Call.opens_on <= on, Call.closes_on >= on)
        .where(PolicyVersion.current, PolicyVersion.status == "in_force")
        .where(PolicyVersion.effective_from <= on, PolicyVersion.effective_to >= on)
        .order_by(Call.id)
        .with_for_update(of=Call, skip_locked=True)
    )
    due = session.scalars(query).all()
    return _move_calls(session, due, "open", _system(session, at, signer))


def close_due_calls(session: Session, on: date, *, at: datetime, signer: Signer) -> list[Call]:
    """Close the calls whose last day is before `on`, also those that never opened."""
    query = (
        select(Call)
        .where(Call.status.in_(BEFORE_CLOSING), Call.closes_on < on)
        .order_by(Call.id)
        .with_for_update(skip_locked=True)
    )
    due = session.scalars(query).all()
    return _move_calls(session, due, "closed", _system(session, at, signer))


def _move_calls(session: Session, calls: Sequence[Call], status: str, hand: Mover) -> list[Call]:
    for call in calls:
        move(session, call, status, hand)
    return list(calls)


def expire_policies(
    session: Session, on: date, *, at: datetime, signer: Signer
) -> list[tuple[PolicyVersion, str]]:
    """End the life of policies whose last day is before `on`, and close their calls with them.

    A document in force becomes `expired`; a consultation draft that was never issued `lapsed`.
    Cases in flight go on.
    """
    query = (
        select(PolicyVersion)
        .where(PolicyVersion.current, PolicyVersion.status.in_(queries.ENDED))
        .where(PolicyVersion.effective_to < on)
        .order_by(PolicyVersion.id)
        .with_for_update(skip_locked=True)
    )
    hand, ended = _system(session, at, signer), []
    for version in session.scalars(query).all():
        version.status = queries.ENDED[version.status]
        calls = _move_calls(session, _live_calls(session, version), "closed", hand)
        payload = {"version": version.version, "calls_closed": [call.id for call in calls]}
        _record(session, version.policy_id, f"policy_{version.status}", payload, hand)
        ended.append((version, version.status))
    return ended


def close_calls(
    session: Session, version: PolicyVersion, *, by: int, at: datetime, signer: Signer
) -> list[Call]:
    """Close every call of a policy that is over, with an event each."""
    return _move_calls(session, _live_calls(session, version), "closed", Mover(by, at, signer))


def _live_calls(session: Session, version: PolicyVersion) -> Sequence[Call]:
    query = (
        select(Call)
        .join(Measure, Measure.id == Call.measure_id)
        .where(Measure.policy_id == version.policy_id, Call.status.in_(BEFORE_CLOSING))
        .order_by(Call.id)
        .with_for_update(of=Call)
    )
    return session.scalars(query).all()


def expiry_warnings(
    session: Session, on: date, *, since: date | None = None
) -> list[tuple[PolicyVersion, int]]:
    """Return the policies whose end is to be announced on `on`, with the days left.

    `since` is the day of the last announcement (yesterday if not given): what fell due while no
    worker ran is announced late, once, with the days that are really left.
    """
    last = on - timedelta(days=1) if since is None else since
    query = (
        select(PolicyVersion)
        .where(PolicyVersion.current, PolicyVersion.status.in_(queries.ENDED))
        .where(PolicyVersion.effective_to >= on)
        .order_by(PolicyVersion.effective_to, PolicyVersion.id)
    )
    found = []
    for version in session.scalars(query):
        assert version.effective_to is not None
        left, left_before = (version.effective_to - on).days, (version.effective_to - last).days
        if any(left <= days < left_before for days in WARNINGS):
            found.append((version, left))
    return found


def _system(session: Session, at: datetime, signer: Signer) -> Mover:
    return Mover(ensure_system_person(session).id, at, signer)


def _record(
    session: Session, stream: int, name: str, payload: Mapping[str, Any], hand: Mover
) -> None:
    history.append(
        session,
        stream=stream,
        name=name,
        actor_id=hand.by,
        payload=payload,
        at=hand.at,
        signer=hand.signer,
    )


def _as_text(days: Mapping[str, date | None]) -> dict[str, str | None]:
    return {name: day.isoformat() if day else None for name, day in days.items()}


def _refusal(field: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{field}: {reason}.", fields={field: reason})
