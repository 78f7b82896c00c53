"""Commitments: how this house knows a person again without keeping their number."""

import hashlib
import hmac
from typing import Final

from caseflow.history.part import Signer
from caseflow.kernel.overlap.matters import Commit

COMMITMENT_LENGTH: Final = 40
"""Hexadecimal digits of a commitment: 160 bits, so that two people never share one."""
LONGEST_KEY_ID: Final = 16


def committing(signer: Signer) -> Commit:
    """Return how this house commits to a person's number: keyed, and with the key's name.

    Who has the database alone cannot try numbers out; who has the key can tell that two are equal.
    """
    name = "".join(sign for sign in signer.key_id.upper() if sign.isalnum())[:LONGEST_KEY_ID]

    def commit(number: str) -> str:
        made = hmac.new(signer.key, b"person\x1f" + number.encode(), hashlib.sha256).hexdigest()
        return f"~{name}-{made[:COMMITMENT_LENGTH].upper()}"

    return commit
