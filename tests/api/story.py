"""A voucher case from the first registration to the paid yuan, by HTTP alone."""

from dataclasses import dataclass
from typing import Any

from tests.api.client import Client

MEASURE = "QD26-7a"
APPLICANT = "li.ming"
HANDLER = "shujuju.handler"
REVIEWER = "shujuju.reviewer"
LEADER = "shujuju.leader"
TOWN = "huilong_zhen.handler"
TOWN_HEAD = "huilong_zhen.head"
FINANCE = "caizhengju.finance_division"
TREASURY = "caizhengju.treasury"
AUDITOR = "shenjiju.auditor"
CONTACT = {"phone": "0513-00000000", "email": "sample@example.test", "address": "样例路1号"}
USCC = "91320681MA1TESTX0T"
FEN = 100_000_00
DOCUMENTS = (
    "application",
    "licence",
    "contract",
    "usage_bill",
    "usage_log",
    "invoices",
    "bank_slips",
    "scenario_proof",
    "unrelated_declaration",
    "commitment",
)
BEFORE_COSIGNING: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (APPLICANT, "submit", {"applied_fen": FEN}),
    (TOWN, "accept", {}),
    (TOWN, "verify_claim", {"verified_fen": FEN, "note": "属实。"}),
    (TOWN_HEAD, "recommend", {}),
    (HANDLER, "conclude_review", {"reviewed_fen": FEN, "note": "同意。"}),
    (REVIEWER, "confirm_review", {}),
)
COSIGNERS = ("fagaiwei.cosign", "shichangju.cosign", "shuiwuju.cosign")
BEFORE_PUBLICITY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (HANDLER, "draft_plan", {"planned_fen": FEN}),
    (REVIEWER, "confirm_plan", {}),
    (LEADER, "agree_plan", {"minutes_no": "〔2026〕第7号"}),
)
AFTER_PUBLICITY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (LEADER, "approve", {"approved_fen": FEN, "basis": "会议研究决定"}),
    (HANDLER, "issue_decision", {"document_no": "启数〔2026〕1号"}),
    (HANDLER, "request_funds", {}),
    (FINANCE, "release", {"document_no": "启财〔2026〕9号"}),
    (TREASURY, "order_payment", {}),
    (TREASURY, "confirm_payment", {"voucher_no": "PZ-0001"}),
)

CHECKED = (
    "recommend", "draft_plan", "request_funds", "release", "order_payment", "confirm_payment",
)  # fmt: skip
"""The events before which the bureau looks the applicant's credit up."""


@dataclass
class Story:
    """The people and the call around one case; every method is one or more requests."""

    client: Client
    applicant: str = ""
    call: str = ""

    def prepare(self) -> None:
        """Register the applicant and its person, and let the bureau publish a call."""
        self.applicant = self.register(APPLICANT, number=1)
        body = {
            "measure": MEASURE,
            "title": "2026年算力券申报通知",
            "opens_on": "2026-06-01",
            "closes_on": "2026-08-31",
        }
        call = self.client.done(self.client.post("/calls", REVIEWER, body), 201)
        self.call = call["public_id"]

    def register(self, login: str, *, number: int, territory: str = "huilong") -> str:
        """Register a person and the enterprise they act for; returns the enterprise's id."""
        from tests.factories.identity import uscc_number

        self.client.done(self.client.post("/people", None, {"login": login, "name": login}), 201)
        body = {
            "kind": "enterprise",
            "name": f"启东第{number}智能科技有限公司",
            "uscc": uscc_number(number),
            "territory": territory,
        }
        firm = str(self.client.done(self.client.post("/applicants", login, body), 201)["public_id"])
        account = {"holder": body["name"], "bank": "示例银行", "number": f"62000000{number:04d}"}
        self.client.done(self.client.post(f"/organisations/{firm}/accounts", login, account), 201)
        return firm

    def opening(self, **changes: Any) -> dict[str, Any]:
        """Return the body that opens a case."""
        body = {
            "measure": MEASURE,
            "applicant": self.applicant,
            "title": "行业垂类模型算力券",
            "call": self.call,
            "matter_on": "2026-05-31",
        }
        return {**body, **changes}

    def draft(self, login: str = APPLICANT, **changes: Any) -> str:
        """Open a case and return its id."""
        answer = self.client.post("/cases", login, self.opening(**changes))
        return str(self.client.done(answer, 201)["case"])

    def complete(self, case: str, login: str = APPLICANT) -> None:
        """Upload every required document."""
        for kind in DOCUMENTS:
            self.client.done(self.client.upload(case, login, kind), 201)

    def submitted(self) -> str:
        """Open, complete and submit a case."""
        case = self.draft()
        self.complete(case)
        self.run(case, BEFORE_COSIGNING[:1])
        return case

    def run(self, case: str, steps: tuple[tuple[str, str, dict[str, Any]], ...]) -> Any:
        """Take the steps in order and return the last answer."""
        answer = None
        for login, event, payload in steps:
            if event in CHECKED:
                self.check(case)
            answer = self.client.done(self.client.act(case, login, event, **payload))
        return answer

    def check(self, case: str, result: str = "pass", kind: str = "credit", **said: Any) -> Any:
        """Let the bureau record a check of the case's applicant now; the same again is the same."""
        data = {"kind": kind, "result": result, "source": "信用中国", **said}
        login = data.pop("login", HANDLER)
        answer = self.client.post_file(f"/cases/{case}/checks", login, data)
        return self.client.done(answer, 201)

    def publicity_pending(self) -> str:
        """Bring a case to where it waits to be publicised."""
        case = self.submitted()
        self.run(case, BEFORE_COSIGNING[1:])
        for login in COSIGNERS:
            self.run(case, ((login, "answer_seat", {"verdict": "pass", "note": "无异议"}),))
        self.run(case, BEFORE_PUBLICITY)
        return case

    def publicise(self, *cases: str, login: str = HANDLER) -> Any:
        """List the cases for five working days."""
        for case in cases:
            self.check(case)
        body = {
            "cases": list(cases),
            "title": "2026年第一批算力券拟支持名单",
            "basis": "启政办规〔2026〕1号第七条",
            "working_days": 5,
            **CONTACT,
        }
        return self.client.done(self.client.post("/publicities", login, body), 201)

    def object(self, publicity: str, case: str, login: str, **said: str) -> Any:
        """Let somebody object to a case of a publicity; returns the answer, whatever it is."""
        body = {
            "case": case,
            "real_name": "王某",
            "contact": "某信箱",
            "grounds": "数据不实。",
            "proof": "用量日志一份",
        }
        return self.client.post(f"/publicities/{publicity}/objections", login, {**body, **said})

    def move_clock(self, to: str) -> Any:
        """Move the virtual clock and let happen what falls due."""
        return self.client.done(self.client.post("/clock", None, {"to": to}))

    def show(self, case: str, login: str = AUDITOR) -> Any:
        """Return the case as `login` sees it."""
        return self.client.done(self.client.get(f"/cases/{case}", login))
