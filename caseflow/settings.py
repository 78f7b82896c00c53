"""Frozen settings, read once from the environment by a door and passed down."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile

from caseflow.kernel.errors import InvalidInput

KEY_BYTES = 32
MEBIBYTE = 1024 * 1024
MOST_PORT = 65_535
SOURCES = "CASEFLOW_SOURCE_"
"""How the variables begin that hold the addresses and secrets of sources of facts (核查来源)."""


@dataclass(frozen=True)
class Settings:
    """What the program needs to know about its surroundings.

    `database_url` is the program's role, `owner_url` the role that migrates; both None means the
    embedded server under `home`. `sources` are addresses and secrets of sources of facts, by the
    names of their variables.
    """

    home: Path
    database_url: str | None = None
    owner_url: str | None = None
    mac_key: bytes = b""
    mac_key_id: str = "k1"
    smtp_host: str = "127.0.0.1"
    smtp_port: int = 2525
    mail_from: str = "caseflow@localhost"
    host: str = "127.0.0.1"
    port: int = 8000
    pool_size: int = 8
    upload_limit: int = 20 * MEBIBYTE
    seal_key: bytes | None = None
    origin: str = "caseflow"
    sources: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def files(self) -> Path:
        """Return the folder of uploaded files, stored by their hash."""
        return self.home / "files"

    def seal_seed(self) -> bytes:
        """Return the seed of the key that signs checkpoints; makes `seal.key` when there is none.

        Only who seals needs it, so a web process on another machine never has it.

        Raises:
            InvalidInput: the file holds no whole key.
        """
        return self.seal_key or _key_file(self.home / "seal.key")[:KEY_BYTES]

    @property
    def is_loopback(self) -> bool:
        """Return whether the server is bound where only this machine reaches it."""
        return self.host in {"127.0.0.1", "localhost", "::1"}


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of this process; makes the home folder and its MAC key when missing.

    Raises:
        InvalidInput: a number or the key in the environment cannot be read.
    """
    env = os.environ if environment is None else environment
    home = Path(env.get("CASEFLOW_HOME", ".caseflow")).resolve()
    home.mkdir(parents=True, exist_ok=True)
    database_url = env.get("CASEFLOW_DATABASE_URL") or None
    return Settings(
        home=home,
        database_url=database_url,
        owner_url=env.get("CASEFLOW_OWNER_DATABASE_URL") or database_url,
        mac_key=_key(env, "CASEFLOW_MAC_KEY") or _key_file(home / "mac.key"),
        mac_key_id=env.get("CASEFLOW_MAC_KEY_ID", "k1"),
        smtp_host=env.get("CASEFLOW_SMTP_HOST", "127.0.0.1"),
        smtp_port=_number(env, "CASEFLOW_SMTP_PORT", 2525, most=MOST_PORT),
        mail_from=env.get("CASEFLOW_MAIL_FROM", "caseflow@localhost"),
        host=env.get("CASEFLOW_HOST", "127.0.0.1"),
        port=_number(env, "CASEFLOW_PORT", 8000, most=MOST_PORT),
        pool_size=_number(env, "CASEFLOW_POOL_SIZE", 8, most=100),
        upload_limit=_number(env, "CASEFLOW_UPLOAD_LIMIT", 20 * MEBIBYTE, most=1024 * MEBIBYTE),
        seal_key=_seed(env),
        origin=_origin(env),
        sources={name: value for name, value in env.items() if name.startswith(SOURCES)},
    )


def _number(env: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    """Return a whole number from 1 to `most`."""
    text = env.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        raise InvalidInput(f"{name} must be a whole number, not {text!r}.", fields={name: text})
    if not 1 <= int(text) <= most:
        raise InvalidInput(f"{name} must lie between 1 and {most}.", fields={name: text})
    return int(text)


def _origin(env: Mapping[str, str]) -> str:
    """Return who signs the checkpoints: a name without white space or a plus sign."""
    text = env.get("CASEFLOW_ORIGIN", "caseflow")
    if not text or "+" in text or any(each.isspace() for each in text):
        problem = "CASEFLOW_ORIGIN must be a name without white space or a plus sign"
        raise InvalidInput(f"{problem}, not {text!r}.", fields={"CASEFLOW_ORIGIN": text})
    return text


def _seed(env: Mapping[str, str]) -> bytes | None:
    key = _key(env, "CASEFLOW_SEAL_KEY")
    if key is not None and len(key) != KEY_BYTES:
        raise InvalidInput(f"CASEFLOW_SEAL_KEY must have {KEY_BYTES} bytes, not {len(key)}.")
    return key


def _key(env: Mapping[str, str], name: str) -> bytes | None:
    text = env.get(name)
    if text is None:
        return None
    try:
        key = bytes.fromhex(text)
    except ValueError as error:
        raise InvalidInput(f"{name} must be hexadecimal.") from error
    if len(key) < KEY_BYTES:
        raise InvalidInput(f"{name} must have at least {KEY_BYTES} bytes.")
    return key


def _key_file(path: Path) -> bytes:
    """Return the key kept in `path`; the first process to come makes it, once.

    The file gets its name only when it is whole (and 0600), so that nobody reads half a key.
    """
    if not path.exists():
        with NamedTemporaryFile(dir=path.parent) as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            with suppress(FileExistsError):
                path.hardlink_to(file.name)
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise InvalidInput(f"{path} must hold a key of {KEY_BYTES} bytes, not {len(key)}.")
    return key
