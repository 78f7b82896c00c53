"""The words of a formal document: a sandboxed template over a closed list of facts, in blocks.

A line of a template is a paragraph; its first sign says more: `@` salutation, `#` heading,
`>` quotation, `-` numbered item, `|` row of a table (the first row of each is its head). What a
fact says is never read as such a sign.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from caseflow.kernel import chinese_writing
from caseflow.kernel.workflow.vocabulary import AMOUNTS

FACTS: Final[dict[str, str]] = {
    "addressee": "受送达人",
    "you": "对受送达人的称呼（你单位、您）",
    "identifier": "统一社会信用代码或证件号码（自然人已遮盖）",
    "issuer": "制发单位",
    "case_number": "办件编号",
    "title": "办件或公示名称",
    "measure": "条款名称",
    "article": "条款序号",
    "clause": "条款原文",
    "policy": "政策文件名称",
    "policy_no": "政策文件文号",
    "submitted_on": "提交日期",
    "happened_on": "所依据事项的办理日期",
    "dated_on": "文书日期",
    "happened": "所依据的事项",
    "state": "进入的环节",
    "reason": "事实与理由",
    "reason_title": "理由类别",
    "remedy": "救济途径",
    "items": "需补正的全部内容",
    "basis": "依据文件",
    "minutes_no": "会议纪要编号",
    "document_no": "决定或委托文书编号",
    "deadline_on": "期限届满日",
    "deadline_limit": "期限长度",
    "deadline_unit": "期限单位",
    "provisional": "期限按暂定日历计算",
    "cuts": "核减明细",
    "payments": "本次拨付明细",
    "paid_now_fen": "本次拨付金额",
    "paid_fen": "累计已拨付金额",
    "cases": "公示名单",
    "starts_on": "公示首日",
    "ends_on": "公示末日",
    "working_days": "公示工作日数",
    "contact": "联系人",
    "phone": "联系电话",
    "email": "电子邮箱",
    "address": "通信地址",
    "letter_title": "所送达文书的名称",
    "letter_number": "所送达文书的文号",
    "deliveries": "送达记录",
    **{name: fact.title for name, fact in AMOUNTS.items()},
}
"""Every fact a formal document may carry, with its title; all may be missing."""

ITEMS: Final[dict[str, tuple[str, ...]]] = {
    "cuts": ("words", "fen", "reason"),
    "payments": ("instalment", "share", "fen", "account", "voucher_no"),
    "cases": ("number", "applicant", "title", "measure", "fen", "territory"),
    "deliveries": ("method", "consent", "receiver", "sent", "arrived", "read"),
}
"""What each item of a list of records carries; all may be None."""

ASKED: Final = ("contact", "phone", "email", "address", "reason", "remedy", "basis")
"""What whoever makes the document may add, where its kind asks for it."""

KINDS: Final = {"@": "salutation", "#": "heading", ">": "quote", "-": "item", "|": "table"}
"""The signs of a template's lines."""

_SIGNS: Final = {sign: chr(0xE000 + n) for n, sign in enumerate(KINDS)}
"""Signs become characters of private use before a template is filled; facts lose any of those."""
_BREAK: Final = chr(0xE000 + len(KINDS))
"""A line break inside a fact."""
_BY_SIGN: Final = {_SIGNS[sign]: kind for sign, kind in KINDS.items()}
_BAR: Final = _SIGNS["|"]
_RESERVED: Final = re.compile(f"[{chr(0xE000)}-{_BREAK}]")
_HOLES: Final = re.compile(r"(\{\{.*?\}\}|\{%.*?%\})")
_PRIVATE: Final = re.compile(r"(?<![0-9A-Za-z])\d(?: ?\d){10,18}[Xx]?(?![0-9A-Za-z])")
_MOBILE: Final = re.compile(r"1[3-9]\d{9}")
_LONGEST_PHONE: Final = 14
ACCOUNT_TAIL: Final = 4
UNITS: Final = {"working_days": "个工作日", "days": "日", "months": "个月"}

Block = dict[str, Any]


def masked(text: str) -> str:
    """Return a text without a whole ID number, mobile or account of anybody (手册§7.3).

    Numbers of 15 to 19 digits count as IDs (18, kept: first 2 and last 3) or accounts (last 4).
    """
    return _PRIVATE.sub(lambda found: _mask(found[0]), text)


def _mask(written: str) -> str:
    number = unicodedata.normalize("NFKC", written).replace(" ", "")
    if _MOBILE.fullmatch(number):
        return f"{number[:3]}****{number[-4:]}"
    return identity(number) if len(number) > _LONGEST_PHONE else written


def identity(number: str) -> str:
    """Return an ID or account number by its first two and last three characters (手册§7.3)."""
    return f"{number[:2]}{'*' * (len(number) - 5)}{number[-3:]}"


def account(number: str) -> str:
    """Return a bank account by its last four digits (手册§7.3)."""
    return f"尾号{number[-ACCOUNT_TAIL:]}"


def day(value: Any) -> str:
    """Return a date or an ISO date in full; nothing as 日期待定."""
    if not value:
        return "日期待定"
    on = value if isinstance(value, date) else date.fromisoformat(value)
    return chinese_writing.chinese_date(on)


def due(value: Any, provisional: Any = None) -> str:
    """Return a due date, marked where the year's holidays are not announced yet."""
    return f"{day(value)}（暂定）" if provisional is True else day(value)


def yuan(fen: Any) -> str:
    """Return fen as 1,000,000.00, nothing as a dash."""
    return "—" if fen is None else chinese_writing.grouped_yuan(fen)


def capital(fen: Any) -> str:
    """Return fen as 1,000,000.00元（大写：人民币壹佰万元整）, nothing as 金额待定."""
    return (
        "金额待定" if fen is None else f"{yuan(fen)}元（大写：{chinese_writing.capital_yuan(fen)}）"
    )


def limit(length: Any, unit: Any) -> str:
    """Return a period as 10个工作日."""
    return f"{length}{UNITS.get(unit, '')}"


def _shown(value: Any) -> Any:
    if value is None:
        return "—"
    if not isinstance(value, str):
        return value
    return _BREAK.join(_RESERVED.sub("", value).split("\n"))


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,  # it goes into PDF and DOCX as data; both escape what they show
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals.clear()
    for filter_ in (day, due, yuan, capital, limit):
        environment.filters[filter_.__name__] = filter_
    return environment


_ENVIRONMENT: Final = _environment()


@lru_cache(maxsize=64)
def _template(text: str) -> Template:
    return _ENVIRONMENT.from_string("\n".join(map(_signed, text.splitlines())))


def _signed(line: str) -> str:
    """Return a template's line with its sign, and the bars of a row, made private."""
    kind = line[:1]
    if kind != "|":
        return f"{_SIGNS[kind]}{line[1:].lstrip()}" if kind in KINDS else line
    parts = _HOLES.split(line.strip().strip("|"))
    outside = [part if n % 2 else part.replace("|", _BAR) for n, part in enumerate(parts)]
    return _BAR + "".join(outside)


def blocks_of(text: str, facts: Mapping[str, Any]) -> list[Block]:
    """Return a checked template filled with these facts, block by block; a missing one is None."""
    filled = _template(text).render({**dict.fromkeys(FACTS), **facts})
    found: list[Block] = []
    for line in filter(str.strip, filled.splitlines()):
        kind = _BY_SIGN.get(line[0], "paragraph")
        words = line.lstrip(_BAR) if kind == "table" else line[kind != "paragraph" :]
        if kind == "table":
            _add_row(found, [cell.strip().replace(_BREAK, " ") for cell in words.split(_BAR)])
        else:
            found += _lines(kind, words.strip(), found)
    return found


def _add_row(found: list[Block], cells: list[str]) -> None:
    if found and found[-1]["kind"] == "table":
        found[-1]["rows"].append(cells)
    else:
        found.append({"kind": "table", "columns": cells, "rows": []})


def _lines(kind: str, words: str, before: Sequence[Block]) -> list[Block]:
    """Return a line as blocks: a fact of several lines makes paragraphs of its later ones."""
    if kind == "item":
        number = before[-1]["no"] + 1 if before and before[-1]["kind"] == "item" else 1
        return [{"kind": kind, "no": number, "text": words.replace(_BREAK, " ")}]
    first, *others = filter(None, map(str.strip, words.split(_BREAK)))
    later = kind if kind == "quote" else "paragraph"
    return [{"kind": kind, "text": first}, *({"kind": later, "text": each} for each in others)]


def faults(text: str) -> list[tuple[int, str]]:
    """Return what is wrong with a template, as (line, what); empty when it can be filled.

    Refused: syntax errors, unknown filters and tests, unknown facts (also of a list's records),
    and reaching other templates.
    """
    try:
        tree = _ENVIRONMENT.parse(text)
        unknown = meta.find_undeclared_variables(tree) - set(FACTS)
    except TemplateError as error:
        return [(getattr(error, "lineno", None) or 1, error.message or str(error))]
    found = [(_line(tree, name), f"{name} is no fact of a document") for name in sorted(unknown)]
    for kind, known in ((nodes.Filter, _ENVIRONMENT.filters), (nodes.Test, _ENVIRONMENT.tests)):
        found += [  # in a condition, Jinja itself looks for them only when it fills
            (node.lineno, f"there is no {kind.__name__.lower()} {node.name}")
            for node in tree.find_all(kind)
            if node.name not in known
        ]
    for other in (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends):
        found += [(node.lineno, "a document stands alone") for node in tree.find_all(other)]
    return found or list(_faults_of_items(text))


def _faults_of_items(text: str) -> Iterator[tuple[int, str]]:
    """Fill the template once with a record in every list: what a record lacks is told now."""
    try:
        blocks_of(text, {name: [dict.fromkeys(keys)] for name, keys in ITEMS.items()})
    except TemplateError as error:
        yield 1, str(error)


def _line(tree: nodes.Template, name: str) -> int:
    return next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)
