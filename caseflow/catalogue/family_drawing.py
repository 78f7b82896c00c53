"""Draws the board of a family as SVG, laid out by hand: one road downwards, no line crosses it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

from caseflow.catalogue.drawing import COLOURS, FONTS, ems
from caseflow.catalogue.family_board import Aside, Board, Card, Ending, Line, Way, family_board
from caseflow.catalogue.picture import PHASES
from caseflow.kernel.workflow.source import Library

WIDTH: Final = 980
MARGIN: Final = 24
CARD_X, CARD_WIDTH = 84, 500
"""Where the cards stand; left of them is the gutter for roads that turn back or skip."""

JOINT_X, ASIDE_X = 602, 620
ASIDE_WIDTH: Final = WIDTH - MARGIN - ASIDE_X
SPINE: Final = CARD_X + CARD_WIDTH // 2
HEADER, ROW, SMALL, PAD = 30, 26, 19, 9
GAP: Final = 38
CLOSING: Final = tuple("、，；：）")
"""What does not begin a line."""

ASIDE_TOP, CHIP = 28, 24
BLUE: Final = "#1f4e79"
DARK: Final = "#222222"
GREY: Final = "#666666"
WHITE: Final = "#ffffff"
RED: Final = "#b3261e"
MARKS: Final = {"onward": "↓", "jump": "▶", "stay": "↻", "back": "↩", "ahead": "→", "child": "＋"}


def family_svg(name: str, library: Library) -> str:
    """Return the picture of a family or other process of the library.

    Its second line is a comment with the hash of the workflow that is drawn.

    Raises:
        DefinitionError: the family is not sound.
    """
    return board_svg(family_board(name, library))


def board_svg(board: Board) -> str:
    """Return the SVG text of a board; the same board gives the same text."""
    canvas = _Canvas()
    top = _draw_head(canvas, board)
    places: dict[int, _Spot] = {}
    for card in board.cards:
        spot = _draw_card(canvas, card, top)
        places[card.number] = spot
        top = spot.below + GAP
    goal = _draw_goal(canvas, board.goal, top)
    _draw_ways(canvas, board, places, goal=top)
    bottom = _draw_anywhere(canvas, board.anywhere, goal + GAP)
    return canvas.document(board, height=bottom + MARGIN)


@dataclass(frozen=True)
class _Spot:
    """Where a card stands: its upper and lower edge, and where the next may begin."""

    top: int
    bottom: int
    below: int


@dataclass
class _Canvas:
    shapes: list[str] = field(default_factory=list)

    def text(
        self, x: int, y: int, words: str, *, size: int = 13, colour: str = DARK,
        bold: bool = False, anchor: str = "start",
    ) -> None:  # fmt: skip
        weight = ' font-weight="bold"' if bold else ""
        self.shapes.append(
            f'<text x="{x}" y="{y}" font-size="{size}" fill="{colour}"{weight}'
            f' text-anchor="{anchor}">{escape(words)}</text>'
        )

    def box(
        self, x: int, y: int, size: tuple[int, int], *, fill: str, stroke: str,
        width: float = 1, dashed: bool = False, round_: int = 8,
    ) -> None:  # fmt: skip
        dashes = ' stroke-dasharray="6 4"' if dashed else ""
        self.shapes.append(
            f'<rect x="{x}" y="{y}" width="{size[0]}" height="{size[1]}" rx="{round_}"'
            f' fill="{fill}" stroke="{stroke}" stroke-width="{width}"{dashes}/>'
        )

    def line(self, path: str, *, colour: str, width: float = 1, arrow: bool = False) -> None:
        head = ' marker-end="url(#head)"' if arrow else ""
        self.shapes.append(
            f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{head}/>'
        )

    def document(self, board: Board, *, height: int) -> str:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
            f' viewBox="0 0 {WIDTH} {height}" font-family="{FONTS}" role="img">\n'
            f"<!-- workflow {board.code} {board.workflow_hash} -->\n"
            f"<title>{escape(board.title)}</title>\n"
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="4.5"'
            f' markerHeight="4.5" orient="auto"><path d="M0 0L10 5L0 10z" fill="{BLUE}"/>'
            "</marker></defs>\n"
            f'<rect width="{WIDTH}" height="{height}" fill="{WHITE}"/>\n'
        )
        return head + "\n".join(self.shapes) + "\n</svg>\n"


def _draw_head(canvas: _Canvas, board: Board) -> int:
    canvas.text(MARGIN, 48, board.title, size=24, bold=True)
    x = MARGIN
    for phase in board.phases:
        canvas.text(x, 76, "■", size=14, colour=COLOURS[phase][1])
        canvas.text(x + 18, 76, PHASES[phase], size=13)
        x += 66
    notes = [f"{board.opened_by}发起", "时限为通用值，条款可另定"]
    if any(card.is_optional for card in board.cards):
        notes.append("虚线框：条款可不设的环节")
    canvas.text(x + 6, 76, "　·　".join(notes), colour=GREY)
    return 100


def _draw_card(canvas: _Canvas, card: Card, top: int) -> _Spot:
    fill, stroke = COLOURS[card.phase]
    written = list(_written(card))
    height = HEADER + 2 * PAD + sum(height for _, height in written)
    size = (CARD_WIDTH, height)
    canvas.box(
        CARD_X, top, size, fill=fill, stroke=stroke, width=1.6, dashed=card.is_optional
    )  # fmt: skip
    canvas.text(CARD_X + 14, top + 22, f"{card.number}　{card.title}", size=16, colour=stroke,
                bold=True)  # fmt: skip
    if card.is_optional:
        end = CARD_X + CARD_WIDTH - 14
        canvas.text(end, top + 21, "可不设", size=12, colour=stroke, anchor="end")
    canvas.line(f"M{CARD_X} {top + HEADER}h{CARD_WIDTH}", colour=stroke, width=0.8)
    y = top + HEADER + PAD
    for words, high in written:
        words.draw(canvas, y)
        y += high
    beside = _draw_beside(canvas, card, top, stroke)
    return _Spot(top, top + height, max(top + height, beside))


@dataclass(frozen=True)
class _State:
    title: str
    holders: Sequence[str]
    limit: str

    def draw(self, canvas: _Canvas, y: int) -> None:
        canvas.text(CARD_X + 18, y + 17, self.title, size=15, bold=True)
        for number, part in enumerate(self.holders):
            canvas.text(CARD_X + 208, y + 17 + number * SMALL, part, colour="#444444")
        if not self.limit:
            return
        end = CARD_X + CARD_WIDTH - 14
        canvas.text(end, y + 17, self.limit, colour="#444444", anchor="end")


@dataclass(frozen=True)
class _Small:
    mark: str
    words: str

    def draw(self, canvas: _Canvas, y: int) -> None:
        is_road = self.mark in {"onward", "jump"}
        mark = MARKS.get(self.mark, "")
        colour = BLUE if is_road else GREY
        if mark:
            canvas.text(CARD_X + 24, y + 13, mark, size=12, colour=colour, bold=is_road)
        canvas.text(CARD_X + 42, y + 13, self.words, size=12, colour=colour, bold=is_road)


def _written(card: Card) -> Iterator[tuple[_State | _Small, int]]:
    """Yield what stands in a card with its height, from the top."""
    for row in card.rows:
        holders = _broken(row.holders, 198, size=13)
        yield _State(row.title, holders, row.limit), ROW + SMALL * (len(holders) - 1)
        yield from _small(row.lines)
    yield from _small(card.lines)


def _small(lines: Iterable[Line]) -> Iterator[tuple[_Small, int]]:
    for line in lines:
        for number, part in enumerate(_broken(line.text, CARD_WIDTH - 60, size=12)):
            yield _Small(line.mark if number == 0 else "", part), SMALL


def _broken(words: str, width: int, *, size: int) -> list[str]:
    """Break words into lines no wider than `width`, where they pause if that is not far back."""
    lines, rest = [], words
    while ems(rest) * size > width:
        most = next(n for n in range(1, len(rest) + 1) if ems(rest[: n + 1]) * size > width)
        pause = max(rest.rfind(mark, 0, most) for mark in "、，；：）") + 1
        cut = pause if pause > most // 2 else most
        cut += rest[cut : cut + 1] in CLOSING
        lines.append(rest[:cut])
        rest = rest[cut:].lstrip("　")
    return [*lines, rest]


def _draw_beside(canvas: _Canvas, card: Card, top: int, colour: str) -> int:
    """Draw what only some cases see, right of the card; return where it ends."""
    y = top + (HEADER - (ASIDE_TOP if card.asides else CHIP)) // 2
    for aside in card.asides:
        _draw_joint(canvas, y + ASIDE_TOP // 2, top + HEADER // 2)
        y = _draw_aside(canvas, aside, y, colour) + 8
    if card.endings:
        _draw_joint(canvas, y + CHIP // 2, top + HEADER // 2)
    return _draw_endings(canvas, card.endings, y)


def _draw_joint(canvas: _Canvas, y: int, begin: int) -> None:
    """Join a box at height `y` to the card, by a line down from height `begin`."""
    canvas.line(f"M{CARD_X + CARD_WIDTH} {begin}H{JOINT_X}V{y}H{ASIDE_X}", colour="#9a9a9a")


def _draw_aside(canvas: _Canvas, aside: Aside, y: int, colour: str) -> int:
    facts = "　".join(part for part in (aside.holders, aside.limit) if part)
    beside = ems(aside.title) * 14 + ems(facts) * 12 + 40 < ASIDE_WIDTH
    ways = "　".join(
        [f"← {'、'.join(aside.entered_by)}", *([f"→ {aside.left_by}"] if aside.left_by else [])]
    )
    small = [
        part
        for each in ([] if beside else [facts], [ways])
        for words in each
        for part in _broken(words, ASIDE_WIDTH - 24, size=12)
    ]
    height = ASIDE_TOP + 17 * len(small) + 6
    canvas.box(ASIDE_X, y, (ASIDE_WIDTH, height), fill=WHITE, stroke=colour)
    canvas.text(ASIDE_X + 10, y + 20, aside.title, size=14, bold=True)
    if beside:
        end = ASIDE_X + ASIDE_WIDTH - 10
        canvas.text(end, y + 20, facts, size=12, colour="#444444", anchor="end")
    for number, part in enumerate(small):
        canvas.text(ASIDE_X + 10, y + 39 + 17 * number, part, size=12, colour=GREY)
    return y + height


def _draw_endings(canvas: _Canvas, endings: Sequence[Ending], y: int) -> int:
    x = ASIDE_X
    for ending in endings:
        width = round(ems(ending.title) * 12) + 22
        if x > ASIDE_X and x + width > ASIDE_X + ASIDE_WIDTH:
            x, y = ASIDE_X, y + CHIP + 6
        fill, stroke = COLOURS[f"end-{ending.tone}"]
        canvas.box(x, y, (width, CHIP), fill=fill, stroke=stroke, round_=CHIP // 2)
        canvas.text(x + width // 2, y + 16, ending.title, size=12, anchor="middle",
                    colour=RED if ending.tone == "bad" else "#444444")  # fmt: skip
        x += width + 8
    return y + (CHIP if endings else 0)


def _draw_goal(canvas: _Canvas, goal: str, top: int) -> int:
    width = round(ems(goal) * 18) + 60
    fill, stroke = COLOURS["end-good"]
    canvas.box(SPINE - width // 2, top, (width, 40), fill=fill, stroke=stroke, round_=20)
    canvas.text(SPINE, top + 26, goal, size=18, colour=WHITE, bold=True, anchor="middle")
    return top + 40


def _draw_ways(canvas: _Canvas, board: Board, places: dict[int, _Spot], *, goal: int) -> None:
    """Draw the road: straight down to the next card, through the gutter where it turns or skips."""
    down: dict[int, list[str]] = {}
    lanes = 0
    for way in board.ways:
        if way.target == way.source + 1:
            down.setdefault(way.source, []).append(way.label)
        else:
            lanes += 1
            _draw_turn(canvas, places[way.source], places[way.target], lane=lanes)
    for number, labels in down.items():
        _draw_down(canvas, places[number].bottom, places[number + 1].top, labels)
    last: Way = board.last
    _draw_down(canvas, places[last.source].bottom, goal, [last.label])


def _draw_down(canvas: _Canvas, top: int, bottom: int, labels: Sequence[str]) -> None:
    canvas.line(f"M{SPINE} {top + 1}V{bottom - 2}", colour=BLUE, width=4, arrow=True)
    label = " / ".join(dict.fromkeys(labels))
    canvas.text(SPINE + 14, top + 23, label, colour=BLUE, bold=True)


def _draw_turn(canvas: _Canvas, source: _Spot, target: _Spot, *, lane: int) -> None:
    is_down = source.top < target.top
    begin = source.bottom - 36 if is_down else source.top + 15
    end = target.top + 15 if is_down else target.bottom - 14
    x = CARD_X - 14 - 12 * ((lane - 1) % 4 + 1)
    turn = 8 if is_down else -8
    path = f"M{CARD_X} {begin}H{x + 8}q-8 0 -8 {turn}V{end - turn}q0 {turn} 8 {turn}H{CARD_X - 2}"
    canvas.line(path, colour=BLUE, width=3, arrow=True)


def _draw_anywhere(canvas: _Canvas, told: Sequence[str], top: int) -> int:
    """Draw the note of what can happen anywhere; return where it ends."""
    if not told:
        return top - GAP
    lines = [part for each in told for part in _broken(each, WIDTH - 2 * MARGIN - 60, size=13)]
    fill, stroke = COLOURS["note"]
    size = (WIDTH - 2 * MARGIN, 44 + 22 * len(lines))
    canvas.box(MARGIN, top, size, fill=fill, stroke=stroke, dashed=True)
    canvas.text(MARGIN + 16, top + 26, "办理期间随时可发生", size=15, bold=True)
    for number, line in enumerate(lines):
        canvas.text(MARGIN + 20, top + 52 + 22 * number, line, colour="#444444")
    return top + size[1]
