"""Numbers that identify applicants and people: checked, and masked for everybody else.

Messages never repeat a person's number; they say what is wrong with it.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from stdnum.cn import ric, uscc

from caseflow.kernel.errors import InvalidInput

USCC_LENGTH: Final = 18

_LETTERS: Final = "0-9A-HJ-NPQRTUWXY"
_USCC: Final = re.compile(rf"[1-9A-HJ-NPQRTUWXY][{_LETTERS}][1-9][0-9]{{5}}[{_LETTERS}]{{10}}")
"""Department, category, six digits of area, organisation code, check. GB 32100-2015.

python-stdnum's own format wants a digit as department and refuses N (农业) and Y (其他).
"""
_RESIDENT_ID: Final = re.compile(r"[1-9][0-9]{16}[0-9X]")
_PASSPORT: Final = re.compile(r"(?=.*[0-9])[A-Z0-9]{5,9}")
"""The document number of ICAO 9303-4 has at most nine letters and digits."""

IDENTITY_TYPES: Final[dict[str, str]] = {
    "resident_id": "居民身份证",
    "hk_macao_taiwan_residence": "港澳台居民居住证",
    "foreign_permanent_residence": "外国人永久居留身份证",
    "passport": "护照",
}
_PREFIXES: Final[dict[str, tuple[str, ...]]] = {
    "hk_macao_taiwan_residence": ("810000", "820000", "830000"),
    "foreign_permanent_residence": ("9",),
}
"""How the permits' numbers begin that are built like a resident's. 国办发〔2018〕81号."""


@dataclass(frozen=True)
class Identity:
    """A person's document: its type (a key of `IDENTITY_TYPES`) and its checked number."""

    type: str
    number: str


def check_uscc(text: str) -> str:
    """Return the unified social credit code (统一社会信用代码) in capitals.

    The inner check digit of the organisation code is left alone: genuine old codes fail it.

    Raises:
        InvalidInput: full-width or other foreign characters, length, form, or check digit.
    Source: GB 32100-2015.
    """
    code = _ascii(text, "uscc")
    if len(code) != USCC_LENGTH:
        raise _refusal("uscc", f"the code has {USCC_LENGTH} characters, not {len(code)}")
    if not _USCC.fullmatch(code):
        raise _refusal(
            "uscc", f"{code} is not built like a code (no I, O, S, V or Z; six digits of area)"
        )
    if uscc.calc_check_digit(code) != code[-1]:
        raise _refusal(
            "uscc", f"the check character of {code} does not fit: one character is wrong"
        )
    return code


def check_resident_id(text: str) -> str:
    """Return the resident identity number, judged by check digit and calendar date only.

    No area table: area codes come and go, and genuine numbers would be refused.

    Raises:
        InvalidInput: full-width characters, length, form, date of birth, or check digit.
    Source: GB 11643-1999.
    """
    number = _ascii(text, "identity_number")
    if not _RESIDENT_ID.fullmatch(number):
        raise _refusal("identity_number", "the number has 17 digits and a digit or X")
    try:
        date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}")
    except ValueError as error:
        raise _refusal("identity_number", "digits 7 to 14 are not a day of the calendar") from error
    if ric.calc_check_digit(number) != number[-1]:
        raise _refusal("identity_number", "the check digit does not fit: one character is wrong")
    return number


def check_identity(type: str, number: str) -> Identity:  # noqa: A002 - the column's name
    """Return the identity with its number checked as its type demands.

    The permits are known by their new, 18-digit numbers only.

    Raises:
        InvalidInput: an unknown type, or a number that its type does not have.
    """
    if type not in IDENTITY_TYPES:
        raise _refusal("identity_type", f"{type!r} is none of {', '.join(IDENTITY_TYPES)}")
    if type == "passport":
        return Identity(type, _check_passport(number))
    checked = check_resident_id(number)
    if not checked.startswith(_PREFIXES.get(type, "")):
        title = IDENTITY_TYPES[type]
        raise _refusal("identity_number", f"a {title} begins with {' or '.join(_PREFIXES[type])}")
    return Identity(type, checked)


def _check_passport(text: str) -> str:
    number = _ascii(text, "identity_number")
    if not _PASSPORT.fullmatch(number):
        raise _refusal("identity_number", "a passport has five to nine letters and digits")
    return number


def mask_identity(number: str) -> str:
    """Return the first two and the last three characters, stars between: `32*************021`."""
    return _mask(number, first=2, last=3)


def mask_phone(number: str) -> str:
    """Return the first three and the last four digits: `138****1234`."""
    return _mask(number, first=3, last=4)


def mask_account(number: str) -> str:
    """Return stars and the last four digits of a bank account."""
    return _mask(number, first=0, last=4)


def _mask(number: str, *, first: int, last: int) -> str:
    """Hide the middle; a number too short to hide anything becomes stars altogether."""
    hidden = len(number) - first - last
    if hidden < last:
        return "*" * len(number)
    return number[:first] + "*" * hidden + number[len(number) - last :]


def _ascii(text: str, field: str) -> str:
    stripped = text.strip()
    strange = sorted({character for character in stripped if not character.isascii()})
    if strange:
        shown = " ".join(f"{character!r} (U+{ord(character):04X})" for character in strange)
        raise _refusal(
            field, f"full-width or foreign characters: {shown}; type plain letters and digits"
        )
    return stripped.upper()


def _refusal(field: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{field}: {reason}.", fields={field: reason})
