"""The probes of `caseflow doctor`: each looks at one thing and says how it is."""

import platform
import shutil
import smtplib
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement

from caseflow.cli.output import cell
from caseflow.clock import MAX_SKEW, SystemClock, VirtualClock, clock_for, skew
from caseflow.database import migration
from caseflow.database.access import Address, Database, open_database
from caseflow.database.connections import Connect
from caseflow.database.readiness import driver_errors, located, revision_of
from caseflow.deadlines.queries import years
from caseflow.funds.ledger import disagreements
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import CaseflowError, Unavailable
from caseflow.settings import KEY_BYTES, Settings

OK: Final = "ok"
WARNING: Final = "warning"
BROKEN: Final = "broken"

LEAST_PYTHON: Final = (3, 11)
LEAST_FREE: Final = 1024**3
"""A gigabyte: below it uploads and the embedded database are soon refused."""
LATE: Final = timedelta(minutes=5)
"""A worker beats every 30 seconds; after this it is taken for gone."""
SMTP_SECONDS: Final = 2


@dataclass(frozen=True)
class Probe:
    """One thing looked at: ok, warning (works, but see to it) or broken, and what to do."""

    name: str
    status: str
    detail: str


def of_the_machine(settings: Settings, root: Path) -> Iterator[Probe]:
    """Yield the probes that need no database."""
    yield _python()
    yield _packages()
    yield Probe("data", OK, str(root))
    yield _mac_key(settings)
    yield _files(settings)
    yield _font()
    yield _smtp(settings)
    yield _exposure(settings)


def _python() -> Probe:
    is_ok = sys.version_info[:2] >= LEAST_PYTHON
    return Probe("python", OK if is_ok else BROKEN, platform.python_version())


def _packages() -> Probe:
    """Compare what is installed with what the program's own metadata asks for."""
    try:
        wanted = [Requirement(line) for line in requires("caseflow") or []]
        name = metadata("caseflow")["Version"]
    except PackageNotFoundError:
        return Probe("packages", WARNING, "caseflow runs from a folder; nothing says what it needs")
    faults = [fault for each in wanted if (fault := _fault(each))]
    if faults:
        return Probe("packages", BROKEN, "; ".join(faults))
    return Probe("packages", OK, f"caseflow {name} and {len(wanted)} packages")


def _fault(wanted: Requirement) -> str | None:
    if wanted.marker is not None and not wanted.marker.evaluate():
        return None
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is missing"
    return (
        None if wanted.specifier.contains(found) else f"{wanted.name} is {found}, needed {wanted}"
    )


def _mac_key(settings: Settings) -> Probe:
    if len(settings.mac_key) < KEY_BYTES:
        return Probe("mac key", BROKEN, f"under {KEY_BYTES} bytes; set CASEFLOW_MAC_KEY")
    path = settings.home / "mac.key"
    if not path.is_file() or path.read_bytes() != settings.mac_key:
        return Probe("mac key", OK, f"{settings.mac_key_id}, from CASEFLOW_MAC_KEY")
    if path.stat().st_mode & 0o077:
        return Probe("mac key", WARNING, f"{path} can be read by others: chmod 600")
    return Probe("mac key", OK, f"{settings.mac_key_id}, from {path}")


def _files(settings: Settings) -> Probe:
    """Write a file where uploads go, and look at the space left."""
    try:
        settings.files.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=settings.files) as file:
            file.write(b"caseflow")
        free = shutil.disk_usage(settings.files).free
    except OSError as error:
        return Probe("files", BROKEN, f"{settings.files}: {error.strerror}")
    status = OK if free >= LEAST_FREE else WARNING
    return Probe("files", status, f"{settings.files}, {free // 1024**2:,} MiB free")


def _font(folders: Iterable[Path] | None = None) -> Probe:
    """Look for a Chinese font to write documents with: the system's, or the package's."""
    from caseflow.documents.letters.fonts import chinese_font

    try:
        found = chinese_font(folders)
    except Unavailable as error:
        return Probe("cjk font", WARNING, error.message)
    return Probe("cjk font", OK, f"{found.family}, {found.path}")


def _smtp(settings: Settings) -> Probe:
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=SMTP_SECONDS) as server:
            code, _ = server.noop()
    except (OSError, smtplib.SMTPException) as error:
        return Probe("smtp", WARNING, f"{where} does not answer ({error}); letters wait")
    return Probe("smtp", OK, f"{where} answers {code}")


def _exposure(settings: Settings) -> Probe:
    if settings.is_loopback:
        return Probe("bound to", OK, f"{settings.host}; development tokens are accepted")
    return Probe("bound to", WARNING, f"{settings.host}; nobody can sign in: tokens need loopback")


def of_the_database(settings: Settings, root: Path) -> list[Probe]:
    """Return the probes of the database; one that says why where it does not answer."""
    try:
        address = located(settings)
        found = [_server(address), _revision(address, root)]
        if found[-1].status == OK:
            found += _inside(address)
    except CaseflowError as error:
        return [Probe("database", BROKEN, error.message.partition("\n")[0])]
    return found


def _server(address: Address) -> Probe:
    if address.server is None:
        return Probe("database", OK, "an external PostgreSQL answers")
    return Probe("database", OK, f"the embedded PostgreSQL runs in {address.server.socket_folder}")


def _revision(address: Address, root: Path) -> Probe:
    revision, head = revision_of(address), migration.head_revision(root / "migrations")
    if revision == head:
        return Probe("revision", OK, f"{revision}, the newest")
    found = f"{revision or 'none'}, the program needs {head}: run 'caseflow db upgrade'"
    return Probe("revision", BROKEN if revision or address.server is None else WARNING, found)


def _inside(address: Address) -> list[Probe]:
    database = open_database(address, pool_size=1)
    try:
        with driver_errors():
            connect = database.connect
            return [
                _skew(connect), _virtual(connect), _catalogue(connect), _calendar(connect),
                _worker(connect), _deliveries(connect), _timers(connect), _ledger(database),
            ]  # fmt: skip
    finally:
        database.close()


def _skew(connect: Connect) -> Probe:
    found = skew(connect)
    told = f"{found.total_seconds() * 1000:.0f} ms from the database's clock"
    if found > MAX_SKEW:
        return Probe("clock", BROKEN, f"{told}; deadlines need both within a second: set up NTP")
    return Probe("clock", OK, told)


def _virtual(connect: Connect) -> Probe:
    present = clock_for(connect)
    if isinstance(present, VirtualClock):
        told = f"virtual, at {cell(present.now())}: this database is a rehearsal"
        return Probe("time", WARNING, told)
    return Probe("time", OK, "real")


def _catalogue(connect: Connect) -> Probe:
    policies, measures = _row(
        connect,
        "SELECT count(DISTINCT p.id), count(v.id) FROM policy_version p"
        " LEFT JOIN measure_version v ON v.policy_version_id = p.id WHERE p.current",
    )
    if not policies:
        return Probe("catalogue", WARNING, "no policy is loaded: run 'caseflow policies load'")
    return Probe("catalogue", OK, f"{policies} policies, {measures} measures")


def _calendar(connect: Connect) -> Probe:
    """Deadlines reach into this year and the next; both should be confirmed once announced."""
    with connect() as connection:
        known = {each.year: each.status for each in years(connection)}
    this = local_date(clock_for(connect).now()).year
    confirmed = [str(year) for year, status in known.items() if status == "confirmed"]
    told = f"confirmed: {', '.join(confirmed) or 'none'}"
    missing = [year for year in (this, this + 1) if known.get(year) != "confirmed"]
    if not missing:
        return Probe("calendar", OK, told)
    listed = ", ".join(map(str, missing))
    advice = (
        f"{told}; {listed} missing: deadlines there are provisional ('caseflow calendar import')"
    )
    return Probe("calendar", WARNING, advice)


def _worker(connect: Connect) -> Probe:
    """The health of the worker is the time of its last beat, by the machine's clock."""
    found = _rows(connect, "SELECT name, last_at FROM sweep ORDER BY name")
    told = ", ".join(f"{name} {cell(at)}" for name, at in found) or "no sweep has run"
    beats = [at for name, at in found if name == "worker"]
    if not beats or SystemClock().now() - beats[0] > LATE:
        return Probe("worker", WARNING, f"none alive ({told}): run 'caseflow worker'")
    return Probe("worker", OK, told)


def _deliveries(connect: Connect) -> Probe:
    failed, waiting = _row(
        connect,
        "SELECT count(*) FILTER (WHERE status = 'failed'),"
        " count(*) FILTER (WHERE status = 'pending') FROM delivery",
    )
    told = f"{failed} given up, {waiting} waiting"
    return Probe("letters", WARNING if failed else OK, told)


def _timers(connect: Connect) -> Probe:
    refused, reason = _row(
        connect, "SELECT count(*), max(problem) FROM timer WHERE problem IS NOT NULL"
    )
    told = f"{refused} refused" + (f", e.g. {reason}" if refused else "")
    return Probe("timers", WARNING if refused else OK, told)


def _ledger(database: Database) -> Probe:
    """Look whether every balance of every budget line is the sum of its entries."""
    with database.session() as session:
        faults = disagreements(session)
    if faults:
        first = f"{faults[0].line_id} {faults[0].kind}"
        advice = f"{len(faults)} balances differ from their entries, first {first}"
        return Probe("ledger", BROKEN, f"{advice}: run 'caseflow budgets verify'")
    return Probe("ledger", OK, "every balance is the sum of its entries")


def _rows(connect: Connect, query: Any) -> list[tuple[Any, ...]]:
    with connect() as connection:
        return connection.execute(query).fetchall()


def _row(connect: Connect, query: Any) -> tuple[Any, ...]:
    return _rows(connect, query)[0]
