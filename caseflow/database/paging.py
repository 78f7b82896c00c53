"""Pages by key: the next one begins behind the row with which the last one ended."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import Executable
from sqlalchemy.orm import Session

from caseflow.kernel.errors import InvalidInput

Item_co = TypeVar("Item_co", covariant=True)


class Page(Protocol[Item_co]):
    """Some items; `next` is given back as `after`, None at the end."""

    @property
    def items(self) -> Sequence[Item_co]:
        """Return the page's own items."""
        ...

    @property
    def next(self) -> str | None:
        """Return what the next page begins after."""
        ...


def whole(read: Callable[[str | None], Page[Item_co]]) -> list[Item_co]:
    """Return the items of every page; `read` gives the page after what it is given."""
    page = read(None)
    found = list(page.items)
    while page.next is not None:
        page = read(page.next)
        found += page.items
    return found


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
