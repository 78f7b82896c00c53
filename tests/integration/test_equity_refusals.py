"""What must never happen to shares and to the pool is refused by the database: raw SQL."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.integration.equity_land import FIRST, Equity, lend
from tests.integration.kept_database import keep
from tests.integration.test_equity import CONVERTS

WITHOUT_AN_ACT = (
    "INSERT INTO pool_entry SELECT case_id, 9999, 1, measure_id, 'granted', 'returned', 1,"
    " on_date, at FROM pool_entry WHERE case_id = {held} LIMIT 1"
)
HOLDER = "INSERT INTO shareholding SELECT case_id, seq, '乙', {figures} FROM funding_round"
ENDED = "UPDATE \"case\" SET outcome = 'closed', ended_at = now() WHERE id = {held}"
ENTRY = (
    "INSERT INTO pool_entry (case_id, seq, line, measure_id, source, target, fen, on_date, at)"
    " SELECT case_id, seq, 9, measure_id, '{source}', '{target}', {fen}, on_date, at"
    " FROM pool_entry"
    " WHERE case_id = {held} AND line = 1 ORDER BY seq LIMIT 1"
)
BACK = (  # an entry of the last act that undoes a line of the first or the last transfer
    "INSERT INTO pool_entry (case_id, seq, line, measure_id, source, target, fen, on_date, at,"
    " reverses_seq, reverses_line) SELECT case_id, (SELECT max(seq) FROM event WHERE"
    " stream = {open}), 9, measure_id, 'granted', '{target}', {fen}, on_date, at, {of}, {line}"
    " FROM pool_entry WHERE case_id = {open} AND line = 1 ORDER BY seq LIMIT 1"
)
FIRST_ACT, LAST_ACT = (
    f"(SELECT {which}(seq) FROM pool_entry WHERE case_id = {{open}} AND target = 'granted')"
    for which in ("min", "max")
)
CONVERSION = (
    "INSERT INTO equity_conversion SELECT (jsonb_populate_record(c, '{changes}'::jsonb"
    " || jsonb_build_object('case_id', {open}, 'seq', (SELECT max(seq) FROM event"
    " WHERE stream = {open})))).* FROM equity_conversion c WHERE case_id = {held}"
)
TERMS = (
    "INSERT INTO equity_terms SELECT (jsonb_populate_record(t, '{changes}'::jsonb"
    " || '{{\"version\": 9}}')).* FROM equity_terms t WHERE case_id = {held}"
)
ROUND = (
    "INSERT INTO funding_round SELECT (jsonb_populate_record(r, '{changes}'::jsonb"
    " || '{{\"seq\": 1}}')).* FROM funding_round r WHERE case_id = {held}"
)
EXIT = (
    "INSERT INTO equity_exit SELECT {held}, (SELECT seq FROM equity_conversion WHERE"
    " case_id = {held}), '{route}', '2027-01-01', {cost}, {principal}, {gain}, 0, {loss}, 'x',"
    " {minutes}"
)


@pytest.fixture(scope="module")
def standing(server, everything_template, tmp_path_factory, pytestconfig) -> Iterator[Equity]:
    """One project that holds shares, and one whose money is at the company."""
    for database in keep(server, everything_template):
        for equity in lend(database, tmp_path_factory, pytestconfig):
            held = equity.incubating()
            equity.next_tranche(held)
            equity.convert(equity.converting(held), **CONVERTS)
            open_ = equity.incubating()
            equity.bounce(open_)
            equity.land.act(open_, "transfer_to_company", arrived_on="2026-09-01")
            equity.land.act(open_, "report_incubation")
            yield equity


def statements() -> list[tuple[str, str]]:
    """Each statement, `{held}` and `{open}` being the two cases, with the words that refuse it."""

    def entry(source: str, target: str, fen: object) -> str:
        return ENTRY.format(source=source, target=target, fen=fen, held="{held}")

    def changed(text: str, changes: str) -> str:
        return text.format(changes=changes, held="{held}", open="{open}")

    def left(route="transfer", cost=9, principal=9, gain=0, loss=0, minutes="NULL"):
        return EXIT.format(route=route, cost=cost, principal=principal, gain=gain, loss=loss,
                           minutes=minutes, held="{held}")  # fmt: skip

    def back(fen=FIRST, of=LAST_ACT, line: object = 2, target="available"):
        text = BACK.replace("{of}", of)
        return text.format(fen=fen, line=line, target=target, open="{open}")

    append_only = (
        "equity_terms", "equity_trigger", "equity_agreement", "funding_round", "shareholding",
        "equity_conversion", "pool_entry",
    )  # fmt: skip
    return [
        *((f"UPDATE {table} SET case_id = case_id", "append-only") for table in append_only),
        *((f"DELETE FROM {table}", "append-only") for table in append_only),
        *((f"TRUNCATE {table} CASCADE", "append-only|cannot truncate") for table in append_only),
        ("UPDATE pool_account SET fen = fen + 1 WHERE account = 'available'", "by pool entries"),
        ("UPDATE equity_position SET granted_fen = 0", "by pool entries"),
        ("INSERT INTO pool_account SELECT measure_id, 'spent', 0 FROM pool_account", "by pool"),
        ("DELETE FROM pool_account", "append-only"),
        ("DELETE FROM equity_position", "append-only"),
        (entry("available", "granted", 1), "not_overdrawn"),
        (entry("pool_opening", "available", 1), "more into the pool"),
        (entry("granted", "lost", 10**12), "not_overdrawn"),
        (entry("equity", "returned", 10**12), "not_overdrawn"),
        (entry("granted", "returned", 56), "ck_equity_position_not_overdrawn"),
        (entry("granted", "gain", 1), "ck_pool_entry_move"),
        (entry("lost", "available", 1), "ck_pool_entry_move"),
        (entry("pool_opening", "granted", 1), "ck_pool_entry_move"),
        (entry("granted", "returned", 0), "ck_pool_entry_fen"),
        (entry("granted", "returned", -1), "ck_pool_entry_fen"),
        (WITHOUT_AN_ACT, "fk_pool_entry_case_id_seq"),
        (entry("granted", "available", 1), "ck_pool_entry_reversal"),
        (back(line="NULL"), "ck_pool_entry_reversal"),
        (back(target="returned"), "ck_pool_entry_reversal"),
        (back(fen=FIRST - 1), "fk_pool_entry_mirror"),
        (back(line=1), "fk_pool_entry_mirror"),
        (back(of="(SELECT max(seq) FROM event WHERE stream = {open})"), "reverses_earlier"),
        (back(of=FIRST_ACT), "uq_pool_entry_reversed_once"),
        (back(), "undone as a whole"),
        (changed(TERMS, '{"discount_percent": 100}'), "ck_equity_terms_discount"),
        (changed(TERMS, '{"share_cap_percent": 0}'), "ck_equity_terms_share_cap"),
        (changed(TERMS, '{"share_cap_percent": 100}'), "ck_equity_terms_share_cap"),
        (changed(TERMS, '{"buyback_years": 0}'), "ck_equity_terms_buyback_years"),
        (changed(TERMS, '{"valuation": "guess"}'), "ck_equity_terms_valuation"),
        ("INSERT INTO equity_trigger VALUES ({held}, 1, 'revenue', NULL, NULL)", "_threshold"),
        ("INSERT INTO equity_trigger VALUES ({held}, 1, 'revenue', 0, NULL)", "_positive"),
        ("INSERT INTO equity_trigger VALUES ({held}, 1, 'merger', 5, NULL)", "_threshold"),
        ("INSERT INTO equity_trigger VALUES ({held}, 1, 'merger', NULL, '2027-01-01')", "on_date"),
        (changed(ROUND, '{"price_numerator": 10001}'), "price_exact|does not add up"),
        (changed(ROUND, '{"price_numerator": 20000, "price_denominator": 18}'), "price_reduced"),
        (changed(ROUND, '{"raised_fen": 0}'), "issued_for_money"),
        (changed(ROUND, "{}"), "does not add up"),
        (HOLDER.format(figures="false, 5, 5"), "does not add up"),
        (HOLDER.format(figures="true, 5, 5"), "uq_shareholding_trustee"),
        (HOLDER.format(figures="false, 5, 6"), "others_keep"),
        (HOLDER.format(figures="false, 0, 0"), "ck_shareholding_positive"),
        (changed(CONVERSION, '{"shares": 600001}'), "ck_equity_conversion_held"),
        (changed(CONVERSION, '{"shares": 600001, "shares_held": 600001}'), "paid_by_price"),
        (changed(CONVERSION, '{"shares": 599999}'), "no_share_left|paid_by_price"),
        (changed(CONVERSION, '{"converted_fen": 599999999, "remainder_fen": 56}'), "paid_by_price"),
        (changed(CONVERSION, '{"remainder_fen": 54}'), "ck_equity_conversion_adds_up"),
        (changed(CONVERSION, '{"amount_fen": 600001000, "remainder_fen": 1000}'), "no_share_left"),
        (changed(CONVERSION, '{"shares_total": 5999999}'), "ck_equity_conversion_within_cap"),
        (changed(CONVERSION, '{"shares_total": 4000000, "meeting_cap_percent": 20}'),
         "ck_equity_conversion_meeting_minutes"),
        (changed(CONVERSION, '{"largest_other": 600000}'), "ck_equity_conversion_not_largest"),
        (changed(CONVERSION, '{"terms_version": 7}'), "fk_equity_conversion"),
        ("INSERT INTO equity_conversion SELECT * FROM equity_conversion", "pk_equity_conversion"),
        (left(route="gift"), "ck_equity_exit_route"),
        (left(principal=10), "ck_equity_exit_principal"),
        (left(principal=8, gain=1, loss=1, minutes="'x'"), "gain_after_principal"),
        (left(principal=8), "ck_equity_exit_loss"),
        (left(principal=8, loss=1), "ck_equity_exit_loss_by_minutes"),
        (left(), "does not agree with the pool"),
        (ENDED, "its granted money is outstanding"),
    ]  # fmt: skip


def written(equity: Equity, statement: str) -> str:
    held, open_ = (row[0] for row in equity.sql("SELECT case_id FROM equity_position ORDER BY 1"))
    return statement.replace("{held}", str(held)).replace("{open}", str(open_))


@pytest.fixture(scope="module")
def owner(standing: Equity) -> Iterator[psycopg.Connection]:
    """A connection of the owner for what is refused as a whole."""
    url = standing.land.house.database.address.owner_url.replace("+psycopg", "")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(("statement", "words"), statements())
def test_the_owner_may_not(standing: Equity, owner, statement: str, words: str):
    with pytest.raises(psycopg.Error, match=words):
        owner.execute(written(standing, statement))


@pytest.mark.parametrize(("statement", "words"), statements())
def test_the_program_may_not(standing: Equity, statement: str, words: str):
    with (
        standing.land.house.cases.connect() as connection,
        pytest.raises(psycopg.Error, match=f"{words}|permission denied"),
    ):
        connection.execute(written(standing, statement))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE pool_entry SET fen = 1",
        "DELETE FROM equity_terms",
        "INSERT INTO pool_account SELECT * FROM pool_account",
        "UPDATE pool_account SET fen = 0",
        "UPDATE equity_position SET granted_fen = 0",
        "TRUNCATE equity_loss",
    ],
)
def test_the_program_has_no_right_to_change_them(standing: Equity, statement: str):
    with (
        standing.land.house.cases.connect() as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_an_entry_belongs_to_the_pool_of_its_case_whatever_it_says(standing: Equity):
    other = standing.land.value("SELECT id FROM measure WHERE code = 'NT26-1d'")
    forged = ENTRY.format(source="granted", target="returned", fen=1, held="{open}")
    statement = written(standing, forged.replace("measure_id, '", f"{other}, '", 1))
    url = standing.land.house.database.address.owner_url.replace("+psycopg", "")

    with psycopg.connect(url) as connection:
        row = connection.execute(f"{statement} RETURNING measure_id").fetchone()
        pools = connection.execute("SELECT DISTINCT measure_id FROM pool_account").fetchall()
        connection.rollback()

    assert row[0] != other
    assert pools == [row]


def test_a_conversion_of_a_case_without_an_agreement_is_refused(standing: Equity):
    land = standing.land
    case = land.reached("equity_drafting", "NT24-7")
    drafting = land.value('SELECT id FROM "case" WHERE public_id = %s', case)
    held = land.value("SELECT case_id FROM equity_conversion")
    text = CONVERSION.format(changes="{}", held=held, open=drafting)

    with (
        land.house.cases.connect() as connection,
        pytest.raises(psycopg.Error, match="fk_equity_conversion"),
    ):
        connection.execute(text)


@pytest.mark.parametrize(
    "changes", ['{"share_cap_percent": 50}', '{"may_be_largest": true}', '{"terms_version": 7}']
)
def test_a_conversion_follows_the_terms_that_were_sealed(standing: Equity, changes: str):
    url = standing.land.house.database.address.owner_url.replace("+psycopg", "")
    priced = (
        "INSERT INTO funding_round SELECT (jsonb_populate_record(r, jsonb_build_object('case_id',"
        " {open}, 'seq', (SELECT max(seq) FROM event WHERE stream = {open})))).*"
        " FROM funding_round r"
    )

    with psycopg.connect(url) as connection:
        connection.execute("ALTER TABLE funding_round DISABLE TRIGGER funding_round_adds_up")
        connection.execute(written(standing, priced))
        text = CONVERSION.format(changes=changes, held="{held}", open="{open}")
        with pytest.raises(psycopg.Error, match=r"fk_equity_conversion_(terms|sealed)"):
            connection.execute(written(standing, text))
        connection.rollback()


def test_everything_stands_as_it_was(standing: Equity):
    rows = standing.sql(
        "SELECT account, fen FROM pool_account p JOIN measure m ON m.id = p.measure_id"
        " WHERE m.code = 'NT24-7' AND fen <> 0 ORDER BY 1"
    )

    assert rows == [("equity", 600_000_000), ("granted", FIRST + 55),
                    ("pool_opening", -850_000_055)]  # fmt: skip
