"""Which versions of a policy were published over running cases, by whom, with which plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from caseflow.batches.publications.models import Publication
from caseflow.catalogue.models import Policy, PolicyVersion
from caseflow.database.paging import last_of
from caseflow.identity.models import Person

MAX_PAGE: Final = 200


@dataclass(frozen=True)
class PublicationLine:
    """A publication as it is on record; versions are their numbers."""

    public_id: str
    policy: str
    version: int
    replaces: int | None
    plan: Mapping[str, Any]
    counts: Mapping[str, Any]
    reason: str
    document_no: str
    published_by: str
    published_at: datetime


@dataclass(frozen=True)
class PublicationPage:
    """Publications of a policy, the last first; `next` is given back as `after`."""

    items: tuple[PublicationLine, ...]
    next: str | None


def publication_list(
    session: Session, code: str, *, after: str | None = None, limit: int = 50
) -> PublicationPage:
    """Return a page of the publications of a policy.

    Raises:
        InvalidInput: `after` is none of them.
    """
    new, old = aliased(PolicyVersion), aliased(PolicyVersion)
    query = (
        select(
            Publication,
            new.version,
            old.version.label("replaces"),
            Person.name.label("published_by"),
        )
        .join(Policy, Policy.id == Publication.policy_id)
        .join(new, new.id == Publication.policy_version_id)
        .join(Person, Person.id == Publication.published_by)
        .outerjoin(old, old.id == Publication.replaces_id)
        .where(Policy.code == code)
    )
    if after is not None:
        place = select(Publication.id).where(Publication.public_id == after)
        query = query.where(Publication.id < last_of(session, place, after).id)
    size = max(1, min(limit, MAX_PAGE))
    rows = session.execute(query.order_by(Publication.id.desc()).limit(size + 1)).all()
    items = tuple(_line(code, row) for row in rows[:size])
    return PublicationPage(items, items[-1].public_id if len(rows) > size else None)


def _line(code: str, row: Any) -> PublicationLine:
    found: Publication = row.Publication
    return PublicationLine(
        public_id=found.public_id,
        policy=code,
        version=row.version,
        replaces=row.replaces,
        plan=found.plan,
        counts=found.counts,
        reason=found.reason,
        document_no=found.document_no,
        published_by=row.published_by,
        published_at=found.published_at,
    )
