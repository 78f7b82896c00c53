"""The closed vocabulary of definitions: facts, inputs, guards, effects, seats, duties, outcomes.

A definition can only use these names (and the facts its stages declare). Nothing here is ever
imported, evaluated or formatted from a definition: a name either stands in a table or is refused.
"""

from dataclasses import dataclass
from typing import Final

from caseflow.kernel.overlap.clashes import TREATMENTS
from caseflow.kernel.workflow.check_words import CHECK_EFFECTS, CHECK_FACTS, CHECK_GUARDS
from caseflow.kernel.workflow.judging_words import JUDGING_FACTS
from caseflow.kernel.workflow.model import Fact, Test
from caseflow.kernel.workflow.money_words import MONEY_EFFECTS, MONEY_INPUTS


def _system(name: str, kind: str, title: str) -> Fact:
    return Fact(name=name, type=kind, title=title, system=True)  # type: ignore[arg-type]


PREVIOUS_STATE: Final = "previous_state"
"""The state kept by the effect remember_state; a step to `$previous` has one branch for each."""

SYSTEM_FACTS: Final[dict[str, Fact]] = {
    fact.name: fact
    for fact in (
        _system("policy_in_force", "boolean", "政策在有效期内"),
        _system("matter_in_force", "boolean", "事项发生在政策有效期内"),
        _system("call_open", "boolean", "申报通知正在受理"),
        _system("documents_missing", "integer", "缺少的必交材料数"),
        _system("corrections_made", "integer", "已发补正告知次数"),
        _system("letter_made", "boolean", "已制作本环节的文书"),
        _system("publicity_listed", "boolean", "已列入公示"),
        _system("publicity_over", "boolean", "公示期满"),
        _system("open_objections", "integer", "未办结异议数"),
        _system("holds", "integer", "暂停拨付的情形数"),
        _system("seats_waiting", "integer", "尚未答复的席位数"),
        _system("vetoes", "integer", "一票否决数"),
        Fact("vote", "choice", "表决情况", choices=("open", "passed", "failed"), system=True),
        _system("children_open", "integer", "未办结的子办件数"),
        _system("children_total", "integer", "子办件总数"),
        _system("children_paid_fen", "fen", "子办件累计已拨付金额"),
        _system("payments_open", "integer", "未付清的拨付单数"),
        _system("payments_paid", "integer", "已付清的拨付单数"),
        _system("city_payments_open", "integer", "未付清的市级拨付单数"),
        _system("district_payments_open", "integer", "未付清的区级拨付单数"),
        _system("paid_fen", "fen", "已拨付金额"),
        _system("unpaid_fen", "fen", "已审定未拨付金额"),
        _system("approval_within_publicity", "boolean", "审定金额不超过公示金额"),
        _system("plan_within_ceiling", "boolean", "拟支持金额不超过条款上限"),
        _system("call_closes_on", "date", "申报截止日"),
        _system("policy_ends_on", "date", "政策有效期截止日"),
        _system("publicity_ends_on", "date", "公示截止日"),
        _system(PREVIOUS_STATE, "choice", "中止前的环节"),
        _system("conversion_within_cap", "boolean", "转股不超过协议（或联席会）确定的上限"),
        _system("recoverable_fen", "fen", "已拨付尚未追回的金额"),
        _system("recovery_left_fen", "fen", "应追回未缴的金额"),
        _system("recovery_received_fen", "fen", "已追回的金额"),
        _system("open_clashes", "integer", "同一事项重复享受且尚无处理决定的情形数"),
        _system("plan_within_overlap", "boolean", "拟支持金额不超过就高不重复后可享受的金额"),
        *JUDGING_FACTS,
        *CHECK_FACTS,
    )
}

AMOUNTS: Final[dict[str, Fact]] = {
    fact.name: fact
    for fact in (
        Fact("applied_fen", "fen", "申请金额", unit="fen", sample=100_000_00),
        Fact("verified_fen", "fen", "属地核定金额", unit="fen", sample=100_000_00),
        Fact("audited_fen", "fen", "审计核定金额", unit="fen", sample=100_000_00),
        Fact("reviewed_fen", "fen", "部门审核金额", unit="fen", sample=100_000_00),
        Fact("planned_fen", "fen", "拟支持金额", unit="fen", sample=100_000_00),
        Fact("publicised_fen", "fen", "公示金额", unit="fen", sample=100_000_00),
        Fact("approved_fen", "fen", "审定金额", unit="fen", sample=100_000_00),
    )
}
"""The amount history of a case, in this order; each is an entered fact every stage may require."""

REASON_CODES: Final = (
    "not_in_scope",
    "not_in_period",
    "condition_not_met",
    "material_false",
    "duplicate",
    "credit_veto",
    "related_party",
    "cost_not_recognised",
    "quota_exceeded",
    "budget_exhausted",
    "policy_expired",
)

REMEDY: Final = (
    "如不服本决定，可自知道之日起六十日内向本级人民政府申请行政复议，"
    "或者自知道之日起六个月内依法向人民法院提起行政诉讼。"
)
"""行政复议法 20、行政诉讼法 46."""

INPUTS: Final[dict[str, Fact]] = {
    fact.name: fact
    for fact in (
        Fact("reason", "text", "事实与理由", sample="材料齐全，符合条款规定的条件。"),
        Fact("reason_code", "choice", "理由代码", choices=REASON_CODES, sample="condition_not_met"),
        Fact("remedy", "text", "救济途径", sample=REMEDY),
        Fact("items", "list", "需补正的全部内容", sample=["补充用量日志"]),
        Fact("note", "text", "办理意见", sample="同意。"),
        Fact("real_name", "text", "异议人真实姓名或单位名称", sample="王某"),
        Fact("contact", "text", "异议人联系方式", sample="样例信箱"),
        Fact("grounds", "text", "异议内容", sample="公示内容与事实不符。"),
        Fact("proof", "text", "证据材料（文号、文件名或哈希）", sample="样例证据材料一份"),
        Fact("verdict", "choice", "联审结论", choices=("pass", "flag", "veto"), sample="pass"),
        Fact("basis", "text", "依据文件", sample="会议研究决定"),
        Fact("minutes_no", "text", "会议纪要编号", sample="〔2026〕第1号"),
        Fact("document_no", "text", "文书编号", sample="〔2026〕1号"),
        Fact("voucher_no", "text", "支付凭证号", sample="PZ-0001"),
        Fact("paid_on", "date", "支付日期"),
        Fact("instalment_fen", "fen", "本期应拨金额", unit="fen"),
        Fact("hold_kind", "choice", "暂停情形",
             choices=("audit_hold", "credit_hold", "under_appeal", "clawback_open"),
             sample="audit_hold"),
        Fact("evidence", "list", "证据（材料编号或文号）", sample=["信用查询报告〔2026〕1号"]),
        Fact("task", "integer", "待办编号"),
        Fact("person", "text", "人员（登录名或编号）"),
        Fact("organisation", "text", "单位（代码或编号）"),
        Fact("seat", "text", "席位"),
        Fact("return_to", "text", "退回至（环节代码）"),
        Fact("placement", "choice", "加签方式", choices=("before", "beside"), sample="beside"),
        Fact("publicity_id", "integer", "公示编号"),
        Fact("publicity_ends_on", "date", "公示截止日"),
        Fact("receipt_fen", "fen", "本次缴款金额", unit="fen", sample=100),
        Fact("received_on", "date", "到账日期", sample="2026-12-01"),
        Fact("matters", "matters", "事项（类别、编号）",
             sample=[{"kind": "contract", "key": "HT-2026-001"}]),
        Fact("other", "text", "另一项支持（享受记录或办件的编号）", sample="QD26-7a-2026-000001"),
        Fact("treatment", "choice", "重复享受的处理", choices=tuple(TREATMENTS),
             sample="keep_this"),
        Fact("entitled_fen", "fen", "本条款应得金额（封顶后）", unit="fen"),
        Fact("chosen", "choice", "选择享受", choices=("this", "other"), sample="this"),
        Fact("scores", "scores", "评分表（各项指标的得分）",
             sample={"innovation": 85, "effect": 85, "replicability": 85, "safety": 85}),
        *MONEY_INPUTS,
    )
}  # fmt: skip
"""What an act may carry besides facts: kept in the event, not on the case."""


@dataclass(frozen=True)
class Guard:
    """A named condition over system facts; `refusal` says in Chinese why an act was refused."""

    tests: tuple[Test, ...]
    refusal: str


GUARDS: Final[dict[str, Guard]] = {
    "policy_in_force": Guard(
        (Test("policy_in_force", "is", True),), "政策不在有效期内（或尚为征求意见稿）"
    ),
    "matter_in_force": Guard(
        (Test("matter_in_force", "is", True),), "事项日期不在政策有效期内，不得拨付"
    ),
    "call_open": Guard((Test("call_open", "is", True),), "申报通知未开放或已截止"),
    "documents_complete": Guard((Test("documents_missing", "at_most", 0),), "必交材料不齐全"),
    "first_correction": Guard(
        (Test("corrections_made", "at_most", 0),), "已一次性告知补正，不得再次要求补正"
    ),
    "letter_made": Guard(
        (Test("letter_made", "is", True),), "本环节的文书尚未制作，请先制作并编号"
    ),
    "publicity_listed": Guard((Test("publicity_listed", "is", True),), "尚未列入公示"),
    "publicity_over": Guard((Test("publicity_over", "is", True),), "公示期未满"),
    "publicity_running": Guard(
        (Test("publicity_over", "is", False),), "公示期已满，不再受理异议（可另行举报、信访）"
    ),
    "objection_open": Guard((Test("open_objections", "at_least", 1),), "没有未办结的异议"),
    "no_open_objection": Guard((Test("open_objections", "at_most", 0),), "有未办结的异议"),
    "no_hold": Guard((Test("holds", "at_most", 0),), "存在暂停拨付的情形"),
    "held": Guard((Test("holds", "at_least", 1),), "没有需要解除的暂停情形"),
    "all_seats_answered": Guard((Test("seats_waiting", "at_most", 0),), "尚有席位未答复"),
    "vote_decided": Guard((Test("vote", "one_of", ("passed", "failed")),), "表决尚无结果"),
    "children_settled": Guard((Test("children_open", "at_most", 0),), "尚有未办结的子办件"),
    "some_child": Guard((Test("children_total", "at_least", 1),), "尚无子办件"),
    "payment_open": Guard((Test("payments_open", "at_least", 1),), "没有待付的拨付单"),
    "city_payment_open": Guard(
        (Test("city_payments_open", "at_least", 1),), "没有待付的市级拨付单"
    ),
    "no_city_payment_open": Guard(
        (Test("city_payments_open", "at_most", 0),), "市级拨付单尚未付清"
    ),
    "district_payment_open": Guard(
        (Test("district_payments_open", "at_least", 1),), "没有待付的区级拨付单"
    ),
    "no_payment_open": Guard((Test("payments_open", "at_most", 0),), "尚有未付清的拨付单"),
    "some_unpaid": Guard((Test("unpaid_fen", "more_than", 0),), "审定金额已全部拨付"),
    "fully_paid": Guard((Test("unpaid_fen", "at_most", 0),), "审定金额尚未全部拨付"),
    "approval_within_publicity": Guard(
        (Test("approval_within_publicity", "is", True),), "审定金额超过公示金额，须重新公示"
    ),
    "plan_within_ceiling": Guard(
        (Test("plan_within_ceiling", "is", True),), "拟支持金额超过条款规定的上限"
    ),
    "recovery_complete": Guard(
        (Test("recovery_left_fen", "at_most", 0),), "应追回金额尚未全部到账"
    ),
    "nothing_recovered": Guard(
        (Test("recovery_received_fen", "at_most", 0),), "已有缴款到账，须先办理退库"
    ),
    "no_open_clash": Guard(
        (Test("open_clashes", "at_most", 0),),
        "同一事项已享受或正在申报另一项支持，须先由复核决定如何处理（decide_overlap）",
    ),
    "plan_within_overlap": Guard(
        (Test("plan_within_overlap", "is", True),),
        "拟支持金额超过就高不重复后可享受的金额（补差、不重合部分或成本之内）",
    ),
    "panel_drawn": Guard(
        (Test("panel_members", "at_least", 1),), "尚未抽取专家组，须先随机抽取（draw）"
    ),
    "all_sheets_in": Guard((Test("sheets_waiting", "at_most", 0),), "尚有专家未交回评分表"),
    "place_free": Guard((Test("place_free", "is", True),), "名额已满，没有空出的名额"),
    "first_in_line": Guard(
        (Test("first_in_line", "is", True),), "不是候补第一名，须按名次依次递补"
    ),
    "titles_not_issued": Guard(
        (Test("titles_issued", "is", False),), "本批命名文件已经印发，不再递补"
    ),
    **{name: Guard(*said) for name, said in CHECK_GUARDS.items()},
}

EFFECTS: Final[dict[str, str]] = {
    "count_correction": "记一次补正告知",
    "answer_seat": "记录本席位的联审结论",
    "record_objection": "登记异议",
    "settle_objection": "异议办结",
    "list_publicity": "列入公示，公示金额为拟支持金额",
    "pass_district": "属地已推荐，条款另有要求的，自此市级部门可见",
    "open_payment": "按市区分担生成拨付单",
    "confirm_payment": "市级拨付单付清",
    "confirm_district_payment": "区级拨付单付清",
    "return_payment": "市级拨付单退票重开",
    "return_district_payment": "区级拨付单退票重开",
    "renew_account": "退票的拨付单改用新登记的账户",
    "place_hold": "登记暂停拨付情形",
    "lift_hold": "解除暂停拨付情形",
    "remember_state": "记住中止前的环节",
    "escalate": "报上一级督办",
    "fix_equity_terms": "记一版三方协议条款",
    "seal_equity_terms": "三方协议条款生效",
    "match_trigger": "核对转股触发条件",
    "grant_from_pool": "资金池记拨至企业",
    "limit_conversion": "联席会确定转股上限",
    "convert_equity": "核对并登记转股，资金池记转为股权",
    "exit_equity": "核对并登记退出，资金池记收回、收益和损失",
    "repay_pool": "资金池记返还到账",
    "recover_pool": "资金池记追回到账",
    "lose_equity": "资金池记核销损失",
    "keep_grant": "资金池记转为补助",
    "order_recovery": "登记追回决定，需要时登记禁止申报",
    "record_receipt": "登记缴款，按比例退回市、区两级",
    "withdraw_recovery": "撤销追回决定，解除随之登记的禁止申报",
    "name_matters": "登记事项",
    "drop_matters": "更正登记有误的事项",
    "check_overlap": "就高不重复核查，结果记入办件历史",
    "decide_overlap": "记录重复享受的处理决定",
    "choose_award": "记录申报主体的选择",
    "answer_by_silence": "逾期未答复，按条款视为同意，如实记录",
    "claim_task": "签收待办",
    "release_task": "退签待办",
    "hand_over": "转办",
    "entrust": "委派他人准备，决定权不变",
    "report_back": "委派事项回复",
    "add_seat": "加签",
    "remove_seat": "减签",
    "urge": "催办",
    "copy_to": "抄送",
    "revoke_copy": "撤回抄送",
    "recuse": "登记回避",
    "send_back": "退回此前已经过的环节",
    "take_back": "拿回尚无人接手的上一步",
    "seat_panel": "抽取的专家组开始评审",
    "score_case": "登记一份评分表",
    "decline_review": "专家退出，名额空出",
    "replace_expert": "补抽的专家进入专家组",
    "take_place": "登记入围名额",
    "issue_title": "命名文件印发，名额不再递补",
    **(MONEY_EFFECTS | CHECK_EFFECTS),
}
"""Effects describe writes; `open_child:<kind>` besides these opens a child case of that kind."""

ANSWER: Final = "answer_seat"
"""The effect of a step that each seat takes once, for itself. (手册§2.2 部门联审)"""
OWN_TASK: Final = frozenset({ANSWER, "claim_task", "release_task", "hand_over", "entrust"})
"""The effects of what is done with a task of one's own, which must be open."""
TASK_ACTS: Final = OWN_TASK - {ANSWER} | {
    "report_back", "add_seat", "remove_seat", "urge", "copy_to", "revoke_copy", "recuse",
    "send_back", "take_back", "note_veto",
}  # fmt: skip
SEND_BACK, TAKE_BACK = GOES_BACK = ("send_back", "take_back")
"""The two acts on tasks that move a case: along roads that were compiled for each state."""
"""The effects of acts on tasks (`from: tasks`); all but `GOES_BACK` leave the case alone."""
SILENCE: Final = "answer_by_silence"
"""The effect that the expiry of a seat's clock has where the measure says so, and only there."""

FLAGS: Final[dict[str, str]] = {
    "selective": "close_publicity",
    "government_approval": "approve_by_government",
}
"""A measure's legal flags, each with the event that every road to a payment must pass."""


@dataclass(frozen=True)
class Seat:
    """A role in an organisation that the case itself determines."""

    party: str
    role: str
    title: str


SEATS: Final[dict[str, Seat]] = {
    "applicant": Seat("applicant", "applicant", "申报主体"),
    "district.handler": Seat("district", "district_handler", "属地经办"),
    "district.head": Seat("district", "district_head", "属地负责人"),
    "district.finance": Seat("district", "district_finance", "属地财政"),
    "lead_bureau.handler": Seat("lead_bureau", "bureau_handler", "牵头部门经办"),
    "lead_bureau.reviewer": Seat("lead_bureau", "bureau_reviewer", "牵头部门复核"),
    "lead_bureau.division_head": Seat("lead_bureau", "bureau_division_head", "牵头部门处室负责人"),
    "lead_bureau.leader": Seat("lead_bureau", "bureau_leader", "牵头部门分管领导"),
    "field_bureau.handler": Seat("field_bureau", "bureau_handler", "行业主管部门经办"),
    "cosign.credit": Seat("cosign.credit", "cosign_bureau", "联审·信用"),
    "cosign.market": Seat("cosign.market", "cosign_bureau", "联审·市场监管"),
    "cosign.tax": Seat("cosign.tax", "cosign_bureau", "联审·税务"),
    "cosign.safety": Seat("cosign.safety", "cosign_bureau", "联审·安全生产"),
    "cosign.environment": Seat("cosign.environment", "cosign_bureau", "联审·生态环境"),
    "cosign.statistics": Seat("cosign.statistics", "cosign_bureau", "联审·统计"),
    "cosign.social_security": Seat("cosign.social_security", "cosign_bureau", "联审·人社"),
    "cosign.fairness": Seat("cosign.fairness", "cosign_bureau", "联审·公平竞争审查"),
    "cosign.legal": Seat("cosign.legal", "cosign_bureau", "联审·合法性审核"),
    "finance.division": Seat("finance", "finance_division", "财政业务科室"),
    "finance.treasury": Seat("finance", "treasury", "国库支付"),
    "government_office": Seat("government_office", "government_office", "市政府办"),
    "talent_office": Seat("talent_office", "talent_office", "人才办"),
    "experts": Seat("experts", "expert", "评审专家"),
    "audit_firm": Seat("audit_firm", "audit_firm", "第三方审计"),
    "trustee": Seat("trustee", "trustee", "受托管理机构"),
    "bank": Seat("bank", "bank", "合作银行"),
    "fund_manager": Seat("fund_manager", "fund_manager", "基金管理人"),
    "guarantor": Seat("guarantor", "guarantor", "政府性融资担保机构"),
    "platform_operator": Seat("platform_operator", "platform_operator", "平台运营方"),
    "auditor": Seat("auditor", "auditor", "审计机关"),
    "public": Seat("public", "public", "社会公众"),
    "system": Seat("system", "system", "系统"),
}

QUESTIONS: Final[dict[str, str]] = {
    "cosign.credit": "有无失信、严重违法失信记录",
    "cosign.market": "主体是否存续、有无经营异常，有无关联关系",
    "cosign.tax": "有无重大税收违法，属地纳税是否属实",
    "cosign.safety": "近三年有无重大及以上安全事故",
    "cosign.environment": "近三年有无重大及以上环保事故",
    "cosign.statistics": "统计入库与所报数据是否一致",
    "cosign.social_security": "参保与拖欠工资情况",
    "cosign.fairness": "是否符合公平竞争审查标准",
    "cosign.legal": "是否合法",
    "finance.division": "资金来源与支持标准是否可行，有无重复享受",
    "field_bureau.handler": "是否符合本行业管理要求",
    "talent_office": "人才身份与已享受政策",
    "audit_firm": "损失与尽职证据是否充分",
}
"""The one question that each seat answers where several decide. 手册§3、§5.5"""

DUTIES: Final = ("handler", "reviewer", "approver", "disburser")
"""Control roles; one person holds at most one of them on a case (§2.3(7) four eyes)."""

OUTCOMES: Final = (
    "disbursed",  # money reached the applicant
    "closed",  # ended as intended without money
    "rejected",
    "not_accepted",
    "withdrawn",
    "lapsed",
    "terminated",
)

OPERATORS: Final[dict[str, tuple[str, ...]]] = {
    "is": ("boolean",),
    "equals": ("integer", "fen", "date", "choice"),
    "one_of": ("choice", "integer"),
    "at_least": ("integer", "fen", "date"),
    "more_than": ("integer", "fen", "date"),
    "at_most": ("integer", "fen", "date"),
    "less_than": ("integer", "fen", "date"),
}
"""Comparisons and the types they take. 以上、以下 include the number; 超过、不满 do not."""
