"""A document's file, PDF or DOCX, from the same blocks: the same facts give the same bytes."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import orjson
import typst
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from caseflow.documents.letters.fonts import Font
from caseflow.documents.letters.kinds import DOCX_LAYOUT, PDF_LAYOUT
from caseflow.documents.letters.words import Block
from caseflow.kernel.calendar import shanghai_instant
from caseflow.kernel.chinese_writing import chinese_date
from caseflow.kernel.errors import Unavailable

SEAL: Final = "〔盖章处〕"
FORMATS: Final = ("pdf", "docx")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""What a zip says of its files where it must not say when it was made."""


@dataclass(frozen=True)
class Letter:
    """A document as its layouts see it; `number` is empty where it has none."""

    title: str
    number: str
    issuer: str
    dated: str
    blocks: tuple[Block, ...]
    seal: str = SEAL


def letter_of(
    title: str, number: str, *, issuer: str, dated_on: date, blocks: list[Block]
) -> Letter:
    """Return a document with its date in words."""
    return Letter(title, number, issuer, chinese_date(dated_on), tuple(blocks))


def pdf_of(letter: Letter, folder: Path, *, font: Font, dated_on: date) -> bytes:
    """Return the PDF of a document, its font embedded, made at 00:00 of its date.

    Raises:
        Unavailable: the layout in `folder` cannot be used, or asks for a font that is not there.
    """
    made_at = int(shanghai_instant(dated_on, hour=0).timestamp())
    try:
        content, warnings = typst.compile_with_warnings(
            folder / PDF_LAYOUT,
            font_paths=font.found,
            ignore_system_fonts=True,
            sys_inputs={"letter": orjson.dumps(asdict(letter)).decode(), "font": font.family},
            timestamp=made_at,
        )
    except typst.TypstError as error:
        raise Unavailable(f"文书版式 {PDF_LAYOUT} 有误：{error.message}") from error
    if warnings:
        told = "；".join(warning.message for warning in warnings)
        raise Unavailable(f"文书版式 {PDF_LAYOUT} 有误：{told}")
    return bytes(content)


def docx_of(letter: Letter, folder: Path) -> bytes:
    """Return the DOCX of a document; its fonts are those of the office that opens it."""
    from docxtpl import DocxTemplate  # 0.2 s, which no other command should wait for

    template = DocxTemplate(folder / DOCX_LAYOUT)
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    environment.globals.clear()
    template.render({"letter": _plain(letter)}, environment, autoescape=True)
    made = io.BytesIO()
    template.save(made)
    return _timeless(made)


def _plain(letter: Letter) -> Mapping[str, Any]:
    return {name: getattr(letter, name) for name in letter.__dataclass_fields__}


def _timeless(made: io.BytesIO) -> bytes:
    """Return the same container without the time of its making, uncompressed.

    Stored, because what a compressor makes of the same bytes differs between its versions.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(made) as source, zipfile.ZipFile(written, "w") as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, _EPOCH), source.read(name))
    return written.getvalue()


def instant_in_words(at: datetime) -> str:
    """Return an instant of Shanghai as 2026年11月18日09:30."""
    return f"{chinese_date(at.date())}{at:%H:%M}"
