"""What a clause gives: each kind of part turns facts into awards, with the words of its figure."""

from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Final

from caseflow.kernel.benefits.facts import percent_text
from caseflow.kernel.benefits.model import Figure, Part, Stretch
from caseflow.kernel.benefits.parameters import takes_tiers
from caseflow.kernel.benefits.rounding import days
from caseflow.kernel.benefits.settled import Standard, standard, tax_told, tier_fact, vat_fact
from caseflow.kernel.benefits.sheet import Sheet
from caseflow.kernel.calendar import nominal_end
from caseflow.kernel.errors import QuoteRefused

WHOLE: Final = 100
DAYS_OF_INTEREST: Final = 360
"""贴息 counts a year of 360 days, as the banks' interest does. 惯例（手册§4.8）"""


def give(sheet: Sheet, part: Part) -> None:
    """Write what a part gives.

    Raises:
        QuoteRefused: a bureau must decide a figure first, or decided one outside the clause's.
    """
    _PARTS[part.kind](sheet, part)


def _base(sheet: Sheet, part: Part) -> int:
    """Return the base recognised: what was told, less VAT and what other public money bears."""
    assert part.base is not None
    told = int(sheet.told(part.base))
    sheet.write("base", part.base, f"{part.title}{tax_told(sheet)}", told)
    tax = min(told, _tax(sheet, part.base))
    off = min(told - tax, sum(sheet.prior(name) for name in part.less))
    for rule, title, fen in (("vat", "减：增值税额", tax), ("less", "减：其他财政资金已承担", off)):
        if fen:
            sheet.write("base", f"{part.base}.{rule}", title, fen)
    return _by_days(sheet, part, told - tax - off)


def _tax(sheet: Sheet, base: str) -> int:
    """Return the VAT in a base where it is settled that it does not count."""
    settled = sheet.terms.parameters.get("tax_inclusive")
    return 0 if settled is None or settled.value else sheet.prior(vat_fact(base))


def _by_days(sheet: Sheet, part: Part, fen: int) -> int:
    """Return the part of the base that falls into the supported days, all where none are told."""
    missing = [name for name in part.period if name not in sheet.values]
    if len(missing) == len(part.period):
        return fen
    if missing:
        raise sheet.refuse(missing[0], "合同期间与支持期间的四个日期须一并填写")
    first, last, begins, ends = (sheet.values[name] for name in part.period)
    if not first <= begins <= ends <= last:
        raise sheet.refuse(part.period[2], "支持期间须在合同期间之内")
    count = sheet.terms.day_count
    supported, whole = days(begins, ends, count), days(first, last, count)
    share = Fraction(supported, whole) if whole else 1
    recognised = sheet.round(Fraction(fen * share))
    sheet.write("base", "period", f"按支持期间折算（{supported}/{whole}天）", recognised)
    return recognised


def _rate(sheet: Sheet, part: Part) -> None:
    base = _base(sheet, part)
    figure = None if part.rate is None else sheet.rule.rates[part.rate]
    rate = _percent(sheet, part, figure)
    fen = sheet.round(base * rate.value / WHOLE)
    sheet.write("award", "rate", f"按 {percent_text(rate.value)}% 计算", fen, rate.words)


def _percent(sheet: Sheet, part: Part, figure: Figure | None) -> Standard:
    """Return the rate: the one decided or settled, inside the clause's; else the clause's own."""
    settled = _settled(sheet, part, figure)
    if settled is not None:
        return settled
    if figure is None or part.must_decide:
        raise _undecided(sheet, part)
    if figure.bound == "ceiling":
        sheet.ask(
            part.decided or "rate", f"按上限比例计算，实际比例由责任单位核定（{figure.words}）"
        )
    return Standard(figure.value, figure.words)


def _settled(sheet: Sheet, part: Part, figure: Figure | None) -> Standard | None:
    """Return the figure decided for this case, else what a parameter gives; None: neither.

    A decision is inside the clause, and not above what is settled for all cases.
    """
    words = figure.words if figure else ""
    decided = sheet.values.get(part.decided) if part.decided else None
    general = standard(sheet, part)
    if decided is None:
        if general is not None and figure is not None and general.value > figure.value:
            raise sheet.refuse(
                part.decided or part.kind, f"{general.words}：超过条款规定（{figure.words}）"
            )
        return general and Standard(general.value, "；".join(filter(None, (words, general.words))))
    if figure is not None:
        _inside(sheet, part, decided, figure)
    if general is not None and decided > general.value:
        raise sheet.refuse(str(part.decided), f"核定数超过已确认的标准（{general.words}）")
    return Standard(Fraction(decided), words)


def _inside(sheet: Sheet, part: Part, decided: int | Fraction, figure: Figure) -> None:
    """Refuse a decision over the clause's figure, and one under a figure that is fixed."""
    if decided > figure.value:
        raise sheet.refuse(str(part.decided), f"核定数超过条款规定（{figure.words}）")
    if figure.bound == "fixed" and not part.must_decide and decided < figure.value:
        raise sheet.refuse(str(part.decided), f"条款规定的是固定数，不得核减（{figure.words}）")


def _undecided(sheet: Sheet, part: Part) -> QuoteRefused:
    """Return the refusal: the tier must be told where a table has them, else a bureau decides."""
    table = sheet.terms.parameters.get("tiers")
    if table is not None and takes_tiers(part):
        tiers = "、".join(table.value)
        fact = tier_fact(sheet.rule, part, table)
        return sheet.refuse(fact, f"{part.title}：须填写档次（{fact}）：{tiers}；{table.source}")
    why = f"（{part.question}）" if part.question else ""
    reason = f"{part.title}：条款没有写明，须由责任单位录入并附依据{why}"
    return sheet.refuse(part.decided or part.kind, reason)


def _amount(sheet: Sheet, part: Part) -> None:
    figure = sheet.figure(part.amount, part.by, part.tiers)
    given = _decided(sheet, part, figure)
    sheet.write("award", "amount", part.title, int(given.value), given.words)


def _decided(sheet: Sheet, part: Part, figure: Figure) -> Standard:
    """Return a fixed amount as it stands; of a ceiling what was decided, the ceiling till then."""
    settled = _settled(sheet, part, figure)
    if settled is not None:
        return settled
    if part.must_decide:
        raise _undecided(sheet, part)
    if figure.bound == "ceiling":
        sheet.ask(
            part.decided or "amount", f"按上限金额计算，实际金额由责任单位核定（{figure.words}）"
        )
    return Standard(figure.value, figure.words)


def _range(sheet: Sheet, part: Part) -> None:
    """A decided figure between the two ends, both of them inside."""
    assert part.decided is not None
    pair = part.tiers[sheet.told(part.by) if part.by else "range"]
    low, high = (sheet.rule.amounts[position] for position in pair)
    decided = sheet.values.get(part.decided)
    if decided is None:
        raise _undecided(sheet, part)
    if not low.value <= decided <= high.value:
        raise sheet.refuse(part.decided, f"核定金额不在条款规定的幅度内（{low.words}）")
    sheet.write("award", "range", part.title, int(decided), low.words)


def _items(sheet: Sheet, part: Part) -> None:
    assert part.count is not None
    figure = sheet.figure(part.amount, part.by, part.tiers)
    each, count = _decided(sheet, part, figure), int(sheet.told(part.count))
    fen = int(each.value) * count
    sheet.write("award", "items", f"{part.title} × {count}", fen, each.words)


def _months(sheet: Sheet, part: Part) -> None:
    """A sum for every month, or for every `months_each` months and their parts."""
    assert part.months is not None
    figure = sheet.figure(part.amount, part.by, part.tiers)
    months = int(sheet.told(part.months))
    fen = sheet.round(figure.value * months / part.months_each)
    sheet.write("award", "months", f"{part.title} × {months}个月", fen, figure.words)


def _interest(sheet: Sheet, part: Part) -> None:
    """Interest of the days at the reference rate, never more than was really paid and is left."""
    assert part.stretches is not None
    assert part.paid is not None
    assert part.rate is not None
    figure = sheet.rule.rates[part.rate]
    stretches: tuple[Stretch, ...] = sheet.told(part.stretches)
    end = _last_day(sheet, part, stretches)
    reference = sum((_reference(sheet, each, end) for each in stretches), Fraction(0))
    paid = int(sheet.told(part.paid))
    sheet.write("base", "paid", "实际支付的利息", paid)
    off = min(paid, sum(sheet.prior(name) for name in part.less))
    if off:
        sheet.write("base", "paid.less", "减：其他贴息", off)
    rate = _percent(sheet, part, figure)
    fen = sheet.round(reference * rate.value / WHOLE)
    sheet.write("award", "interest", part.title, fen, rate.words)
    title = "不高于实际支付的利息（减其他贴息）"
    sheet.write("cut", "interest_paid", title, max(0, fen - paid + off))


def _last_day(sheet: Sheet, part: Part, stretches: tuple[Stretch, ...]) -> date | None:
    """Return the day on which the supported months end, None where the first is not told."""
    if part.since is None or part.within_months is None:
        return None
    first = sheet.values.get(part.since)
    if first is None:
        sheet.ask(part.since, f"首个贴息日未提供，{part.within_months}个月的期限未核对")
        return None
    if any(each.begins < first for each in stretches):
        raise sheet.refuse(part.since, f"首个贴息日 {first} 晚于计息起日")
    last = nominal_end(first, part.within_months, "months")
    return last - timedelta(days=1) if sheet.terms.day_count == "inclusive" else last


def _reference(sheet: Sheet, stretch: Stretch, last: date | None) -> Fraction:
    """Return the interest of a stretch at the reference rate, of its supported days only."""
    ends = stretch.ends if last is None else min(stretch.ends, last)
    count = days(stretch.begins, ends, sheet.terms.day_count) if ends >= stretch.begins else 0
    fen = stretch.principal_fen * count * stretch.percent / WHOLE / DAYS_OF_INTEREST
    late = "，期限届满后的天数不计" if ends < stretch.ends else ""
    title = (
        f"{stretch.begins}至{stretch.ends}按同期同档利率{percent_text(stretch.percent)}%"
        f"计算的利息（{count}天{late}）"
    )
    sheet.write("base", "reference", title, sheet.round(fen))
    return fen


def _fee(sheet: Sheet, part: Part) -> None:
    """A ceiling of a price: nothing is paid to the applicant; a fee above it is refused."""
    assert part.decided is not None
    assert part.rate is not None
    figure, charged = sheet.rule.rates[part.rate], sheet.values.get(part.decided)
    if charged is None:
        raise _undecided(sheet, part)
    if charged > figure.value:
        raise sheet.refuse(
            part.decided, f"费率 {percent_text(charged)}% 高于条款上限（{figure.words}）"
        )
    sheet.write(
        "base",
        "fee",
        f"费率 {percent_text(charged)}%，不高于条款上限；不向企业拨付",
        0,
        figure.words,
    )


_PARTS: Final[dict[str, Callable[[Sheet, Part], None]]] = {
    "rate": _rate,
    "amount": _amount,
    "range": _range,
    "items": _items,
    "months": _months,
    "interest": _interest,
    "fee": _fee,
}
