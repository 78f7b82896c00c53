"""Routes of awards (享受台账): an applicant's ledger, imports, and a case's check for overlaps."""

from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.parsing import Blueprint, Body, Line, PageQuery
from caseflow.api.rules import Rule, admits
from caseflow.cases.awards import Desk, Ledger, OverlapReport, ledger_of, overlaps_of
from caseflow.funds.awards.service import (
    MOST_ROWS,
    Importing,
    RowResult,
    counted,
    import_awards,
)
from caseflow.identity.commitments import committing

blueprint = Blueprint("awards", __name__, description="享受台账与就高不重复")


@dataclass(frozen=True)
class ImportView:
    """What became of every row; nothing is kept of a dry run."""

    source: str
    dry_run: bool
    recorded: int
    already: int
    clash: int
    refused: int
    rows: tuple[RowResult, ...]


class ImportBody(Body):
    """Awards that another system paid, by its own ids; amounts are fen. A dry run keeps nothing."""

    source = Line(required=True, longest=64)
    dry_run = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    rows = fields.List(
        fields.Dict(keys=fields.String()),
        required=True,
        validate=validate.Length(min=1, max=MOST_ROWS),
    )


@blueprint.route("/awards/imports", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(ImportBody)
@blueprint.response(200, answer_of(ImportView))
def import_from_elsewhere(wanted: dict[str, Any]) -> ImportView:
    """Record what another system paid; the same again changes nothing."""
    rows = list(enumerate(wanted["rows"], start=1))
    cases = house().cases
    importing = Importing(
        wanted["source"], actor(), now(), cases.ids, committing(cases.office.signer)
    )
    with transaction() as current:
        results = import_awards(current, rows, importing)
        if wanted["dry_run"]:
            current.rollback()
    return ImportView(
        source=wanted["source"], dry_run=wanted["dry_run"], **counted(results), rows=results
    )


@blueprint.route("/applicants/<public_id>/awards")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, answer_of(Ledger))
def list_awards(wanted: dict[str, Any], public_id: str) -> Ledger:
    """List what an applicant was given, to its own people and to the bureaus of its cases."""
    return ledger_of(
        session(), _desk(), public_id, after=wanted.get("after"), limit=wanted["limit"]
    )


@blueprint.route("/cases/<public_id>/overlaps")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(OverlapReport))
def show_overlaps(public_id: str) -> OverlapReport:
    """Show what a case's matters meet, how surely, and what its clause proposes."""
    return overlaps_of(session(), _desk(), public_id, pinned=house().cases.pinned)


def _desk() -> Desk:
    return Desk(actor(), now(), house().cases.office.signer)
