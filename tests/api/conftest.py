"""A house with its REST door, on a clock that stands where the test puts it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from caseflow.app import create_app
from caseflow.cases.assembly import assemble
from caseflow.cases.service import Cases
from caseflow.clock import VirtualClock
from caseflow.database.ids import PublicIds
from caseflow.database.orm import db
from caseflow.database.server import Server
from caseflow.settings import Settings, read_settings
from tests.api.client import Client
from tests.api.story import Story
from tests.conftest import ROOT, _copy, untraced

REACHED_BY_OTHERS = (
    "test_awards", "test_caps", "test_quotes", "test_rules", "test_titles.", "test_together",
    "test_versions", "test_whole_case",
)  # fmt: skip
"""What reaches hardly a line of its own, and takes long."""
OPENS_AT = datetime(2026, 6, 1, 1, tzinfo=UTC)
UPLOAD_LIMIT = 64 * 1024


@pytest.fixture(scope="module", autouse=True)
def traced_once(request: pytest.FixtureRequest, pytestconfig: pytest.Config) -> Iterator[None]:
    """Measure no line twice where that takes long: tracing makes half as slow again."""
    is_measured = not request.path.name.startswith(REACHED_BY_OTHERS)
    with nullcontext() if is_measured else untraced(pytestconfig):
        yield


@contextmanager
def application(settings: Settings, cases: Cases) -> Iterator[Flask]:
    """The application of a house at nine in the morning of 2026-06-01, Shanghai."""
    clock = VirtualClock(cases.connect)
    clock.move_to(OPENS_AT)
    app = create_app(replace(settings, upload_limit=UPLOAD_LIMIT), cases=cases, clock=clock)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(settings: Settings, cases: Cases) -> Iterator[Flask]:
    """The application of a house of the test's own."""
    with application(settings, cases) as app:
        yield app


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


@pytest.fixture(scope="module")
def shared_client(shared_story: Story) -> Client:
    """The client of the shared story."""
    return shared_story.client


@pytest.fixture(scope="module")
def shared_story(
    server: Server, founded_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """A story that many tests of a module share, because none of them changes what others see."""
    with house_with_story(server, founded_template, tmp_path_factory.mktemp("house")) as story:
        yield story


@contextmanager
def house_with_story(server: Server, template: str, folder: Path) -> Iterator[Story]:
    """A prepared story in a house of its own, at nine in the morning of 2026-06-01."""
    settings = read_settings({"CASEFLOW_HOME": str(folder), "CASEFLOW_MAC_KEY": "ab" * 32})
    with contextmanager(_copy)(server, template) as city:
        cases = assemble(city, settings, ROOT, ids=PublicIds(random.Random(2)))
        with application(settings, cases) as app:
            story = Story(Client(app))
            story.prepare()
            yield story
