"""A source of facts on loopback: a real HTTP server that answers as it is told to."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FactServer:
    """What was asked of it, and what it answers: `answers` first, then `result` for ever.

    An answer is a status, or a dict of what differs from the answer agreed.
    """

    url: str = ""
    result: str = "pass"
    answers: list[Any] = field(default_factory=list)
    asked: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    delay_seconds: float = 0

    def answer(self, question: dict[str, Any]) -> tuple[int, bytes]:
        """Return status and body for a question."""
        agreed = {"query": question["query"], "holder": question["holder"], "result": self.result}
        told = self.answers.pop(0) if self.answers else {}
        if isinstance(told, int):
            return told, b"{}"
        if isinstance(told, bytes):
            return 200, told
        return 200, json.dumps({**agreed, **told}).encode()


@contextmanager
def fact_server() -> Iterator[FactServer]:
    """Lend a running server."""
    state = FactServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked.append((dict(self.headers), json.loads(raw) | {"raw": raw.decode()}))
            time.sleep(state.delay_seconds)
            status, body = state.answer(json.loads(raw))
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}/credit"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
