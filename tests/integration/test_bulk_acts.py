"""Bulk acts: looked at before, done case by case, stopped and taken up, each item once for ever."""

from collections.abc import Iterator

import pytest

from caseflow.batches.bulk.precheck import precheck
from caseflow.batches.bulk.queries import bulk_items
from caseflow.batches.bulk.running import run_due, run_whole
from caseflow.batches.bulk.service import ask, cancel, resume
from caseflow.batches.bulk.wanted import Wanted
from caseflow.cases.queries import CaseFilter
from caseflow.identity.queries import actor_by_login
from caseflow.kernel.errors import Conflict, InvalidInput, NotFound, RequestReused
from tests.integration.conftest import House, shanghai

AT = shanghai(11, 9)
TOWN = "huilong_zhen.handler"


def actor(house: House, login: str = TOWN, at=AT):
    with house.cases.database.session() as session:
        return actor_by_login(session, login, at)


def three(house: House) -> list[str]:
    """Return two cases that wait to be accepted, and one that was accepted already."""
    found = [house.submitted() for _ in range(3)]
    house.act(found[2], "accept", TOWN, AT)
    return found


def test_smoke(house: House):
    names = three(house)
    town = actor(house)
    wanted = Wanted("accept", cases=tuple(names))
    looked = precheck(house.cases, town, wanted, AT)
    print(looked)
    made = ask(house.cases, town, wanted, AT)
    print(made)
    print(run_due(house.cases, AT))
    print(run_whole(house.cases, town, made.public_id, lambda: AT))
    print(bulk_items(house.cases, town, made.public_id))
    assert 0
