"""The list that a publicity freezes: one canonical text, kept by its hash, never made again."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from caseflow.documents.service import path_of, store_file
from caseflow.funds.sheets import About, Column, Sheet, workbook
from caseflow.kernel.errors import InvalidInput, Unavailable
from caseflow.kernel.event_bytes import canonical
from caseflow.kernel.masking import masked

HOW_TO_OBJECT: Final = (
    "对公示内容有异议的，应当在公示期内以书面形式实名提出，写明联系方式并附证据材料；"
    "以单位名义提出的须加盖公章。匿名的不作为异议受理。公示期满后不再受理异议，可依法举报、信访。"
)
"""手册§5.8、§10.5."""
RELISTED: Final = "重新公示"
"""The remark (备注) of a case that an earlier publicity listed."""
MOST_BYTES: Final = 32 * 1024 * 1024


@dataclass(frozen=True)
class Contact:
    """Where objections are taken (手册§10.5); `unit` is the lead bureau where it is left empty."""

    phone: str
    email: str
    address: str
    unit: str = ""

    def problems(self) -> dict[str, str]:
        """Return what is missing, by field."""
        named = {"phone": self.phone, "email": self.email, "address": self.address}
        return {name: "必填" for name, value in named.items() if not value.strip()}


@dataclass(frozen=True)
class ListedCase:
    """A line of a publicity as anybody may read it: no identity numbers, phones, accounts."""

    line: int
    number: str
    public_id: str
    applicant: str
    title: str
    measure: str
    clause: str
    fen: int | None
    territory: str
    note: str


@dataclass(frozen=True)
class Notice:
    """What a publicity says above its list."""

    public_id: str
    title: str
    basis: str
    organisation: str
    contact: Contact
    starts_on: date
    ends_on: date
    working_days: int
    provisional: bool
    restarts: tuple[str, ...]


def listed_case(row: Any) -> ListedCase:
    """Return the line of a row, with what must not be shown made unreadable."""
    return ListedCase(
        line=row.line,
        number=row.number,
        public_id=row.public_id,
        applicant=masked(row.applicant),
        title=masked(row.title),
        measure=row.measure,
        clause=row.clause,
        fen=row.fen,
        territory=row.territory,
        note=RELISTED if row.restarts else "",
    )


def published(notice: Notice, lines: Sequence[ListedCase], *, checkpoint: str | None) -> bytes:
    """Return the bytes of the list: JSON with sorted keys and no white space, UTF-8.

    `checkpoint` is the signed text of the history's newest one, so that whoever keeps the list
    also keeps a witness of everything that was sealed before; None where nothing was sealed yet.
    """
    head = {
        **asdict(notice),
        "starts_on": notice.starts_on.isoformat(),
        "ends_on": notice.ends_on.isoformat(),
    }
    cases = [asdict(line) for line in lines]
    return canonical(
        {**head, "how_to_object": HOW_TO_OBJECT, "cases": cases, "checkpoint": checkpoint}
    )


COLUMNS: Final = (
    Column("单位名称", "applicant"),
    Column("项目(称号/活动)名称", "title"),
    Column("支持方向", "measure"),
    Column("条款", "clause"),
    Column("拟支持金额(元)", "fen", "fen"),
    Column("属地", "territory"),
    Column("备注", "note"),
)
"""The columns of 手册§10.5; money to the fen, so in yuan."""


def list_workbook(content: bytes, at: datetime) -> bytes:
    """Return the frozen list `content` as an XLSX file (公示表): nothing but what it says itself.

    Above the rows stand basis, period and where objections go; the frozen file's hash names it.
    """
    said = json.loads(content)
    contact = Contact(**said["contact"])
    notes = (
        f"依据：{said['basis'] or '（未载明）'}",
        f"公示起止日期：{said['starts_on']}至{said['ends_on']}（{said['working_days']}个工作日）",
        f"异议受理：{contact.unit}，电话{contact.phone}，邮箱{contact.email}，地址{contact.address}",
        said["how_to_object"],
        f"固化名单 SHA-256：{hashlib.sha256(content).hexdigest()}",
    )
    period = f"{said['starts_on']}至{said['ends_on']}"
    about = About(said["title"], period, at, said["organisation"], notes=notes)
    return workbook([Sheet("公示表", about, COLUMNS, said["cases"])])


def freeze(files: Path, content: bytes) -> str:
    """Store the list among the files and return its SHA-256.

    Raises:
        Unavailable: the disk is full or does not answer.
    """
    return store_file(files, BytesIO(content), limit=MOST_BYTES).sha256


def frozen_list(files: Path, sha256: str) -> bytes:
    """Return exactly the bytes that were frozen.

    Raises:
        Unavailable: the file is gone or is not what was frozen.
    """
    path = path_of(files, sha256)
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Unavailable(f"公示名单文件 {sha256[:12]}… 缺失或已损坏。")
    return content


def check_contact(contact: Contact) -> None:
    """Refuse a publicity that does not say where objections go.

    Raises:
        InvalidInput: telephone, e-mail or address is empty.
    """
    if problems := contact.problems():
        raise InvalidInput("公示须写明异议受理的电话、邮箱和地址（手册§5.8）。", fields=problems)
