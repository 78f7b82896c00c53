"""Turn a definition file into frozen values: strict schemas, each fault with file and line."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from caseflow.kernel.errors import DefinitionError, Problem
from caseflow.kernel.workflow.source import Path, Source

UNKNOWN = "Unknown field."


class Record(Schema):
    """A mapping with known keys that becomes one frozen dataclass, `makes`."""

    makes: ClassVar[type]

    class Meta:
        """Refuse what is not declared."""

        unknown = RAISE

    @post_load
    def _make(self, data: Mapping[str, Any], **_: Any) -> Any:
        frozen = {key: tuple(v) if isinstance(v, list) else v for key, v in data.items()}
        return self.makes(**frozen)


class Flag(fields.Field[bool]):
    """True or false, nothing that merely looks like it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value


class Day(fields.Field[date]):
    """A date written 2026-05-14."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, date):
            raise ValidationError("Must be a date such as 2026-05-14.")
        return value


class Plain(fields.Field[Any]):
    """A value that others judge: number, text, true or false, or a list or mapping of them."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not _is_plain(value):
            raise ValidationError("Must be a number, text, true or false; quote a date.")
        return value


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, bool | int | str)


def text(*, required: bool = True, pattern: str | None = None) -> fields.String:
    """Return a field for text that is not blank, whole text matching `pattern` if given."""
    checks: list[Any] = [validate.Length(min=1)]
    if pattern is not None:
        checks.append(validate.Regexp(rf"(?:{pattern})\Z"))
    return fields.String(required=required, validate=checks)


def word(*choices: str, required: bool = True) -> fields.String:
    """Return a field for one of a closed set of words."""
    return fields.String(required=required, validate=validate.OneOf(choices))


def number(*, required: bool = True, least: int = 1) -> fields.Integer:
    """Return a field for a whole number of at least `least`; no text, no fractions."""
    return fields.Integer(required=required, strict=True, validate=validate.Range(min=least))


def texts(*, required: bool = False, least: int = 0) -> fields.List[Any]:
    """Return a field for a list of text without repetition."""
    checks: list[Any] = [validate.Length(min=least), _unique]
    return fields.List(text(), required=required, validate=checks)


def records(schema: type[Record], *, least: int = 0) -> fields.List[Any]:
    """Return a field for a list of mappings."""
    return fields.List(
        fields.Nested(schema), required=least > 0, validate=validate.Length(min=least)
    )


def load_record(schema: type[Record], source: Source) -> Any:
    """Return the frozen value that `source` describes.

    Raises:
        DefinitionError: every fault of the file, each at the line of the key it stands under.
    """
    try:
        return _reader(schema).load(source.data)
    except ValidationError as error:
        raise DefinitionError(sorted(_problems(source, error.messages_dict))) from error


@cache
def _reader(schema: type[Record]) -> Record:
    """Return the one instance that reads files: making one costs more than reading with it."""
    return schema()


def _problems(source: Source, messages: Any, path: Path = ()) -> Iterator[Problem]:
    if isinstance(messages, Mapping):
        for key, inner in messages.items():
            yield from _problems(source, inner, path if key == "_schema" else (*path, key))
        return
    for message in messages:
        rule = "definition-key" if message == UNKNOWN else "definition-value"
        yield source.problem(path, rule, f"{'.'.join(map(str, path)) or 'the file'}: {message}")


def _unique(values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise ValidationError("A value stands here twice.")
