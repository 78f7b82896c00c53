"""Talking to the house by HTTP, under any name."""

import io
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

PDF = b"%PDF-1.7\n1 0 obj << >> endobj\n%%EOF\n"
PREFIX = "/api/v1"


class Client:
    """A test client that names an actor and reads JSON."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def get(self, path: str, login: str | None = None, **query: Any) -> TestResponse:
        return self.ask("GET", path, login, query_string=query or None)

    def post(
        self,
        path: str,
        login: str | None = None,
        json: Any = None,
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        return self.ask("POST", path, login, json=json, headers=headers)

    def ask(
        self,
        method: str,
        path: str,
        login: str | None = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> TestResponse:
        token = {"Authorization": f"Bearer dev:{login}"} if login else {}
        return self.app.test_client().open(
            PREFIX + path, method=method, headers={**token, **(headers or {})}, **options
        )

    def upload(
        self,
        case: str,
        login: str,
        kind: str,
        content: bytes = PDF,
        name: str = "材料.pdf",
    ) -> TestResponse:
        data = {"kind": kind}
        return self.post_file(f"/cases/{case}/documents", login, data, content=content, name=name)

    def post_file(
        self,
        path: str,
        login: str,
        data: dict[str, Any],
        *,
        content: bytes = PDF,
        name: str = "材料.pdf",
    ) -> TestResponse:
        """Post a form with a file."""
        form = {**data, "file": (io.BytesIO(content), name)}
        return self.ask("POST", path, login, data=form, content_type="multipart/form-data")

    def act(
        self,
        case: str,
        login: str,
        event: str,
        headers: dict[str, str] | None = None,
        **payload: Any,
    ) -> TestResponse:
        body = {"event": event, "payload": payload}
        return self.post(f"/cases/{case}/events", login, body, headers)

    def done(self, response: TestResponse, status: int = 200) -> Any:
        """Return the answer's JSON, which must have come with `status`."""
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_json()
