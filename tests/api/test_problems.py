"""Every error of the program has its place in the door's one table."""

import errno
import inspect

import psycopg
import pytest
from flask import Flask
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from caseflow.api import problems
from caseflow.kernel import errors
from caseflow.kernel.errors import (
    CalendarMissing,
    CapReached,
    CaseflowError,
    Conflict,
    DefinitionError,
    EventNotAllowed,
    GuardFailed,
    InvalidInput,
    NotAllowed,
    NotFound,
    PolicyClosed,
    Problem,
    RequestReused,
    StaleVersion,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

FAULT = Problem("a.yaml", 3, "yaml-type", "x")


def answered(error: Exception, **headers: str):
    """Return how an application answers when a view raises `error`."""
    app = Flask("problems")
    problems.install(app)

    @app.route("/x")
    def view() -> str:
        raise error

    return app.test_client().get("/x", headers=headers)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InvalidInput("x", fields={"a": "b"}), 422, "invalid-input"),
        (TooLarge("x"), 413, "too-large"),
        (Unauthenticated("x"), 401, "unauthenticated"),
        (NotAllowed("x"), 403, "not-allowed"),
        (NotFound("x"), 404, "not-found"),
        (Conflict("x"), 409, "conflict"),
        (StaleVersion("x"), 409, "stale-version"),
        (EventNotAllowed("x", allowed=["a"]), 409, "event-not-allowed"),
        (GuardFailed("x", allowed=["a"], failed=["b"]), 409, "guard-failed"),
        (CapReached("x", cap={"key": "life:X:1"}), 409, "cap-reached"),
        (PolicyClosed("x", policy="p", status="expired"), 409, "policy-closed"),
        (CalendarMissing("x"), 409, "calendar-missing"),
        (RequestReused("x"), 422, "request-reused"),
        (DefinitionError([FAULT]), 422, "definition-error"),
        (Unavailable("x"), 503, "unavailable"),
        (CaseflowError("x"), 500, "caseflow-error"),
    ],
)
def test_an_error_has_its_status_and_keeps_its_details(error, status, kind):
    answer = answered(error)

    problem = answer.get_json()
    assert answer.status_code == problem["status"] == status
    assert problem["type"] == f"/problems/{kind}"
    for name in set(error.details) - problems.RESERVED:
        assert problem[name] == error.details[name]


def test_no_error_of_the_program_is_forgotten():
    known = {
        each
        for _, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, CaseflowError)
    }

    assert known == set(problems.STATUS)


def test_a_stale_version_that_was_named_is_a_failed_precondition():
    assert answered(StaleVersion("x"), **{"If-Match": '"1"'}).status_code == 412


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (psycopg.OperationalError("gone"), 503),
        (psycopg.errors.DiskFull("no space"), 503),
        (psycopg.errors.QueryCanceled("statement timeout"), 503),
        (psycopg.errors.UniqueViolation("twice"), 409),
        (psycopg.DataError("NUL"), 422),
        (psycopg.ProgrammingError("syntax"), 500),
        (OperationalError("select", {}, psycopg.OperationalError("gone")), 503),
        (IntegrityError("insert", {}, psycopg.errors.CheckViolation("cap")), 409),
        (DataError("insert", {}, psycopg.DataError("NUL")), 422),
        (ProgrammingError("select", {}, psycopg.ProgrammingError("syntax")), 500),
        (PoolTimeout("pool"), 503),
        (OSError(errno.ENOSPC, "No space left on device"), 503),
        (OSError(errno.EACCES, "Permission denied"), 500),
        (KeyError("secret"), 500),
    ],
)
def test_what_breaks_below_is_told_without_its_words(error, status):
    answer = answered(error)

    assert answer.status_code == status
    assert answer.content_type == problems.MEDIA_TYPE
    text = answer.get_data(as_text=True)
    assert "select" not in text
    assert "secret" not in text
    assert "Permission" not in text
