"""Chinese fonts for PDF: the best one found in the system's folders or in a PyPI package."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import typst

from caseflow.kernel.errors import Unavailable

FAMILIES: Final = (
    "FangSong",
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Sans CJK TC",
)
"""Families with every simplified character, the most official looking first.

The last is what the PyPI package brings: with the language `zh-CN` it shows mainland forms too.
"""
SYSTEM_PACKAGE: Final = "fonts-noto-cjk"
PYPI_PACKAGE: Final = "cvttf-notosanscjk-regular"
PYPI_MODULE: Final = "cvttf_NotoSansCJK_Regular"
FONT_FOLDERS: Final = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.fonts",
    "~/.local/share/fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
)


@dataclass(frozen=True)
class Font:
    """A family that can be written with, the file it stands in, and everything typst found."""

    family: str
    path: str
    found: typst.Fonts


def font_folders() -> tuple[Path, ...]:
    """Return where fonts are looked for on this machine: the system's folders and the package."""
    spec = find_spec(PYPI_MODULE)
    packaged = [Path(each) for each in (spec.submodule_search_locations or ())] if spec else []
    return (*(Path(folder).expanduser() for folder in FONT_FOLDERS), *packaged)


def chinese_font(folders: Iterable[Path] | None = None) -> Font:
    """Return the best Chinese font below `folders` (those of this machine if None).

    Raises:
        Unavailable: there is none; the message names the packages that bring one.
    """
    return _search(tuple(font_folders() if folders is None else folders))


@lru_cache(maxsize=4)
def _search(folders: tuple[Path, ...]) -> Font:
    """Look once a process: reading every font of a machine takes up to a second."""
    there = [str(folder) for folder in folders if folder.is_dir()]
    found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=there)
    by_family = {font.family: str(font.path) for font in found.fonts()}
    for family in FAMILIES:
        if family in by_family:
            return Font(family, by_family[family], found)
    raise Unavailable(
        "没有找到中文字体，不能生成 PDF 文书：请安装系统软件包"
        f" {SYSTEM_PACKAGE}（apt install {SYSTEM_PACKAGE}）"
        f"或 Python 软件包 {PYPI_PACKAGE}（pip install {PYPI_PACKAGE}）。",
        packages=[SYSTEM_PACKAGE, PYPI_PACKAGE],
    )
