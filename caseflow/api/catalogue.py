"""Routes of the catalogue: policies, measures with their workflows, and calls (申报通知)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from flask import Response, json
from marshmallow import validate
from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.api.answers import answer_of
from caseflow.api.authority import refuse_call_planner
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.parsing import (
    Blueprint,
    Body,
    Day,
    Line,
    Number,
    PageQuery,
    QueryFlag,
    QueryNumber,
)
from caseflow.api.rules import Rule, admits
from caseflow.catalogue import queries, service
from caseflow.catalogue.drawing import mermaid, svg
from caseflow.catalogue.models import Call, Measure
from caseflow.catalogue.parameters.queries import parameters_on
from caseflow.catalogue.queries import LoadedMeasure, LoadedPolicy, MeasureFilter
from caseflow.catalogue.quoting import facts_listing
from caseflow.catalogue.service import Window
from caseflow.identity.queries import organisation
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput, NotFound
from caseflow.kernel.money import MOST_FEN
from caseflow.kernel.pools import RULES

blueprint = Blueprint("catalogue", __name__, description="政策、条款、流程与申报通知")

FORMATS: Final = ("data", "svg", "mermaid")
LOWER_END: Final = "range_low"


@dataclass(frozen=True)
class PolicyLine:
    """A policy document's current version and its legal status today."""

    code: str
    city: str
    title: str
    document_no: str | None
    status: str
    issued_on: date | None
    effective_from: date | None
    effective_to: date | None
    version: int
    content_hash: str


@dataclass(frozen=True)
class Policies:
    """Every loaded policy, by code."""

    items: tuple[PolicyLine, ...]


@dataclass(frozen=True)
class MeasureLine:
    """A measure (条款); amounts in whole yuan and rates in percent, as the clause writes them."""

    id: str
    policy: str
    article: int
    title: str
    family: str
    clause: str
    amounts_yuan: tuple[int, ...]
    rates_pct: tuple[str, ...]
    bureaus: tuple[str, ...]
    applicants: tuple[str, ...]
    open_questions: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Measures:
    """Measures, by policy and in the order of their ids."""

    items: tuple[MeasureLine, ...]


@dataclass(frozen=True)
class PolicyDetail:
    """A policy with its measures, its rules, its words and its whole definition."""

    policy: PolicyLine
    measures: tuple[MeasureLine, ...]
    scope: Mapping[str, Any]
    overlap: Mapping[str, Any]
    change: Mapping[str, Any]
    split: Mapping[str, Any] | None
    indicators: tuple[Mapping[str, Any], ...]
    text: str
    definition: Mapping[str, Any]


@dataclass(frozen=True)
class MeasureDetail:
    """A measure with its whole definition and the hashes of its workflows."""

    measure: MeasureLine
    policy_status: str
    definition: Mapping[str, Any]
    facts: tuple[Mapping[str, Any], ...]
    workflow_hash: str
    children: Mapping[str, str]


@dataclass(frozen=True)
class CallView:
    """A call for applications; both days of its window are inside."""

    public_id: str
    measure: str
    title: str
    opens_on: date
    closes_on: date
    eligible_from: date | None
    eligible_to: date | None
    status: str
    is_open: bool
    short_pool: str | None
    pool_fen: int | None


@dataclass(frozen=True)
class Calls:
    """Calls, the last to open first; `next` is given back as `after`."""

    items: tuple[CallView, ...]
    next: str | None


class MeasureQuery(Body):
    """Which measures are asked for."""

    policy = Line()
    city = Line()
    article = QueryNumber()
    family = Line()
    applicant = Line()
    bureau = Line(metadata={"description": "部门代码或编号"})


class WorkflowQuery(Body):
    """How the workflow is to be shown, and of which kind of child case if not the measure's own."""

    format = Line(load_default="data", one_of=FORMATS)
    child = Line()


class CallQuery(PageQuery):
    """Which calls are asked for; `open`: the window is open today."""

    measure = Line()
    status = Line(one_of=("planned", "open", "closed"))
    open = QueryFlag()


class NewCall(Body):
    """A call to be planned; `short_pool`: what is done when `pool_fen` (or the line) is short."""

    measure = Line(required=True)
    title = Line(required=True)
    opens_on = Day(required=True)
    closes_on = Day(required=True)
    eligible_from = Day()
    eligible_to = Day()
    short_pool = Line(one_of=RULES)
    pool_fen = Number(validate=validate.Range(min=1, max=MOST_FEN))


@blueprint.route("/policies")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(Policies))
def list_policies() -> Policies:
    """List the policies with their legal status today."""
    found = queries.policies(session(), on=local_date(now()))
    return Policies(tuple(_policy(each) for each in found))


@blueprint.route("/policies/<code>")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(PolicyDetail))
def show_policy(code: str) -> PolicyDetail:
    """Show a policy with its measures and its words."""
    found = queries.policy(session(), code, on=local_date(now()))
    measures = queries.measures(session(), MeasureFilter(policy=code))
    definition = found.version.definition
    return PolicyDetail(
        policy=_policy(found),
        measures=tuple(map(_measure, measures)),
        **{name: definition[name] for name in ("scope", "overlap", "change", "split")},
        indicators=tuple(definition.get("indicators", ())),  # older versions have no such field
        text=found.version.text,
        definition=definition,
    )


@blueprint.route("/measures")
@admits(Rule.EVERYBODY)
@blueprint.arguments(MeasureQuery, location="query")
@blueprint.response(200, answer_of(Measures))
def list_measures(wanted: dict[str, Any]) -> Measures:
    """List measures by policy, city, article, family, kind of applicant or bureau."""
    bureau = wanted.pop("bureau", None)
    number = organisation(session(), bureau).id if bureau is not None else None
    found = queries.measures(session(), MeasureFilter(**wanted, organisation_id=number))
    return Measures(tuple(map(_measure, found)))


@blueprint.route("/measures/<code>")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(MeasureDetail))
def show_measure(code: str) -> MeasureDetail:
    """Show a measure: its clause word for word, and everything that follows from it."""
    found, today = queries.measure(session(), code), local_date(now())
    settled = parameters_on(session(), found.id, on=today)
    return MeasureDetail(
        measure=_measure(found),
        policy_status=queries.status_on(found.policy, today),
        definition=found.version.definition,
        facts=tuple(facts_listing(found.version.definition, settled)),
        workflow_hash=found.version.workflow_hash,
        children=found.version.children,
    )


@blueprint.route("/measures/<code>/workflow")
@admits(Rule.EVERYBODY)
@blueprint.arguments(WorkflowQuery, location="query")
@blueprint.response(200, {"type": "object"}, description="JSON, SVG or Mermaid text")
def show_workflow(wanted: dict[str, Any], code: str) -> Response:
    """Show the measure's compiled workflow: as data, as a picture (svg), or as Mermaid."""
    version = queries.measure(session(), code).version
    child = wanted.get("child")
    if child is not None and child not in version.children:
        raise NotFound(f"{code} 没有子办件 {child!r}；有：{'、'.join(version.children) or '无'}。")
    workflow_hash = version.workflow_hash if child is None else version.children[child]
    compiled = queries.workflow(session(), workflow_hash)
    if wanted["format"] == "svg":
        return Response(svg(compiled), content_type="image/svg+xml; charset=utf-8")
    if wanted["format"] == "mermaid":
        return Response(mermaid(compiled), content_type="text/plain; charset=utf-8")
    text = json.dumps({"hash": compiled.hash, **compiled.to_data()})
    return Response(text, content_type="application/json")


@blueprint.route("/calls")
@admits(Rule.EVERYBODY)
@blueprint.arguments(CallQuery, location="query")
@blueprint.response(200, answer_of(Calls))
def list_calls(wanted: dict[str, Any]) -> Calls:
    """List calls for applications, the last to open first."""
    today = local_date(now())
    found = queries.calls(
        session(),
        measure_code=wanted.get("measure"),
        status=wanted.get("status"),
        open_on=today if wanted.get("open") else None,
    )
    names = [call.public_id for call in found]
    begin = _begin(names, wanted.get("after"))
    page = found[begin : begin + wanted["limit"]]
    more = begin + wanted["limit"] < len(found)
    codes = {row.id: row.code for row in session().execute(select(Measure.id, Measure.code))}
    items = tuple(_call(call, codes[call.measure_id], today) for call in page)
    return Calls(items, items[-1].public_id if more else None)


@blueprint.route("/calls", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewCall)
@blueprint.response(201, answer_of(CallView))
def plan_call(wanted: dict[str, Any]) -> CallView:
    """Plan a call: the lead bureau's reviewer or leader may."""
    window = Window(
        opens_on=wanted["opens_on"],
        closes_on=wanted["closes_on"],
        eligible_from=wanted.get("eligible_from"),
        eligible_to=wanted.get("eligible_to"),
    )
    with transaction() as current:
        refuse_call_planner(actor(), queries.measure(current, wanted["measure"]))
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


def _set_pool(current: Session, call: Call, wanted: dict[str, Any]) -> None:
    rule, fen = wanted.get("short_pool"), wanted.get("pool_fen")
    if rule is None and fen is not None:
        reason = "写明资金池金额的，须同时写明资金不足时的办法"
        raise InvalidInput(f"short_pool：{reason}。", fields={"short_pool": reason})
    if rule is not None:
        signer = house().cases.office.signer
        service.set_pool(current, call, rule=rule, fen=fen, by=actor().id, at=now(), signer=signer)


def _begin(names: list[str], after: str | None) -> int:
    if after is None:
        return 0
    if after not in names:
        raise InvalidInput(f"after：没有 {after!r}。", fields={"after": "不是上一页的 next"})
    return names.index(after) + 1


def _policy(found: LoadedPolicy) -> PolicyLine:
    version = found.version
    return PolicyLine(
        code=found.code,
        city=found.city,
        title=version.title,
        document_no=version.document_no,
        status=found.status,
        issued_on=version.issued_on,
        effective_from=version.effective_from,
        effective_to=version.effective_to,
        version=version.version,
        content_hash=version.content_hash,
    )


def _measure(found: LoadedMeasure) -> MeasureLine:
    definition = found.version.definition
    benefit = definition["benefit"]
    return MeasureLine(
        id=found.code,
        policy=found.policy_code,
        article=found.version.article,
        title=found.version.title,
        family=found.version.family,
        clause=definition["clause"],
        amounts_yuan=tuple(a["yuan"] for a in benefit["amounts"] if a["kind"] != LOWER_END),
        rates_pct=tuple(rate["percent"] for rate in benefit["rates"]),
        bureaus=tuple(definition["bureaus"]),
        applicants=tuple(definition["applicants"]),
        open_questions=tuple(definition["open_questions"]),
    )


def _call(call: Call, measure: str, today: date) -> CallView:
    return CallView(
        public_id=call.public_id,
        measure=measure,
        title=call.title,
        opens_on=call.opens_on,
        closes_on=call.closes_on,
        eligible_from=call.eligible_from,
        eligible_to=call.eligible_to,
        status=call.status,
        is_open=call.status != "closed" and call.opens_on <= today <= call.closes_on,
        short_pool=call.short_pool,
        pool_fen=call.pool_fen,
    )
