"""Matters (事项): what a support is given for, in one normal form each, so that keys can be equal.

Source of the kinds: 手册§5.1. A person's number never becomes a key: only a commitment to it does.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import Money

LONGEST: Final = 80
MOST_MATTERS: Final = 100
MOST_ITEMS: Final = 100
LEVELS: Final = ("国家级", "省级", "市级")
"""The levels of a title. AMB-38: 省级 then 国家级 of one object is the same title, higher."""

PER_HOLDER: Final = frozenset({"title", "research"})
"""Kinds whose key says nothing of who holds it: two holders never clash in them."""
KEYS: Final = frozenset({"kind", "key", "from", "to", "items"})

Commit = Callable[[str], str]
"""Returns the commitment to a person's number: keyed, the same for the same number."""

_SIGNS: Final = str.maketrans({
    **dict.fromkeys("〔[【{", "("), **dict.fromkeys("〕]】}", ")"),
    **dict.fromkeys("–—−‐‑－_", "-"), "：": ":", "、": "-",
})  # fmt: skip
"""文号 and contract numbers are typed with every sort of bracket and dash."""
_ALLOWED: Final = re.compile(r"[0-9A-Z一-鿿()\-/.:@+#~]+")
_NUMBER: Final = re.compile(r"(?=.*[0-9])[0-9A-Z一-鿿][0-9A-Z一-鿿()\-/.#]{3,}")
_CONTRACT: Final = re.compile(rf"(?:{_NUMBER.pattern})(?:@[0-9A-Z]{{18}})?")
_TITLE: Final = re.compile(
    rf"[0-9A-Z一-鿿()\-/]{{2,}}:(?:{'|'.join(LEVELS)}):20[0-9]{{2}}(?::[0-9A-Z一-鿿()\-/.]+)?"
)
_INVOICE: Final = re.compile(r"[0-9]{20}|(?:[0-9]{10}|[0-9]{12})-[0-9]{8}")
_YEAR: Final = re.compile(r"20[0-9]{2}")
_MONTH: Final = re.compile(r"20[0-9]{2}-(?:0[1-9]|1[0-2])")
_PERSON: Final = re.compile(r"[0-9]{17}[0-9X]|(?=.*[0-9])[A-Z0-9]{5,9}")
_COMMITTED: Final = re.compile(r"~[0-9A-Z]{1,16}-[0-9A-F]{40}")
_NATIONAL: Final = (4, 6, 2, 2, 6)
"""The parts of a national investment project code (国家投资项目代码), 24 characters in all."""


@dataclass(frozen=True)
class Kind:
    """A kind of matter: its title, and how a key of it is written."""

    title: str
    written: str


KINDS: Final[dict[str, Kind]] = {
    "title": Kind("称号、认定", "称号:级别:年度[:对象]，如 智能工厂:省级:2026"),
    "project": Kind("项目", "项目代码或备案号，如 2604-320681-04-01-123456"),
    "contract": Kind("合同", "合同号，需要时加 @相对方统一社会信用代码，如 HT-2026-001"),
    "invoice": Kind("发票", "二十位数电发票号码，或发票代码-发票号码"),
    "loan": Kind("贷款", "借款合同号"),
    "event": Kind("活动", "活动备案号"),
    "device": Kind("设备", "设备序列号"),
    "model_filing": Kind("模型备案", "生成式人工智能服务备案号"),
    "person": Kind("人员", "证件号码[:月份]，如 X1234567:2026-05；号码本身不保存"),
    "research": Kind("研发费用", "年度，如 2026；单位由申报主体确定"),
}


@dataclass(frozen=True, order=True)
class Matter:
    """A matter in its normal form, with what of its cost is asked for, where that was said.

    The cost period has both days inside; `items` are cost items in fen by name.
    """

    kind: str
    key: str
    cost_from: date | None = None
    cost_to: date | None = None
    items: Mapping[str, int] = field(default_factory=dict, compare=False, hash=False)

    @property
    def stem(self) -> str:
        """Return what stays the same when a title rises: the key without level and year."""
        if self.kind != "title":
            return self.key
        name, _, _, *thing = self.key.split(":")
        return ":".join((name, *thing))


def normalised(text: str) -> str:
    """Return `text` half-width, in capitals, without spaces, with one sort of bracket and dash."""
    folded = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS)
    return "".join(folded.split()).upper()


def matter_key(kind: str, typed: object, commit: Commit) -> str:
    """Return the normal form of what somebody typed.

    Raises:
        InvalidInput: an unknown kind, or nothing that a key of the kind could be. A person's
            number is never repeated in the message.
    """
    if kind not in KINDS:
        raise _refusal(f"事项类别 {kind!r:.40} 不存在；可用：{'、'.join(KINDS)}")
    known = KINDS[kind]
    text = normalised(typed) if isinstance(typed, str) else ""
    key = _key(kind, text, commit) if len(text) <= LONGEST and _ALLOWED.fullmatch(text) else None
    if key is None:
        shown = "所填号码" if kind == "person" else f"{typed!r:.80}"
        raise _refusal(f"{shown} 不是{known.title}的编号；写法：{known.written}")
    return key


def matters_of(given: object, commit: Commit) -> list[Matter]:
    """Return the matters of a payload: a list of {kind, key} with an optional cost of each.

    `from` and `to` are days as YYYY-MM-DD, `items` an object of fen by name.

    Raises:
        InvalidInput: no such list, a key that is none, days or amounts that are none, one twice.
    """
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_MATTERS:
        raise _refusal(f"须为 1 至 {MOST_MATTERS} 个事项的列表")
    found = [_matter(each, commit) for each in given]
    keys = [(each.kind, each.key) for each in found]
    if len(set(keys)) != len(keys):
        raise _refusal("同一事项列出了两次")
    return found


def matters_data(matters: Iterable[Matter]) -> list[dict[str, Any]]:
    """Return matters as plain JSON data that `matters_of` reads again."""
    return [
        {"kind": each.kind, "key": each.key}
        | ({"from": each.cost_from.isoformat()} if each.cost_from else {})
        | ({"to": each.cost_to.isoformat()} if each.cost_to else {})
        | ({"items": dict(each.items)} if each.items else {})
        for each in matters
    ]


def _matter(given: object, commit: Commit) -> Matter:
    if not isinstance(given, dict) or not {"kind", "key"} <= given.keys() <= KEYS:
        raise _refusal('每个事项须写作 {"kind": 类别, "key": 编号}，可加 from、to、items')
    first, last = _day(given.get("from")), _day(given.get("to"))
    if (first is None) != (last is None) or (first and last and last < first):
        raise _refusal("费用期间须有起止两日，且止日不早于起日")
    key = matter_key(given["kind"], given["key"], commit)
    return Matter(given["kind"], key, first, last, _items(given.get("items")))


def _day(text: object) -> date | None:
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise _refusal(f"{text!r:.40} 不是日期 YYYY-MM-DD") from None
    if found.isoformat() != text:
        raise _refusal(f"{text!r:.40} 不是日期 YYYY-MM-DD")
    return found


def _items(given: object) -> dict[str, int]:
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > MOST_ITEMS:
        raise _refusal(f"成本项须写作 名称: 分，至多 {MOST_ITEMS} 项")
    try:
        found = {normalised(name): Money.from_fen(fen).fen for name, fen in given.items()}
    except InvalidInput as error:
        raise _refusal("成本项的金额须为以分计的非负整数") from error
    if "" in found or len(found) != len(given) or any(len(name) > LONGEST for name in found):
        raise _refusal(f"成本项的名称须各不相同，且不超过 {LONGEST} 字")
    return found


def _key(kind: str, text: str, commit: Commit) -> str | None:
    if kind == "person":
        return _person(text, commit)
    form = _FORMS.get(kind, _NUMBER)
    return _SHAPED.get(kind, _same)(text) if form.fullmatch(text) else None


def _same(text: str) -> str:
    return text


def _project(text: str) -> str:
    """Return a national code with its hyphens, whatever they were; another number as it is."""
    digits = text.replace("-", "")
    if not (digits.isdigit() and len(digits) == sum(_NATIONAL)):
        return text
    ends = [sum(_NATIONAL[: index + 1]) for index in range(len(_NATIONAL))]
    return "-".join(digits[end - size : end] for size, end in zip(_NATIONAL, ends, strict=True))


def _person(text: str, commit: Commit) -> str | None:
    number, _, month = text.partition(":")
    if month and not _MONTH.fullmatch(month):
        return None
    if not _COMMITTED.fullmatch(number):
        if not _PERSON.fullmatch(number):
            return None
        number = commit(number)
    return f"{number}:{month}" if month else number


_FORMS: Final[dict[str, re.Pattern[str]]] = {
    "title": _TITLE, "contract": _CONTRACT, "invoice": _INVOICE, "research": _YEAR,
}  # fmt: skip
_SHAPED: Final[dict[str, Callable[[str], str]]] = {"project": _project}


def _refusal(reason: str) -> InvalidInput:
    return InvalidInput(f"事项有误：{reason}。", fields={"matters": reason})
