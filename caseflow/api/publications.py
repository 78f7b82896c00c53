"""Routes of new versions while cases run: dry runs, publications, migrations of cases."""

from typing import Any

from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, house, now, session
from caseflow.api.parsing import Blueprint, Body, Line, Number, PageQuery
from caseflow.api.rules import Rule, admits
from caseflow.batches.case_migrations.models import ITEM_STATUSES
from caseflow.batches.case_migrations.queries import (
    MigrationItemPage,
    MigrationLine,
    MigrationPage,
    item_list,
    migration_line,
    migration_list,
)
from caseflow.batches.case_migrations.running import Ran, run
from caseflow.batches.case_migrations.service import Proposal, approve, propose, withdraw
from caseflow.batches.publications.candidates import current_version, read_candidate
from caseflow.batches.publications.plans import read_plan, read_plans
from caseflow.batches.publications.queries import PublicationPage, publication_list
from caseflow.batches.publications.service import (
    DryRun,
    Published,
    Words,
    dry_run,
    publish,
    publishers_seat,
)
from caseflow.catalogue.places import data_root
from caseflow.kernel.errors import NotFound

blueprint = Blueprint("publications", __name__, description="新版本：试算、发布、办件迁移")
LONGEST = 1000
MOST_CASES = 1000
MOST_AT_ONCE = 500
"""Cases of one run by HTTP; run again, it goes on."""


class NewDryRun(Body):
    """The plan to try: `{measure: {states, stay, clocks, treatment}}`."""

    plan = fields.Raw(load_default=dict)


class NewPublication(NewDryRun):
    """The plan, why, and by which document."""

    reason = Line(required=True, longest=LONGEST)
    document_no = Line(required=True, longest=100)


class NewMigration(Body):
    """Which cases move by which plan; without them all, by the plan of the publication."""

    plan = fields.Raw()
    cases = fields.List(Line(), validate=validate.Length(1, MOST_CASES))
    change = Line()
    reason = Line(required=True, longest=LONGEST)
    basis = Line(required=True, longest=LONGEST)
    document_no = Line(required=True, longest=100)


class MigrationQuery(PageQuery):
    """Of which measure the migrations are asked for."""

    measure = Line()


class ItemQuery(PageQuery):
    """Which cases of a migration are asked for."""

    status = Line(one_of=ITEM_STATUSES)


class MigrationWithdrawal(Body):
    """Why a proposal is withdrawn."""

    reason = Line(required=True, longest=LONGEST)


class NewRun(Body):
    """How many cases to settle in this request at most."""

    limit = Number(load_default=MOST_AT_ONCE, validate=validate.Range(1, MOST_AT_ONCE))


@blueprint.route("/policies/<code>/dry-runs", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewDryRun)
@blueprint.response(200, answer_of(DryRun))
def try_version(wanted: dict[str, Any], code: str) -> DryRun:
    """Tell what publishing what the server's files say would do to every running case."""
    with house().cases.database.session() as current:
        before = current_version(current, code)
        if before is None:
            raise NotFound(f"没有政策 {code!r}。")
        publishers_seat(current, actor(), before)
        plans, candidate = read_plans(wanted["plan"]), read_candidate(data_root(), code)
        return dry_run(current, house().cases, candidate, plans, now())


@blueprint.route("/policies/<code>/publications")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, answer_of(PublicationPage))
def list_publications(wanted: dict[str, Any], code: str) -> PublicationPage:
    """List the versions of a policy that were published over running cases, with their plans."""
    return publication_list(session(), code, **wanted)


@blueprint.route("/policies/<code>/publications", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewPublication)
@blueprint.response(201, answer_of(Published))
def publish_version(wanted: dict[str, Any], code: str) -> Published:
    """Publish what the server's files say; refused where it strands cases that no plan settles."""
    plans = read_plans(wanted.pop("plan"))
    with house().cases.database.session() as current:
        candidate = read_candidate(data_root(), code)
        words = Words(**wanted)
        return publish(current, house().cases, candidate, plans, actor(), words, now())


@blueprint.route("/measures/<code>/migrations", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewMigration)
@blueprint.response(201, answer_of(MigrationLine))
def propose_migration(wanted: dict[str, Any], code: str) -> MigrationLine:
    """Propose to move running cases to the current version; a second person approves."""
    plan = wanted.pop("plan", None)
    chosen = wanted.pop("cases", None)
    proposal = Proposal(
        measure=code,
        plan=None if plan is None else read_plan(plan),
        cases=None if chosen is None else tuple(chosen),
        **wanted,
    )
    return _line(propose(house().cases, actor(), proposal, now()))


@blueprint.route("/migrations")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(MigrationQuery, location="query")
@blueprint.response(200, answer_of(MigrationPage))
def list_migrations(wanted: dict[str, Any]) -> MigrationPage:
    """List the migrations of my bureau's measures, with how far they are."""
    return migration_list(session(), actor(), **wanted)


@blueprint.route("/migrations/<public_id>")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(MigrationLine))
def show_migration(public_id: str) -> MigrationLine:
    """Show a migration: plan, who proposed and approved it, how many cases moved."""
    return _line(public_id)


@blueprint.route("/migrations/<public_id>/cases")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ItemQuery, location="query")
@blueprint.response(200, answer_of(MigrationItemPage))
def list_migration_cases(wanted: dict[str, Any], public_id: str) -> MigrationItemPage:
    """List what becomes, or became, of each case."""
    return item_list(session(), actor(), public_id, **wanted)


@blueprint.route("/migrations/<public_id>/approval", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(MigrationLine))
def approve_migration(public_id: str) -> MigrationLine:
    """Approve a migration as a head of the lead bureau who did not propose it."""
    approve(house().cases, actor(), public_id, now())
    return _line(public_id)


@blueprint.route("/migrations/<public_id>/withdrawal", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(MigrationWithdrawal)
@blueprint.response(200, answer_of(MigrationLine))
def withdraw_migration(wanted: dict[str, Any], public_id: str) -> MigrationLine:
    """Withdraw a proposal; every case keeps its version."""
    withdraw(house().cases, actor(), public_id, wanted["reason"], now())
    return _line(public_id)


@blueprint.route("/migrations/<public_id>/runs", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewRun)
@blueprint.response(200, answer_of(Ran))
def run_migration(wanted: dict[str, Any], public_id: str) -> Ran:
    """Move what is pending of an approved migration now; workers do what is left."""
    return run(house().cases, actor(), public_id, now(), limit=wanted["limit"])


def _line(public_id: str) -> MigrationLine:
    with house().cases.database.session() as current:
        return migration_line(current, actor(), public_id)
