"""Putting together what acts need: keys, the notice book, the system's person, the road."""

from functools import cache
from pathlib import Path

import caseflow.cases.models
import caseflow.funds.awards.models
import caseflow.reviews.checks.models
import caseflow.reviews.experts.models  # noqa: F401 - the tables that other features refer to
from caseflow.cases.acting import Office
from caseflow.cases.checks.asking import SourceBook
from caseflow.cases.service import Cases
from caseflow.catalogue.pinned import Pinned
from caseflow.database.access import Database
from caseflow.database.ids import PublicIds
from caseflow.history.part import Signer
from caseflow.identity.service import ensure_system_person
from caseflow.notifications.rules import load_notices
from caseflow.settings import Settings

_notice_book = cache(load_notices)
"""A process reads a folder of notices once."""


def signer_of(settings: Settings) -> Signer:
    """Return the key with which this house signs its events."""
    return Signer(settings.mac_key, settings.mac_key_id)


def assemble(
    database: Database, settings: Settings, root: Path, *, ids: PublicIds | None = None
) -> Cases:
    """Return the acts of this process on `database`; `root` holds `notifications/`."""
    with database.session() as session:
        system_id = ensure_system_person(session).id
    office = Office(
        signer=signer_of(settings),
        notices=_notice_book(root / "notifications"),
        system_id=system_id,
        files=settings.files,
        sources=SourceBook(root, settings.sources),
    )
    return Cases(database, office, ids=ids or PublicIds(), pinned=Pinned())
