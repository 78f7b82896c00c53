"""What an event takes, as it is written on a command line."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import orjson


def given_payload(text: str | None, pairs: Iterable[str]) -> dict[str, Any]:
    """Return the payload of `--payload` (JSON, or @FILE) with every `--set NAME=VALUE` in it.

    Raises:
        click.BadParameter: no JSON object, or a pair without a name.
    """
    body = _object(text) if text is not None else {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not (separator and name):
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE.", param_hint="--set")
        body[name] = _value(value)
    return body


def _object(text: str) -> dict[str, Any]:
    try:
        source = Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
        body = orjson.loads(source)
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"no JSON: {error}.", param_hint="--payload") from error
    except OSError as error:
        raise click.BadParameter(
            f"{text[1:]}: {error.strerror}.", param_hint="--payload"
        ) from error
    if not isinstance(body, dict):
        raise click.BadParameter("must be a JSON object.", param_hint="--payload")
    return body


def _value(text: str) -> Any:
    """Return what JSON reads in `text`; text otherwise, numbers with a fraction included."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return text if isinstance(value, float) else value
