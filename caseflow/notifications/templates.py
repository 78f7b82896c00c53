"""The words of notices: sandboxed templates over a closed list of facts.

A template may only name facts of `FACTS`, which is checked when it is loaded; a fact that a notice
does not carry is None, and the filters have a word for that. So rendering cannot fail later.
"""

from datetime import date
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from caseflow.kernel.workflow.vocabulary import AMOUNTS, INPUTS

FEN_PER_YUAN: Final = 100
FEN_PER_WAN: Final = 1_000_000
FEN_PER_WAN_HUNDREDTH: Final = 10_000
ACCOUNT_TAIL: Final = 4
MOBILE_DIGITS: Final = 11

NO_AMOUNT: Final = "金额待定"
NO_DATE: Final = "日期待定"

OPENINGS: Final = ("{{", "{%", "{#")
"""What makes a text more than words."""

FACTS: Final[dict[str, str]] = {
    "number": "办件编号",
    "case": "办件公开标识",
    "title": "办件名称",
    "measure": "条款名称",
    "measure_code": "条款编号",
    "policy": "政策文件名称",
    "applicant": "申报主体名称",
    "bureau": "牵头部门名称",
    "state": "当前环节",
    "event": "刚办理的事项",
    "seat": "席位名称",
    "clock": "时限名称",
    "due_on": "期限届满日",
    "days": "剩余天数或逾期天数",
    "provisional": "期限按暂定日历计算",
    "amount_fen": "本通知所指金额",
    "paid_fen": "累计已拨付金额",
    "cuts": "核减明细：{words, fen} 列表",
    "child_title": "子办件名称",
    "child_number": "子办件编号",
    "account": "收款账号（只显示后四位）",
    "call": "申报通知名称",
    "opens_on": "申报开始日",
    "closes_on": "申报截止日",
    "ends_on": "政策有效期截止日",
    "publicity_starts_on": "公示起始日",
    "drafts": "尚未提交的草稿数",
    "cases": "涉及的办件数",
    "year": "年度",
    "problem": "出错原因",
    "recovery_fen": "应追回金额",
    "interest_fen": "利息",
    "interest_basis": "利息依据",
    "offset_words": "决定书关于抵扣的原文",
    "bar_years": "禁止申报年数",
    "bar_basis": "禁止申报的依据",
    "letter_title": "文书名称",
    "letter_number": "文书文号",
    "letter_remedy": "文书载有救济途径",
    "indicator": "指标名称",
    "reporting_period": "指标报送期",
    "owners": "指标责任部门",
    **{name: fact.title for name, fact in (INPUTS | AMOUNTS).items()},
}
"""Every fact a notice may carry, with its title; all may be missing."""


def money(fen: Any) -> str:
    """Return an amount in 元, or in 万元 where that takes at most two decimals.

    1_000_000 → 1万元; 123_450_000 → 123.45万元; 1_234_567 → 12,345.67元; no integer → 金额待定.
    """
    if not isinstance(fen, int) or isinstance(fen, bool):
        return NO_AMOUNT
    sign, fen = ("-" if fen < 0 else ""), abs(fen)
    if fen >= FEN_PER_WAN and fen % FEN_PER_WAN_HUNDREDTH == 0:
        return f"{sign}{_decimal(*divmod(fen // FEN_PER_WAN_HUNDREDTH, 100))}万元"
    whole, cents = divmod(fen, FEN_PER_YUAN)
    return f"{sign}{whole:,}.{cents:02d}元" if cents else f"{sign}{whole:,}元"


def _decimal(whole: int, hundredths: int) -> str:
    return f"{whole:,}.{hundredths:02d}".rstrip("0").rstrip(".")


def day(value: Any) -> str:
    """Return an ISO date as 2026年11月13日; anything else as 日期待定."""
    try:
        on = value if isinstance(value, date) else date.fromisoformat(value)
    except (TypeError, ValueError):
        return NO_DATE
    return f"{on.year}年{on.month}月{on.day}日"


def due(value: Any, provisional: Any = None) -> str:
    """Return a due date, marked where the year's holidays are not announced yet (domain §6)."""
    return f"{day(value)}（暂定）" if provisional is True else day(value)


def account(value: Any) -> str:
    """Return a bank account by its last four digits only (domain §7.3, [D])."""
    digits = "".join(str(value or "").split())
    return f"尾号{digits[-ACCOUNT_TAIL:]}" if len(digits) > ACCOUNT_TAIL else "账号未登记"


def identity(value: Any) -> str:
    """Return an identity number by its first two and last three characters (domain §7.3)."""
    text = str(value or "")
    hidden = len(text) - 5
    return f"{text[:2]}{'*' * hidden}{text[-3:]}" if hidden > 0 else "*" * len(text)


def phone(value: Any) -> str:
    """Return a mobile number as 138****1234; any other number is hidden but for two digits."""
    text = str(value or "")
    if len(text) == MOBILE_DIGITS:
        return f"{text[:3]}****{text[-4:]}"
    return "*" * max(len(text) - 2, 0) + text[-2:]


def listing(value: Any) -> list[Any]:
    """Return a list as it is, a single value as a list of one, and nothing as an empty list."""
    if isinstance(value, list | tuple):
        return list(value)
    return [] if value is None or value == "" else [value]


def cut_lines(value: Any) -> list[str]:
    """Return the cuts {words, fen} of an award as lines of text; one without words is left out."""
    cuts = [cut for cut in listing(value) if isinstance(cut, dict) and cut.get("words")]
    return [f"{cut['words']}：核减{money(cut.get('fen'))}" for cut in cuts]


def _shown(value: Any) -> Any:
    return "—" if value is None else value


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,  # plain text; the console escapes what it shows
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals.clear()
    for filter_ in (money, day, due, account, identity, phone, listing, cut_lines):
        environment.filters[filter_.__name__] = filter_
    return environment


_ENVIRONMENT: Final = _environment()


@lru_cache(maxsize=512)
def _template(text: str) -> Template:
    return _ENVIRONMENT.from_string(text)


def fill(text: str, facts: dict[str, Any]) -> str:
    """Return a checked template's words for these facts; a fact not given is None."""
    return _template(text).render({**dict.fromkeys(FACTS), **facts})


def faults(text: str) -> list[tuple[int, str]]:
    """Return what is wrong with a template, as (line, what); empty when it can be filled.

    Refused: syntax errors, unknown filters and tests, unknown facts, and reaching other templates.
    """
    if not any(opening in text for opening in OPENINGS):
        return []
    try:
        tree = _ENVIRONMENT.parse(text)
        unknown = meta.find_undeclared_variables(tree) - set(FACTS)
    except TemplateError as error:
        return [(getattr(error, "lineno", None) or 1, error.message or str(error))]
    found = [(_line(tree, name), f"{name} is no fact of a notice") for name in sorted(unknown)]
    for kind, known in ((nodes.Filter, _ENVIRONMENT.filters), (nodes.Test, _ENVIRONMENT.tests)):
        found += [  # in a condition, Jinja itself looks for them only when it fills
            (node.lineno, f"there is no {kind.__name__.lower()} {node.name}")
            for node in tree.find_all(kind)
            if node.name not in known
        ]
    for other in (nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends):
        found += [(node.lineno, "a notice stands alone") for node in tree.find_all(other)]
    return found


def _line(tree: nodes.Template, name: str) -> int:
    return next((node.lineno for node in tree.find_all(nodes.Name) if node.name == name), 1)
