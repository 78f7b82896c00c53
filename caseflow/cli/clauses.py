"""A measure as the database has it, with its parameters; else as its file has it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Literal

from caseflow.catalogue import queries
from caseflow.catalogue.parameters.queries import in_force, missing, parameters_on
from caseflow.catalogue.quoting import Clause, subject_of
from caseflow.cli.house import open_house
from caseflow.cli.measures import find_measure
from caseflow.cli.output import Row, cell, note, yuan
from caseflow.cli.policies import chosen_day
from caseflow.database.access import EMBEDDED_FOLDER
from caseflow.kernel.benefits.model import Parameter
from caseflow.kernel.benefits.parameters import PARAMETERS, settled_questions
from caseflow.kernel.errors import InvalidInput, NotFound, Unavailable
from caseflow.settings import Settings, read_settings

Place = Literal["database", "files"]


@dataclass(frozen=True)
class Standing:
    """A clause on a day, with the parameters then in force, and where both were read."""

    clause: Clause
    title: str
    on: date
    parameters: Mapping[str, Parameter]
    read_from: Place


def has_database(settings: Settings) -> bool:
    """Return whether this house has a database: one is named, or its own was made before."""
    return settings.database_url is not None or (settings.home / EMBEDDED_FOLDER).exists()


def standing(measure_id: str, day: datetime | None) -> Standing:
    """Return a measure on `day` (today), from the database where there is one that has it.

    Raises:
        NotFound: neither the database nor a file has it.
        Unavailable: there is a database and it does not answer: a figure without its parameters
            would be another figure.
    """
    if has_database(read_settings()):
        with open_house() as house, house.database.session() as session:
            on = day.date() if day else house.today()
            try:
                measure = queries.measure(session, measure_id)
            except NotFound:
                return _of_files(measure_id, on)
            parameters = parameters_on(session, measure.id, on=on)
            clause = Clause.of_loaded(measure, on)
            return Standing(clause, measure.version.title, on, parameters, "database")
    return _of_files(measure_id, chosen_day(day))


@dataclass(frozen=True)
class Known:
    """The parameters of a measure on a day, and where they were read; the files have none."""

    on: date
    parameters: Mapping[str, Parameter]
    read_from: Place


def known_parameters(measure_id: str, day: datetime | None) -> Known:
    """Return the parameters in force on `day`; where the database does not answer, say so."""
    try:
        found = standing(measure_id, day)
    except (Unavailable, InvalidInput) as error:
        note(f"Parameters are not shown: {error.message}")
        return Known(chosen_day(day), {}, "files")
    return Known(found.on, found.parameters, found.read_from)


def parameters_entry(known: Known, definition: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is in force of a measure, the questions that answers, and what is missing."""
    answered, _ = settled_questions(subject_of(definition), frozenset(known.parameters))
    return {
        "on": known.on,
        "read_from": known.read_from,
        "in_force": [asdict(each) for each in in_force(known.parameters)],
        "answered": sorted(answered),
        "missing": [asdict(each) for each in missing(definition, known.parameters)],
    }


def readable(rows: Iterable[Row]) -> list[Row]:
    """Return rows of parameters with their values as people read them: yuan, percent, tiers."""
    return [{**row, "value": _readable(row["name"], row["value"])} for row in rows]


def _readable(name: str, value: Any) -> str:
    kind = PARAMETERS[name]
    if kind.type == "tiers":
        return "；".join(f"{tier}：{_figure(figure)}" for tier, figure in value.items())
    if kind.type in {"fen", "percent"}:
        return _figure(value)
    return f"{cell(value)}{'' if kind.choices else kind.unit}"


def _figure(value: int | str) -> str:
    """Return whole fen as yuan, a percentage (which is text) with its sign."""
    return f"{value}%" if isinstance(value, str) else yuan(value)


def _of_files(measure_id: str, on: date) -> Standing:
    files, measure = find_measure(measure_id)
    clause = Clause.of_files(files.policy, measure, on)
    return Standing(clause, measure.title, on, {}, "files")
