"""What was read from files, kept for as long as no file of it changes.

A rehearsal, an enactment and a second load read the same definitions several times in a process.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, Generic, TypeVar

T = TypeVar("T")
MOST: Final = 64
"""How many folders are kept; then the oldest is read again."""

Stamp = tuple[tuple[str, int, int], ...]


class Unchanged(Generic[T]):
    """Reads folders with `read`; one that is as it was before is not read again."""

    def __init__(self, files: Callable[[Path], Iterable[Path]], read: Callable[[Path], T]) -> None:
        self._files, self._read = files, read
        self._kept: dict[Path, tuple[Stamp, T]] = {}

    def __call__(self, folder: Path) -> T:
        """Return what `read` makes of the folder's present files."""
        stamp = self._stamp(folder)
        kept = self._kept.pop(folder, None)
        if kept is None or kept[0] != stamp:
            kept = stamp, self._read(folder)
        self._kept[folder] = kept
        while len(self._kept) > MOST:
            self._kept.pop(next(iter(self._kept)))
        return kept[1]

    def _stamp(self, folder: Path) -> Stamp:
        """Return which files there are, when each was written, and how long it is."""
        found = []
        for path in self._files(folder):
            state = path.stat()
            found.append((str(path), state.st_mtime_ns, state.st_size))
        return tuple(sorted(found))
