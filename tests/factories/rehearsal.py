"""Settings of a house whose databases lie on the tests' server."""

from pathlib import Path

from caseflow.database.server import PROGRAM_ROLE, Server
from caseflow.settings import Settings

KEY = bytes.fromhex("ab" * 32)


def settings_on(server: Server, home: Path, *, database: str) -> Settings:
    """Return settings that name `database` on `server`, with files under `home`."""
    return Settings(
        home=home,
        database_url=server.url(database, role=PROGRAM_ROLE),
        owner_url=server.url(database),
        mac_key=KEY,
    )
