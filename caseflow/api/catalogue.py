"""Routes of the catalogue: policies, and measures with their workflows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from flask import Response, json

from caseflow.api.answers import answer_of
from caseflow.api.context import now, session
from caseflow.api.parsing import (
    Blueprint,
    Body,
    Line,
    QueryNumber,
)
from caseflow.api.rules import Rule, admits
from caseflow.catalogue import queries
from caseflow.catalogue.drawing import mermaid, svg
from caseflow.catalogue.parameters.queries import parameters_on
from caseflow.catalogue.queries import LoadedMeasure, LoadedPolicy, MeasureFilter
from caseflow.catalogue.quoting import facts_listing
from caseflow.identity.queries import organisation
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import NotFound

blueprint = Blueprint("catalogue", __name__, description="政策、条款与流程")

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
