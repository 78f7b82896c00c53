"""Every error the program raises on purpose: what was wrong, with which value, what to do.

The doors map this tree to problem documents and exit codes; nothing below a door names HTTP.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class CaseflowError(Exception):
    """The root; `details` holds the machine-readable part of the message."""

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class InvalidInput(CaseflowError):
    """A value from outside is not what it must be; `fields` maps field names to reasons."""

    def __init__(self, message: str, *, fields: dict[str, str] | None = None) -> None:
        super().__init__(message, **({"fields": fields} if fields else {}))
        self.fields = fields or {}


class QuoteRefused(CaseflowError):
    """No amount can be told: `reasons` maps facts to what is missing, unmet or undecided."""

    def __init__(self, message: str, *, reasons: dict[str, str]) -> None:
        super().__init__(message, reasons=reasons)
        self.reasons = reasons


class NotFound(CaseflowError):
    """Nothing of that name that the asker may see."""


class NotAllowed(CaseflowError):
    """The actor may not do this: role, organisation, territory, recusal or separation of duties."""


class Unauthenticated(CaseflowError):
    """Nobody is named, or the token is not good."""


class Conflict(CaseflowError):
    """Someone else was first; read again and decide again."""


class StaleVersion(Conflict):
    """The case has moved on since the version the actor saw."""


class RequestReused(CaseflowError):
    """The request id was used before with another body."""


class EventNotAllowed(CaseflowError):
    """The event is not possible in this state; `allowed` says which are."""

    def __init__(self, message: str, *, allowed: Sequence[str]) -> None:
        super().__init__(message, allowed=list(allowed))
        self.allowed = tuple(allowed)


class GuardFailed(EventNotAllowed):
    """The event is possible here, but a condition is not met; `failed` explains each."""

    def __init__(self, message: str, *, allowed: Sequence[str], failed: Sequence[str]) -> None:
        super().__init__(message, allowed=allowed)
        self.details["failed"] = list(failed)
        self.failed = tuple(failed)


class CapReached(CaseflowError):
    """A ceiling leaves less than what is asked: `cap` is its key, words, limit and what is used."""

    def __init__(self, message: str, *, cap: dict[str, Any]) -> None:
        super().__init__(message, cap=cap)
        self.cap = cap


class PolicyClosed(CaseflowError):
    """The policy or its call takes no submission now: a draft, not yet open, closed, or expired."""


class CalendarMissing(CaseflowError):
    """A period reaches into a year whose holiday notice is not imported and confirmed."""


@dataclass(frozen=True, order=True)
class Problem:
    """One fault of a definition: where it stands, which rule it breaks, what is wrong."""

    file: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: [{self.rule}] {self.message}"


class DefinitionError(CaseflowError):
    """A definition file is wrong; `problems` has one line each: file:line: what is wrong."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(
            "\n".join(str(problem) for problem in self.problems),
            problems=[str(problem) for problem in self.problems],
        )


class Unavailable(CaseflowError):
    """The database, the disk or a peer does not answer; nothing was half written."""


class TooLarge(InvalidInput):
    """A file or body is over its limit."""
