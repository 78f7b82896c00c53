"""A notice's words, rendered on reading from the facts that were kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from caseflow.notifications.rules import Notice, NoticeBook
from caseflow.notifications.templates import FACTS, fill

_UNKNOWN: Final = Notice(
    name="",
    title="办件通知：{{ measure or '' }}",
    text="办件{{ number or '' }}有新的进展，请登录系统查看。",
    to=(),
    channels=(),
    source="a notice kept from a book that has dropped its file",
)


@dataclass(frozen=True)
class Rendered:
    """What a person reads; the title is one line."""

    title: str
    text: str


def render(book: NoticeBook, notice: str, facts: Mapping[str, Any]) -> Rendered:
    """Return the words of `notice` for its facts, any of which may be missing.

    A notice whose file is gone since is shown in general words, so an inbox never breaks.
    """
    found = book.notices.get(notice, _UNKNOWN)
    known = _flat(facts)
    return Rendered(
        title=" ".join(fill(found.title, known).split()),
        text=fill(found.text, known).strip() + "\n",
    )


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return all facts by name: what stands under `payload` and `amounts` among the others."""
    inner = [facts.get(key) for key in ("payload", "amounts")]
    found = {k: v for part in inner if isinstance(part, Mapping) for k, v in part.items()}
    return {k: v for k, v in {**found, **facts}.items() if k in FACTS}
