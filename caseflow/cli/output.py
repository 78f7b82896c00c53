"""What a command prints: one JSON document, or tables; and how long work shows on stderr."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Final

import click
import orjson
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import Money

WIDTH_OF_FILES: Final = 160
"""How wide tables are where no terminal says its width."""
DEFAULT_LIMIT: Final = 200
MOST: Final = 1000

Row = Mapping[str, Any]
Command = Any
"""A function or command that click decorates."""
Option = Callable[[Command], Command]


def json_option(command: Command) -> Command:
    """Give a command `--json`, passed on as `as_json`."""
    text = "Print one JSON document on stdout; everything else goes to stderr."
    return click.option("--json", "as_json", is_flag=True, help=text)(command)


as_option: Option = click.option(
    "--as",
    "login",
    envvar="CASEFLOW_AS",
    required=True,
    metavar="LOGIN",
    help="Who asks: a login such as shujuju.handler (or CASEFLOW_AS).",
)


def document(data: Any) -> None:
    """Print the one JSON document of this run."""
    click.echo(orjson.dumps(data, default=str, option=orjson.OPT_INDENT_2))


def show(data: Any, *, as_json: bool, view: Callable[[], RenderableType]) -> None:
    """Print `data` as JSON, or what `view` makes of it for people; text goes out as it is."""
    if as_json:
        document(data)
        return
    seen = view()
    if isinstance(seen, str):
        click.echo(seen)
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH_OF_FILES)
    console.print(seen)


def note(text: str) -> None:
    """Say something beside the result, on stderr."""
    click.echo(text, err=True)


def table(title: str, columns: Mapping[str, str], rows: Iterable[Row]) -> Table:
    """Return a table; `columns` maps each heading to the key of a row."""
    made = Table(title=title, title_justify="left")
    for heading in columns:
        made.add_column(heading, overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell(row.get(key))) for key in columns.values()))
    return made


def facts(title: str, row: Row) -> Table:
    """Return a table of two columns: what, and how it is."""
    made = Table(title=title, title_justify="left", show_header=False)
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for key, value in row.items():
        made.add_row(Text(key), Text(cell(value)))
    return made


def cell(value: Any) -> str:
    """Return a value as a table shows it: instants in Asia/Shanghai, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list | tuple):
        return "、".join(map(cell, value))
    return str(value)


def yuan(fen: int | None) -> str:
    """Return an amount in yuan as a table shows it."""
    return "" if fen is None else str(Money.from_fen(fen))


@dataclass(frozen=True)
class Page:
    """How a list is asked for: sorted, after the row whose key was seen last, at most so many."""

    key: str
    sort: str
    descending: bool
    limit: int
    after: str | None

    def of(self, rows: Iterable[Row]) -> list[Row]:
        """Return the page of `rows`.

        Raises:
            InvalidInput: no row has the key `after`.
        """
        ordered = self._ordered(list(rows))
        first = self._first(ordered)
        if first + self.limit < len(ordered):
            last = ordered[first + self.limit - 1][self.key]
            note(f"{len(ordered)} in all; the next page: --after {last}")
        return ordered[first : first + self.limit]

    def _ordered(self, rows: list[Row]) -> list[Row]:
        if self.sort == self.key:
            return rows[::-1] if self.descending else rows
        known = [row for row in rows if row[self.sort] is not None]
        unknown = [row for row in rows if row[self.sort] is None]
        known.sort(key=lambda row: row[self.sort], reverse=self.descending)
        return known + unknown

    def _first(self, ordered: list[Row]) -> int:
        if self.after is None:
            return 0
        for index, row in enumerate(ordered):
            if str(row[self.key]) == self.after:
                return index + 1
        raise InvalidInput(
            f"--after: there is no {self.key} {self.after!r} in this list.",
            fields={"after": self.after},
        )


def paged(key: str, *sorts: str) -> Callable[[Command], Command]:
    """Give a listing command `--sort`, `--descending`, `--limit`, `--after`, as one `page`.

    Rows come in the order of the source when sorted by `key`.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def asked(
            *args: Any, sort: str, descending: bool, limit: int, after: str | None, **others: Any
        ) -> Any:
            page = Page(key, sort, descending, limit, after)
            return command(*args, page=page, **others)

        options = [
            click.option("--sort", type=click.Choice([key, *sorts]), default=key,
                         show_default=True, help="Sort by this column."),
            click.option("--descending", is_flag=True, help="The last first."),
            click.option("--limit", type=click.IntRange(1, MOST), default=DEFAULT_LIMIT,
                         show_default=True, help="At most so many."),
            click.option("--after", metavar=key.upper(), help=f"Begin after this {key}."),
        ]  # fmt: skip
        for option in reversed(options):
            asked = option(asked)
        return asked

    return decorate


@contextmanager
def progress(what: str, *, total: int | None = None) -> Iterator[Callable[[str], None]]:
    """Yield a function to call with the name of each step; a bar on stderr if it is a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task(what, total=total)

        def step(name: object) -> None:
            bar.update(task, description=f"{what} {name}", advance=1)

        yield step
