"""A town whose people make formal documents, and how a test reads them."""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pypdf import PdfReader

from caseflow.batches.letters import send_letter
from caseflow.cases.letters import (
    LETTERS,
    Wanted,
    case_letters,
    hand_of,
    make_case_letter,
    open_letter,
)
from caseflow.documents.letters.kinds import load_letters
from caseflow.documents.letters.queries import find_letter
from caseflow.documents.letters.service import Press, Sending, files_of
from caseflow.documents.service import path_of
from caseflow.identity.queries import Actor, actor_by_login
from tests.conftest import ROOT
from tests.integration.kept_database import keep
from tests.integration.walking import BEGINS, Town, found_town

CLAUSE = "支持企业购买算力服务，用于行业垂类模型的开发研究与训练应用相关业务"
PRIVATE = ("320681198512310021", "13812341234", "6222021111000012345")
REFUSAL = {
    "reason": f"经办人（{PRIVATE[0]}，电话{PRIVATE[1]}，账号{PRIVATE[2]}）提供的合同不实。",
    "reason_code": "material_false",
    "remedy": "可自知道之日起六十日内申请行政复议，或者六个月内提起行政诉讼。",
}
CONTACT = {
    "contact": "数据科",
    "phone": "0513-83312345",
    "email": "shuju@example.test",
    "address": "启东市示例路1号",
}
CONSENT = "2026-09-07申报时在系统中勾选同意电子送达"
HANDLER, TOWN = "lead_bureau.handler", "district.handler"


@dataclass
class Desk:
    """A town whose people make documents."""

    town: Town
    press: Press

    @property
    def cases(self):
        return self.town.house.cases

    def who(self, case: str, seat: str) -> Actor:
        person = self.town.person(case, seat)
        login = self.town.value("SELECT login FROM person WHERE id = %s", person)
        with self.cases.database.session() as session:
            return actor_by_login(session, login, self.town.now)

    def make(self, case: str, kind: str, seat: str = HANDLER, *, version=None, **texts: str):
        wanted = Wanted(kind, texts=texts, version=version)
        return make_case_letter(
            self.cases, self.press, self.who(case, seat), case=case, wanted=wanted, at=self.town.now
        )

    def deliver(self, case: str, letter: str, sending: Sending, seat: str = HANDLER):
        actor, at = self.who(case, seat), self.town.now
        return send_letter(self.cases, self.press, actor, public_id=letter, sending=sending, at=at)

    def open(self, case: str, letter: str, seat: str, form: str = "pdf"):
        actor = self.who(case, seat)
        with self.cases.database.session() as session:
            hand = hand_of(self.cases, actor, self.town.now)
            return open_letter(session, actor, letter, form=form, press=self.press, hand=hand)

    def listed(self, case: str, seat: str, **page):
        with self.cases.database.session() as session:
            return case_letters(session, self.who(case, seat), case, press=self.press, **page)

    def texts(self, letter: str) -> tuple[str, str]:
        """The words of a document's PDF and DOCX, without white space."""
        with self.cases.database.session() as session:
            files = files_of(session, find_letter(session, letter))
            paths = [path_of(self.press.files, files[form].sha256) for form in ("pdf", "docx")]
        pdf, docx = (path.read_bytes() for path in paths)
        return words(pdf), words(docx)


def words(content: bytes) -> str:
    """Return what a PDF or DOCX says, without white space."""
    if content.startswith(b"%PDF"):
        text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    else:
        with zipfile.ZipFile(io.BytesIO(content)) as container:
            xml = container.read("word/document.xml").decode()
        text = re.sub(r"<[^>]+>", "", xml)
    return re.sub(r"\s", "", text)


@pytest.fixture(scope="module")
def kept_desk(server, founded_template, tmp_path_factory) -> Iterator[Desk]:
    """One desk for a module, in a database of its own."""
    folder = tmp_path_factory.mktemp("letters")
    for database in keep(server, founded_template):
        town = found_town(database, folder, measures=["QD26-7a"])
        yield Desk(town, Press(load_letters(ROOT / LETTERS), folder / "files"))


@pytest.fixture
def desk(kept_desk: Desk) -> Desk:
    """The desk of the module, at the beginning of its time."""
    kept_desk.town.now = BEGINS
    return kept_desk


@pytest.fixture(scope="module")
def rejected(kept_desk: Desk) -> str:
    """A case that is not supported, for a reason full of private numbers."""
    kept_desk.town.now = BEGINS
    case = kept_desk.town.reached("bureau_review")
    kept_desk.town.act(case, "reject", **REFUSAL)
    return case


@pytest.fixture(scope="module")
def paid(kept_desk: Desk) -> str:
    """A case of which all was paid, but what the audit and the meeting cut."""
    town, kept_desk.town.now = kept_desk.town, BEGINS
    case = town.reached("third_party_audit", applied_fen=100_000_000)
    town.act(case, "report_audit", audited_fen=90_000_000, reason="存储费用不予认可")
    town.walk(case)
    assert town.outcome(case) == "disbursed"
    return case
