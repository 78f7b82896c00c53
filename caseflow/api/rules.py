"""Who may come in: every route carries one rule, and a route without one is refused."""

from collections.abc import Callable
from copy import deepcopy
from enum import Enum
from typing import Any, Final, TypeVar

from flask import Flask, g, request

from caseflow.api.context import House, now, session
from caseflow.identity.queries import actor_by_login
from caseflow.identity.service import SYSTEM_LOGIN
from caseflow.identity.tokens import development_actor
from caseflow.kernel.errors import NotAllowed, Unauthenticated

View = TypeVar("View", bound=Callable[..., Any])
ATTRIBUTE: Final = "caseflow_rule"
SCHEME: Final = "development"
"""The name of the token's scheme in the OpenAPI document."""
LOOPBACK_PEERS: Final = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
"""Headers that only a proxy sets: behind one, the peer's address says nothing."""


class Rule(Enum):
    """Who may ask. What a signed-in person may see or do is decided by the features below."""

    EVERYBODY = "nobody needs to be named"
    LOOPBACK = "nobody needs to be named, from this machine only (development)"
    SIGNED_IN = "a person named by a token"


def admits(rule: Rule) -> Callable[[View], View]:
    """Return the decorator that gives a view its rule and says so in the OpenAPI document."""

    def decorate(view: View) -> View:
        security: list[dict[str, list[str]]] = [{SCHEME: []}] if rule is Rule.SIGNED_IN else []
        documented = deepcopy(getattr(view, "_apidoc", {}))
        documented.setdefault("manual_doc", {})["security"] = security
        view._apidoc = documented  # type: ignore[attr-defined]  # noqa: SLF001 - flask-smorest's
        setattr(view, ATTRIBUTE, rule)
        return view

    return decorate


def rule_of(app: Flask, endpoint: str) -> Rule | None:
    """Return the rule of an endpoint, None where somebody forgot it."""
    return getattr(app.view_functions[endpoint], ATTRIBUTE, None)


def guard(app: Flask, house: House) -> None:
    """Let `app` ask every request's rule before anything else happens."""

    @app.before_request
    def admit() -> None:
        g.house = house
        if request.endpoint is None:
            return
        rule = rule_of(app, request.endpoint)
        if rule is None:
            raise NotAllowed(f"The route {request.endpoint} has no rule; nobody may use it.")
        if rule is Rule.LOOPBACK and not _is_local(house):
            raise NotAllowed("This is for development, on this machine (loopback) only.")
        if rule is Rule.SIGNED_IN:
            g.actor = _signed_in(house)


def _signed_in(house: House) -> Any:
    login = development_actor(request.headers.get("Authorization"), is_loopback=_is_local(house))
    if login == SYSTEM_LOGIN:
        raise Unauthenticated("The system's own account is nobody's: name a person.")
    return actor_by_login(session(), login, now())


def _is_local(house: House) -> bool:
    """Return whether both ends of the connection are this machine, and no proxy is between."""
    is_forwarded = any(name in request.headers for name in FORWARDED)
    is_near = request.remote_addr in LOOPBACK_PEERS
    return house.settings.is_loopback and is_near and not is_forwarded
