"""Routes of people and applicants: who I am, development accounts, registering (登记)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import fields
from sqlalchemy import or_, select

from caseflow.api.answers import answer_of
from caseflow.api.authority import refuse_official
from caseflow.api.context import actor, house, now, session, transaction
from caseflow.api.parsing import Blueprint, Body, Line, PageQuery
from caseflow.api.rules import Rule, admits
from caseflow.cases.queries import APPLICANT
from caseflow.funds.service import Hand, register_account
from caseflow.identity.identifiers import IDENTITY_TYPES, Identity, mask_account, mask_identity
from caseflow.identity.models import APPLICANT_KINDS, Assignment, Organisation, Person, Territory
from caseflow.identity.queries import organisation, valid_at
from caseflow.identity.registering import Applying, Desk, enter, sign_up
from caseflow.identity.service import assign
from caseflow.kernel.errors import NotFound

blueprint = Blueprint("people", __name__, description="人员、申报主体与属地")


@dataclass(frozen=True)
class HoldingView:
    """A role held in an organisation."""

    organisation: str
    code: str | None
    title: str
    kind: str
    role: str


@dataclass(frozen=True)
class Me:
    """Who asks, and every role they hold now."""

    login: str
    name: str
    roles: tuple[HoldingView, ...]


@dataclass(frozen=True)
class PersonView:
    """Somebody who can sign in."""

    login: str
    name: str


@dataclass(frozen=True)
class Account:
    """A development account: the seat it sits in."""

    login: str
    name: str
    organisation: str | None
    organisation_title: str
    role: str


@dataclass(frozen=True)
class Accounts:
    """Accounts by login; `next` is given back as `after`."""

    items: tuple[Account, ...]
    next: str | None


@dataclass(frozen=True)
class ApplicantView:
    """An applicant; of a person's document only the ends are shown."""

    public_id: str
    kind: str
    name: str
    territory: str
    uscc: str | None
    identity_number: str | None


@dataclass(frozen=True)
class TerritoryView:
    """A city, town or park, with the fiscal level that pays there."""

    code: str
    title: str
    level: str
    fiscal_level: str
    parent: str | None


@dataclass(frozen=True)
class Territories:
    """Every territory, by level and code."""

    items: tuple[TerritoryView, ...]


@dataclass(frozen=True)
class PayeeAccount:
    """Where an organisation is paid: the number's last four digits, and since when."""

    holder: str
    bank: str
    number: str
    since: datetime


class NewPerson(Body):
    """Somebody who will sign in."""

    login = Line(required=True, longest=64)
    name = Line(required=True)
    email = Line()


class IdentityBody(Body):
    """An individual's document."""

    type = Line(required=True, one_of=tuple(IDENTITY_TYPES))
    number = Line(required=True, longest=32)


class NewApplicant(Body):
    """Who will apply: an individual by their document, all others by their credit code."""

    kind = Line(required=True, one_of=APPLICANT_KINDS)
    name = Line(required=True)
    territory = Line(required=True)
    uscc = Line(longest=32)
    identity = fields.Nested(IdentityBody)


class NewAccount(Body):
    """Where an organisation is to be paid: an account in its own name (户名与单位名称一致)."""

    holder = Line(required=True)
    bank = Line(required=True)
    number = Line(required=True, longest=32)


class AccountQuery(PageQuery):
    """Which accounts are asked for."""

    organisation = Line()
    role = Line()


@blueprint.route("/people/me")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(Me))
def show_me() -> Me:
    """Show who I am and which roles I hold now."""
    me = actor()
    numbers = [each.organisation_id for each in me.assignments]
    query = select(Organisation).where(Organisation.id.in_(numbers))
    known = {each.id: each for each in session().scalars(query)}
    roles = tuple(_holding(known[each.organisation_id], each.role) for each in me.assignments)
    return Me(login=me.login, name=me.name, roles=roles)


@blueprint.route("/people")
@admits(Rule.SIGNED_IN)
@blueprint.arguments(AccountQuery, location="query")
@blueprint.response(200, answer_of(Accounts))
def list_accounts(wanted: dict[str, Any]) -> Accounts:
    """List the accounts of offices by seat; applicants' people are not among them."""
    query = (
        select(Person.login, Person.name, Organisation.code, Organisation.title, Assignment.role)
        .join(Assignment, Assignment.person_id == Person.id)
        .join(Organisation, Organisation.id == Assignment.organisation_id)
        .where(Assignment.role != APPLICANT, valid_at(now()))
        .order_by(Person.login, Organisation.code, Assignment.role)
    )
    if "organisation" in wanted:
        named = wanted["organisation"]
        query = query.where(or_(Organisation.code == named, Organisation.public_id == named))
    if "role" in wanted:
        query = query.where(Assignment.role == wanted["role"])
    if "after" in wanted:
        query = query.where(Person.login > wanted["after"])
    rows = session().execute(query.limit(wanted["limit"] + 1)).all()
    items = tuple(Account(*row) for row in rows[: wanted["limit"]])
    return Accounts(items, items[-1].login if len(rows) > wanted["limit"] else None)


@blueprint.route("/people", methods=["POST"])
@admits(Rule.LOOPBACK)
@blueprint.arguments(NewPerson)
@blueprint.response(201, answer_of(PersonView))
def register(wanted: dict[str, Any]) -> PersonView:
    """Register a person without any role (development; sign-in comes later)."""
    with transaction() as current:
        person = sign_up(
            current,
            _desk(),
            login=wanted["login"],
            name=wanted["name"],
            email=wanted.get("email"),
        )
        return PersonView(login=person.login, name=person.name)


@blueprint.route("/applicants", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewApplicant)
@blueprint.response(201, answer_of(ApplicantView))
def register_as_applicant(wanted: dict[str, Any]) -> ApplicantView:
    """Register an applicant and make the person who asks its applicant (经办人)."""
    refuse_official(actor())
    identity = Identity(**wanted["identity"]) if "identity" in wanted else None
    with transaction() as current:
        applying = Applying(
            kind=wanted["kind"],
            name=wanted["name"],
            territory_code=wanted["territory"],
            uscc=wanted.get("uscc"),
            identity=identity,
        )
        applicant = enter(current, _desk(), applying, by=actor().id)
        person = current.get_one(Person, actor().id)
        assign(current, person, applicant, role=APPLICANT, at=now())
        return _applicant(applicant, wanted["territory"])


@blueprint.route("/applicants/<public_id>")
@admits(Rule.SIGNED_IN)
@blueprint.response(200, answer_of(ApplicantView))
def show_applicant(public_id: str) -> ApplicantView:
    """Show an applicant to its own people."""
    found = organisation(session(), public_id)
    if not actor().holds(found.id, APPLICANT):
        raise NotFound(f"没有申报主体 {public_id!r}。")
    return _applicant(found, session().get_one(Territory, found.territory_id).code)


@blueprint.route("/organisations/<public_id>/accounts", methods=["POST"])
@admits(Rule.SIGNED_IN)
@blueprint.arguments(NewAccount)
@blueprint.response(201, answer_of(PayeeAccount))
def add_account(wanted: dict[str, Any], public_id: str) -> PayeeAccount:
    """Register where an organisation is paid from now on; its own people do."""
    with transaction() as current:
        hand = Hand(actor().id, now(), house().cases.office.signer)
        found = organisation(current, public_id)
        row = register_account(current, found.id, hand=hand, **wanted)
        return PayeeAccount(row.holder, row.bank, mask_account(row.number), row.since)


@blueprint.route("/territories")
@admits(Rule.EVERYBODY)
@blueprint.response(200, answer_of(Territories))
def list_territories() -> Territories:
    """List the territories in which applicants are registered."""
    found = session().scalars(select(Territory).order_by(Territory.level, Territory.code)).all()
    codes = {each.id: each.code for each in found}
    return Territories(
        tuple(
            TerritoryView(
                code=each.code,
                title=each.title,
                level=each.level,
                fiscal_level=each.fiscal_level,
                parent=codes[each.parent_id] if each.parent_id else None,
            )
            for each in found
        )
    )


def _desk() -> Desk:
    return Desk(now(), house().cases.office.signer, house().cases.ids)


def _holding(found: Organisation, role: str) -> HoldingView:
    return HoldingView(
        organisation=found.public_id,
        code=found.code,
        title=found.title,
        kind=found.kind,
        role=role,
    )


def _applicant(found: Organisation, territory: str) -> ApplicantView:
    number = found.identity_number
    return ApplicantView(
        public_id=found.public_id,
        kind=found.kind,
        name=found.title,
        territory=territory,
        uscc=found.uscc,
        identity_number=mask_identity(number) if number else None,
    )
