"""`caseflow quote`: what a measure would give for these facts, and why."""

import json
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Group, RenderableType

from caseflow.catalogue.quoting import Clause, quote_clause, quote_data
from caseflow.cli.measures import find_measure
from caseflow.cli.output import facts as fact_table
from caseflow.cli.output import json_option, show, table
from caseflow.cli.policies import chosen_day, on_option
from caseflow.kernel.benefits.rounding import DAY_COUNTS, ROUNDINGS
from caseflow.kernel.benefits.sheet import Terms
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import Money

LINES = {"": "sign", "事项": "title", "金额": "amount", "依据": "words"}
SIGNS = {"base": "", "award": "+", "cut": "−"}
MOST_BYTES = 1_000_000


@click.command()
@click.argument("measure")
@click.option(
    "--facts",
    "file",
    required=True,
    type=click.File("rb"),
    help="A JSON object of the names in 'caseflow measures show MEASURE'; - reads standard input.",
)
@on_option
@click.option("--rounding", type=click.Choice(tuple(ROUNDINGS)), default="trunc_fen",
              show_default=True, help="How amounts are rounded.")  # fmt: skip
@click.option("--day-count", type=click.Choice(DAY_COUNTS), default="exclusive",
              show_default=True, help="Whether the first day of a period counts.")  # fmt: skip
@json_option
def quote(
    *, measure: str, file: Any, day: Any, rounding: str, day_count: str, as_json: bool
) -> None:
    """Tell what an applicant would get for these facts, every cut with its rule, and what is open.

    No database is needed. Example: caseflow quote QD26-7a --facts facts.json --on 2026-10-12
    """
    files, found = find_measure(measure)
    on = chosen_day(day)
    clause = Clause.of_files(files.policy, found, on)
    told = quote_clause(clause, _facts(file), on=on, terms=Terms(rounding, day_count))
    data = quote_data(told)
    show(data, as_json=as_json, view=lambda: _view(found.title, data))


def _facts(file: Any) -> dict[str, Any]:
    raw = file.read(MOST_BYTES + 1)
    name = Path(file.name).name
    if len(raw) > MOST_BYTES:
        raise InvalidInput(f"{name} has more than {MOST_BYTES} bytes.")
    try:
        read = json.loads(raw, object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{name} is no JSON: {error}") from error
    if not isinstance(read, dict):
        raise InvalidInput(f"{name} must hold a JSON object of facts.")
    return read


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value")


def _view(title: str, data: dict[str, Any]) -> RenderableType:
    rows = [
        {**line, "sign": SIGNS[line["kind"]], "amount": str(Money.from_fen(line["fen"]))}
        for line in data["lines"]
    ]
    parts: list[RenderableType] = [
        fact_table(title, {"可获支持": str(Money.from_fen(data["amount_fen"]))}),
        table("计算过程", LINES, rows),
    ]
    if data["open"]:
        parts.append(table("尚待明确", {"编号": "id", "内容": "text"}, data["open"]))
    return Group(*parts)
