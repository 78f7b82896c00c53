"""启东's short edition in force, in a data folder of the test's own, with cases on the way.

The folder's workflows are copies: a test changes a stage or a measure, and publishes.
"""

import random
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from caseflow.batches.publications.candidates import Candidate, read_candidate
from caseflow.batches.publications.plans import read_plans
from caseflow.batches.publications.service import Published, Words, dry_run, publish
from caseflow.cases.assembly import assemble, signer_of
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from caseflow.identity.queries import Actor, actor_by_login
from caseflow.rehearsal.treasury import fund
from tests.conftest import make_template, open_as_program, settings_of_templates
from tests.factories.checks import check_credit
from tests.factories.drafts import QIDONG, ROOT, change, load_into
from tests.integration.conftest import House, found_house, shanghai

CODE = "qidong-2026"
FOUNDED_AT = shanghai(5, 14)
FEN = 100_000_000
MEASURES = ("QD26-7a", "QD26-8c")
"""Enough to publish: a voucher, and a title that needs no application."""
ROAD = (
    ("accept", "huilong_zhen.handler", {}),
    ("verify_claim", "huilong_zhen.handler", {"verified_fen": FEN, "note": "属实"}),
    ("recommend", "huilong_zhen.head", {}),
    ("send_to_audit", "shujuju.handler", {"note": "委托专项审计"}),
    (
        "report_audit",
        "shenjijigou.audit_firm",
        {"audited_fen": FEN, "document_no": "审字〔2026〕1号", "reason": "无"},
    ),
    ("conclude_review", "shujuju.handler", {"reviewed_fen": FEN, "note": "符合"}),
    ("confirm_review", "shujuju.reviewer", {}),
    ("answer_seat", "fagaiwei.cosign", {"verdict": "pass", "note": "无异议"}),
    ("answer_seat", "shichangju.cosign", {"verdict": "pass", "note": "无异议"}),
    ("answer_seat", "shuiwuju.cosign", {"verdict": "pass", "note": "无异议"}),
    ("draft_plan", "shujuju.handler", {"planned_fen": FEN}),
    ("confirm_plan", "shujuju.reviewer", {}),
    ("agree_plan", "shujuju.leader", {"minutes_no": "〔2026〕第9号"}),
)
"""The road of a voucher case as far as the publicity; by how many steps a case has come."""
NO_AUDIT = {
    "  - stage: third_party_audit\n    exits: {pass: bureau_review}\n": "",
    "audit: third_party_audit, pass": "pass",
}
NO_SENDING = {
    """  send_to_audit:
    title: 委托第三方专项审计
    from: bureau_review
    to: $audit
    by: lead_bureau.handler
    duty: handler
    requires: [note]
    accepts: [basis]
""": "",
    "main: [send_to_audit, conclude_review]": "main: conclude_review",
    "exits: [pass, audit, ": "exits: [pass, ",
}


@dataclass
class Works:
    """A house, the files it was founded on, and what may be done with them."""

    house: House
    root: Path

    @property
    def measure(self) -> Path:
        return self.root / "policies" / CODE / "QD26-7a.yaml"

    def stage(self, name: str) -> Path:
        return self.root / "workflows" / "stages" / f"{name}.yaml"

    def change(self, path: Path, words: dict[str, str]) -> None:
        change(path, words)

    def actor(self, login: str, at: datetime) -> Actor:
        with self.house.cases.database.session() as session:
            return actor_by_login(session, login, at)

    def candidate(self) -> Candidate:
        return read_candidate(self.root, CODE)

    def dry_run(self, plans=None, at=None):
        at = at or shanghai(11, 9)
        with self.house.cases.database.session() as session:
            return dry_run(session, self.house.cases, self.candidate(), read_plans(plans or {}), at)

    def publish(self, plans=None, at=None, who="shujuju.leader") -> Published:
        at = at or shanghai(11, 9)
        words = Words("流程优化", "启数〔2026〕8号")
        with self.house.cases.database.session() as session:
            return publish(
                session,
                self.house.cases,
                self.candidate(),
                read_plans(plans or {}),
                self.actor(who, at),
                words,
                at,
            )

    def load(self, at: datetime) -> None:
        with self.house.cases.database.session() as session:
            load_into(session, self.root, at)

    def pins(self, case: str):
        return self.house.sql(
            'SELECT p.version, c.workflow_hash FROM "case" c'
            " JOIN policy_version p ON p.id = c.policy_version_id WHERE c.public_id = %s",
            case,
        )[0]

    def open_tasks(self, case: str):
        return sorted(
            row[0]
            for row in self.house.sql(
                'SELECT t.seat FROM task t JOIN "case" c ON c.id = t.case_id'
                " WHERE c.public_id = %s AND t.status = 'open'",
                case,
            )
        )

    def without_audit(self) -> None:
        """Take the special audit (第三方专项审计) out of the voucher's road."""
        self.change(self.root / "workflows" / "vouchers.yaml", NO_AUDIT)
        self.change(self.stage("bureau_review"), NO_SENDING)

    def case(self, steps: int, at: datetime | None = None) -> str:
        """Return a case that has come so many steps of the road."""
        at = at or shanghai(10, 13)
        case = self.house.submitted(at)
        check_credit(self.house, case, at)
        for event, who, payload in ROAD[:steps]:
            self.house.act(case, event, who, at, **payload)
        return case


def data_folder(root: Path) -> Path:
    """Make `root` a data folder with the short edition and workflows that may be changed."""
    (root / "policies" / "cities").mkdir(parents=True)
    for name in ("notifications", "migrations"):
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "workflows", root / "workflows", ignore=lambda *_: ["pictures"])
    city = Path("policies") / "cities" / "qidong.yaml"
    shutil.copy(ROOT / city, root / city)
    folder = Path(shutil.copytree(QIDONG, root / "policies" / CODE))
    for path in folder.glob("QD26-*.yaml"):
        if path.stem not in MEASURES:
            path.unlink()
    return root


def in_flight_template(server: Server, empty_template: str) -> str:
    """Return the template of a database with the short edition, a firm, a call and its budget."""

    def fill(name: str) -> None:
        folder = Path(tempfile.mkdtemp(prefix="caseflow-inflight-"))
        root = data_folder(folder / "data")
        database = open_as_program(server, name)
        settings = settings_of_templates(str(folder))
        with database.session() as session:
            load_into(session, root, FOUNDED_AT)
            fund(
                session,
                at=FOUNDED_AT,
                signer=signer_of(settings),
                ids=PublicIds(random.Random(1)),
            )
        found_house(assemble(database, settings, root, ids=PublicIds(random.Random(2))))
        database.close()
        shutil.rmtree(folder)

    return make_template(server, "template_in_flight", empty_template, fill)


__all__ = ["CODE", "Works", "data_folder", "in_flight_template"]
