"""The small sound library of the tests, and copies of it with one file broken or replaced."""

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from caseflow.catalogue.library import load_library
from caseflow.kernel.workflow.compiler import compile_workflows
from caseflow.kernel.workflow.model import Workflow
from caseflow.kernel.workflow.source import MeasureSpec

HERE = Path(__file__).parent
SOUND = HERE / "sound"
BROKEN = HERE / "broken"


@dataclass(frozen=True)
class Broken:
    """A broken definition; its first comment lines say what must be found where."""

    path: Path
    rule: str
    replaces: str
    line: int
    message: str
    file: str = ""
    flags: str = ""
    also: tuple[str, ...] = field(default=())

    @property
    def at(self) -> str:
        return self.file or self.replaces


def read_broken(path: Path) -> Broken:
    head = dict(re.findall(r"^# (\w+): (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE))
    also = tuple(head.pop("also", "").split())
    return Broken(path=path, line=int(head.pop("line")), also=also, **head)


def library_with(folder: Path, **texts: str) -> Path:
    """Copy the sound library; `review="…"` replaces a stage, `demo="…"` a family."""
    shutil.copytree(SOUND, folder, dirs_exist_ok=True)
    for name, text in texts.items():
        is_stage = text.lstrip().startswith("stage:")
        target = folder / ("stages" if is_stage else ".") / f"{name}.yaml"
        target.write_text(text, encoding="utf-8")
    return folder


def sound_text(name: str) -> str:
    return (SOUND / name).read_text(encoding="utf-8")


def compile_demo(root: Path = SOUND, **measure) -> dict[str, Workflow]:
    library = load_library(root)
    spec = MeasureSpec("M-1", "示范措施", "demo", **measure)
    return compile_workflows(library.families["demo"], library, spec)
