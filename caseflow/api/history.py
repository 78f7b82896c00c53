"""Routes of the whole history (留痕), for auditors: the feed of events, and whether it is whole."""

from dataclasses import dataclass
from typing import Any, Final

from marshmallow import validate

from caseflow.api.answers import answer_of
from caseflow.api.context import actor, driver, house
from caseflow.api.parsing import Blueprint, Body, Instant, Line, PageQuery, QueryNumber
from caseflow.api.rules import Rule, admits
from caseflow.cases.audit import AuditFilter, AuditPage, audit_feed, place_of, refuse_others
from caseflow.history.queries import Fault, verify_page

blueprint = Blueprint("history", __name__, description="留痕：审计查阅与核验")

MOST_VERIFIED: Final = 5_000


@dataclass(frozen=True)
class Verification:
    """Whether a page of events is as it was written; `next` is given back as `after`."""

    ok: bool
    events: int
    faults: tuple[Fault, ...]
    next: str | None


class FeedQuery(PageQuery):
    """Which events are asked for; `until` itself is outside."""

    since = Instant()
    until = Instant()
    actor = Line()
    event = Line()


class VerificationQuery(Body):
    """Where the page begins and how many events it verifies."""

    after = Line()
    limit = QueryNumber(
        load_default=MOST_VERIFIED, validate=validate.Range(min=1, max=MOST_VERIFIED)
    )


@blueprint.route("/history/events")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(FeedQuery, location="query")
@blueprint.response(200, answer_of(AuditPage))
def list_events(wanted: dict[str, Any]) -> AuditPage:
    """List every event of every history, the oldest first, for auditors."""
    page = {name: wanted.pop(name, None) for name in ("after", "limit")}
    return audit_feed(driver(), actor(), AuditFilter(**wanted), pinned=house().cases.pinned, **page)


@blueprint.route("/history/verification")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(VerificationQuery, location="query")
@blueprint.response(200, answer_of(Verification))
def verify_history(wanted: dict[str, Any]) -> Verification:
    """Recompute the hashes and MACs of a page of events, for auditors."""
    refuse_others(actor())
    stream, seq = place_of(wanted.get("after"))
    after = None if stream is None or seq is None else (stream, seq)
    key = house().settings.mac_key
    page = verify_page(driver(), key, after=after, limit=wanted["limit"])
    following = None if page.last is None else "{}.{}".format(*page.last)
    return Verification(not page.faults, page.events, page.faults, following)
