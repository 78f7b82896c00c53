"""`caseflow cases quote`: what a case would get, with the parameters of its day."""

from typing import Any

import click

from caseflow.cases.quoting import quote_case
from caseflow.catalogue.quoting import quote_data
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import json_option, show
from caseflow.cli.quote import given_facts, parameters_data, quote_view


@click.command("quote")
@click.argument("case")
@click.option("--facts", "file", required=True, type=click.File("rb"),
              help="A JSON object of the measure's facts; - reads standard input.")  # fmt: skip
@as_option
@json_option
def quote_one(*, case: str, file: Any, login: str, as_json: bool) -> None:
    """Tell what CASE (public id or number) would get with the values of its submission day.

    What a bureau confirmed later does not count, also where it is dated back.

    Example: caseflow cases quote QD26-7a-2026-000001 --facts facts.json --as shujuju.handler
    """
    given = given_facts(file)
    with open_house() as house, house.database.session() as session:
        at = house.now()
        found = quote_case(session, house.actor(login, at), case, given, at)
    data = {
        "case": found.number,
        "measure": found.measure,
        "on": found.day.on,
        "known_at": found.day.known_at,
        **quote_data(found.quote),
        **parameters_data(found.parameters),
    }
    show(data, as_json=as_json, view=lambda: quote_view(found.number, data))
