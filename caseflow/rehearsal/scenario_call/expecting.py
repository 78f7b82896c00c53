"""What each request must have left in the history: told by its route, its body and its answer."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from caseflow.rehearsal.scenario_call.talk import Asked


@dataclass(frozen=True)
class Expected:
    """An event that must stand in the history: whose, what, by whom; `seq` where it is known.

    `subject` is a case's number, an organisation's or call's public id, a person's login; None
    where the answer does not name it.
    """

    asked: int
    login: str
    event: str
    subject: str | None
    seq: int | None = None
    key: str | None = None


Reader = Callable[[Asked, re.Match[str]], Iterator[Expected]]
PAYMENTS: Final = {
    ("city", "paid"): "confirm_payment",
    ("city", "returned"): "return_payment",
    ("district", "paid"): "confirm_district_payment",
    ("district", "returned"): "return_district_payment",
}


def _one(event: str, subject: str | None = None) -> Reader:
    """Return the reader of a route that leaves one event; `subject` names a field of the answer."""

    def read(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
        named = asked.answer[subject] if subject else None
        yield Expected(asked.number, _who(asked), event, named)

    return read


def _who(asked: Asked) -> str:
    return asked.login or str(asked.answer["login"])


def _planned(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
    """A call that stands is public with its planning; a batch waits for a second person."""
    yield Expected(asked.number, _who(asked), "call_planned", asked.answer["public_id"])
    if asked.answer["status"] == "published":
        yield Expected(asked.number, _who(asked), "call_published", asked.answer["public_id"])


def _on_path(event: str) -> Reader:
    def read(asked: Asked, match: re.Match[str]) -> Iterator[Expected]:
        yield Expected(asked.number, _who(asked), event, match[1])

    return read


def _own(event: str) -> Reader:
    """Return the reader of a route whose event belongs to the history of who asks."""

    def read(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
        yield Expected(asked.number, _who(asked), event, asked.login)

    return read


def _enrolled(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
    yield Expected(asked.number, _who(asked), "expert_enrolled", asked.sent["login"])


def _opened(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
    number = asked.answer["number"]
    yield Expected(asked.number, _who(asked), "case_opened", number, 1, asked.key)


def _acted(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
    """The first event is who asked's, at the version that the answer tells; others follow of it."""
    answer = asked.answer
    seq = answer["version"] - len(answer["events"]) + 1
    yield Expected(asked.number, _who(asked), answer["events"][0], answer["number"], seq, asked.key)


def _promoted(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
    answer = asked.answer
    seq = answer["version"] - len(answer["events"]) + 1
    yield Expected(asked.number, _who(asked), answer["events"][0], answer["number"], seq)


def _drawn(event: str) -> Reader:
    def read(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
        for number in asked.answer["cases"]:
            yield Expected(asked.number, _who(asked), event, number)

    return read


def _ranked(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
    for line in asked.answer["lines"]:
        if line["result"] in {"shortlisted", "waitlisted"}:
            yield Expected(asked.number, _who(asked), "record_rank", line["number"])


def _publicised(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
    yield Expected(asked.number, _who(asked), "publicity_opened", asked.answer["public_id"])
    for line in asked.answer["cases"]:
        yield Expected(asked.number, _who(asked), "publicise", line["number"])


def _objected(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
    yield Expected(asked.number, _who(asked), "object", asked.answer["number"], None, asked.key)


def _exported(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
    if "accounts=whole" in asked.path:
        yield Expected(asked.number, _who(asked), "payments_exported", None)


def _answered(asked: Asked, _: re.Match[str]) -> Iterator[Expected]:
    for row in asked.answer["rows"]:
        number, _instalment, share = row["key"].split("/")
        event = PAYMENTS.get((share, row["result"]))
        if event:
            yield Expected(asked.number, _who(asked), event, number)


def _nothing(_: Asked, __: re.Match[str]) -> Iterator[Expected]:
    """The clock of a rehearsal is no business of the house."""
    yield from ()


ROUTES: Final[tuple[tuple[str, str, Reader], ...]] = (
    ("POST", r"/clock", _nothing),
    ("POST", r"/people", _one("person_registered", "login")),
    ("POST", r"/applicants", _one("applicant_registered", "public_id")),
    ("POST", r"/organisations/(\w+)/accounts", _on_path("account_registered")),
    ("POST", r"/budgets", _one("funds_appropriated", "public_id")),
    ("POST", r"/fiscal-splits", _one("split_entered")),
    ("POST", r"/fiscal-splits/(\d+)/confirmation", _on_path("split_confirmed")),
    ("POST", r"/calls", _planned),
    ("POST", r"/calls/(\w+)/review-terms", _on_path("review_terms_set")),
    ("POST", r"/calls/(\w+)/panel", _drawn("draw_experts")),
    ("POST", r"/calls/(\w+)/ranking", _ranked),
    ("POST", r"/calls/(\w+)/promotions", _promoted),
    ("POST", r"/experts", _enrolled),
    ("POST", r"/experts/recusals", _own("expert_recusal_declared")),
    ("POST", r"/cases", _opened),
    ("POST", r"/cases/(\w+)/documents", _own("document_uploaded")),
    ("POST", r"/cases/(\w+)/checks", _one("check_recorded")),
    ("POST", r"/cases/(\w+)/events", _acted),
    ("POST", r"/cases/(\w+)/panel/replacements", _drawn("replace_expert")),
    ("POST", r"/publicities", _publicised),
    ("POST", r"/publicities/(\w+)/objections", _objected),
    ("POST", r"/payments/imports", _answered),
    ("GET", r"/payments/export\?.*", _exported),
)
"""Every writing route of the play, and what it leaves. A route that is not here is a gap."""


def expected_of(asked: Asked) -> list[Expected] | None:
    """Return what a request must have left, nothing for what was refused or only read.

    None: it is a writing request of which nothing is known.
    """
    if not asked.is_done:
        return []
    for method, pattern, reader in ROUTES:
        match = re.fullmatch(pattern, asked.path)
        if match and method == asked.method:
            return list(reader(asked, match))
    return [] if asked.method == "GET" else None
