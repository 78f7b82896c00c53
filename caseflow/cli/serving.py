"""`caseflow serve`: the REST API under granian."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from typing import Final

import click

from caseflow.catalogue.places import data_root
from caseflow.cli.output import note
from caseflow.database.readiness import located, ready
from caseflow.kernel.errors import InvalidInput, Unavailable
from caseflow.settings import Settings, read_settings

TARGET: Final = "caseflow.app:create_app"
THREADS: Final = 4
HEALTH: Final = "/api/v1/health"
TRIES, PAUSE_SECONDS = 1_500, 0.2
"""How often a server that starts is asked whether it is there yet."""
GRACE_SECONDS: Final = 20


@click.command()
@click.option("--host", help="The address to bind (default: CASEFLOW_HOST, else 127.0.0.1).")
@click.option("--port", type=click.IntRange(1, 65535), help="Default: CASEFLOW_PORT, else 8000.")
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Server processes."
)
def serve(*, host: str | None, port: int | None, workers: int) -> None:  # fmt: skip
    """Serve the REST API at /api/v1 and its documentation at /api/docs, until it is stopped.

    Example: caseflow serve --port 8000 --workers 2
    """
    settings = read_settings()
    serve_api(
        replace(settings, host=host or settings.host, port=port or settings.port), workers=workers
    )


def serve_api(settings: Settings, *, workers: int = 1) -> None:
    """Serve until SIGINT or SIGTERM; the database is made ready first.

    Raises:
        Unavailable: no database, or one at another revision. InvalidInput: the address is taken.
    """
    from granian import Granian
    from granian.constants import Interfaces

    ready(located(settings), data_root() / "migrations")
    _refuse_taken(settings)
    os.environ.update(_environment(settings))
    note(f"Serving http://{settings.host}:{settings.port}/api/docs")
    note(tokens_told(settings))
    server = Granian(
        TARGET,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=THREADS,
        factory=True,
        websockets=False,
    )
    server.serve()


@contextmanager
def served(settings: Settings) -> Iterator[int]:
    """Serve the house of `settings` from a process of its own meanwhile; yields the free port.

    Raises:
        Unavailable: the server ended, or did not answer.
    """
    port = _free_port(settings.host)
    environment = {
        **os.environ,
        **_environment(replace(settings, port=port)),
        "CASEFLOW_MAC_KEY": settings.mac_key.hex(),
    }
    command = [sys.executable, "-m", "caseflow", "serve", "--port", str(port)]
    with subprocess.Popen(  # noqa: S603 - our own program, no shell
        command,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as server:
        try:
            _await(server, settings.host, port)
            yield port
        finally:
            server.terminate()
            try:
                server.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)  # its workers with it


def _free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _await(server: subprocess.Popen[bytes], host: str, port: int) -> None:
    """Wait until the server answers."""
    for _ in range(TRIES):
        if server.poll() is not None:
            raise Unavailable(f"The server ended at once with code {server.returncode}.")
        line = HTTPConnection(host, port, timeout=GRACE_SECONDS)
        try:
            line.request("GET", HEALTH)
            line.getresponse().read()
        except (OSError, HTTPException):
            time.sleep(PAUSE_SECONDS)
        else:
            return
        finally:
            line.close()
    raise Unavailable(f"The server at {host}:{port} does not answer.")


def _environment(settings: Settings) -> dict[str, str]:
    """Return what the server's processes need to find the same house."""
    told = {
        "CASEFLOW_HOME": str(settings.home),
        "CASEFLOW_HOST": settings.host,
        "CASEFLOW_PORT": str(settings.port),
        "CASEFLOW_DATABASE_URL": settings.database_url,
        "CASEFLOW_OWNER_DATABASE_URL": settings.owner_url,
    }
    return {name: value for name, value in told.items() if value is not None}


def tokens_told(settings: Settings) -> str:
    """Return what is said at the start about who may name themselves."""
    if settings.is_loopback:
        return (
            "Development tokens (Authorization: Bearer dev:LOGIN) are accepted, only because the"
            " server is bound to loopback."
        )
    return "Development tokens are refused: the server is bound beyond this machine."


def _refuse_taken(settings: Settings) -> None:
    """Say so at once when another program listens there; granian would retry without a word."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            where = f"{settings.host}:{settings.port}"
            raise InvalidInput(f"{where} cannot be bound: {error.strerror or error}.") from error
