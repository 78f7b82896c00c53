"""Policies, measures, workflows and calls: as files say them, and as rows.

The row factories need a session: `bind(session)` at the beginning of a test.
"""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import factory
from factory.alchemy import SQLAlchemyModelFactory
from sqlalchemy.orm import Session, object_session

from caseflow.catalogue import cities, measures, policies
from caseflow.catalogue.models import Call, Measure, MeasureVersion, Policy, PolicyVersion
from caseflow.catalogue.models import Workflow as WorkflowRow
from caseflow.kernel.calls import STATUSES
from caseflow.kernel.workflow.model import Branch, State, Step, Workflow

AT = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
EFFECTIVE_FROM, EFFECTIVE_TO = date(2026, 5, 14), date(2028, 5, 13)


def small_workflow(name: str, *, title: str = "算力券") -> Workflow:
    """Return two states and one step: enough to store, to pin and to tell apart by title."""
    step = Step("submit", "draft", "提交", (Branch("closed"),), ("applicant",))
    return Workflow(
        name=name,
        title=title,
        family="vouchers",
        opened_by=("applicant",),
        initial="draft",
        states={
            "draft": State("draft", "草稿", "application", "intake", ("applicant",), main="submit"),
            "closed": State("closed", "办结", "end", "end", end="closed"),
        },
        steps={("draft", "submit"): step},
        clocks={},
        facts={},
    )


def small_workflows(files: policies.PolicyFiles, **changes: Any) -> dict[str, dict[str, Workflow]]:
    """Return for every measure a small workflow and one of a child case, `period`."""
    return {
        measure.id: {
            name: small_workflow(name, **changes) for name in (measure.id, f"{measure.id}/period")
        }
        for measure in files.measures
    }


class MeasureFileFactory(factory.Factory):
    class Meta:
        model = measures.Measure

    measure = factory.Sequence(lambda n: f"AY26-1{chr(97 + n % 26)}")
    article = 1
    title = "算力券"
    family = "vouchers"
    clause = "给予按实际租用智能算力费用的50%补贴，单个企业每年最高200万元。"
    bureaus = ("市数据局",)
    applicants = ("enterprise",)
    benefit = measures.Benefit(
        form="voucher",
        amounts=(measures.Amount(2_000_000, "ceiling", "enterprise", "最高200万元", "year"),),
    )
    selection = measures.Selection("check", "惯例")
    matter_date = measures.MatterDate("use_period_end", "算力使用期间末日", "惯例")
    selective = True
    government_approval = False
    documents = (measures.RequiredDocument("contract", "算力服务合同", True, "惯例"),)


class PolicyRecordFactory(factory.Factory):
    class Meta:
        model = policies.Policy

    policy = "anyi-2026"
    prefix = "AY26"
    title = "安宜市若干措施"
    doc_no = "安政办规〔2026〕1号"
    legal_form = "行政规范性文件"
    issuer = "安宜市人民政府办公室"
    city = "anyi"
    status = "in_force"
    issued_on = date(2026, 4, 13)
    effective_from = EFFECTIVE_FROM
    effective_to = EFFECTIVE_TO
    effective_words = "本措施自2026年5月14日起施行，有效期至2028年5月13日。"
    scope = policies.Scope("本措施适用于企业。", "anyi", ("enterprise",))
    overlap = policies.OverlapRule("highest_only", "other_city_policies", "从优、从高、不重复")
    change = policies.ChangeRule("follows_higher", "从其规定")
    articles = (policies.Article(1, "（一）支持算力"),)
    support_ends_before = "本措施自2026年5月14日起施行"
    bureau_note = policies.BureauNote("（责任单位：", "、", "）")


class PolicyFilesFactory(factory.Factory):
    class Meta:
        model = policies.PolicyFiles

    folder = Path("policies/anyi-2026")
    policy = factory.SubFactory(PolicyRecordFactory)
    measures = factory.LazyFunction(lambda: (MeasureFileFactory(measure="AY26-1a"),))
    text = "安宜市若干措施"
    sources = factory.Dict({})


class CityFactory(factory.Factory):
    """A city with two bureaus, finance and one town; `industries` has a default and 交通."""

    class Meta:
        model = cities.City

    city = "anyi"
    title = "安宜市"
    source = "示例"
    territories = (
        cities.Territory("anyi", "安宜市", "county_city", None, "county", "示例"),
        cities.Territory("anyi_old_town", "老城镇", "town", "anyi", "township", "示例"),
    )
    organisations = tuple(
        cities.Organisation(code, title, kind, place, "示例", (cities.SeatCount(role),))
        for code, title, kind, place, role in (
            ("anyi_data", "市数据局", "bureau", "anyi", "bureau_handler"),
            ("anyi_industry", "市工信局", "bureau", "anyi", "bureau_handler"),
            ("anyi_transport", "市交通局", "bureau", "anyi", "bureau_handler"),
            ("anyi_finance", "市财政局", "finance", "anyi", "finance_division"),
            ("anyi_town", "老城镇人民政府", "town", "anyi_old_town", "district_handler"),
        )
    )
    names = factory.Dict(
        {
            "市数据局": "anyi_data",
            "市工信局": "anyi_industry",
            "各领域行业主管部门": "$field_bureau",
            "各区镇": "$district",
        }
    )
    parties = factory.Dict({"finance": "anyi_finance"})
    cosign = factory.Dict({"credit": "anyi_industry"})
    industries = factory.Dict({"default": "anyi_industry", "交通": "anyi_transport"})


class _Rows(SQLAlchemyModelFactory):
    class Meta:
        abstract = True
        sqlalchemy_session_persistence = "flush"


class PolicyFactory(_Rows):
    class Meta:
        model = Policy

    code = factory.Sequence(lambda n: f"policy-{n}")
    city = "anyi"


class PolicyVersionFactory(_Rows):
    class Meta:
        model = PolicyVersion
        exclude = ("policy",)

    policy = factory.SubFactory(PolicyFactory)
    policy_id = factory.SelfAttribute("policy.id")
    version = 1
    title = "安宜市若干措施"
    document_no = "安政办规〔2026〕1号"
    status = "in_force"
    issued_on = date(2026, 4, 13)
    effective_from = EFFECTIVE_FROM
    effective_to = EFFECTIVE_TO
    content_hash = factory.Sequence(lambda n: f"{n:064x}")
    definition = factory.Dict({})
    text = "安宜市若干措施"
    loaded_at = AT
    current = True


class DraftVersionFactory(PolicyVersionFactory):
    """A 征求意见稿: no number, no first day, but a last one."""

    status = "consultation_draft"
    document_no = None
    issued_on = None
    effective_from = None


class WorkflowFactory(_Rows):
    class Meta:
        model = WorkflowRow
        exclude = ("compiled",)

    compiled = factory.Sequence(lambda n: small_workflow(f"AY26-{n}"))
    hash = factory.LazyAttribute(lambda row: row.compiled.hash)
    name = factory.LazyAttribute(lambda row: row.compiled.name)
    definition = factory.LazyAttribute(lambda row: row.compiled.to_data())


class MeasureFactory(_Rows):
    class Meta:
        model = Measure

    code = factory.Sequence(lambda n: f"AY26-{n}a")


class MeasureVersionFactory(_Rows):
    """A measure in a policy version; give `policy_version` to choose which."""

    class Meta:
        model = MeasureVersion
        exclude = ("policy_version", "measure", "workflow")

    policy_version = factory.SubFactory(PolicyVersionFactory)
    measure = factory.SubFactory(
        MeasureFactory, policy_id=factory.SelfAttribute("..policy_version.policy_id")
    )
    workflow = factory.SubFactory(WorkflowFactory)
    measure_id = factory.SelfAttribute("measure.id")
    policy_version_id = factory.SelfAttribute("policy_version.id")
    article = 1
    title = "算力券"
    family = "vouchers"
    content_hash = factory.Sequence(lambda n: f"{n:064x}")
    definition = factory.LazyFunction(lambda: MeasureFileFactory().to_data())
    workflow_hash = factory.SelfAttribute("workflow.hash")
    children = factory.Dict({})
    organisations = factory.Dict({"bureaus": []})


class CallFactory(_Rows):
    """A published call; give `measure_version` to choose the measure."""

    class Meta:
        model = Call
        exclude = ("measure_version",)

    measure_version = factory.SubFactory(MeasureVersionFactory)
    measure_id = factory.SelfAttribute("measure_version.measure_id")
    public_id = factory.Sequence(lambda n: f"call{n}")
    title = "算力券申报通知"
    opens_on = date(2026, 7, 1)
    closes_on = date(2026, 7, 31)
    eligible_from = None
    eligible_to = None
    status = "published"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **said: Any) -> Any:
        """A call begins planned and comes to where it is wanted step by step."""
        wanted = said.pop("status")
        call = super()._create(model_class, *args, status="planned", **said)
        for status in STATUSES[1 : STATUSES.index(wanted) + 1]:
            call.status = status
            object_session(call).flush()
        return call


ROWS: tuple[Any, ...] = (
    PolicyFactory,
    PolicyVersionFactory,
    DraftVersionFactory,
    WorkflowFactory,
    MeasureFactory,
    MeasureVersionFactory,
    CallFactory,
)


def bind(session: Session) -> None:
    """Let every row factory of this module write into `session`."""
    for each in ROWS:
        each._meta.sqlalchemy_session = session
