"""Who asks, by the token of development: on this machine only, and honest about being no proof."""

from typing import Final

from caseflow.kernel.errors import Unauthenticated

_SCHEME: Final = "Bearer"
_PREFIX: Final = "dev:"


def development_actor(header: str | None, *, is_loopback: bool) -> str:
    """Return the login in `Authorization: Bearer dev:<login>`.

    Raises:
        Unauthenticated: no header, another token, or a server that others can reach.
    """
    if header is None:
        raise Unauthenticated(
            "Nobody is named: send the header 'Authorization: Bearer dev:<login>'."
        )
    scheme, _, token = header.partition(" ")
    login = token.removeprefix(_PREFIX).strip()
    if scheme.lower() != _SCHEME.lower() or not token.startswith(_PREFIX) or not login:
        raise Unauthenticated("The token is not good: it must read 'Bearer dev:<login>'.")
    if not is_loopback:
        raise Unauthenticated(
            "Development tokens are refused: this server is bound beyond this machine (loopback)."
        )
    return login
