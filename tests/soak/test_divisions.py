"""Ten million splits and a million allotments against integer arithmetic, from a seed."""

import os
import random
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from caseflow.kernel.pools import Claim, divide
from caseflow.kernel.shares import split_of

pytestmark = pytest.mark.soak

SPLITS, ALLOTMENTS, CLAIMS = 10_000_000, 1_000_000, 10
PARTS = 20
PERCENTS = [
    Fraction(n, d) for n, d in ((40, 1), (50, 1), (0, 1), (100, 1), (1, 3), (125, 2), (99999, 1000))
]
AT = datetime(2026, 11, 6, tzinfo=UTC)


def split_wrongly(seed: int) -> int:
    """Return how many of a part's splits differ from the oracle or lose a fen."""
    source = random.Random(seed)
    draw = source.random
    wrong = 0
    for number in range(SPLITS // PARTS):
        percent = PERCENTS[number % len(PERCENTS)]
        above, below = percent.numerator, percent.denominator * 100
        fen, before = int(draw() * 10**13), int(draw() * 10**13) if number & 1 else 0
        found = split_of(fen, percent, before=before)
        city = (before + fen) * above // below - before * above // below
        wrong += found["city"] != city or found["city"] + found["district"] != fen
    return wrong


def allot_wrongly(seed: int) -> int:
    """Return how many of a part's pools are not divided as largest remainders are by hand."""
    source = random.Random(-seed)
    wrong = 0
    for _ in range(ALLOTMENTS // CLAIMS // PARTS):
        fen = [source.randrange(10 ** source.randint(1, 13)) for _ in range(CLAIMS)]
        total = sum(fen)
        pool = source.randrange(total + 1)
        claims = [Claim(f"{n}", each, AT) for n, each in enumerate(fen)]
        found = [each.fen for each in divide("proportional", claims, pool)]
        rests = sorted(range(CLAIMS), key=lambda n: (-(fen[n] * pool % max(total, 1)), n))
        floors = [each * pool // max(total, 1) for each in fen]
        for n in rests[: pool - sum(floors)]:
            floors[n] += 1
        wrong += found != floors or sum(found) != pool
    return wrong


def test_no_split_and_no_pool_of_millions_differs_from_integer_arithmetic():
    with ProcessPoolExecutor(os.cpu_count()) as workers:
        splits = sum(workers.map(split_wrongly, range(1, PARTS + 1)))
        pools = sum(workers.map(allot_wrongly, range(1, PARTS + 1)))

    assert (splits, pools) == (0, 0)
