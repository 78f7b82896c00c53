"""Talking to a house by HTTP as a stranger does, and the log of everything that was asked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import quote, urlencode

from caseflow.kernel.errors import CaseflowError

PREFIX: Final = "/api/v1"
JSON: Final = "application/json"
FIRST_REFUSAL: Final = 400
BOUNDARY: Final = "caseflow-scenario-call"
TIMEOUT_SECONDS: Final = 60


class TalkFailed(CaseflowError):
    """The house answered otherwise than the play must expect: who asked for what, and the words."""


@dataclass(frozen=True)
class Asked:
    """One request and its answer; `answer` is the JSON, None where a file was sent.

    `key` is the Idempotency-Key, `sent` the body or the form's fields.
    """

    number: int
    login: str | None
    method: str
    path: str
    key: str
    sent: Any
    status: int
    answer: Any

    @property
    def is_done(self) -> bool:
        """Return whether the house did what was asked."""
        return self.status < FIRST_REFUSAL

    @property
    def told(self) -> str:
        """Return the request in one line."""
        return f"#{self.number} {self.login or '无名'} {self.method} {self.path} → {self.status}"


@dataclass
class Talk:
    """One connection to `host`:`port`; each request names its actor by a token of their own."""

    host: str
    port: int
    name: str
    log: list[Asked] = field(default_factory=list)
    _line: HTTPConnection | None = None

    def get(self, path: str, login: str | None = None, **query: Any) -> Any:
        """Return the JSON that a reading route answers with."""
        asked = f"{path}?{urlencode(query)}" if query else path
        return self._answered(self._ask("GET", asked, login))

    def file(self, path: str, login: str | None = None, **query: Any) -> bytes:
        """Return the bytes that a route sends."""
        asked = f"{path}?{urlencode(query)}" if query else path
        content: list[bytes] = []
        self._answered(self._ask("GET", asked, login, keep=content))
        return content[0]

    def post(self, path: str, login: str | None = None, body: Any = None) -> Any:
        """Return the JSON that a writing route answers with; it must do what is asked."""
        return self._answered(self._ask("POST", path, login, body))

    def send(
        self, path: str, login: str, fields: Mapping[str, str], *, name: str, content: bytes
    ) -> Any:
        """Send a file with the fields of its form; returns the JSON of the answer."""
        form = _form(fields, name=name, content=content)
        return self._answered(self._ask("POST", path, login, dict(fields), form=form))

    def refused(
        self, path: str, login: str | None, body: Any = None, *, method: str = "POST"
    ) -> Any:
        """Return the problem document of a request that must be refused.

        Raises:
            TalkFailed: the house did it.
        """
        asked = self._ask(method, path, login, body)
        if asked.is_done:
            raise TalkFailed(f"本应拒绝而未拒绝：{asked.told}。")
        return asked.answer

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
            self._line = None

    def _answered(self, asked: Asked) -> Any:
        if not asked.is_done:
            detail = asked.answer.get("detail") if isinstance(asked.answer, dict) else None
            raise TalkFailed(f"{asked.told}：{detail or asked.answer}", sent=asked.sent)
        return asked.answer

    def _ask(
        self,
        method: str,
        path: str,
        login: str | None,
        body: Any = None,
        *,
        form: bytes | None = None,
        keep: list[bytes] | None = None,
    ) -> Asked:
        number = len(self.log) + 1
        key = f"{self.name}-{number:05d}"
        headers = {"Idempotency-Key": key} if method == "POST" else {}
        if login is not None:
            headers["Authorization"] = f"Bearer dev:{login}"
        content = form
        if form is not None:
            headers["Content-Type"] = f"multipart/form-data; boundary={BOUNDARY}"
        elif body is not None:
            headers["Content-Type"] = JSON
            content = json.dumps(body).encode()
        response, got = self._exchange(method, path, content, headers)
        is_json = "json" in response.headers.get_content_subtype()
        if keep is not None and response.status < FIRST_REFUSAL:
            keep.append(got)
            is_json = False
        answer = json.loads(got) if is_json else None
        asked = Asked(number, login, method, path, key, body, response.status, answer)
        self.log.append(asked)
        return asked

    def _exchange(
        self, method: str, path: str, content: bytes | None, headers: Mapping[str, str]
    ) -> tuple[HTTPResponse, bytes]:
        if self._line is None:
            self._line = HTTPConnection(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            self._line.request(method, PREFIX + quote(path, safe="/?&=%+.-_~:"), content, headers)
            response = self._line.getresponse()
            return response, response.read()
        except (OSError, HTTPException) as error:
            self.close()
            raise TalkFailed(f"{method} {path}：服务没有应答（{error}）。") from error


def _form(fields: Mapping[str, str], *, name: str, content: bytes) -> bytes:
    """Return a multipart body of text fields and one file. RFC 7578."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    typed = f"{head}Content-Type: application/octet-stream\r\n\r\n".encode()
    return b"".join([*parts, typed, content, f"\r\n--{BOUNDARY}--\r\n".encode()])
