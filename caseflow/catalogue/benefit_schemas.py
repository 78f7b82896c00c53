"""Which keys the `benefit` of a measure's file may have: its figures, and the rule over them."""

from collections.abc import Mapping
from typing import Any, get_args

from marshmallow import ValidationError, fields, validate, validates_schema

from caseflow.catalogue import measures
from caseflow.catalogue.records import Flag, Plain, Record, number, records, text, texts, word
from caseflow.kernel.benefits.model import (
    BenefitFact,
    Cap,
    CapKind,
    FactType,
    Part,
    PartKind,
    Role,
)
from caseflow.kernel.workflow.vocabulary import OPERATORS

FORMS = (
    "grant", "reward", "voucher", "interest", "fund", "matching", "talent", "equity", "allowance",
    "guarantee", "allocation", "service",
)  # fmt: skip
BOUNDS = ("ceiling", "fixed", "range")
KINDS = ("amount", "life_cap", "range_low", "range_high", "item", "joint_cap")
PERIODS = ("once", "year", "month", "project", "months")
PER = (
    "enterprise", "project", "model", "event", "device", "honour", "award", "data_source",
    "team", "person", "product", "platform", "park", "software", "data_set", "laboratory", "case",
    "association",
)  # fmt: skip
PERCENT = r"[0-9]+(\.[0-9]+)?"
CODE = r"[a-z][a-z0-9_]*"


class RateRecord(Record):
    """See `measures.Rate`."""

    makes = measures.Rate
    percent = text(pattern=PERCENT)
    bound = word(*BOUNDS)
    base = text()
    words = text()


class AmountRecord(Record):
    """See `measures.Amount`."""

    makes = measures.Amount
    yuan = number()
    bound = word(*BOUNDS)
    per = word(*PER)
    words = text()
    period = fields.String(required=True, allow_none=True, validate=validate.OneOf(PERIODS))
    months = number(required=False)
    tier = text(required=False)
    kind = word(*KINDS, required=False)

    @validates_schema
    def _months_with_their_number(self, data: Mapping[str, Any], **_: Any) -> None:
        if (data.get("period") == "months") != ("months" in data):
            raise ValidationError("Goes with `period: months`, and only with it.", "months")


class BenefitFactRecord(Record):
    """See `kernel.benefits.model.BenefitFact`."""

    makes = BenefitFact
    name = text(pattern=CODE)
    title = text()
    type = word(*get_args(FactType))
    role = word(*get_args(Role))
    unit = text(required=False)
    choices = texts()
    must = fields.Dict(keys=word(*OPERATORS), values=Plain())
    any = text(required=False, pattern=CODE)
    words = text(required=False)
    optional = Flag()


class PartRecord(Record):
    """See `kernel.benefits.model.Part`."""

    makes = Part
    kind = word(*get_args(PartKind))
    title = text()
    less = texts()
    period = texts()
    rate = number(required=False, least=0)
    amount = number(required=False, least=0)
    tiers = fields.Dict(keys=fields.String(), values=Plain())
    months_each = number(required=False)
    must_decide = Flag()
    question = text(required=False)
    base = text(required=False, pattern=CODE)
    by = text(required=False, pattern=CODE)
    count = text(required=False, pattern=CODE)
    months = text(required=False, pattern=CODE)
    decided = text(required=False, pattern=CODE)
    stretches = text(required=False, pattern=CODE)
    paid = text(required=False, pattern=CODE)
    since = text(required=False, pattern=CODE)
    within_months = number(required=False)


class CapRecord(Record):
    """See `kernel.benefits.model.Cap`."""

    makes = Cap
    kind = word(*get_args(CapKind))
    title = text()
    amount = number(required=False, least=0)
    tiers = fields.Dict(keys=fields.String(), values=Plain())
    most = number(required=False)
    by = text(required=False, pattern=CODE)
    less = text(required=False, pattern=CODE)
    count = text(required=False, pattern=CODE)
    counted = text(required=False, pattern=CODE)
    words = text(required=False)
    per = word(*PER, required=False)
    within = word(*PERIODS, required=False)
    distinct = text(required=False, pattern=CODE)
    freed_by_recovery = Flag()

    @validates_schema
    def _distinct_for_whom(self, data: Mapping[str, Any], **_: Any) -> None:
        if "distinct" in data and "per" not in data:
            raise ValidationError("Goes with `per`: for whom the values differ.", "distinct")


class BenefitRecord(Record):
    """See `measures.Benefit`."""

    makes = measures.Benefit
    form = word(*FORMS)
    rates = records(RateRecord)
    amounts = records(AmountRecord)
    facts = records(BenefitFactRecord)
    parts = records(PartRecord)
    caps = records(CapRecord)
