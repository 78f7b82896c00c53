"""Errors as problem documents (RFC 9457): one table from the error tree to HTTP."""

import errno
import logging
import re
from typing import Any, Final

import psycopg
from flask import Flask, Response, json, request
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from caseflow.kernel.errors import (
    CalendarMissing,
    CapReached,
    CaseflowError,
    Conflict,
    DefinitionError,
    EventNotAllowed,
    GuardFailed,
    InvalidInput,
    NotAllowed,
    NotFound,
    PolicyClosed,
    QuoteRefused,
    RequestReused,
    StaleVersion,
    TooLarge,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
CONFLICT: Final = 409
PRECONDITION_FAILED: Final = 412
INTERNAL: Final = 500

STATUS: Final[dict[type[CaseflowError], tuple[int, str]]] = {
    InvalidInput: (422, "所填内容有误"),
    TooLarge: (413, "超过大小上限"),
    Unauthenticated: (401, "请先表明身份"),
    NotAllowed: (403, "无权办理"),
    NotFound: (404, "没有找到"),
    Conflict: (CONFLICT, "与现状冲突"),
    StaleVersion: (CONFLICT, "办件已有新的版本"),
    EventNotAllowed: (CONFLICT, "现在不能办理此事项"),
    QuoteRefused: (422, "不能计算"),
    GuardFailed: (CONFLICT, "办理条件尚不具备"),
    CapReached: (CONFLICT, "超过上限"),
    PolicyClosed: (CONFLICT, "政策或申报通知不受理"),
    CalendarMissing: (CONFLICT, "缺少工作日历"),
    RequestReused: (422, "请求号已用于另一请求"),
    DefinitionError: (422, "定义有误"),
    Unavailable: (503, "暂时无法办理"),
    CaseflowError: (INTERNAL, "程序出错"),
}
"""The status and title of every error; `StaleVersion` is 412 where `If-Match` was sent."""

RESERVED: Final = frozenset({"type", "title", "status", "detail", "instance"})
DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS})
RETRY_SECONDS: Final = "5"

log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Let `app` answer every error with a problem document."""
    app.register_error_handler(CaseflowError, answer)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(psycopg.Error, _database)
    app.register_error_handler(SQLAlchemyError, _database)
    app.register_error_handler(OSError, _disk)
    app.register_error_handler(Exception, _unexpected)


def answer(error: CaseflowError) -> Response:
    """Return the problem document of an error raised on purpose."""
    status, title = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if isinstance(error, StaleVersion) and "If-Match" in request.headers:
        status = PRECONDITION_FAILED
    extra = {key: value for key, value in error.details.items() if key not in RESERVED}
    response = _response(status, _kebab(type(error).__name__), title, error.message, extra)
    if isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = RETRY_SECONDS
    return response


def _http(error: HTTPException) -> Response:
    """Return what the framework refuses: unknown routes, methods, media types, bodies."""
    detail = error.description or error.name
    kind = _kebab(type(error).__name__)
    response = _response(error.code or INTERNAL, kind, error.name, detail, {})
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            response.headers[name] = value
    return response


def _database(error: psycopg.Error | SQLAlchemyError) -> Response:
    cause: Any = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.OperationalError | PoolTimeout):
        log.warning("the database does not answer: %s", type(cause).__name__)
        return answer(Unavailable("数据库暂时没有响应，未写入任何内容，请稍后重试。"))
    if isinstance(cause, psycopg.IntegrityError):
        return answer(Conflict(f"数据库拒绝：{cause.diag.message_primary}"))
    if isinstance(cause, psycopg.DataError):
        return answer(InvalidInput("有一项内容数据库不能保存（例如空字符或过大的数）。"))
    return _unexpected(error)


def _disk(error: OSError) -> Response:
    if error.errno in DISK:
        return answer(Unavailable(f"文件没有保存：{error.strerror}。请稍后重试。"))
    return _unexpected(error)


def _unexpected(error: Exception) -> Response:
    """Return that something broke, and nothing about what; the log has the rest."""
    log.error("unexpected %s at %s", type(error).__name__, request.endpoint, exc_info=error)
    detail = "程序出错，已记入日志；未写入任何内容。"
    return _response(INTERNAL, "unexpected", "程序出错", detail, {})


def _response(status: int, kind: str, title: str, detail: str, extra: dict[str, Any]) -> Response:
    document = {
        "type": f"/problems/{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": request.path,
        **extra,
    }
    return Response(json.dumps(document), status=status, content_type=MEDIA_TYPE)


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
