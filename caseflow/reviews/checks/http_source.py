"""A source that is asked over HTTP: one POST of JSON, a token or a signature, no redirects.

Asked: `{"query", "kind", "point", "holder", "holder_type", "name"}`. Answered with status 200:
`{"query", "holder", "result", "note"}`, the first two as they were asked, `result` one of pass,
reduce, flag, veto. Whatever else comes back is no answer.
"""

import hashlib
import hmac
import http.client
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import orjson
import stamina

from caseflow.kernel.checks import RESULTS
from caseflow.kernel.errors import InvalidInput, Unavailable
from caseflow.reviews.checks.sources import Answer, Breaker, Question

MOST_BYTES: Final = 1024 * 1024
JSON: Final = "application/json"
OK: Final = 200
AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be different the next time."""
MOST_NOTE: Final = 500


class _Unanswered(Exception):
    """A try that may go better the next time."""


@dataclass(frozen=True)
class Access:
    """Where a source is, and what it knows us by; nothing of it stands in a file."""

    address: str
    token: str | None = None
    secret: str | None = None


@dataclass
class HttpSource:
    """See `sources.Source`. `attempts` tries, each of at most `timeout_seconds`."""

    name: str
    title: str
    valid_days: int
    access: Access
    timeout_seconds: float = 5
    attempts: int = 3
    wait_seconds: float = 0.2
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        """Refuse an address that is no HTTP address."""
        self.breaker = Breaker(self.title)
        where = urlsplit(self.access.address)
        if where.scheme not in {"http", "https"} or not where.hostname or where.username:
            raise InvalidInput(f"{self.title}的地址不是 HTTP 地址。")

    def ask(self, question: Question, at: datetime) -> Answer:
        """Return the answer; see `sources.Source.ask`."""
        self.breaker.refuse_open(at)
        body = orjson.dumps(question_data(question))
        try:
            for attempt in stamina.retry_context(
                on=_Unanswered,
                attempts=self.attempts,
                wait_initial=self.wait_seconds,
                wait_max=self.wait_seconds * 10,
                wait_jitter=self.wait_seconds,
            ):
                with attempt:
                    status, content = self._post(question.id, body, at)
        except _Unanswered as error:
            self.breaker.failed(at)
            raise Unavailable(f"{self.title}没有答复：{error}。") from error
        self.breaker.answered()
        if status != OK:
            raise Unavailable(f"{self.title}没有答复：HTTP {status}。")
        return self._read(question, content)

    def _post(self, query: str, body: bytes, at: datetime) -> tuple[int, bytes]:
        where = urlsplit(self.access.address)
        connection = self._connection(where)
        try:
            path = (where.path or "/") + (f"?{where.query}" if where.query else "")
            connection.request("POST", path, body=body, headers=self._headers(query, body, at))
            response = connection.getresponse()
            content = response.read(MOST_BYTES + 1)
        except (OSError, http.client.HTTPException) as error:
            raise _Unanswered(str(error) or type(error).__name__) from error
        finally:
            connection.close()
        if response.status in AGAIN:
            raise _Unanswered(f"HTTP {response.status}")
        return response.status, content

    def _connection(self, where: SplitResult) -> http.client.HTTPConnection:
        host, port = str(where.hostname), where.port
        if where.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                host, port, timeout=self.timeout_seconds, context=context
            )
        return http.client.HTTPConnection(host, port, timeout=self.timeout_seconds)

    def _headers(self, query: str, body: bytes, at: datetime) -> dict[str, str]:
        headers = {"Content-Type": JSON, "Accept": JSON, "Idempotency-Key": query}
        if self.access.token:
            headers["Authorization"] = f"Bearer {self.access.token}"
        if self.access.secret:
            moment = at.isoformat()
            headers["X-Caseflow-Timestamp"] = moment
            headers["X-Caseflow-Signature"] = signature(self.access.secret, moment, body)
        return headers

    def _read(self, question: Question, content: bytes) -> Answer:
        """Return an answer that is about what was asked, word for word."""
        data = _json(content)
        asked = (data.get("query"), data.get("holder")) == (question.id, question.holder)
        note = data.get("note", "")
        if not asked or data.get("result") not in RESULTS or not isinstance(note, str):
            raise Unavailable(f"{self.title}的答复不符合约定，不作为核查结果。")
        return Answer(str(data["result"]), note[:MOST_NOTE], content, JSON)


def question_data(question: Question) -> dict[str, str]:
    """Return a question as it goes over the wire."""
    return {
        "query": question.id,
        "kind": question.kind,
        "point": question.point,
        "holder": question.holder,
        "holder_type": question.holder_type,
        "name": question.name,
    }


def signature(secret: str, moment: str, body: bytes) -> str:
    """Return the HMAC-SHA256 (hex) over `moment`, a dot and the body."""
    return hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()


def _json(content: bytes) -> dict[str, Any]:
    if len(content) > MOST_BYTES:
        return {}
    try:
        data = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return data if isinstance(data, dict) else {}
