"""Which keys `policy.yaml` and a measure's file may have, and of which type."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from caseflow.catalogue import measures, policies
from caseflow.catalogue.benefit_schemas import CODE, PERCENT, BenefitRecord
from caseflow.catalogue.indicators.schemas import IndicatorRecord, LeadRecord
from caseflow.catalogue.records import Day, Flag, Plain, Record, number, records, text, texts, word
from caseflow.kernel.checks import KINDS as CHECKS
from caseflow.kernel.checks import POINTS
from caseflow.kernel.overlap.matters import KINDS
from caseflow.kernel.overlap.rules import MODES, TRIGGERS
from caseflow.kernel.titles import KIND, LEVELS, PER
from caseflow.kernel.workflow.vocabulary import OPERATORS

STATUSES = ("consultation_draft", "in_force", "repealed")
APPLICANTS = ("enterprise", "institution", "association", "individual", "government")
METHODS = (
    "check", "expert_review", "yearly_evaluation", "list_match", "prior_registration",
    "talent_review", "fund_decision", "ranking",
)  # fmt: skip
SPLITS = ("shares", "fiscal_system", "city_alone")
WHOLE = 100


class ConditionRecord(Record):
    """See `measures.Condition`."""

    makes = measures.Condition
    words = text()
    note = text(required=False)


class ThresholdRecord(Record):
    """See `measures.Threshold`."""

    makes = measures.Threshold
    words = text()
    fact = text(pattern=CODE)
    op = word(*OPERATORS)
    value = Plain(required=True)
    yuan = number(required=False)
    percent = text(required=False, pattern=PERCENT)


class FigureRecord(Record):
    """See `measures.Figure`."""

    makes = measures.Figure
    words = text()
    note = text()
    yuan = number(required=False)
    percent = text(required=False, pattern=PERCENT)

    @validates_schema
    def _one_figure(self, data: Mapping[str, Any], **_: Any) -> None:
        if ("yuan" in data) == ("percent" in data):
            raise ValidationError("Needs `yuan` or `percent`, not both.")


class SelectionRecord(Record):
    """See `measures.Selection`."""

    makes = measures.Selection
    method = word(*METHODS)
    source = text()
    words = text(required=False)


class RecommendationRecord(Record):
    """See `measures.Recommendation`."""

    makes = measures.Recommendation
    by = word("district")
    source = text()


class QuotaRecord(Record):
    """See `measures.Quota`."""

    makes = measures.Quota
    number = number()
    per = text()
    words = text()


class ExclusionRecord(Record):
    """See `measures.Exclusion`."""

    makes = measures.Exclusion
    source = text()
    words = text(required=False)
    note = text(required=False)

    @validates_schema
    def _says_something(self, data: Mapping[str, Any], **_: Any) -> None:
        if not data.get("words") and not data.get("note"):
            raise ValidationError("Needs `words` or `note`.")


class DocumentRecord(Record):
    """See `measures.RequiredDocument`."""

    makes = measures.RequiredDocument
    kind = text(pattern=CODE)
    title = text()
    required = Flag(required=True)
    source = text()
    child = text(required=False, pattern=CODE)


class MatterDateRecord(Record):
    """See `measures.MatterDate`."""

    makes = measures.MatterDate
    kind = text(pattern=CODE)
    title = text()
    source = text()


class OpenQuestionRecord(Record):
    """See `measures.OpenQuestion`."""

    makes = measures.OpenQuestion
    id = text(pattern=r"AMB-[0-9]{2}")
    default = text()
    text = text()  # last: it hides the function of that name


class WorkflowChoiceRecord(Record):
    """See `measures.WorkflowChoice`."""

    makes = measures.WorkflowChoice
    process = text(required=False, pattern=CODE)
    parameters = fields.Dict(keys=text(pattern=CODE), values=Plain())
    without = texts()
    checks = fields.Dict(keys=word(*POINTS), values=fields.List(word(*CHECKS)))


class ShareRecord(Record):
    """See `measures.Share`."""

    makes = measures.Share
    party = word("city", "district")
    percent = text(pattern=PERCENT)


class SplitRecord(Record):
    """See `measures.Split`."""

    makes = measures.Split
    rule = word(*SPLITS)
    words = text()
    shares = records(ShareRecord)
    in_principle = Flag()

    @validates_schema
    def _shares_are_whole(self, data: Mapping[str, Any], **_: Any) -> None:
        shares = data.get("shares") or []
        if (data.get("rule") == "shares") != bool(shares):
            raise ValidationError("Goes with `rule: shares`, and only with it.", "shares")
        if shares and sum(Decimal(share.percent) for share in shares) != WHOLE:
            raise ValidationError("Must add up to 100 percent.", "shares")


class MeasureOverlapRecord(Record):
    """See `measures.MeasureOverlap`."""

    makes = measures.MeasureOverlap
    source = text()
    mode = fields.String(validate=validate.OneOf(tuple(MODES)))
    matters = fields.List(word(*KINDS))


class TitleServedRecord(Record):
    """See `measures.TitleServed`."""

    makes = measures.TitleServed
    kind = text(pattern=KIND)
    per = word(*PER)
    level = word(*LEVELS)
    grade = text(required=False)
    facts = fields.Dict(keys=text(pattern=CODE), values=Plain())


class TitlesServedRecord(Record):
    """See `measures.TitlesServed`."""

    makes = measures.TitlesServed
    source = text()
    serves = records(TitleServedRecord, least=1)


class MeasureRecord(Record):
    """See `measures.Measure`."""

    makes = measures.Measure
    measure = text(pattern=r"[A-Z0-9]+-[1-9][0-9]?[a-z]?")
    article = number()
    title = text()
    family = text(pattern=CODE)
    clause = text()
    beside = texts()
    bureaus = texts(required=True, least=1)
    applicants = fields.List(word(*APPLICANTS), required=True, validate=validate.Length(min=1))
    benefit = fields.Nested(BenefitRecord, required=True)
    conditions = records(ConditionRecord)
    thresholds = records(ThresholdRecord)
    figures = records(FigureRecord)
    quota = fields.Nested(QuotaRecord, allow_none=True)
    recommended_by = fields.Nested(RecommendationRecord)
    selection = fields.Nested(SelectionRecord, required=True)
    exclusions = records(ExclusionRecord)
    documents = records(DocumentRecord, least=1)
    selective = Flag(required=True)
    government_approval = Flag(required=True)
    matter_date = fields.Nested(MatterDateRecord, required=True)
    open_questions = records(OpenQuestionRecord)
    split = fields.Nested(SplitRecord)
    workflow = fields.Nested(WorkflowChoiceRecord)
    overlap = fields.Nested(MeasureOverlapRecord)
    titles = fields.Nested(TitlesServedRecord)

    @validates_schema
    def _titles_tell_facts_of_the_benefit(self, data: Mapping[str, Any], **_: Any) -> None:
        known = {fact.name: fact for fact in data["benefit"].facts}
        served = data["titles"].serves if data.get("titles") else ()
        for name, value in (pair for each in served for pair in each.facts.items()):
            if name not in known:
                raise ValidationError(f"The benefit has no fact {name!r}.", "titles")
            if known[name].choices and value not in known[name].choices:
                raise ValidationError(f"{name!r} is never {value!r}.", "titles")

    @validates_schema
    def _an_allowance_says_how_long(self, data: Mapping[str, Any], **_: Any) -> None:
        choice = data.get("workflow")
        said = choice.parameters if choice else {}
        missing = [name for name in measures.ALLOWANCE_LENGTH if name not in said]
        if data["benefit"].form == measures.ALLOWANCE and missing:
            raise ValidationError(f"An allowance needs the parameters {missing}.", "workflow")


class ArticleRecord(Record):
    """See `policies.Article`."""

    makes = policies.Article
    number = number()
    heading = text()


class ScopeRecord(Record):
    """See `policies.Scope`."""

    makes = policies.Scope
    words = text()
    territory = text(pattern=CODE)
    territories = texts()
    may_follow = text(required=False)
    applicants = fields.List(word(*APPLICANTS), required=True, validate=validate.Length(min=1))


class OverlapRuleRecord(Record):
    """See `policies.OverlapRule`."""

    makes = policies.OverlapRule
    rule = word("highest_only", "not_repeatable")
    against = word(*TRIGGERS)
    words = text()
    yearly_control = text(required=False)


class ChangeRuleRecord(Record):
    """See `policies.ChangeRule`."""

    makes = policies.ChangeRule
    rule = word("follows_higher", "adjusts", "later_replaces_clause", "own_text")
    words = text()


class TailWindowRecord(Record):
    """See `policies.TailWindow`."""

    makes = policies.TailWindow
    days = number()
    source = text()


class BureauNoteRecord(Record):
    """See `policies.BureauNote`."""

    makes = policies.BureauNote
    before = text()
    between = texts(required=True, least=1)
    after = texts(required=True, least=1)


class PolicyRecord(Record):
    """See `policies.Policy`."""

    makes = policies.Policy
    policy = text(pattern=r"[a-z][a-z0-9-]*")
    prefix = text(pattern=r"[A-Z][A-Z0-9]*")
    title = text()
    doc_no = fields.String(required=True, allow_none=True, validate=validate.Length(min=1))
    legal_form = text()
    issuer = fields.String(required=True, allow_none=True)
    adopted_by = text(required=False)
    city = text(pattern=CODE)
    status = word(*STATUSES)
    issued_on = Day(required=True, allow_none=True)
    effective_from = Day(required=True, allow_none=True)
    effective_to = Day(required=True, allow_none=True)
    effective_words = text()
    scope = fields.Nested(ScopeRecord, required=True)
    overlap = fields.Nested(OverlapRuleRecord, required=True)
    change = fields.Nested(ChangeRuleRecord, required=True)
    split = fields.Nested(SplitRecord, required=True, allow_none=True)
    tail_window = fields.Nested(TailWindowRecord, required=True, allow_none=True)
    articles = records(ArticleRecord, least=1)
    support_ends_before = text()
    bureau_note = fields.Nested(BureauNoteRecord, required=True)
    artefacts = texts()
    indicators = records(IndicatorRecord)
    lead = fields.Nested(LeadRecord)

    @validates_schema
    def _in_force_is_dated(self, data: Mapping[str, Any], **_: Any) -> None:
        start, end = data.get("effective_from"), data.get("effective_to")
        if start and end and end < start:
            raise ValidationError("Is before effective_from.", "effective_to")
        needed = ("issued_on", "effective_from", "effective_to")
        missing = [key for key in needed if data.get("status") == "in_force" and not data.get(key)]
        if missing:
            raise ValidationError(f"A policy in force needs {', '.join(missing)}.", "status")
