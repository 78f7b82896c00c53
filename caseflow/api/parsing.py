"""Reading requests strictly: JSON without surprises, no unknown fields, no look-alike digits."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Final, NoReturn

import flask
import flask_smorest
from marshmallow import RAISE, Schema, ValidationError, fields, validate
from webargs import core
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from caseflow.kernel.errors import InvalidInput

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
MAX_PAGE: Final = 200
MOST_INTEGER: Final = 2**53 - 1
"""The largest integer that every JSON reader keeps exactly."""
LONGEST_LINE: Final = 200
LONGEST_TEXT: Final = 4000
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
_KEY: Final = re.compile(r"[\x21-\x7e]{1,128}")
_VERSION: Final = re.compile(r'(?:W/)?"([0-9]{1,9})"')
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DIGITS: Final = re.compile(r"[0-9]{1,15}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_PROSE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
SHAPE: Final[dict[str, str]] = {"unknown": "没有此项。", "type": "须为 JSON 对象。"}
WORDS: Final[dict[str, Any]] = {"required": "必填。", "null": "不能为空。", "invalid": "类型不对。"}


class StrictParser(FlaskParser):
    """Reads arguments: nothing unknown in body, query or form; JSON as RFC 8259 has it."""

    DEFAULT_UNKNOWN_BY_LOCATION: ClassVar[dict[str, str | None]] = {  # type: ignore[misc]
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        **dict.fromkeys(("json", "query", "querystring", "form", "files"), RAISE),
    }

    def _raw_load_json(self, req: flask.Request) -> Any:
        if not core.is_json(req.mimetype):
            raise UnsupportedMediaType("请以 Content-Type: application/json 发送。")
        return loads(req.get_data(cache=True))

    def load_files(self, req: flask.Request, schema: Schema) -> Any:
        """Return the values and the files of a multipart form together."""
        both = MultiDict([*req.form.items(multi=True), *req.files.items(multi=True)])
        return self._makeproxy(both, schema)

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> NoReturn:
        """Raise the program's own error, which the door's one table answers."""
        problems = dict(_flat(error.messages))
        listed = "；".join(f"{name}：{reason}" for name, reason in problems.items())
        raise InvalidInput(f"所填内容有误：{listed}", fields=problems) from error


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc] # untyped library
    """A blueprint whose routes read strictly, and whose decorators have types."""

    ARGUMENTS_PARSER = StrictParser()

    def route(self, rule: str, **options: Any) -> Decorator:
        """Return the decorator that registers a view under `rule`."""
        decorator: Decorator = super().route(rule, **options)
        return decorator

    def arguments(self, schema: type[Schema], **options: Any) -> Decorator:
        """Return the decorator that reads a view's first argument."""
        decorator: Decorator = super().arguments(schema, **options)
        return decorator

    def response(self, status_code: int, schema: Any = None, **options: Any) -> Decorator:
        """Return the decorator that writes a view's answer."""
        decorator: Decorator = super().response(status_code, schema, **options)
        return decorator

    @staticmethod
    def doc(**options: Any) -> Decorator:
        """Return the decorator that adds to a view's documentation."""
        decorator: Decorator = flask_smorest.Blueprint.doc(**options)
        return decorator


def loads(text: bytes) -> Any:
    """Return the JSON value of `text`.

    Raises:
        BadRequest: no JSON, a name twice, NaN or Infinity, nested too deep, or not UTF-8.
    """
    try:
        return json.loads(
            text.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except RecursionError as error:
        raise BadRequest("JSON 嵌套过深。") from error
    except ValueError as error:
        raise BadRequest(f"请求体不是有效的 JSON：{error}") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("同一名称出现两次")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"不接受 {name}")


def _flat(messages: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield field paths with their reasons; webargs' outermost key is the location."""
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            is_frame = not path and key in {"json", "query", "querystring", "form", "files"}
            name = "" if is_frame or key == "_schema" else str(key)
            yield from _flat(inner, ".".join(part for part in (path, name) if part))
    else:
        reasons = messages if isinstance(messages, list) else [messages]
        yield path or "body", " ".join(map(str, reasons))


class Body(Schema):
    """A request's body or query: nothing but what is declared."""

    error_messages = SHAPE

    class Meta:
        """Refuse what is not declared."""

        unknown = RAISE


def _printable(text: str) -> None:
    if _CONTROL.search(text) or not text.strip():
        raise ValidationError("须为一行可见文字，不得含控制字符。")


def _readable(text: str) -> None:
    if _CONTROL_IN_PROSE.search(text) or not text.strip():
        raise ValidationError("须为可见文字，不得含控制字符。")


class Line(fields.String):
    """One line of text without control characters."""

    default_error_messages = WORDS

    def __init__(
        self, *, longest: int = LONGEST_LINE, one_of: Sequence[str] = (), **options: Any
    ) -> None:
        checks: list[Any] = [validate.Length(min=1, max=longest), _printable]
        if one_of:
            checks.append(validate.OneOf(one_of))
        super().__init__(validate=checks, **options)


class Prose(fields.String):
    """Text of several lines."""

    default_error_messages = WORDS

    def __init__(self, **options: Any) -> None:
        longest = validate.Length(min=1, max=LONGEST_TEXT)
        super().__init__(validate=[longest, _readable], **options)


class Number(fields.Integer):
    """A whole number in a body: an integer of JSON, nothing that could become one."""

    default_error_messages = WORDS

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) is not int or abs(value) > MOST_INTEGER:
            raise ValidationError("须为整数。")
        return value


class QueryNumber(fields.Integer):
    """A whole number in a query: plain digits."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if not isinstance(value, str) or not _DIGITS.fullmatch(value):
            raise ValidationError("须为数字 0-9 组成的整数。")
        return int(value)


class QueryFlag(fields.Boolean):
    """True or false in a query."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if value not in {"true", "false"}:
            raise ValidationError("须为 true 或 false。")
        return bool(value == "true")


class Day(fields.Date):
    """A date as YYYY-MM-DD."""

    default_error_messages = WORDS

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValidationError("须为日期 YYYY-MM-DD。")
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValidationError("没有这一天。") from error


class Instant(fields.AwareDateTime):
    """An instant with its offset, such as 2026-06-01T01:00:00Z."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> datetime:
        if not isinstance(value, str) or not value.isascii():
            raise ValidationError("须为带时区的时间，例如 2026-06-01T01:00:00Z。")
        try:
            found = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValidationError("须为带时区的时间，例如 2026-06-01T01:00:00Z。") from error
        if found.tzinfo is None:
            raise ValidationError("时间须带时区，例如末尾的 Z。")
        return found


class PageQuery(Body):
    """Where a page begins and how long it is."""

    after = Line(metadata={"description": "上一页的 next"})
    limit = QueryNumber(load_default=50, validate=validate.Range(min=1, max=MAX_PAGE))


def request_id() -> str | None:
    """Return the `Idempotency-Key` of the request.

    Raises:
        InvalidInput: empty, too long, or with other than visible ASCII characters.
    """
    key = flask.request.headers.get(IDEMPOTENCY_KEY)
    if key is not None and not _KEY.fullmatch(key):
        reason = "须为 1 至 128 个可见 ASCII 字符"
        raise InvalidInput(f"{IDEMPOTENCY_KEY}：{reason}。", fields={IDEMPOTENCY_KEY: reason})
    return key


def expected_version() -> int | None:
    """Return the version in `If-Match`, None where the header is missing or `*`.

    Raises:
        InvalidInput: it is not an entity tag of a case.
    """
    header = flask.request.headers.get("If-Match", "*").strip()
    if header == "*":
        return None
    found = _VERSION.fullmatch(header)
    if found is None:
        reason = '须为办件的 ETag，例如 "12"'
        raise InvalidInput(f"If-Match：{reason}。", fields={"If-Match": reason})
    return int(found[1])


def entity_tag(version: int) -> str:
    """Return the `ETag` of a case at a version."""
    return f'"{version}"'
