"""Rules small enough to be worked out by hand, for the tests of quotes."""

from datetime import date
from fractions import Fraction

from caseflow.kernel.benefits.model import BenefitFact, BenefitRule, Cap, Figure, Parameter, Part
from caseflow.kernel.benefits.quoting import quote
from caseflow.kernel.benefits.settled import settled_terms
from caseflow.kernel.benefits.sheet import Terms

WAN = 1_000_000


def fact(name, type="fen", role="prior", **more):  # noqa: A002 - the field's own name
    return BenefitFact(name, f"[{name}]", type, role, **more)


def rate(percent, bound="fixed"):
    return Figure(Fraction(str(percent)), bound, f"{percent}%")


def amount(wan, bound="ceiling"):
    return Figure(Fraction(str(wan)) * WAN, bound, f"{wan}万元")


def rule(*parts, facts=(), rates=(), amounts=(), caps=()):
    return BenefitRule(tuple(rates), tuple(amounts), tuple(facts), tuple(parts), tuple(caps))


def part(kind, **more):
    return Part(kind, f"[{kind}]", **more)


def cap(kind, **more):
    return Cap(kind, f"[cap {kind}]", **more)


COST = fact("cost", role="base")
OTHER = fact("other")
GRANTED = fact("granted")
LEVEL = fact("level", "choice", "tier", choices=("national", "provincial"))
COUNT = fact("count", "integer", "count")
MONTHS = fact("months", "integer", "months")
DECIDED = fact("decided", role="decided")
DECIDED_PERCENT = fact("decided_percent", "percent", "decided")
OF_COST = part("rate", base="cost", rate=0)


def parameter(name, value, day="2026-06-01", number="启数〔2026〕1号"):
    return Parameter(name, value, date.fromisoformat(day), number)


def under(wanted, *parameters, **facts):
    """Return the quote of `facts` under these parameters."""
    return quote(wanted, facts, settled_terms({each.name: each for each in parameters}))


def told(wanted, rounding="trunc_fen", day_count="exclusive", **facts):
    return quote(wanted, facts, Terms(rounding, day_count))


def fen(wanted, **facts):
    return told(wanted, **facts).amount_fen


def lines(found, kind):
    return [(line.rule, line.fen) for line in found.lines if line.kind == kind]


def asked(found):
    return [each.id for each in found.open]
