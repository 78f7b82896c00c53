"""A town with budgets: giving money to the measure's own line, and looking at its accounts."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg

from caseflow.funds.service import Appropriation, Hand, appropriate, withdraw
from tests.integration.kept_database import keep
from tests.integration.walking import Town, found_town, visit

MEASURE = "QD26-7a"
WITHOUT_LINE = "QD26-8c"
"""A measure that no test gives a line of its own."""
FEN = 10_000_000
LINE = Appropriation(
    policy="qidong-2026",
    year=2026,
    share="city",
    territory="qidong",
    fen=FEN,
    document_no="启财预〔2026〕7号",
    measure=MEASURE,
)
KINDS = ("available", "reserved", "committed", "released", "paid")


def found(server, founded_template, folder: Path) -> Iterator[Town]:
    """Yield a town with a call for the measure, in a database of its own."""
    for database in keep(server, founded_template):
        yield from visit(found_town(database, folder, measures=(MEASURE, WITHOUT_LINE)))


def hand(town: Town, login: str = "caizhengju.finance_division") -> Hand:
    """Return the hand of somebody at the test's time."""
    (person,) = town.sql("SELECT id FROM person WHERE login = %s", login)
    return replace(town.house.hand(town.now), by=person[0])


def give(town: Town, login: str = "caizhengju.finance_division", **changes: object) -> int:
    """Appropriate to the measure's own line and return its id."""
    with town.house.database.session() as session:
        wanted = replace(LINE, **changes)
        return appropriate(session, wanted, hand(town, login), ids=town.house.ids).id


def emptied(town: Town) -> Town:
    """Take back what is available of the measure's own line, so that a test gives what it wants."""
    rows = town.sql(
        "SELECT l.id, a.balance_fen FROM budget_line l JOIN ledger_account a ON a.line_id = l.id"
        " JOIN measure m ON m.id = l.measure_id WHERE m.code = %s AND l.year = %s"
        " AND a.kind = 'available' AND a.balance_fen > 0",
        MEASURE,
        LINE.year,
    )
    with town.house.database.session() as session:
        for line, fen in rows:
            withdraw(session, line, fen=fen, document_no="启财预〔2026〕99号", hand=hand(town))
    return town


class Accounts:
    """The measure's own line with some money on it, told from how it stood before the test."""

    def __init__(self, town: Town, fen: int = FEN) -> None:
        self.town = town
        self.line = give(town, fen=fen)
        before = balances(town, self.line)
        self.before = (before[0] - fen, *before[1:])

    def moved(self) -> tuple[int, ...]:
        """Return what stands in each account since."""
        now = balances(self.town, self.line)
        return tuple(new - old for new, old in zip(now, self.before, strict=True))


def balances(town: Town, line: int) -> tuple[int, ...]:
    """Return available, reserved, committed, released and paid of a line."""
    rows = dict(town.sql("SELECT kind, balance_fen FROM ledger_account WHERE line_id = %s", line))
    return tuple(rows[kind] for kind in KINDS)


def owner(town: Town) -> psycopg.Connection:
    """Connect as the owner, who is refused as well."""
    url = town.house.database.address.owner_url.replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True)
