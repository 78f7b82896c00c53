"""启东's policy as it was before it was issued: a draft in a data folder of the test's own.

It is a short edition, articles 7 and 8 with their eight measures, so that it is read quickly.
Issued with the words of `text.txt`, it becomes that edition again.
"""

import atexit
import random
import re
import shutil
import tempfile
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from caseflow.batches.founding import load_everything
from caseflow.cases.assembly import signer_of
from caseflow.catalogue.enacting import Enactment
from caseflow.catalogue.places import FOLDERS, data_root
from caseflow.clock import VirtualClock
from caseflow.database.ids import PublicIds
from caseflow.database.server import Server
from caseflow.kernel.calendar import SHANGHAI
from tests.conftest import make_template, open_as_program, settings_of_templates

ROOT = data_root()
LOADED_AT = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
"""A day on which the draft was out for comment."""
WHOLE = ROOT / "policies" / "qidong-2026"


def _short_edition() -> Path:
    """Return a folder with articles 7 and 8 of 启东's policy and nothing of the others."""
    parent = Path(tempfile.mkdtemp(prefix="caseflow-short-"))
    atexit.register(shutil.rmtree, parent, ignore_errors=True)
    folder = parent / WHOLE.name
    folder.mkdir()
    for path in WHOLE.glob("QD26-[78]*.yaml"):
        shutil.copy(path, folder / path.name)
    record = (WHOLE / "policy.yaml").read_text(encoding="utf-8")
    record = re.sub(r"  - \{number: (?![78],).*\n", "", record)
    (folder / "policy.yaml").write_text(record, encoding="utf-8")
    words = (WHOLE / "text.txt").read_text(encoding="utf-8")
    words = words[: words.index("（一）支持优质")] + words[words.index("（七）支持算力") :]
    words = words[: words.index("（九）加强人才")] + words[words.index("本措施自2026年5月14日") :]
    (folder / "text.txt").write_text(words, encoding="utf-8")
    return folder


QIDONG = _short_edition()
ISSUED_TEXT = (QIDONG / "text.txt").read_text(encoding="utf-8")
ISSUED = Enactment(
    doc_no="启政办规〔2026〕1号",
    issued_on=date(2026, 4, 13),
    effective_from=date(2026, 5, 14),
    text=ISSUED_TEXT,
    issuer="启东市人民政府办公室",
)
_BEFORE_ISSUE = {
    "doc_no: 启政办规〔2026〕1号": "doc_no: null  # not issued",
    "legal_form: 行政规范性文件": "legal_form: 行政规范性文件（征求意见稿）",
    "issuer: 启东市人民政府办公室": "issuer: null  # the draft names nobody",
    "status: in_force": "status: consultation_draft",
    "issued_on: 2026-04-13": "issued_on: null",
    "effective_from: 2026-05-14": "effective_from: null  # 2026年x月x日 blocks every case",
    "words: 本措施自2026年5月14日起施行": "words: 本措施自2026年x月x日起施行",
    "before: 本措施自2026年5月14日起施行": "before: 本措施自2026年x月x日起施行",
}
_WORDS_BEFORE_ISSUE = {
    "启政办规〔2026〕1号\n": "（征求意见稿）\n",
    "启东市人民政府办公室\n": "",
    "2026年4月13日": "",
    "本措施自2026年5月14日起施行": "本措施自2026年x月x日起施行",
}


def draft_folder(parent: Path) -> Path:
    """Return a copy of 启东's folder below `parent` that is a consultation draft."""
    folder = Path(shutil.copytree(QIDONG, parent / QIDONG.name))
    change(folder / "policy.yaml", _BEFORE_ISSUE)
    change(folder / "text.txt", _WORDS_BEFORE_ISSUE)
    return folder


def draft_root(root: Path) -> Path:
    """Make `root` a data folder whose one policy is the draft, and return the draft's folder."""
    (root / "policies" / "cities").mkdir(parents=True)
    for name in FOLDERS:
        if name != "policies":
            (root / name).symlink_to(ROOT / name)
    city = Path("policies") / "cities" / "qidong.yaml"
    shutil.copy(ROOT / city, root / city)
    return draft_folder(root / "policies")


def change(path: Path, words: dict[str, str]) -> None:
    """Replace words of a file; each must stand there."""
    text = path.read_text(encoding="utf-8")
    for old, new in words.items():
        assert old in text, f"{path.name} has no {old}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def issued(**changes: object) -> Enactment:
    """Return the enactment that makes the draft 启政办规〔2026〕1号, with changes."""
    return replace(ISSUED, **changes)


def draft_template(server: Server, empty_template: str, folder: Path) -> str:
    """Return the template of a database in which 启东's policy is a draft, as of `LOADED_AT`."""
    root = folder / "data"
    draft_root(root)

    def fill(name: str) -> None:
        database = open_as_program(server, name)
        VirtualClock(database.connect).move_to(LOADED_AT)
        with database.session() as session:
            load_into(session, root, LOADED_AT)
        database.close()

    return make_template(server, "template_draft", empty_template, fill)


def load_into(session: Session, root: Path, at: datetime) -> None:
    """Load everything below `root`, as `caseflow policies load` does."""
    signer = signer_of(settings_of_templates(tempfile.gettempdir()))
    load_everything(
        session, root, at=at, signer=signer, ids=PublicIds(random.Random(at.toordinal()))
    )


def amend(folder: Path) -> None:
    """Change what the issued document's files say: one measure, one line of the words."""
    change(folder / "QD26-7a.yaml", {"\ntitle: 算力券\n": "\ntitle: 智能算力券\n"})
    change(folder / "text.txt", {"（此件公开发布）": "（此件依申请公开）"})
