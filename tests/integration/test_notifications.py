"""Letters leave the house through a real SMTP server; each once, none held up by another."""

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import default

import psycopg
import pytest
from aiosmtpd.controller import Controller
from sqlalchemy.exc import IntegrityError

from caseflow.catalogue.places import data_root
from caseflow.database.access import Database
from caseflow.identity.models import Person
from caseflow.kernel.errors import NotFound
from caseflow.notifications.channels import SmtpChannel
from caseflow.notifications.models import Delivery, Notification
from caseflow.notifications.queries import given_up, inbox, unread_count
from caseflow.notifications.rules import load_notices
from caseflow.notifications.service import (
    BACKOFF,
    NO_ADDRESS,
    DeliveryReport,
    deliver_due,
    mark_read,
    retry_failed,
)
from tests.integration.conftest import House, shanghai
from tests.integration.kept_database import keep

AT = datetime(2026, 11, 6, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BOOK = load_notices(data_root() / "notifications")
FACTS = {"measure": "算力券", "number": "QD26-7a-2026-000123", "applicant": "启东示例科技有限公司"}


class Mailbox:
    """What the server took; it refuses `poison@…` and hangs up on `drop@…`."""

    def __init__(self) -> None:
        self.letters: list[Message] = []
        self.recipients: list[str] = []

    async def handle_RCPT(self, _server, _session, envelope, address, _options) -> str:  # noqa: N802
        if address.startswith("poison"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope) -> str:  # noqa: N802
        if envelope.rcpt_tos[0].startswith("drop"):
            server.transport.abort()
            return "451 never heard"
        self.letters.append(message_from_bytes(envelope.content, policy=default))
        self.recipients += envelope.rcpt_tos
        return "250 OK"

    @property
    def message_ids(self) -> list[str]:
        return [letter["Message-ID"] for letter in self.letters]


@pytest.fixture(scope="module")
def kept(server, empty_template) -> Iterator[Database]:
    yield from keep(server, empty_template)


@pytest.fixture
def database(kept: Database) -> Iterator[Database]:
    """The database of the module, in which nobody has been told anything."""
    yield kept
    with psycopg.connect(kept.address.owner_url.replace("+psycopg", "")) as owner:
        owner.execute("SET session_replication_role = replica")  # what was told is never deleted
        owner.execute("DELETE FROM delivery")
        owner.execute("DELETE FROM notification")


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def start(mailbox: Mailbox, port: int) -> Iterator[Callable[[], None]]:
    """Starts the mail server."""
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    yield controller.start
    controller.stop(no_assert=True)


@pytest.fixture
def smtp(start: Callable[[], None], channel: SmtpChannel) -> SmtpChannel:
    """A channel to a server that runs."""
    start()
    return channel


@pytest.fixture
def channel(port: int) -> SmtpChannel:
    """A channel to a server that may not run."""
    return SmtpChannel("127.0.0.1", port, "caseflow@qidong.test")


@pytest.fixture
def tell(database: Database) -> Callable[..., int]:
    """Writes a notice with a letter due at AT; returns its id."""

    def write(email: str | None, *, notice: str = "received", at: datetime = AT) -> int:
        with database.session() as session:
            number = session.query(Person).count()
            person = Person(login=f"p{number}", name="席位", public_id=f"p{number}", email=email)
            session.add(person)
            session.flush()
            told = notification(person.id, notice=notice, created_at=at)
            session.add(told)
            session.flush()
            session.add(
                Delivery(
                    notification_id=told.id, channel="email", status="pending", next_attempt_at=at
                )
            )
            return told.id

    return write


def notification(person_id: int, **changes) -> Notification:
    row = {
        "case_id": None,
        "person_id": person_id,
        "notice": "received",
        "rule": "submit#2",
        "due_on": date(2026, 11, 6),
        "facts": FACTS,
        "created_at": AT,
    }
    return Notification(**{**row, **changes})


def letter_of(database: Database, notification_id: int) -> Delivery:
    with database.session() as session:
        found = session.get_one(Delivery, (notification_id, "email"))
        session.expunge(found)
        return found


def test_a_due_letter_is_sent_with_its_words_and_marked(database, smtp, mailbox, tell):
    number = tell("applicant@example.test")

    report = deliver_due(database.connect, at=AT, smtp=smtp, book=BOOK)

    assert report == DeliveryReport(sent=1)
    (letter,) = mailbox.letters
    assert letter["Subject"] == "已收到申报：算力券"
    assert letter["To"] == "applicant@example.test"
    assert "QD26-7a-2026-000123" in letter.get_content()
    row = letter_of(database, number)
    assert (row.status, row.sent_at, row.attempts) == ("sent", AT, 1)
    assert row.message_id == letter["Message-ID"]


def test_a_letter_is_not_sent_a_second_before_it_is_due(database, smtp, mailbox, tell):
    tell("applicant@example.test")

    early = deliver_due(database.connect, at=AT - SECOND, smtp=smtp, book=BOOK)
    due = deliver_due(database.connect, at=AT, smtp=smtp, book=BOOK)
    again = deliver_due(database.connect, at=AT + SECOND, smtp=smtp, book=BOOK)

    assert (early.sent, due.sent, again.sent) == (0, 1, 0)


def test_a_sweep_sends_no_more_than_its_limit(database, smtp, mailbox, tell):
    for n in range(3):
        tell(f"a{n}@example.test")

    first = deliver_due(database.connect, at=AT, smtp=smtp, book=BOOK, limit=2)
    second = deliver_due(database.connect, at=AT, smtp=smtp, book=BOOK, limit=2)

    assert (first.sent, second.sent) == (2, 1)


@pytest.mark.parametrize("bad", ["poison@example.test", "drop@example.test", "not an\naddress"])
def test_one_failing_letter_does_not_block_those_behind_it(database, smtp, mailbox, tell, bad):
    number = tell(bad, at=AT - SECOND)
    tell("b@example.test")
    tell("c@example.test")

    report = deliver_due(database.connect, at=AT, smtp=smtp, book=BOOK)

    assert (report.sent, report.failed, report.problem) == (2, 1, None)
    assert mailbox.recipients == ["b@example.test", "c@example.test"]
    row = letter_of(database, number)
    assert (row.status, row.attempts, row.next_attempt_at) == ("pending", 1, AT + BACKOFF[0])
    assert row.problem


def test_a_refused_letter_is_tried_again_ever_more_rarely_and_then_given_up(
    database, smtp, mailbox, tell
):
    number = tell("poison@example.test")
    at = AT
    for wait in BACKOFF:
        assert deliver_due(database.connect, at=at, smtp=smtp, book=BOOK).failed == 1
        at += wait
        assert deliver_due(database.connect, at=at - SECOND, smtp=smtp, book=BOOK).failed == 0

    last = deliver_due(database.connect, at=at, smtp=smtp, book=BOOK)

    assert last == DeliveryReport(given_up=1)
    row = letter_of(database, number)
    assert (row.status, row.attempts) == ("failed", len(BACKOFF) + 1)
    assert row.problem == "550 5.1.1 no such user"


def test_a_retry_by_hand_begins_with_a_fresh_counter(database, smtp, mailbox, tell):
    number, other = tell(None), tell(None)
    deliver_due(database.connect, at=AT, smtp=smtp, book=BOOK)
    assert letter_of(database, number).problem == NO_ADDRESS
    with database.session() as session:
        assert [row.notification_id for row in given_up(session)] == [number, other]
        session.get_one(Person, session.get_one(Notification, number).person_id).email = "n@x.test"

    count = retry_failed(database.connect, at=AT + SECOND, notification_ids=[number])

    assert count == 1
    assert letter_of(database, number).attempts == 0
    later = deliver_due(database.connect, at=AT + SECOND, smtp=smtp, book=BOOK)
    assert (later.sent, letter_of(database, other).status) == (1, "failed")


def test_a_server_that_is_down_costs_no_letter_an_attempt(database, channel, start, mailbox, tell):
    numbers = [tell(f"a{n}@example.test") for n in range(3)]

    down = deliver_due(database.connect, at=AT, smtp=channel, book=BOOK)

    assert (down.sent, down.failed, down.given_up) == (0, 0, 0)
    assert down.problem
    assert "is down" in down.problem
    rows = [letter_of(database, number) for number in numbers]
    assert {(row.status, row.attempts) for row in rows} == {("pending", 0)}
    start()
    wait = timedelta(minutes=1)
    early = deliver_due(database.connect, at=AT + wait - SECOND, smtp=channel, book=BOOK)
    assert early.sent == 0
    assert deliver_due(database.connect, at=AT + wait, smtp=channel, book=BOOK).sent == 3
    assert len(mailbox.letters) == 3


def test_many_workers_at_once_send_each_letter_once(database, smtp, mailbox, tell):
    for n in range(12):
        tell(f"a{n}@example.test")

    with ThreadPoolExecutor(4) as pool:
        sweeps = [
            pool.submit(deliver_due, database.connect, at=AT, smtp=smtp, book=BOOK)
            for _ in range(4)
        ]
        reports = [sweep.result() for sweep in sweeps]

    assert sum(report.sent for report in reports) == 12
    assert sorted(mailbox.recipients) == sorted(f"a{n}@example.test" for n in range(12))


KILLED = """
import os, signal, sys
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from caseflow.catalogue.places import data_root
from caseflow.database.connections import make_road
from caseflow.notifications.channels import SmtpChannel
from caseflow.notifications.rules import load_notices
from caseflow.notifications.service import deliver_due

url, port, at, when = sys.argv[1:]

class Killed:
    name, domain = "email", "qidong.test"

    @contextmanager
    def open(self):
        yield self

    def send(self, letter):
        print(letter.message_id, flush=True)
        if when == "after":
            channel = SmtpChannel("127.0.0.1", int(port), "caseflow@qidong.test")
            with channel.open() as mailing:
                mailing.send(letter)
        os.kill(os.getpid(), signal.SIGKILL)

_, connect = make_road(url)
book = load_notices(data_root() / "notifications")
deliver_due(connect, at=datetime.fromisoformat(at), smtp=Killed(), book=book)
"""


@pytest.mark.soak
@pytest.mark.parametrize(
    ("when", "letters"), [pytest.param("before", 1, marks=pytest.mark.soak), ("after", 2)]
)
def test_a_worker_killed_at_a_letter_loses_nothing_and_the_letter_stays_the_same(
    database, smtp, mailbox, tell, when, letters
):
    number = tell("applicant@example.test")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, database.address.url, str(smtp.port), AT.isoformat(), when],
        stdout=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    assert killed.returncode == -9
    assert letter_of(database, number).status == "pending"

    report = deliver_due(database.connect, at=AT, smtp=smtp, book=BOOK)

    assert report.sent == 1
    assert mailbox.message_ids == [killed.stdout.decode().strip()] * letters


def test_two_notices_never_share_a_message_id(database, smtp, mailbox, tell):
    tell("a@example.test")
    tell("a@example.test")

    deliver_due(database.connect, at=AT, smtp=smtp, book=BOOK)

    assert len(set(mailbox.message_ids)) == 2


def test_a_correction_reaches_the_applicant_once_with_everything_to_correct(house, smtp, mailbox):
    case, at = house.submitted(), shanghai(11, 9)
    items = ["补充用量日志", "补充银行付款凭证"]
    house.act(case, "request_correction", handler_of(house, case), at, items=items)

    deliver_due(house.cases.connect, at=at, smtp=smtp, book=BOOK)

    to_applicant = [x for x in mailbox.letters if x["To"] == "applicant1@example.test"]
    assert [letter["Subject"] for letter in to_applicant] == [
        "已收到申报：算力券",
        "请补正材料：算力券",
    ]
    words = to_applicant[-1].get_content()
    assert "1．补充用量日志" in words
    assert "2．补充银行付款凭证" in words
    assert "2026年11月23日" in words


def handler_of(house: House, case: str) -> str:
    """Return the login of the district's handler."""
    row = house.sql(
        "SELECT p.login FROM task t"
        ' JOIN "case" c ON c.id = t.case_id'
        " JOIN assignment a ON a.organisation_id = t.organisation_id AND a.role = t.role"
        " JOIN person p ON p.id = a.person_id"
        " WHERE c.public_id = %s AND t.status = 'open'",
        case,
    )
    return str(row[0][0])


@pytest.fixture
def reader(session) -> int:
    """A person with five notices, uncommitted."""
    person = Person(login="reader", name="席位", public_id="reader")
    session.add(person)
    session.flush()
    session.add_all(notification(person.id, rule=f"submit#{n}") for n in range(5))
    session.flush()
    return person.id


def test_the_same_reminder_cannot_be_written_twice(session, reader):
    session.add(notification(reader, rule="submit#0"))

    with pytest.raises(IntegrityError, match="uq_notification_once"):
        session.flush()


def test_a_moved_deadline_reminds_again(session, reader):
    session.add(notification(reader, rule="submit#0", due_on=date(2026, 11, 7)))

    session.flush()

    assert unread_count(session, reader) == 6


def test_the_inbox_has_pages_the_newest_first(session, reader):
    first = inbox(session, reader, limit=2)
    second = inbox(session, reader, after=first.next_after, limit=2)
    third = inbox(session, reader, after=second.next_after, limit=2)

    assert [len(page.items) for page in (first, second, third)] == [2, 2, 1]
    numbers = [row.id for page in (first, second, third) for row in page.items]
    assert numbers == sorted(numbers, reverse=True)
    assert third.next_after is None


def test_a_last_page_that_is_just_full_has_no_next(session, reader):
    assert inbox(session, reader, limit=5).next_after is None
    assert inbox(session, reader, limit=4).next_after is not None


def test_a_read_notice_leaves_the_unread_and_the_first_reading_counts(session, reader):
    number = inbox(session, reader).items[0].id

    mark_read(session, reader, number, AT)
    mark_read(session, reader, number, AT + SECOND)

    assert session.get_one(Notification, number, populate_existing=True).read_at == AT
    assert unread_count(session, reader) == 4
    unread = inbox(session, reader, unread_only=True).items
    assert number not in [row.id for row in unread]


def test_nobody_reads_anothers_notices(session, reader):
    number = inbox(session, reader).items[0].id

    assert inbox(session, reader + 1).items == ()
    with pytest.raises(NotFound):
        mark_read(session, reader + 1, number, AT)
