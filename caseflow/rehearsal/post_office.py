"""A real mail server on loopback for as long as a play lasts, and its postman."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from typing import Any, Final

from aiosmtpd.controller import Controller

from caseflow.notifications.channels import SmtpChannel
from caseflow.notifications.service import deliver_due
from caseflow.rehearsal.house import House

HOST: Final = "127.0.0.1"
ACCEPTED: Final = "250 OK"
ONCE: Final = 1_000


@dataclass(frozen=True)
class Mail:
    """A letter as the mail server took it."""

    to: str
    title: str


@dataclass
class Postbox:
    """The mail server's memory: what it was handed, in order."""

    letters: list[Mail] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Take a letter: aiosmtpd calls this for each."""
        message = message_from_bytes(envelope.content)
        title = str(make_header(decode_header(message["Subject"])))
        self.letters.extend(Mail(to=to, title=title) for to in envelope.rcpt_tos)
        return ACCEPTED


@dataclass(frozen=True)
class PostOffice:
    """The running server and the channel that leads to it."""

    box: Postbox
    channel: SmtpChannel

    def deliver(self, house: House, at: datetime) -> None:
        """Hand over every letter that is due at `at`, as the worker does."""
        while True:
            report = deliver_due(
                house.database.connect,
                at=at,
                smtp=self.channel,
                book=house.cases.office.notices,
                limit=ONCE,
            )
            if report.sent < ONCE:
                return


@contextmanager
def post_office(sender: str) -> Iterator[PostOffice]:
    """Yield a mail server on a free port of loopback; it stops afterwards."""
    box = Postbox()
    controller = Controller(box, hostname=HOST, port=_free_port())
    controller.start()
    try:
        yield PostOffice(box, SmtpChannel(HOST, controller.port, sender))
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
