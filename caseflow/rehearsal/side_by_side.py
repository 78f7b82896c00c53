"""Rehearsing on several processors: each process plays its share in its own database."""

from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from typing import Any, Final

from caseflow.catalogue.loading import read_policies
from caseflow.catalogue.places import data_root
from caseflow.database import migration
from caseflow.database.access import locate
from caseflow.database.ids import PublicIds
from caseflow.rehearsal.house import DRAFT, found_database
from caseflow.rehearsal.rehearse import BEGINS_AT, Progress, rehearse
from caseflow.rehearsal.scratch import dropped_after, fresh_address, name_of
from caseflow.settings import Settings

PATIENCE: Final = 0.1
"""Seconds between two looks at what the processes have ended."""

_ended: list["Queue[str]"] = []
"""In a process of the pool: where it tells what has ended."""


def rehearse_side_by_side(
    settings: Settings,
    measures: Sequence[str],
    *,
    jobs: int,
    progress: Progress,
    template: str | None = None,
    root: Path | None = None,
) -> list[dict[str, Any]]:
    """Play one case of each measure in `jobs` processes; the rows are in the order of `measures`.

    Raises:
        NotFound: no such measure. RehearsalStuck: a case did not reach an end by its main road.
    """
    folder = root or data_root()
    if template is not None:
        return _together(settings, measures, folder, template, jobs=jobs, progress=progress)
    address = fresh_address(settings)
    with dropped_after(address):
        migration.create_database(address.owner_url)
        migration.upgrade(address.owner_url, folder / "migrations")
        found_database(address, settings, folder, at=BEGINS_AT, ids=PublicIds())
        founded = name_of(address)
        return _together(settings, measures, folder, founded, jobs=jobs, progress=progress)


def _together(
    settings: Settings,
    measures: Sequence[str],
    root: Path,
    template: str,
    *,
    jobs: int,
    progress: Progress,
) -> list[dict[str, Any]]:
    if jobs == 1:
        return rehearse(settings, list(measures), progress=progress, template=template, root=root)
    locate(settings)  # keeps the embedded server up for those who come and go
    context = get_context("spawn")
    ended: Queue[str] = context.Queue()
    with ProcessPoolExecutor(jobs, context, initializer=_listen, initargs=(ended,)) as pool:
        futures = [
            pool.submit(_play, settings, share, template, root)
            for share in shares(root, measures, jobs)
        ]
        _follow(futures, ended, progress)
        rows = {row["id"]: row for future in futures for row in future.result()}
    return [rows[measure] for measure in measures]


def shares(root: Path, measures: Sequence[str], jobs: int) -> list[list[str]]:
    """Return `measures` in at most `jobs` parts; drafts, which each has to enact, come together."""
    drafts = {
        measure.id
        for files in read_policies(root)
        if files.policy.status == DRAFT
        for measure in files.measures
    }
    ordered = sorted(measures, key=lambda measure: measure not in drafts)
    size = -(-len(ordered) // jobs)
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]


def _follow(
    futures: Sequence["Future[list[dict[str, Any]]]"], ended: "Queue[str]", progress: Progress
) -> None:
    """Tell what has ended until every process is done, or one has failed."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=PATIENCE)
        _tell(ended, progress)
        for future in done:
            future.result()
    _tell(ended, progress)


def _tell(ended: "Queue[str]", progress: Progress) -> None:
    while True:
        try:
            progress(ended.get(timeout=PATIENCE))
        except Empty:
            return


def _listen(ended: "Queue[str]") -> None:
    _ended.append(ended)


def _play(settings: Settings, share: list[str], template: str, root: Path) -> list[dict[str, Any]]:
    return rehearse(settings, share, progress=_ended[0].put, template=template, root=root)
