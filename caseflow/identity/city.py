"""What identity needs to know of a city, whoever reads it from a file (catalogue.cities does)."""

# ruff: noqa: D102 - a row has one attribute per column; the class says what is not plain

from collections.abc import Sequence
from typing import Protocol


class TerritoryRow(Protocol):
    """A city, town or park; `parent` is the code of the territory around it."""

    @property
    def code(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def fiscal_level(self) -> str: ...
    @property
    def parent(self) -> str | None: ...


class OrganisationRow(Protocol):
    """A bureau, town, bank …, titled as the policy text names it; `territory` is a code."""

    @property
    def code(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def territory(self) -> str: ...


class AccountRow(Protocol):
    """A development account: the organisation's code and the role say whose seat it is."""

    @property
    def login(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    @property
    def role(self) -> str: ...


class CityRows(Protocol):
    """A city's rows, checked: every code that is named is there, no code or login twice."""

    @property
    def territories(self) -> Sequence[TerritoryRow]: ...
    @property
    def organisations(self) -> Sequence[OrganisationRow]: ...
    def accounts(self) -> Sequence[AccountRow]: ...
