"""By whose hand something is done to many cases, when, and the key that signs its events."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from caseflow.history import service as history
from caseflow.history.part import Draft, Place, Signer
from caseflow.kernel.errors import InvalidInput

LONGEST: Final = {"reason": 1000, "basis": 1000, "document_no": 100}
"""How long what is said of an act may be."""


@dataclass(frozen=True)
class Hand:
    """Who does it, when, and the signing key."""

    by: int
    at: datetime
    signer: Signer

    def record(
        self, session: Session, stream: int, name: str, payload: dict[str, Any],
        place: Place | None = None,
    ) -> None:  # fmt: skip
        """Append an event to `stream`; `place` is the seat in which it is done."""
        draft = Draft(name=name, actor_id=self.by, at=self.at, payload=payload)
        history.append_draft(session, draft.seated(place), stream=stream, signer=self.signer)


def lines(said: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return what is said of an act, each a line of visible text.

    Raises:
        InvalidInput: one of them is empty, too long or has control characters.
    """
    found = {}
    for name, text in said:
        line, most = text.strip(), LONGEST[name]
        if not line or len(line) > most or not line.isprintable():
            reason = f"须为 1 至 {most} 个可见字"
            raise InvalidInput(f"{name}：{reason}。", fields={name: reason})
        found[name] = line
    return found
