"""Pages by key: the next one begins behind the row with which the last one ended."""

from typing import Any

from sqlalchemy import Executable
from sqlalchemy.orm import Session

from caseflow.kernel.errors import InvalidInput


def last_of(session: Session, seen: Executable, after: str | int) -> Any:
    """Return the place of the row `after`, with which the page before ended, as a row.

    `seen` selects it by the columns of the order, from what the actor may see.

    Raises:
        InvalidInput: there is no such row.
    """
    found = session.execute(seen).one_or_none()
    if found is None:
        raise InvalidInput(f"after：没有 {after!r}。", fields={"after": "不是上一页的 next"})
    return found
