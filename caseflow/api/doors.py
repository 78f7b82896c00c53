"""Putting the REST door together: routes, rules, problems, documentation, headers."""

from http import HTTPStatus
from threading import Lock
from typing import Any, Final

import flask_smorest
from flask import Flask, Response, request
from flask_swagger_ui import get_swaggerui_blueprint
from marshmallow import Schema, fields
from werkzeug.exceptions import LengthRequired

from caseflow import __version__
from caseflow.api import (
    awards,
    budgets,
    bulk_acts,
    calls,
    cases,
    catalogue,
    changes,
    checks,
    documents,
    equity,
    expert_service,
    experts,
    history,
    house,
    inbox,
    indicators,
    letters,
    parameters,
    payments,
    people,
    plans,
    problems,
    publications,
    publicities,
    quotes,
    recoveries,
    rules,
    tasks,
    ties,
    titles,
    versions,
)
from caseflow.api.context import House
from caseflow.api.rules import Rule, admits

PREFIX: Final = "/api/v1"
DOCS: Final = "/api/docs"
DOCUMENT: Final = "/api/openapi.json"
FIRST_ERROR: Final = 400
BODY_BYTES: Final = 1024 * 1024
"""What a body may have; uploads have a limit of their own."""
LOOPBACK_NAMES: Final = ["127.0.0.1", "localhost", "[::1]"]
BLUEPRINTS: Final = (
    catalogue.blueprint,
    calls.blueprint,
    plans.blueprint,
    quotes.blueprint,
    parameters.blueprint,
    indicators.blueprint,
    versions.blueprint,
    publications.blueprint,
    changes.blueprint,
    people.blueprint,
    cases.blueprint,
    bulk_acts.blueprint,
    tasks.blueprint,
    titles.blueprint,
    ties.blueprint,
    documents.blueprint,
    checks.blueprint,
    publicities.blueprint,
    budgets.blueprint,
    payments.blueprint,
    recoveries.blueprint,
    inbox.blueprint,
    awards.blueprint,
    letters.blueprint,
    house.blueprint,
    history.blueprint,
    equity.blueprint,
    experts.blueprint,
    expert_service.blueprint,
)
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
CLOSED_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; style-src 'unsafe-inline'"
"""For answers, which load nothing; pictures of workflows carry their own style."""
DOCS_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
DESCRIPTION: Final = """
Run municipal support policies, from the published clause to the paid yuan (政策兑现).

* Money is integer fen (`*_fen`); instants are UTC, dates are Asia/Shanghai.
* An actor is named by a development token, on this machine only:
  `Authorization: Bearer dev:<login>`.
* `Idempotency-Key` makes a repetition safe; `If-Match` with a case's `ETag` refuses a stale
  decision.
* Pages: give `next` back as `after`. Errors are RFC 9457 problem documents.
"""


class ProblemSchema(Schema):
    """A problem document (RFC 9457): what was wrong, with which value, what to do."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), data_key="fields")
    allowed = fields.List(fields.String())
    failed = fields.List(fields.String())


class Api(flask_smorest.Api):  # type: ignore[misc] # untyped library
    """flask-smorest's Api with problem documents, described when somebody asks."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask) -> None:
        self._undescribed: list[flask_smorest.Blueprint] = []
        self._describing = Lock()
        super().__init__(app)

    def add(self, blueprint: flask_smorest.Blueprint) -> None:
        """Give the application a blueprint's routes; most processes never show the document."""
        self._app.register_blueprint(blueprint, url_prefix=PREFIX)
        self._app.extensions["flask-smorest"]["blp_name_to_api"][blueprint.name] = self
        self._undescribed.append(blueprint)

    def show(self) -> Response:
        """Return the OpenAPI document."""
        with self._describing:
            while self._undescribed:
                each = self._undescribed[0]
                each.register_views_in_doc(
                    self, self._app, self.spec, name=each.name, parameters=None
                )
                self.spec.tag({"name": each.name, "description": each.description})
                del self._undescribed[0]  # only now: one that fails is not left out of the next
        shown: Response = self._openapi_json()
        return shown

    def _register_responses(self) -> None:
        """Document every refusal as a problem document."""
        names = {status.name: status.phrase for status in HTTPStatus if status >= FIRST_ERROR}
        for name, phrase in {**names, "DEFAULT_ERROR": "A problem document"}.items():
            content = {problems.MEDIA_TYPE: {"schema": ProblemSchema}}
            response = {"description": phrase, "content": content}
            self.spec.components.response(name, response, lazy=True)

    def _register_error_handlers(self) -> None:
        """Leave errors to `problems`, whose table is the only one."""


def install(app: Flask, place: House) -> None:
    """Give `app` the whole REST door of `place`."""
    app.config.update(
        MAX_CONTENT_LENGTH=BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=BODY_BYTES,
        TRUSTED_HOSTS=LOOPBACK_NAMES if place.settings.is_loopback else None,
        API_TITLE="caseflow",
        API_VERSION=__version__,
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api",
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={"info": {"description": DESCRIPTION}},
    )
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    rules.guard(app, place)
    _limit_bodies(app, place)
    problems.install(app)
    _add_routes(app)
    _add_headers(app)


def _limit_bodies(app: Flask, place: House) -> None:
    @app.before_request
    def limit() -> None:
        is_endless = request.content_length is None and "Transfer-Encoding" in request.headers
        if is_endless and "wsgi.input_terminated" not in request.environ:
            raise LengthRequired("请求体须带 Content-Length。")
        view: Any = app.view_functions.get(request.endpoint or "")
        if getattr(view, documents.TAKES_FILES, False):
            documents.widen(place.settings.upload_limit)


def _add_routes(app: Flask) -> None:
    api = Api(app)
    scheme = {"type": "http", "scheme": "bearer", "bearerFormat": "dev:<login>"}
    api.spec.components.security_scheme(rules.SCHEME, scheme)
    for blueprint in BLUEPRINTS:
        api.add(blueprint)
    app.register_blueprint(get_swaggerui_blueprint(DOCS, DOCUMENT, {"app_name": "caseflow"}))
    views = app.view_functions
    views["api-docs.openapi_json"] = admits(Rule.EVERYBODY)(_plain(api.show))
    views["swagger_ui.show"] = admits(Rule.EVERYBODY)(_plain(views["swagger_ui.show"]))


def _plain(view: Any) -> Any:
    """Return a function of our own around a library's view, so that it can carry a rule."""

    def shown(**arguments: Any) -> Any:
        return view(**arguments)

    return shown


def _add_headers(app: Flask) -> None:
    @app.after_request
    def harden(response: Response) -> Response:
        response.headers.update(HEADERS)
        is_docs = request.path.startswith(DOCS)
        response.headers["Content-Security-Policy"] = DOCS_POLICY if is_docs else CLOSED_POLICY
        if not is_docs:
            response.headers["Cache-Control"] = "no-store"
        return response
