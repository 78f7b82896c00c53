"""Made-up credit codes and identity numbers: right check digits, nobody known."""

from typing import Final

from stdnum.cn import ric, uscc

AREA: Final = "320681"
PREFIXES: Final = {
    "enterprise": "91", "institution": "12", "association": "51", "government": "11",
}  # fmt: skip
"""Department and category of a credit code: 企业, 事业单位, 社会团体, 机关. GB 32100-2015."""
_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_VALUES: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MODULUS: Final = 11


def synthetic_uscc(number: int, *, kind: str, area: str = AREA) -> str:
    """Return the credit code number `number` (below a million) of a made-up organisation.

    Source: GB 32100-2015, GB 11714.
    """
    organisation = f"MA{number:06d}"
    total = sum(
        _VALUES.index(character) * weight
        for character, weight in zip(organisation, _WEIGHTS, strict=True)
    )
    check = (_MODULUS - total % _MODULUS) % _MODULUS
    body = f"{PREFIXES[kind]}{area}{organisation}{'X' if check == _MODULUS - 1 else check}"
    return body + str(uscc.calc_check_digit(body))


def synthetic_identity_number(number: int) -> str:
    """Return the resident identity number of a made-up person; `number` is below a thousand.

    Source: GB 11643-1999.
    """
    body = f"{AREA}19900101{number:03d}"
    return body + str(ric.calc_check_digit(f"{body}0"))
