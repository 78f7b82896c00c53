"""A city as data: territories, organisations, who sits where, and how texts name its bureaus."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from marshmallow import ValidationError, fields, validate

from caseflow.catalogue.fact_sources import FactSource, FactSourceRecord, unfit_sources
from caseflow.catalogue.records import Record, load_record, number, records, text, word
from caseflow.catalogue.yaml_reader import read_yaml
from caseflow.kernel.errors import DefinitionError, NotFound, Problem
from caseflow.kernel.workflow.source import Path as Place
from caseflow.kernel.workflow.source import Source
from caseflow.kernel.workflow.vocabulary import SEATS

FIELD_BUREAU: Final = "$field_bureau"
DISTRICT: Final = "$district"
DEFAULT_INDUSTRY: Final = "default"
COSIGN: Final = "cosign."
CASE_PARTIES: Final = frozenset(
    ("applicant", "district", "lead_bureau", "field_bureau", "public", "system")
)
"""Parties that depend on the case or are nobody's seat; the city file says nothing of them."""

DUTY_NAMES: Final[dict[str, tuple[str, str]]] = {
    "district_handler": ("handler", "属地经办"),
    "district_head": ("head", "属地负责人"),
    "district_finance": ("finance", "属地财政"),
    "bureau_handler": ("handler", "经办"),
    "bureau_reviewer": ("reviewer", "复核"),
    "bureau_division_head": ("division_head", "科室负责人"),
    "bureau_leader": ("leader", "分管领导"),
    "cosign_bureau": ("cosign", "联审"),
    "finance_division": ("finance_division", "业务科室"),
    "treasury": ("treasury", "国库支付"),
    "government_office": ("office", "会议秘书"),
    "talent_office": ("talent_office", "人才工作"),
    "expert": ("expert", "专家"),
    "audit_firm": ("audit_firm", "审计"),
    "trustee": ("trustee", "受托管理"),
    "bank": ("bank", "客户经理"),
    "fund_manager": ("fund_manager", "基金管理"),
    "guarantor": ("guarantor", "担保业务"),
    "platform_operator": ("operator", "平台运营"),
    "auditor": ("auditor", "审计"),
}
"""Every role an organisation can hold: the end of its login, its name. (domain handbook 3)"""


@dataclass(frozen=True)
class Territory:
    """A place with its own treasury level; parks have no area code."""

    code: str
    title: str
    level: str
    parent: str | None
    fiscal_level: str
    source: str
    area_code: str | None = None


@dataclass(frozen=True)
class SeatCount:
    """How many people of one role an organisation has."""

    role: str
    count: int = 1


@dataclass(frozen=True)
class Organisation:
    """A bureau, town, park or third party, with the roles that are held in it."""

    code: str
    title: str
    kind: str
    territory: str
    source: str
    seats: tuple[SeatCount, ...]

    def holds(self, role: str) -> bool:
        """Return whether somebody here has `role`."""
        return any(seat.role == role for seat in self.seats)


@dataclass(frozen=True)
class Account:
    """A development account, named by its seat and by no person."""

    login: str
    name: str
    organisation: str
    role: str


@dataclass(frozen=True)
class City:
    """Everything of `policies/cities/<city>.yaml`."""

    city: str
    title: str
    source: str
    territories: tuple[Territory, ...]
    organisations: tuple[Organisation, ...]
    names: Mapping[str, str]
    parties: Mapping[str, str]
    cosign: Mapping[str, str]
    industries: Mapping[str, str]
    sources: tuple[FactSource, ...] = ()

    def organisation(self, code: str) -> Organisation:
        """Return the organisation of that code."""
        for organisation in self.organisations:
            if organisation.code == code:
                return organisation
        raise NotFound(f"{self.title} has no organisation {code}")

    def named(self, name: str) -> str:
        """Return the organisation code behind a bureau's name in a text, or a `$` word.

        `$field_bureau` (各领域行业主管部门) and `$district` (各区镇) depend on the case.
        """
        if name not in self.names:
            raise NotFound(f"{self.title} has no organisation that a text calls {name}")
        return self.names[name]

    def bureaus(self, names: Iterable[str]) -> list[str]:
        """Return the organisation code (or `$` word) of each name, the lead first."""
        return [self.named(name) for name in names]

    def field_bureau(self, industry: str | None) -> str:
        """Return the 行业主管部门 of a project's industry; the default for one not listed."""
        return self.industries.get(industry or DEFAULT_INDUSTRY, self.industries[DEFAULT_INDUSTRY])

    def district(self, territory: str) -> str:
        """Return the organisation that is the 属地 of a town or park."""
        for organisation in self.organisations:
            if organisation.territory == territory and organisation.holds("district_handler"):
                return organisation.code
        raise NotFound(f"{self.title} has no town or park {territory}")

    def party(self, party: str) -> str:
        """Return the organisation of a party that is the same in every case of the city."""
        table = self.cosign if party.startswith(COSIGN) else self.parties
        code = table.get(party.removeprefix(COSIGN))
        if code is None:
            raise NotFound(f"{self.title} says nothing of the party {party}")
        return code

    def accounts(self) -> tuple[Account, ...]:
        """Return one development account for every seat, e.g. `shujuju.handler`."""
        return tuple(
            account
            for organisation in self.organisations
            for seat in organisation.seats
            for account in _accounts(organisation, seat)
        )


def _accounts(organisation: Organisation, seat: SeatCount) -> Iterator[Account]:
    ending, name = DUTY_NAMES[seat.role]
    for index in range(1, seat.count + 1):
        one = str(index) if seat.count > 1 else ""
        yield Account(
            login=f"{organisation.code}.{ending}{one}",
            name=f"{organisation.title} {name}{one}",
            organisation=organisation.code,
            role=seat.role,
        )


class TerritoryRecord(Record):
    """See `Territory`."""

    makes = Territory
    code = text(pattern="[a-z][a-z0-9_]*")
    title = text()
    level = word("prefecture", "county_city", "district", "town", "park")
    parent = fields.String(required=True, allow_none=True)
    fiscal_level = word("prefecture", "county", "township")
    area_code = text(required=False, pattern="[0-9]{6}")
    source = text()


class SeatCountRecord(Record):
    """See `SeatCount`."""

    makes = SeatCount
    role = word(*DUTY_NAMES)
    count = number(required=False)


class Seat(fields.Field[SeatCount]):
    """A role's name, or a mapping with a count."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> SeatCount:
        data = value if isinstance(value, dict) else {"role": value}
        try:
            made: SeatCount = SeatCountRecord().load(data)
        except ValidationError as error:
            raise ValidationError(f"{value}: {error.messages}") from error
        return made


class OrganisationRecord(Record):
    """See `Organisation`."""

    makes = Organisation
    code = text(pattern="[a-z][a-z0-9_]*")
    title = text()
    kind = word(
        "bureau",
        "party_office",
        "government_office",
        "finance",
        "town",
        "park",
        "third_party",
        "auditor",
    )
    territory = text()
    source = text()
    seats = fields.List(Seat(), required=True, validate=validate.Length(min=1))


def _mapping(*keys: str) -> fields.Dict:
    one_of = [validate.OneOf(keys)] if keys else []
    return fields.Dict(keys=fields.String(validate=one_of), values=text(), required=True)


class CityRecord(Record):
    """See `City`."""

    makes = City
    city = text(pattern="[a-z][a-z0-9_]*")
    title = text()
    source = text()
    territories = records(TerritoryRecord, least=1)
    organisations = records(OrganisationRecord, least=1)
    names = _mapping()
    parties = _mapping(
        *(
            seat.party
            for seat in SEATS.values()
            if seat.party not in CASE_PARTIES and not seat.party.startswith(COSIGN)
        )
    )
    cosign = _mapping(
        *(
            seat.party.removeprefix(COSIGN)
            for seat in SEATS.values()
            if seat.party.startswith(COSIGN)
        )
    )
    industries = _mapping()
    sources = records(FactSourceRecord)


def read_city(path: Path) -> City:
    """Read and check one city's file.

    Raises:
        DefinitionError: every fault with file and line: keys, codes that name nothing, empty seats.
    """
    source = read_yaml(path)
    city: City = load_record(CityRecord, source)
    problems = sorted(_problems(city, source))
    if problems:
        raise DefinitionError(problems)
    return city


def read_cities(root: Path) -> dict[str, City]:
    """Read every city below `root` (see `places.data_root`), by its code."""
    cities = (read_city(path) for path in sorted((root / "policies" / "cities").glob("*.yaml")))
    return {city.city: city for city in cities}


def _problems(city: City, source: Source) -> Iterator[Problem]:
    if city.city != Path(source.file).stem:
        message = f"the city is {city.city}, the file {Path(source.file).name}; they must agree"
        yield source.problem(("city",), "city-name", message)
    yield from _repeated(city, source)
    yield from _nowhere(city, source)
    yield from _unknown_organisations(city, source)
    yield from _empty_seats(city, source)
    yield from unfit_sources(city.sources, source)
    if DEFAULT_INDUSTRY not in city.industries:
        message = "name the bureau of every other industry under `default`"
        yield source.problem(("industries",), "industry-default", message)


def _repeated(city: City, source: Source) -> Iterator[Problem]:
    for key, codes in (
        ("territories", [territory.code for territory in city.territories]),
        ("organisations", [organisation.code for organisation in city.organisations]),
        ("sources", [each.name for each in city.sources]),
    ):
        for index, code in enumerate(codes):
            if code in codes[:index]:
                yield source.problem((key, index), "duplicate-code", f"{code} stands here twice")


def _nowhere(city: City, source: Source) -> Iterator[Problem]:
    known = {territory.code for territory in city.territories}
    places: list[tuple[Place, str | None]] = [
        (("territories", index, "parent"), territory.parent)
        for index, territory in enumerate(city.territories)
    ]
    places += [
        (("organisations", index, "territory"), organisation.territory)
        for index, organisation in enumerate(city.organisations)
    ]
    for path, code in places:
        if code is not None and code not in known:
            yield source.problem(path, "unknown-territory", f"there is no territory {code}")


def _unknown_organisations(city: City, source: Source) -> Iterator[Problem]:
    known = {organisation.code for organisation in city.organisations}
    for key, words in (
        ("names", {FIELD_BUREAU, DISTRICT}),
        ("parties", set[str]()),
        ("cosign", set[str]()),
        ("industries", set[str]()),
    ):
        for name, code in getattr(city, key).items():
            if code not in known | words:
                message = f"{name}: there is no organisation {code}"
                yield source.problem((key, name), "unknown-organisation", message)


def _empty_seats(city: City, source: Source) -> Iterator[Problem]:
    """Every seat a workflow may name has somebody in the organisation it leads to."""
    held = {organisation.code: organisation for organisation in city.organisations}
    for seat in SEATS.values():
        if seat.party in CASE_PARTIES:
            continue
        key: Place = (
            ("cosign", seat.party.removeprefix(COSIGN))
            if seat.party.startswith(COSIGN)
            else ("parties", seat.party)
        )
        code = getattr(city, str(key[0])).get(key[1])
        if code is None:
            yield source.problem(key, "party-missing", f"nobody is named for {seat.party}")
        elif code in held and not held[code].holds(seat.role):
            message = f"{held[code].title} has no {seat.role} for {seat.party}"
            yield source.problem(key, "empty-seat", message)
