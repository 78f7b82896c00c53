"""Routes of a policy's versions: which there are, and how one differs from another."""

from dataclasses import dataclass
from typing import Any

from marshmallow import validate

from caseflow.api.answers import answer_of
from caseflow.api.context import now, session
from caseflow.api.parsing import Blueprint, Body, QueryNumber
from caseflow.api.rules import Rule, admits
from caseflow.catalogue import queries
from caseflow.catalogue.differences import Change, MeasureChanges
from caseflow.catalogue.queries import StoredVersion
from caseflow.kernel.calendar import local_date

blueprint = Blueprint("versions", __name__, description="政策的各版本及其差异")


@dataclass(frozen=True)
class Versions:
    """Every version of a policy, the first first."""

    policy: str
    items: tuple[StoredVersion, ...]


@dataclass(frozen=True)
class PolicyDifference:
    """How version `after` differs from `before`; `text` has the lines of a unified diff."""

    policy: str
    before: StoredVersion
    after: StoredVersion
    changes: tuple[Change, ...]
    measures_added: tuple[str, ...]
    measures_removed: tuple[str, ...]
    measures_changed: tuple[MeasureChanges, ...]
    text: tuple[str, ...]


class DiffQuery(Body):
    """Which versions are compared: the current one with the one before it, unless said."""

    begin = QueryNumber(data_key="from", validate=validate.Range(min=1))
    end = QueryNumber(data_key="to", validate=validate.Range(min=1))


@blueprint.route("/policies/<code>/versions")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(Versions))
def list_versions(code: str) -> Versions:
    """List the versions of a policy; the current one with its legal status today."""
    found = queries.policy_versions(session(), code, on=local_date(now()))
    return Versions(code, found)


@blueprint.route("/policies/<code>/diff")
@admits(Rule.EVERYBODY)
@blueprint.arguments(DiffQuery, location="query")
@blueprint.response(200, answer_of(PolicyDifference))
def show_difference(wanted: dict[str, Any], code: str) -> PolicyDifference:
    """Show how a version of a policy differs from another, field by field and line by line."""
    found = queries.version_difference(session(), code, on=local_date(now()), **wanted)
    difference = found.difference
    return PolicyDifference(
        policy=code,
        before=found.before,
        after=found.after,
        changes=difference.policy,
        measures_added=difference.measures_added,
        measures_removed=difference.measures_removed,
        measures_changed=difference.measures_changed,
        text=difference.text,
    )
