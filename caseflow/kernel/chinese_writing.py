"""Amounts, numbers and dates as official Chinese documents write them."""

from datetime import date
from typing import Final

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import FEN_PER_YUAN, Money

_FINANCIAL: Final = ("零壹贰叁肆伍陆柒捌玖", "亿万仟佰拾")
_PLAIN: Final = ("零一二三四五六七八九", "亿万千百十")
_UNITS: Final = (100_000_000, 10_000, 1_000, 100, 10)
FEN_PER_JIAO: Final = 10
_TEENS: Final = range(10, 20)


def capital_yuan(fen: int) -> str:
    """Return an amount in capital figures (大写): 1_050 → 人民币壹拾元伍角; whole yuan end in 整.

    Raises:
        InvalidInput: `fen` is no amount, see `Money.from_fen`.
    Source: 《支付结算办法》附一《正确填写票据和结算凭证的基本规定》第二、三条.
    """
    yuan, rest = divmod(Money.from_fen(fen).fen, FEN_PER_YUAN)
    jiao, cents = divmod(rest, FEN_PER_JIAO)
    digits, _ = _FINANCIAL
    written = f"{_written(yuan, _FINANCIAL)}元" if yuan or not rest else ""
    if jiao:
        written += f"{digits[jiao]}角"
    elif cents and yuan:
        written += digits[0]
    return f"人民币{written}{f'{digits[cents]}分' if cents else '' if jiao else '整'}"


def grouped_yuan(fen: int) -> str:
    """Return an amount in yuan with its fen and thousands: 123_456_700 → 1,234,567.00."""
    yuan, rest = divmod(fen, FEN_PER_YUAN)
    return f"{yuan:,}.{rest:02d}"


def chinese_number(number: int) -> str:
    """Return a whole number from 0 as a text counts articles: 7 → 七, 17 → 十七, 107 → 一百零七.

    Raises:
        InvalidInput: `number` is negative.
    """
    if number < 0:
        raise InvalidInput(f"条款序号不能为负数：{number}。")
    written = _written(number, _PLAIN)
    return written[1:] if number in _TEENS else written


def chinese_date(on: date) -> str:
    """Return a date in full, in Arabic figures: 2026年11月6日. Source: GB/T 9704-2012, 7.3.5.4."""
    return f"{on.year}年{on.month}月{on.day}日"


def _written(number: int, script: tuple[str, str]) -> str:
    """Return a whole number in a script of digits and units; a gap between figures is one 零."""
    digits, names = script
    for unit, name in zip(_UNITS, names, strict=True):
        high, low = divmod(number, unit)
        if high:
            gap = digits[0] if 0 < low < unit // 10 else ""
            return f"{_written(high, script)}{name}{gap}{_written(low, script) if low else ''}"
    return digits[number]
