"""One award as another system tells of it: read strictly, every fault named by its field."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from caseflow.funds.awards.claims import holder_of
from caseflow.identity.identifiers import check_identity, check_uscc
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import Money
from caseflow.kernel.overlap.matters import Commit, Matter, matters_of
from caseflow.kernel.overlap.rules import EXPECTED

FIELDS: Final = (
    "source_id", "name", "uscc", "identity_type", "identity_number", "policy", "measure", "clause",
    "family", "level", "place", "matters", "amount_fen", "granted_on",
)  # fmt: skip
LEVELS: Final = {
    "country": "country", "province": "province", "city": "city", "district": "district",
    "国家": "country", "省": "province", "市": "city", "区": "district", "县": "district",
}  # fmt: skip
LONGEST: Final = 200
_PLACE: Final = re.compile(r"[a-z][a-z0-9_-]{1,39}|[0-9]{6}")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class GrantedAward:
    """An award of another system, checked; of a person's number only the commitment is left."""

    source_id: str
    name: str
    holder: str
    policy: str | None
    measure: str | None
    clause: str
    family: str | None
    level: str
    place: str
    matters: tuple[Matter, ...]
    amount_fen: int
    granted_on: date

    @property
    def scope(self) -> str:
        """Return the scope in which a matter has one live award."""
        return f"{self.level}:{self.place}"


def read_award(given: Mapping[str, Any], commit: Commit, places: Mapping[str, str]) -> GrantedAward:
    """Return the award of a row; `places` are the codes of territories by their titles.

    Raises:
        InvalidInput: `fields` names each value that is missing, unknown or wrong, and why.
    """
    reader = _Reader(given)
    level = reader.take("level", _level)
    read = {
        "source_id": reader.take("source_id", _line),
        "name": reader.take("name", _line),
        "holder": reader.take("holder", lambda _: _holder(given, commit)),
        "policy": reader.take("policy", _optional),
        "measure": reader.take("measure", _optional),
        "clause": reader.take("clause", _line),
        "family": reader.take("family", _family),
        "level": level,
        "place": reader.take("place", lambda value: _place(value, level, places)),
        "matters": reader.take("matters", lambda value: _matters(value, commit)),
        "amount_fen": reader.take("amount_fen", _fen),
        "granted_on": reader.take("granted_on", _day),
    }
    reader.refuse()
    return GrantedAward(**read)


class _Reader:
    """Takes one value after the other and keeps what is wrong with each."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.faults = {str(name): "没有此项" for name in given if name not in FIELDS}

    def take(self, name: str, read: Callable[[Any], Any]) -> Any:
        try:
            return read(self.given.get(name))
        except InvalidInput as error:
            self.faults[name] = next(iter(error.fields.values()), error.message)
            return None

    def refuse(self) -> None:
        if self.faults:
            listed = "；".join(f"{name}：{reason}" for name, reason in self.faults.items())
            raise InvalidInput(listed, fields=self.faults)


def _line(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput("必填，须为文字")
    if len(value) > LONGEST or _CONTROL.search(value):
        raise InvalidInput(f"须为一行文字，至多 {LONGEST} 字")
    return value.strip()


def _optional(value: Any) -> str | None:
    return None if value is None or value == "" else _line(value)


def _holder(given: Mapping[str, Any], commit: Commit) -> str:
    uscc, number = _optional(given.get("uscc")), _optional(given.get("identity_number"))
    if (uscc is None) == (number is None):
        raise InvalidInput("统一社会信用代码和证件号码须填且只填一项")
    if uscc is not None:
        return check_uscc(uscc)
    identity = check_identity(_optional(given.get("identity_type")) or "resident_id", str(number))
    return holder_of(None, identity.number, commit)


def _level(value: Any) -> str:
    if not isinstance(value, str) or value not in LEVELS:
        raise InvalidInput(f"{value!r:.20} 不是级别，须为国家、省、市、区之一")
    return LEVELS[value]


def _family(value: Any) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str) or value not in EXPECTED:
        raise InvalidInput(f"{value!r:.40} 不是类别，须为 {'、'.join(EXPECTED)} 之一")
    return value


def _place(value: Any, level: str | None, places: Mapping[str, str]) -> str:
    if level == "country":
        return ""
    code = places.get(value, value) if isinstance(value, str) else value
    if not isinstance(code, str) or not _PLACE.fullmatch(code):
        raise InvalidInput(f"{value!r:.40} 不是地区，须为地区代码（如 nantong）或六位区划代码")
    return code


def _fen(value: Any) -> int:
    try:
        return Money.from_fen(value).fen
    except InvalidInput as error:
        shown = f"{value!r:.40}"
        raise InvalidInput(
            f"{shown} 不是金额：须为以分计的非负整数，表格中为元、至多两位小数"
        ) from error


def _matters(value: Any, commit: Commit) -> tuple[Matter, ...]:
    return () if value in (None, []) else tuple(matters_of(value, commit))


def _day(value: Any) -> date:
    try:
        found = date.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidInput(f"{value!r:.40} 不是日期 YYYY-MM-DD") from None
    if found.isoformat() != value:
        raise InvalidInput(f"{value!r:.40} 不是日期 YYYY-MM-DD")
    return found
