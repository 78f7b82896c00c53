"""Answers: the schema of a frozen value, made from its type hints, so that both always agree."""

from collections.abc import Callable, Mapping
from dataclasses import fields as fields_of
from dataclasses import is_dataclass
from datetime import UTC, date, datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from marshmallow import Schema, fields, validate


class UtcInstant(fields.AwareDateTime):
    """An instant, always written in UTC."""

    def _serialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return None if value is None else value.astimezone(UTC).isoformat()


PLAIN: Final[dict[Any, Callable[..., fields.Field[Any]]]] = {
    str: fields.String,
    int: fields.Integer,
    bool: fields.Boolean,
    datetime: UtcInstant,
    date: fields.Date,
    Any: fields.Raw,
}


@cache
def answer_of(made: type[Any]) -> type[Schema]:
    """Return the schema that writes values of the dataclass `made`."""
    hints = get_type_hints(made)
    columns = {each.name: _field(hints[each.name]) for each in fields_of(made)}
    return Schema.from_dict(columns, name=made.__name__)


def _field(hint: Any, **options: Any) -> fields.Field[Any]:
    """Return the field of a type hint; what may be None says so."""
    origin, inside = get_origin(hint), get_args(hint)
    if origin in {Union, UnionType}:
        (known,) = (each for each in inside if each is not NoneType)
        return _field(known, allow_none=True)
    if origin is Literal:
        return fields.String(required=True, validate=validate.OneOf(inside), **options)
    if origin in {tuple, list}:
        return fields.List(_field(inside[0]), required=True, **options)
    if origin is not None and issubclass(origin, Mapping):
        return fields.Dict(required=True, **options)
    if is_dataclass(hint):
        return fields.Nested(answer_of(hint), required=True, **options)  # type: ignore[arg-type]
    return PLAIN[hint](required=True, **options)
