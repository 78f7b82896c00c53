"""What the database refuses of formal documents: raw SQL, as owner and as program."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from caseflow.cases.letters import LETTERS
from caseflow.documents.letters.kinds import load_letters
from caseflow.documents.letters.service import Press, Sending
from tests.conftest import ROOT
from tests.integration.kept_database import keep
from tests.integration.letter_desk import CONSENT, REFUSAL, Desk
from tests.integration.walking import found_town

COPY = (
    "INSERT INTO letter (public_id, kind, case_id, organisation_id, addressee_id, word, year,"
    " {more} dated_on, stream, seq, facts, made_by, made_at)"
    " SELECT 'copy', {kind}, case_id, organisation_id, addressee_id, word, {year}, {values}"
    " dated_on, stream, {seq}, facts, made_by, made_at FROM letter"
)
PLAIN = {"more": "", "values": "", "kind": "'other'", "year": "year", "seq": "seq"}
DELIVERY = (
    "INSERT INTO letter_delivery (public_id, letter_id, method, consent, sent_at, sent_by)"
    " SELECT 'd', id, {method}, {consent}, made_at, made_by FROM letter"
)
MARK = (
    "INSERT INTO letter_mark (delivery_id, mark, at, recorded_by)"
    " SELECT id, {mark}, sent_at {shift}, sent_by FROM letter_delivery WHERE method = {method}"
)


@pytest.fixture(scope="module")
def desk(server, founded_template) -> Iterator[Desk]:
    """A rejected case with its document, sent into the inbox and on paper."""
    folder = Path(tempfile.mkdtemp(prefix="caseflow-"))
    for database in keep(server, founded_template):
        town = found_town(database, folder, measures=["QD26-7a"])
        desk = Desk(town, Press(load_letters(ROOT / LETTERS), folder / "files"))
        case = town.reached("bureau_review")
        town.act(case, "reject", **REFUSAL)
        made = desk.make(case, "rejection")
        desk.deliver(case, made.public_id, Sending("inbox", consent=CONSENT))
        desk.deliver(case, made.public_id, Sending("paper"))
        yield desk


@contextmanager
def undone(connection: psycopg.Connection) -> Iterator[None]:
    """Let something be tried that leaves nothing."""
    with connection.transaction(force_rollback=True):
        yield


@pytest.fixture(params=["owner", "program"])
def connection(desk: Desk, request) -> Iterator[psycopg.Connection]:
    address = desk.cases.database.address
    url = address.owner_url if request.param == "owner" else address.url
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as opened, undone(opened):
        yield opened


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE letter SET facts = '{}'", "append-only|permission denied"),
        ("DELETE FROM letter", "append-only|permission denied"),
        ("TRUNCATE letter CASCADE", "append-only|permission denied"),
        ("UPDATE letter_file SET sha256 = sha256", "append-only|permission denied"),
        ("DELETE FROM letter_delivery", "append-only|permission denied"),
        ("UPDATE letter_mark SET at = now()", "append-only|permission denied"),
        ("UPDATE letter_number SET last = last + 1", "moved by documents|permission denied"),
        ("DELETE FROM letter_number", "moved by documents|permission denied"),
        (COPY.format(**PLAIN | {"more": "serial,", "values": "9,"}), "nobody chooses another"),
        (COPY.format(**PLAIN | {"more": "number,", "values": "'x',"}), "nobody chooses another"),
        (COPY.format(**PLAIN | {"kind": "kind"}), "uq_letter_of_event"),
        (COPY.format(**PLAIN | {"year": "2025"}), "ck_letter_year"),
        (COPY.format(**PLAIN | {"seq": "999"}), "fk_letter_event"),
        (DELIVERY.format(method="'inbox'", consent="NULL"), "ck_letter_delivery_consent"),
        (DELIVERY.format(method="'email'", consent="''"), "ck_letter_delivery_consent"),
        (DELIVERY.format(method="'pigeon'", consent="'x'"), "ck_letter_delivery_method"),
        (MARK.format(mark="'read'", shift="", method="'paper'"), "in this order"),
        (
            MARK.format(mark="'arrived'", shift="- interval '1 second'", method="'paper'"),
            "in this order",
        ),
        (MARK.format(mark="'arrived'", shift="", method="'inbox'"), "pk_letter_mark"),
    ],
)
def test_it_is_refused_whoever_asks(connection, statement, words):
    with pytest.raises(psycopg.Error, match=words):
        connection.execute(statement)


def test_a_number_that_is_rolled_back_is_given_again(connection):
    given = []

    for _ in range(2):
        with undone(connection):
            given.append(connection.execute(f"{COPY.format(**PLAIN)} RETURNING number").fetchone())

    assert given[0] == given[1]
    assert given[0][0] == "启数不予〔2026〕2号"
