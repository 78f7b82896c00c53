"""What a request has at hand: the house it came to, the instant, who asks, a session."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g
from sqlalchemy.orm import Session

from caseflow.cases.service import Cases
from caseflow.clock import Clock
from caseflow.database.orm import db
from caseflow.identity.queries import Actor
from caseflow.settings import Settings


@dataclass(frozen=True)
class House:
    """What all requests of a process share."""

    settings: Settings
    cases: Cases
    clock: Clock


def house() -> House:
    """Return the house that the request came to."""
    found: House = g.house
    return found


def now() -> datetime:
    """Return the instant of the request, read once."""
    if "at" not in g:
        g.at = house().clock.now()
    at: datetime = g.at
    return at


def actor() -> Actor:
    """Return who asks; there is always somebody behind a rule that asks for a token."""
    found: Actor = g.actor
    return found


def session() -> Session:
    """Return the request's session; it is rolled back at the end unless `transaction` ran."""
    return db.session()


def driver() -> Any:
    """Return psycopg's connection under the request's session."""
    return session().connection().connection.driver_connection


@contextmanager
def transaction() -> Iterator[Session]:
    """Yield the request's session and commit it at the end; an error rolls it back."""
    current = session()
    try:
        yield current
        current.commit()
    except BaseException:
        current.rollback()
        raise
