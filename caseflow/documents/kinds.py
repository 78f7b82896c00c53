"""What an uploaded file really is: its first bytes, its extension and its inside must agree."""

import re
import struct
import unicodedata
import zipfile
from pathlib import Path
from typing import Final

from caseflow.kernel.errors import InvalidInput

HEAD_BYTES: Final = 64
"""How much of a file `check_kind` wants to see."""

MAX_NAME: Final = 120
LONGEST_EXTENSION: Final = 10
MAX_ENTRIES: Final = 2_000
MAX_UNPACKED: Final = 200 * 1024 * 1024
MAX_RATIO: Final = 200
MAX_DIRECTORY: Final = 1024 * 1024
"""Limits of a zip container: files in it, bytes unpacked, unpacked to packed, list of contents."""

_OOXML: Final = "application/vnd.openxmlformats-officedocument."
MEDIA_TYPES: Final[dict[str, str]] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "ofd": "application/ofd",
    "docx": f"{_OOXML}wordprocessingml.document",
    "xlsx": f"{_OOXML}spreadsheetml.sheet",
    "csv": "text/csv",
    "txt": "text/plain",
}
"""Every extension that is taken, with the media type it is stored under."""

_MAGIC: Final[dict[str, bytes]] = {
    "application/pdf": b"%PDF-",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
}
_INSIDE: Final[dict[str, str]] = {
    MEDIA_TYPES["ofd"]: "OFD.xml",
    MEDIA_TYPES["docx"]: "word/document.xml",
    MEDIA_TYPES["xlsx"]: "xl/workbook.xml",
}
"""The file every container of that type has."""

_ZIP: Final = b"PK\x03\x04"
_ZIP_END: Final = b"PK\x05\x06"
_ZIP64_LOCATOR: Final = b"PK\x06\x07"
_ZIP_END_BYTES: Final = 22
_ZIP64_LOCATOR_BYTES: Final = 20
_ZIP_COMMENT_BYTES: Final = 65_535
_ENCRYPTED: Final = 0x1
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_MACRO: Final = "vbaproject.bin"


def safe_name(name: str) -> str:
    """Return a file name without path, control and look-alike characters, at most 120 long.

    Raises:
        InvalidInput: nothing is left of it.
    """
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    shown = "".join(
        c for c in base if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    clean = _UNSAFE.sub("_", shown).strip(" .")
    if not clean:
        raise _refused(f"文件名 {name!r} 不能使用")
    stem, dot, extension = clean.rpartition(".")
    if len(extension) > LONGEST_EXTENSION:
        return clean[:MAX_NAME]
    return f"{stem[: MAX_NAME - len(dot) - len(extension)]}{dot}{extension}"


def check_kind(name: str, head: bytes) -> str:
    """Return the media type of a file by its extension, if its first bytes agree.

    Raises:
        InvalidInput: an extension that is not taken, or other first bytes.
    """
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    media_type = MEDIA_TYPES.get(extension)
    if media_type is None:
        taken = "、".join(MEDIA_TYPES)
        raise _refused(f"不接受扩展名为 {extension!r} 的文件；可用：{taken}")
    magic = _ZIP if media_type in _INSIDE else _MAGIC.get(media_type, b"")
    if not head.startswith(magic) or (media_type.startswith("text/") and b"\x00" in head):
        raise _refused(f"文件内容与扩展名 .{extension} 不符")
    return media_type


def check_content(path: Path, media_type: str) -> None:
    """Look through a whole file: text must be UTF-8, a container must be what it says and small.

    Nothing is unpacked; a container's sizes are read from its list of contents.

    Raises:
        InvalidInput: the file is not what it says, or a zip bomb, encrypted, or has macros.
    """
    if media_type in _INSIDE:
        _check_container(path, _INSIDE[media_type])
    elif media_type.startswith("text/"):
        _check_text(path)


def _check_text(path: Path) -> None:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line in file:
                if "\x00" in line:
                    raise _refused("文本文件含有空字符")
    except UnicodeDecodeError as error:
        raise _refused("文本文件不是 UTF-8 编码，请另存为 UTF-8") from error


def _check_container(path: Path, inside: str) -> None:
    _check_directory(path)
    try:
        with zipfile.ZipFile(path) as container:
            entries = container.infolist()
    except (zipfile.BadZipFile, struct.error, NotImplementedError, ValueError) as error:
        raise _refused("文件已损坏，不能读取") from error
    if len(entries) > MAX_ENTRIES:
        raise _refused(f"文件内含 {len(entries)} 个条目，超过 {MAX_ENTRIES}")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED or unpacked > MAX_RATIO * max(path.stat().st_size, 1):
        raise _refused("文件展开后过大，疑为压缩炸弹")
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise _refused("文件已加密，请去除密码后上传")
    names = {entry.filename for entry in entries}
    if inside not in names:
        raise _refused(f"文件中没有 {inside}，与扩展名不符")
    if any(_is_bad_entry(entry) for entry in names):
        raise _refused("文件含有宏或不安全的条目")


def _is_bad_entry(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or name.startswith(("/", "\\")) or parts[-1].lower() == _MACRO


def _check_directory(path: Path) -> None:
    """Refuse a container whose list of contents is too long to be read into memory."""
    tail_bytes = _ZIP_COMMENT_BYTES + _ZIP_END_BYTES + _ZIP64_LOCATOR_BYTES
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - tail_bytes))
        tail = file.read()
    end = tail.rfind(_ZIP_END)
    if end < 0 or len(tail) - end < _ZIP_END_BYTES:
        raise _refused("文件已损坏，不能读取")
    count = int.from_bytes(tail[end + 10 : end + 12], "little")
    directory = int.from_bytes(tail[end + 12 : end + 16], "little")
    is_zip64 = tail[max(0, end - _ZIP64_LOCATOR_BYTES) : end].startswith(_ZIP64_LOCATOR)
    if count > MAX_ENTRIES or directory > MAX_DIRECTORY or is_zip64:
        raise _refused(f"文件内含的条目超过 {MAX_ENTRIES}")


def _refused(message: str) -> InvalidInput:
    return InvalidInput(f"{message}。", fields={"file": message})
