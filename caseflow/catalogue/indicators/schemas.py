"""Which keys an indicator of `policy.yaml` may have, and of which type."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from caseflow.catalogue.benefit_schemas import CODE
from caseflow.catalogue.indicators import definitions
from caseflow.catalogue.records import Record, number, records, text, texts, word
from caseflow.identity.models import APPLICANT_KINDS
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.indicators import COMPARISONS, read_value
from caseflow.kernel.periods import MONTHS

LAST_SURE_DAY: Final = 28
"""The last day that every month has."""
MOST_DECIMALS: Final = 6


class Amount(fields.Field[Any]):
    """A whole number, or a decimal in quotes."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int | str:
        if type(value) is int and value >= 0:
            return value
        if not isinstance(value, str):
            raise ValidationError("Must be a whole number, or a decimal in quotes.")
        try:
            read_value(value, decimals=MOST_DECIMALS)
        except InvalidInput as error:
            raise ValidationError("Must be digits with at most one point.") from error
        return value


class LeadRecord(Record):
    """See `definitions.Lead`."""

    makes = definitions.Lead
    bureau = text()
    words = text()


class ComparisonRecord(Record):
    """See `definitions.Comparison`."""

    makes = definitions.Comparison
    rule = word(*COMPARISONS)
    source = text()
    words = text(required=False)


class StepRecord(Record):
    """See `definitions.Step`."""

    makes = definitions.Step
    year = number()
    value = Amount(required=True)
    words = text()


class ReportingRecord(Record):
    """See `definitions.Reporting`."""

    makes = definitions.Reporting
    period = word(*MONTHS)
    day = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=1, max=LAST_SURE_DAY)
    )
    by = word("one", "each")
    source = text()
    decimals = fields.Integer(strict=True, validate=validate.Range(min=0, max=MOST_DECIMALS))


class CountingRecord(Record):
    """See `definitions.Counting`."""

    makes = definitions.Counting
    measures = texts(required=True, least=1)
    reached = texts(required=True, least=1)
    distinct = word("case", "applicant")
    source = text()
    kinds = fields.List(word(*APPLICANT_KINDS))


class IndicatorRecord(Record):
    """See `definitions.Indicator`."""

    makes = definitions.Indicator
    id = text(pattern=CODE)
    title = text()
    unit = text()
    target = Amount(required=True)
    year = number()
    owners = texts(required=True, least=1)
    words = text()
    source = text()
    comparison = fields.Nested(ComparisonRecord, required=True)
    reporting = fields.Nested(ReportingRecord, required=True)
    baseline = fields.Nested(StepRecord)
    steps = records(StepRecord)
    counting = fields.Nested(CountingRecord)
    note = text(required=False)
    number = number()  # last: it hides the function of that name

    @validates_schema
    def _years_go_on(self, data: Mapping[str, Any], **_: Any) -> None:
        years = [step.year for step in data.get("steps") or ()]
        if years != sorted(set(years)) or any(year >= data["year"] for year in years):
            raise ValidationError("Must be years before `year`, in order, each once.", "steps")
