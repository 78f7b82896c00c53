"""The ways out of the house: e-mail by SMTP."""

import smtplib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final, Protocol

from caseflow.kernel.errors import CaseflowError, Unavailable

TIMEOUT_SECONDS: Final = 10
OK: Final = 250
"""SMTP's "requested mail action okay, completed" (RFC 5321 §4.2.3)."""


class LetterRefused(CaseflowError):
    """This letter was not taken now; others may be. The message says what the server said."""


@dataclass(frozen=True)
class Letter:
    """What leaves the house; the same notice always has the same `message_id`."""

    to: str
    title: str
    text: str
    message_id: str
    written_at: datetime


class Mailing(Protocol):
    """An open line over which letters are sent one after the other."""

    def send(self, letter: Letter) -> None:
        """Hand over one letter.

        Raises:
            LetterRefused: this letter was not taken, or it is not known whether it was.
            Unavailable: nobody answers any more; nothing was handed over.
        """
        ...


class Channel(Protocol):
    """A way out, with the name its delivery rows bear and the domain of its message ids."""

    @property
    def name(self) -> str:
        """Return the value of `delivery.channel`."""
        ...

    @property
    def domain(self) -> str:
        """Return the right-hand side of message ids."""
        ...

    def open(self) -> AbstractContextManager[Mailing]:
        """Open the line; the connection is made with the first letter."""
        ...


@dataclass(frozen=True)
class SmtpChannel:
    """E-mail through one relay."""

    host: str
    port: int
    sender: str
    timeout_seconds: int = TIMEOUT_SECONDS

    @property
    def name(self) -> str:
        """Return the value of `delivery.channel`."""
        return "email"

    @property
    def domain(self) -> str:
        """Return the sender's domain."""
        return self.sender.rpartition("@")[2]

    @contextmanager
    def open(self) -> Iterator[Mailing]:
        """Open the line; the connection is made with the first letter and closed at the end."""
        mailing = _SmtpMailing(self)
        try:
            yield mailing
        finally:
            mailing.hang_up()


class _SmtpMailing:
    """One SMTP connection, made anew after the server dropped it."""

    def __init__(self, channel: SmtpChannel) -> None:
        self._channel = channel
        self._server: smtplib.SMTP | None = None

    def send(self, letter: Letter) -> None:
        message = _message(letter, self._channel.sender)
        server = self._connected()
        try:
            server.send_message(message, self._channel.sender, [letter.to])
        except smtplib.SMTPServerDisconnected as error:
            self.hang_up()
            raise LetterRefused(f"The server hung up on the letter: {error}") from error
        except (smtplib.SMTPException, ValueError) as error:
            raise LetterRefused(_words(error)) from error
        except OSError as error:
            self.hang_up()
            raise LetterRefused(f"The line broke on the letter: {error}") from error

    def hang_up(self) -> None:
        """Close the connection, if there is one, without waiting for good manners."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def _connected(self) -> smtplib.SMTP:
        """Return a connection that answers, a new one where the old one has gone stale."""
        if self._server is not None and not _answers(self._server):
            self.hang_up()
        if self._server is None:
            host, port = self._channel.host, self._channel.port
            try:
                server = smtplib.SMTP(host, port, timeout=self._channel.timeout_seconds)
                self._server = server
                server.ehlo_or_helo_if_needed()
            except (OSError, smtplib.SMTPException) as error:
                self.hang_up()
                raise Unavailable(f"The mail server {host}:{port} is down: {error}") from error
        return self._server


def _answers(server: smtplib.SMTP) -> bool:
    """Return whether the server still listens; also takes back a letter half begun."""
    try:
        code, _ = server.rset()
    except (OSError, smtplib.SMTPException):
        return False
    return code == OK


def _message(letter: Letter, sender: str) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    try:
        message["From"] = sender
        message["To"] = letter.to
        message["Subject"] = letter.title
        message["Date"] = format_datetime(letter.written_at)
        message["Message-ID"] = letter.message_id
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
    except ValueError as error:
        raise LetterRefused(f"The letter cannot be written: {error}") from error
    return message


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {_text(what)}" for code, what in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    return str(error) or type(error).__name__


def _text(value: bytes | str) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else value
