"""Ties as a bureau's handler records them in a town, and who records them."""

from datetime import date
from typing import Any

from caseflow.database.ids import PublicIds
from caseflow.identity.identifiers import Identity
from caseflow.identity.queries import Actor, actor_by_login
from caseflow.identity.registering import Desk
from caseflow.identity.ties.service import End, NewTie, identify_person, record_tie
from caseflow.kernel.ties import read_percent
from tests.integration.walking import Town

HANDLER, SINCE = "shujuju.handler", date(2024, 3, 1)
SOURCE = "国家企业信用信息公示系统，2026-09-01查询"


def actor(town: Town, login: str = HANDLER) -> Actor:
    """Return who has the login, at the town's time."""
    with town.house.database.session() as session:
        return actor_by_login(session, login, town.now)


def desk(town: Town) -> Desk:
    """Return where ties are recorded."""
    return Desk(town.now, town.house.cases.office.signer, PublicIds())


def resident(number: str) -> Identity:
    """Return a person by their resident number."""
    return Identity("resident_id", number)


def owned(town: Town, held: str, holder: str | Identity, percent: str = "100", **said: Any) -> str:
    """Record that somebody holds so much of an enterprise, since 2024; the tie's public id."""
    is_code = isinstance(holder, str)
    end = End("某股东", holder if is_code else None, None if is_code else holder)
    share = said.pop("share", read_percent(percent))
    wanted = {"kind": "shareholder", "valid_from": SINCE, **said}
    with town.house.database.session() as session:
        made = NewTie(holder=end, held=End("某企业", held), source=SOURCE, percent=share, **wanted)
        return record_tie(session, made, actor(town), desk(town)).public_id


def served(town: Town, held: str, number: str, kind: str = "director") -> str:
    """Record that a person serves an enterprise."""
    return owned(town, held, resident(number), kind=kind, share=None)


def identified(town: Town, login: str, number: str) -> None:
    """Say which person of the register somebody of the house is."""
    with town.house.database.session() as session:
        identify_person(session, login, resident(number), actor(town), desk(town))
