"""`caseflow quote`: what a measure would give for these facts, and why."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Group, RenderableType

from caseflow.catalogue.parameters.queries import in_force
from caseflow.catalogue.quoting import quote_clause, quote_data
from caseflow.cli.clauses import readable, standing
from caseflow.cli.output import facts as fact_table
from caseflow.cli.output import json_option, show, table
from caseflow.cli.policies import on_option
from caseflow.kernel.benefits.model import Parameter
from caseflow.kernel.benefits.rounding import DAY_COUNTS, ROUNDINGS
from caseflow.kernel.benefits.settled import settled_terms
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.money import Money

LINES = {"": "sign", "事项": "title", "金额": "amount", "依据": "words"}
SIGNS = {"base": "", "award": "+", "cut": "−"}
PARAMETERS = {
    "参数": "title",
    "值": "value",
    "自": "valid_from",
    "文号": "document_no",
}
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
@click.option(
    "--rounding",
    type=click.Choice(tuple(ROUNDINGS)),
    help="How amounts are rounded, where no parameter says it (else trunc_fen).",
)
@click.option(
    "--day-count",
    type=click.Choice(DAY_COUNTS),
    help="Whether a first day counts, where no parameter says it (else exclusive).",
)
@json_option
def quote(
    *, measure: str, file: Any, day: Any, rounding: str | None, day_count: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Tell what an applicant would get for these facts, every cut with its rule, and what is open.

    The parameters in force on the day count; no database is needed where none was made.
    Example: caseflow quote QD26-7a --facts facts.json --on 2026-10-12
    """
    given = given_facts(file)
    found = standing(measure, day)
    terms = settled_terms(found.parameters, rounding, day_count)
    told = quote_clause(found.clause, given, on=found.on, terms=terms)
    data = quote_data(told)
    if found.read_from == "database":
        data |= parameters_data(found.parameters)
    show(data, as_json=as_json, view=lambda: quote_view(found.title, data))


def parameters_data(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """Return the parameters of a quote as plain JSON data."""
    return {"parameters": [asdict(each) for each in in_force(parameters)]}


def given_facts(file: Any) -> dict[str, Any]:
    """Return the facts of an open file.

    Raises:
        InvalidInput: no JSON object, a name twice, more than a megabyte.
    """
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


def quote_view(title: str, data: Mapping[str, Any]) -> RenderableType:
    """Return a quote as people read it."""
    rows = [
        {**line, "sign": SIGNS[line["kind"]], "amount": str(Money.from_fen(line["fen"]))}
        for line in data["lines"]
    ]
    parts: list[RenderableType] = [
        fact_table(title, {"可获支持": str(Money.from_fen(data["amount_fen"]))}),
        table("计算过程", LINES, rows),
    ]
    if data.get("parameters"):
        parts.append(table("已确定的参数", PARAMETERS, readable(data["parameters"])))
    if data["open"]:
        parts.append(table("尚待明确", {"编号": "id", "内容": "text"}, data["open"]))
    return Group(*parts)
