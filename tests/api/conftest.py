"""A house with its REST door, on a clock that stands where the test puts it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from flask import Flask

from caseflow.app import create_app
from caseflow.cases.service import Cases
from caseflow.clock import VirtualClock
from caseflow.database.orm import db
from caseflow.settings import Settings
from tests.api.client import Client
from tests.api.story import Story

OPENS_AT = datetime(2026, 6, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock(cases: Cases) -> VirtualClock:
    """A virtual clock at nine in the morning of 2026-06-01, Shanghai."""
    clock = VirtualClock(cases.connect)
    clock.move_to(OPENS_AT)
    return clock


@pytest.fixture
def app(settings: Settings, cases: Cases, clock: VirtualClock) -> Iterator[Flask]:
    """The application of the house; uploads of at most 64 KiB."""
    app = create_app(replace(settings, upload_limit=64 * 1024), cases=cases, clock=clock)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> Client:
    """Somebody who talks to the house by HTTP."""
    return Client(app)


@pytest.fixture
def story(client: Client) -> Story:
    """An applicant, a call, and everything a voucher case needs."""
    story = Story(client)
    story.prepare()
    return story
