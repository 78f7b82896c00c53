"""Files come in whole or not at all, are what they say they are, and are stored once."""

import hashlib
import io
import random
import resource
import struct
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path

import pytest

from caseflow.cases.assembly import assemble
from caseflow.database.ids import PublicIds
from caseflow.documents.kinds import MAX_ENTRIES, MAX_NAME, safe_name
from caseflow.documents.queries import (
    all_documents,
    checklist,
    current_documents,
    find_document,
    open_file,
)
from caseflow.documents.service import INCOMING, ReceivedFile, attach, receive_file, store_file
from caseflow.kernel.errors import InvalidInput, NotFound, TooLarge, Unavailable
from tests.conftest import ROOT, settings_of_templates
from tests.integration.conftest import House, house_on, shanghai
from tests.integration.kept_database import keep

LIMIT = 1024 * 1024
PDF = b"%PDF-1.7\n%\xe4\xbd\xa0\n1 0 obj\n<<>>\nendobj\n"
AT = shanghai(10, 13)


def take(files: Path, name: str, content: bytes, *, limit: int = LIMIT) -> ReceivedFile:
    return receive_file(files, io.BytesIO(content), name=name, limit=limit)


def stored_files(files: Path) -> list[Path]:
    return sorted(path for path in files.rglob("*") if path.is_file())


def container(entries: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as zipped:
        for name, content in entries.items():
            zipped.writestr(name, content)
    return buffer.getvalue()


def docx(more: dict[str, bytes] | None = None) -> bytes:
    entries = {"[Content_Types].xml": b"<T/>", "word/document.xml": b"<d/>"}
    return container({**entries, **(more or {})})


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT])
def test_a_file_up_to_the_limit_is_stored_under_its_hash(files: Path, size: int):
    content = PDF.ljust(size, b" ")

    stored = take(files, "合同.pdf", content).stored

    sha256 = hashlib.sha256(content).hexdigest()
    assert (stored.sha256, stored.size) == (sha256, size)
    assert stored_files(files) == [files / sha256[:2] / sha256[2:]]
    assert stored_files(files)[0].read_bytes() == content


def test_a_file_one_byte_over_the_limit_is_refused_and_leaves_nothing(files: Path):
    with pytest.raises(TooLarge, match=str(LIMIT)):
        take(files, "合同.pdf", PDF.ljust(LIMIT + 1, b" "))

    assert stored_files(files) == []


def test_an_endless_stream_is_cut_off_at_the_limit(files: Path):
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            self.given += size
            return PDF.ljust(size, b" ")

    stream = Endless()
    with pytest.raises(TooLarge):
        store_file(files, stream, limit=LIMIT)

    assert stream.given < 2 * LIMIT


def test_an_empty_file_is_refused(files: Path):
    with pytest.raises(InvalidInput, match="空"):
        take(files, "合同.pdf", b"")

    assert stored_files(files) == []


def test_the_same_bytes_are_stored_once_whatever_their_name(files: Path):
    first = take(files, "合同.pdf", PDF)
    second = take(files, "协议.PDF", PDF)

    assert first.stored == second.stored
    assert len(stored_files(files)) == 1


def test_a_stream_that_breaks_leaves_nothing(files: Path):
    class Broken(io.RawIOBase):
        pieces: Iterator[bytes] = iter([PDF])

        def read(self, _size: int = -1) -> bytes:
            try:
                return next(self.pieces)
            except StopIteration:
                raise ConnectionResetError("reset by peer") from None

    with pytest.raises(Unavailable, match="reset by peer"):
        store_file(files, Broken(), limit=LIMIT)

    assert stored_files(files) == []


@pytest.mark.parametrize("room", [100, 299_999, 300_000])
def test_a_full_disk_is_said_so_and_nothing_is_half_written(files: Path, room: int):
    content = b"%PDF-".ljust(300_000)
    is_enough = room >= len(content)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        with nullcontext() if is_enough else pytest.raises(Unavailable):
            take(files, "a.pdf", content)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert len(stored_files(files)) == is_enough


def test_a_folder_that_is_no_folder_is_said_so(files: Path):
    files.parent.mkdir(exist_ok=True)
    files.write_text("in the way", encoding="utf-8")

    with pytest.raises(Unavailable):
        take(files, "合同.pdf", PDF)


GOOD = {
    "合同.pdf": (PDF, "application/pdf"),
    "扫描件.PNG": (b"\x89PNG\r\n\x1a\n....", "image/png"),
    "照片.jpeg": (b"\xff\xd8\xff\xe0....", "image/jpeg"),
    "账单.csv": ("\ufeff月份,费用\n".encode(), "text/csv"),
    "说明.txt": ("用量日志".encode(), "text/plain"),
    "公文.ofd": (container({"OFD.xml": b"<o/>"}), "application/ofd"),
    "申请表.docx": (
        docx(),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    "明细.xlsx": (
        container({"xl/workbook.xml": b"<w/>"}),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_what_it_says_is_taken(files: Path, name: str):
    content, media_type = GOOD[name]

    received = take(files, name, content)

    assert (received.name, received.media_type) == (name, media_type)


LARGE = container({"word/document.xml": b"\0" * 1_000_000})
MANY = container({f"{n}": b"" for n in range(MAX_ENTRIES)} | {"word/document.xml": b"<d/>"})
ENCRYPTED = docx().replace(
    b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00"
)
BAD = {
    "another extension's bytes": ("合同.pdf", b"\x89PNG\r\n\x1a\n", "不符"),
    "a program": ("合同.pdf", b"MZ\x90\x00", "不符"),
    "an extension not taken": ("合同.exe", b"MZ\x90\x00", "exe"),
    "an extension before the last": ("合同.pdf.js", PDF, "js"),
    "no extension": ("合同", PDF, "扩展名"),
    "an image with a script for a name": ("合同.svg", b"<svg/>", "svg"),
    "text in another encoding": ("账单.csv", "月份,费用".encode("gbk"), "UTF-8"),
    "text with zero bytes": ("账单.csv", b"a" * 100 + b"\x00", "空字符"),
    "a container of something else": ("申请表.docx", container({"a.txt": b"a"}), "word/document"),
    "a spreadsheet called a letter": ("申请表.docx", GOOD["明细.xlsx"][0], "word/document"),
    "a container cut short": ("申请表.docx", docx()[:-30], "损坏"),
    "a container with rubbish inside": ("申请表.docx", docx()[:4] + b"x" * 400, "损坏"),
    "a zip bomb": ("申请表.docx", LARGE, "炸弹"),
    "a container with too many files": ("申请表.docx", MANY, str(MAX_ENTRIES)),
    "a container with macros": ("申请表.docx", docx({"word/vbaProject.bin": b"x"}), "宏"),
    "a container that climbs out": ("申请表.docx", docx({"../../etc/passwd": b""}), "不安全"),
    "an encrypted container": ("申请表.docx", ENCRYPTED, "加密"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_not_what_it_says_is_refused_and_leaves_nothing(files: Path, case: str):
    name, content, why = BAD[case]

    with pytest.raises(InvalidInput, match=why):
        take(files, name, content)

    assert stored_files(files) == []


def test_a_lie_about_the_number_of_files_inside_is_refused(files: Path):
    honest = docx()
    end = honest.rfind(b"PK\x05\x06")
    lie = honest[:end] + struct.pack("<4s4HLLH", b"PK\x05\x06", 0, 0, 1, 1, 2**31, 0, 0)

    with pytest.raises(InvalidInput):
        take(files, "申请表.docx", lie)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("合同.pdf", "合同.pdf"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\temp\\合同.pdf", "合同.pdf"),
        ("合同\r\n\x00.pdf", "合同.pdf"),
        ("fdp.\u202eexe.pdf", "fdp.exe.pdf"),
        ('a<b>"c".pdf', "a_b__c_.pdf"),
        ("  合同.pdf . ", "合同.pdf"),
        (".pdf", "pdf"),
        ("a." + "b" * 300, "a." + "b" * (MAX_NAME - 2)),
        ("长" * 300 + ".pdf", "长" * (MAX_NAME - 4) + ".pdf"),
    ],
)
def test_a_name_keeps_nothing_that_could_lead_elsewhere(name: str, safe: str):
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", ["", ".", "..", "a/", "\u200b"])
def test_a_name_of_which_nothing_is_left_is_refused(name: str):
    with pytest.raises(InvalidInput):
        safe_name(name)


KINDS = ("contract", "invoices")
LIST = [
    {"kind": "contract", "title": "算力服务合同", "required": True},
    {"kind": "invoices", "title": "增值税发票", "required": True},
    {"kind": "model_filing", "title": "模型备案证明", "required": False},
]


@pytest.fixture(scope="module")
def house(server, house_template, tmp_path_factory) -> Iterator[House]:
    """One house for the whole module: every test has a case of its own."""
    settings = settings_of_templates(str(tmp_path_factory.mktemp("home")))
    for database in keep(server, house_template):
        yield house_on(assemble(database, settings, ROOT, ids=PublicIds(random.Random(2))))


@pytest.fixture
def case_id(house: House) -> int:
    case = house.open(AT).case
    return int(house.sql('SELECT id FROM "case" WHERE public_id = %s', case)[0][0])


@pytest.fixture
def put(house: House, case_id: int, files: Path) -> Callable[..., str]:
    """Uploads a file to the case; returns its public id."""

    def upload(content: bytes, *, kind: str = "contract", name: str = "合同.pdf") -> str:
        with house.cases.database.session() as session:
            document = attach(
                session,
                case_id,
                kind=kind,
                received=take(files, name, content),
                by=house.people["applicant1"],
                at=AT,
                allowed_kinds=KINDS,
                ids=house.ids,
            )
            return document.public_id

    return upload


def test_the_checklist_says_what_is_there_and_what_is_missing(house, case_id, put):
    public_id = put(PDF)

    with house.cases.database.session() as session:
        items = checklist(session, case_id, LIST)

    assert [(i.kind, i.required, i.present) for i in items] == [
        ("contract", True, True),
        ("invoices", True, False),
        ("model_filing", False, False),
    ]
    assert (items[0].public_id, items[0].name, items[0].size) == (public_id, "合同.pdf", len(PDF))


def test_a_newer_file_replaces_the_one_before_which_is_kept(house, case_id, put, files):
    first = put(PDF)
    second = put(PDF + b"2")

    with house.cases.database.session() as session:
        assert [d.public_id for d in current_documents(session, case_id)] == [second]
        assert [d.replaced for d in all_documents(session, case_id)] == [True, False]
        old = find_document(session, case_id, first)
        assert open_file(files, old).read_bytes() == PDF


def test_of_many_uploads_at_once_exactly_one_is_current(house, case_id, put):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: put(PDF + bytes([n])), range(8)))

    with house.cases.database.session() as session:
        assert len(current_documents(session, case_id)) == 1
        assert len(all_documents(session, case_id)) == 8


def test_files_of_two_kinds_stand_beside_each_other(house, case_id, put):
    put(PDF)
    put(PDF, kind="invoices", name="发票.pdf")

    with house.cases.database.session() as session:
        assert [d.kind for d in current_documents(session, case_id)] == ["contract", "invoices"]


def test_a_kind_that_is_not_on_the_checklist_is_refused(put):
    with pytest.raises(InvalidInput, match="材料清单"):
        put(PDF, kind="photo")


def test_no_file_comes_to_a_case_that_is_not_there(house, files):
    with pytest.raises(NotFound), house.cases.database.session() as session:
        attach(
            session,
            10**9,
            kind="contract",
            received=take(files, "合同.pdf", PDF),
            by=house.people["applicant1"],
            at=AT,
            allowed_kinds=KINDS,
            ids=house.ids,
        )


def test_another_cases_file_is_not_found(house, case_id, put):
    public_id = put(PDF)

    with house.cases.database.session() as session, pytest.raises(NotFound):
        find_document(session, case_id + 1, public_id)


@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_file_that_was_damaged_on_the_disk_is_not_handed_out(house, case_id, put, files, damage):
    public_id = put(PDF)
    (path,) = stored_files(files)
    path.unlink()
    if damage == "cut":
        path.write_bytes(PDF[:-1])

    with (
        house.cases.database.session() as session,
        pytest.raises(Unavailable, match="缺失或已损坏"),
    ):
        open_file(files, find_document(session, case_id, public_id))


def test_nothing_stays_in_the_folder_of_incoming_files(put, files):
    put(PDF)

    assert list((files / INCOMING).iterdir()) == []
