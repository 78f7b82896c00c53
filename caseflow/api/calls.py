"""Routes of calls (申报通知、批次): what they say, how they move, what was let in late."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from marshmallow import fields, validate
from sqlalchemy import ColumnElement, and_, not_
from sqlalchemy.orm import Session

from caseflow.api.answers import answer_of
from caseflow.api.authority import refuse_call_planner
from caseflow.api.context import actor, driver, house, now, session, transaction
from caseflow.api.parsing import Blueprint, Body, Day, Line, Number, PageQuery, Prose, QueryFlag
from caseflow.api.rules import Rule, admits
from caseflow.batches.short_pools import refuse_strangers
from caseflow.catalogue import queries, service
from caseflow.catalogue.calls.queries import (
    DIVISION_HEAD,
    PUBLISHERS,
    CallFilter,
    LateView,
    Value,
    call_list,
    find,
    late_intakes,
    led_by,
    measure_code,
    published,
    refuse_others,
    values_of,
)
from caseflow.catalogue.calls.service import (
    Late,
    Mover,
    Particulars,
    ask_late,
    consent_late,
    locked,
    publish,
)
from caseflow.catalogue.models import Call
from caseflow.catalogue.service import Window
from caseflow.history.part import Place
from caseflow.history.queries import history
from caseflow.kernel.benefits.rounding import ROUNDINGS
from caseflow.kernel.calendar import local_date
from caseflow.kernel.calls import BATCH, BEFORE_CLOSING, PROCEDURES, STANDING, STATUSES, TITLES
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import MOST_FEN
from caseflow.kernel.pools import RULES

blueprint = Blueprint("calls", __name__, description="申报通知（批次）：发布、受理、逾期收件")
MOST_QUOTA: Final = 100_000
MOST_DAYS: Final = 30
MOST_EVENTS: Final = 1_000
"""More than a call can have: each of its steps is one."""


@dataclass(frozen=True)
class AskedDocument:
    """A document that a call asks for in addition to its measure's."""

    kind: str
    title: str


@dataclass(frozen=True)
class CallView:
    """A call for applications; both days of its window are inside.

    `procedure`: `batch` is reviewed, planned and publicised together, `standing` case by case.
    """

    public_id: str
    measure: str
    title: str
    procedure: str
    opens_on: date
    closes_on: date
    eligible_from: date | None
    eligible_to: date | None
    status: str
    status_title: str
    is_open: bool
    short_pool: str | None
    pool_fen: int | None
    quota: int | None
    publicity_days: int | None
    rounding: str | None
    documents: tuple[AskedDocument, ...]


@dataclass(frozen=True)
class Calls:
    """Calls, the last to open first; `next` is given back as `after`."""

    items: tuple[CallView, ...]
    next: str | None


@dataclass(frozen=True)
class CallDetail:
    """A call with the values that hold for its cases: its own before the measure's."""

    call: CallView
    values: tuple[Value, ...]
    moved_at: datetime | None


@dataclass(frozen=True)
class CallEvent:
    """Something that happened to a call; `payload` says from what, and what was decided."""

    seq: int
    at: datetime
    name: str
    actor: str
    actor_name: str
    payload: Mapping[str, Any]
    hash: str


@dataclass(frozen=True)
class CallEvents:
    """What happened to a call, the oldest first."""

    items: tuple[CallEvent, ...]


@dataclass(frozen=True)
class LateIntakes:
    """What was asked to be let in late, the oldest first."""

    items: tuple[LateView, ...]


class CallQuery(PageQuery):
    """Which calls are asked for; `open`: the window is open today."""

    measure = Line()
    status = Line(one_of=STATUSES)
    open = QueryFlag()


class NewDocument(Body):
    """A document that the call asks for; of the measure's own list its kind is enough."""

    kind = Line(required=True, longest=80)
    title = Line()


class NewCall(Body):
    """A call to be planned; `short_pool`: what is done when `pool_fen` (or the line) is short."""

    measure = Line(required=True)
    title = Line(required=True)
    procedure = Line(load_default=STANDING, one_of=PROCEDURES)
    opens_on = Day(required=True)
    closes_on = Day(required=True)
    eligible_from = Day()
    eligible_to = Day()
    short_pool = Line(one_of=RULES)
    pool_fen = Number(validate=validate.Range(min=1, max=MOST_FEN))
    quota = Number(validate=validate.Range(min=1, max=MOST_QUOTA))
    publicity_days = Number(validate=validate.Range(min=1, max=MOST_DAYS))
    rounding = Line(one_of=tuple(ROUNDINGS))
    documents = fields.List(fields.Nested(NewDocument), load_default=list)


class NewLate(Body):
    """Leave that is asked for: who may hand in to the end of which day, and why."""

    applicant = Line(required=True)
    until_on = Day(required=True)
    reason = Prose(required=True)


@blueprint.route("/calls")
@admits(Rule.EVERYBODY)
@blueprint.arguments(CallQuery, location="query")
@blueprint.response(200, answer_of(Calls))
def list_calls(wanted: dict[str, Any]) -> Calls:
    """List calls for applications, the last to open first; a batch once it is published."""
    return _page(published(), wanted)


@blueprint.route("/calls/planned")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, answer_of(Calls))
def list_planned_calls(wanted: dict[str, Any]) -> Calls:
    """List the batches that wait to be published: to the bureaus that lead them, and 审计."""
    return _page(and_(led_by(actor()), not_(published())), wanted)


def _page(seen: ColumnElement[bool], wanted: dict[str, Any]) -> Calls:
    today, limit = local_date(now()), wanted["limit"]
    is_open = today if wanted.get("open") else None
    asked = CallFilter(wanted.get("measure"), wanted.get("status"), is_open)
    rows = call_list(session(), seen, asked, after=wanted.get("after"), limit=limit + 1)
    items = tuple(_call(call, code, today) for call, code in rows[:limit])
    return Calls(items, items[-1].public_id if len(rows) > limit else None)


@blueprint.route("/calls/<public_id>")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(CallDetail))
def show_call(public_id: str) -> CallDetail:
    """Show a call and every value that holds for its cases, with whose it is."""
    call = find(session(), public_id)
    shown = _call(call, measure_code(session(), call), local_date(now()))
    return CallDetail(shown, values_of(session(), call), call.moved_at)


@blueprint.route("/calls/<public_id>/events")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(CallEvents))
def list_call_events(public_id: str) -> CallEvents:
    """Tell what happened to a call: for its lead bureau, 财政 and 审计."""
    call = find(session(), public_id)
    refuse_strangers(session(), actor(), call)
    rows = history(driver(), call.id, limit=MOST_EVENTS)
    names = CallEvent.__dataclass_fields__
    return CallEvents(tuple(CallEvent(**{n: getattr(row, n) for n in names}) for row in rows))


@blueprint.route("/calls", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewCall)
@blueprint.response(201, answer_of(CallView))
def plan_call(wanted: dict[str, Any]) -> CallView:
    """Plan a call. A standing one is public with that: the lead bureau's reviewer or leader may.

    A batch its handler may plan as well; it waits for a second person to publish it.
    """
    window = Window(
        opens_on=wanted["opens_on"],
        closes_on=wanted["closes_on"],
        eligible_from=wanted.get("eligible_from"),
        eligible_to=wanted.get("eligible_to"),
        says=_particulars(wanted),
    )
    with transaction() as current:
        measure = queries.measure(current, wanted["measure"])
        refuse_call_planner(actor(), measure, procedure=wanted["procedure"])
        call = service.plan_call(
            current,
            measure_code=wanted["measure"],
            title=wanted["title"],
            window=window,
            by=actor().id,
            at=now(),
            ids=house().cases.ids,
            signer=house().cases.office.signer,
        )
        _set_pool(current, call, wanted)
        return _call(call, wanted["measure"], local_date(now()))


@blueprint.route("/calls/<public_id>/publication", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(CallView))
def publish_call(public_id: str) -> CallView:
    """Publish a batch that somebody else has planned: the lead bureau's reviewer or leader may."""
    with transaction() as current:
        call = locked(current, public_id)
        publish(current, call, _mover(refuse_others(current, actor(), call, PUBLISHERS)))
        return _call(call, measure_code(current, call), local_date(now()))


@blueprint.route("/calls/<public_id>/late-intakes")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(LateIntakes))
def list_late_intakes(public_id: str) -> LateIntakes:
    """List what was asked to be let in late: for the lead bureau, 财政 and 审计."""
    call = find(session(), public_id)
    refuse_strangers(session(), actor(), call)
    return LateIntakes(late_intakes(session(), call))


@blueprint.route("/calls/<public_id>/late-intakes", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewLate)
@blueprint.response(201, answer_of(LateIntakes))
def ask_late_intake(wanted: dict[str, Any], public_id: str) -> LateIntakes:
    """Ask that one applicant may hand in late, with the reason: the section head may."""
    with transaction() as current:
        call = locked(current, public_id)
        mover = _mover(refuse_others(current, actor(), call, (DIVISION_HEAD,)))
        late = Late(wanted["applicant"], wanted["until_on"], wanted["reason"])
        ask_late(current, call, late, mover, ids=house().cases.ids)
        return LateIntakes(late_intakes(current, call))


@blueprint.route("/calls/<public_id>/late-intakes/<late_id>/consent", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(LateIntakes))
def consent_to_late_intake(public_id: str, late_id: str) -> LateIntakes:
    """Consent to what the section head asked: another person, the reviewer or the leader, may."""
    with transaction() as current:
        call = locked(current, public_id)
        mover = _mover(refuse_others(current, actor(), call, PUBLISHERS))
        consent_late(current, call, late_id, mover)
        return LateIntakes(late_intakes(current, call))


def _mover(place: Place) -> Mover:
    return Mover(actor().id, now(), house().cases.office.signer, place)


def _particulars(wanted: dict[str, Any]) -> Particulars:
    return Particulars(
        procedure=wanted["procedure"],
        quota=wanted.get("quota"),
        publicity_days=wanted.get("publicity_days"),
        rounding=wanted.get("rounding"),
        documents=tuple((each["kind"], each.get("title", "")) for each in wanted["documents"]),
    )


def _set_pool(current: Session, call: Call, wanted: dict[str, Any]) -> None:
    rule, fen = wanted.get("short_pool"), wanted.get("pool_fen")
    if rule is None and fen is not None:
        reason = "写明资金池金额的，须同时写明资金不足时的办法"
        raise InvalidInput(f"short_pool：{reason}。", fields={"short_pool": reason})
    if rule is not None:
        signer = house().cases.office.signer
        service.set_pool(current, call, rule=rule, fen=fen, by=actor().id, at=now(), signer=signer)


def _call(call: Call, measure: str, today: date) -> CallView:
    same = {
        name: getattr(call, name) for name in CallView.__dataclass_fields__ if hasattr(call, name)
    }
    running = ("open",) if call.procedure == BATCH else BEFORE_CLOSING
    asked = tuple(AskedDocument(each["kind"], each["title"]) for each in call.documents)
    return CallView(
        **{**same, "documents": asked},
        measure=measure,
        status_title=TITLES[call.status],
        is_open=call.status in running and call.opens_on <= today <= call.closes_on,
    )
