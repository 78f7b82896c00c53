"""`caseflow applicants`: who may apply, known by a checked code or document."""

from typing import Any

import click

from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import facts, json_option, show
from caseflow.database.ids import PublicIds
from caseflow.funds.service import Hand, register_account
from caseflow.identity.identifiers import IDENTITY_TYPES, Identity, mask_account
from caseflow.identity.models import APPLICANT_KINDS
from caseflow.identity.queries import organisation as find_organisation
from caseflow.identity.registering import Applying, Desk, enter, sign_up
from caseflow.identity.service import assign, ensure_system_person


@click.group()
def applicants() -> None:
    """Applicants (申报主体): enterprises, institutions, associations and individuals.

    Example: caseflow applicants register --help
    """


@applicants.command()
@click.option(
    "--kind",
    type=click.Choice(APPLICANT_KINDS),
    default="enterprise",
    show_default=True,
    help="What the applicant is.",
)
@click.option("--name", required=True, help="Its registered name.")
@click.option("--territory", required=True, help="The town or park it is registered in, by code.")
@click.option("--uscc", help="Its unified social credit code (统一社会信用代码).")
@click.option(
    "--identity-type", type=click.Choice(sorted(IDENTITY_TYPES)), help="A person's document."
)
@click.option("--identity-number", help="The document's number.")
@click.option("--login", help="Also register somebody who acts for it under this login.")
@click.option("--email", help="Where that person's letters go.")
@json_option
def register(
    *, kind: str, name: str, territory: str, uscc: str | None, login: str | None,
    email: str | None, as_json: bool, **document: str | None,
) -> None:  # fmt: skip
    """Register an applicant under its checked code, and who acts for it.

    Example: caseflow applicants register --name 启东甲智能科技有限公司 --territory huilong
    --uscc 91320681MA2TE5T28T --login jia.applicant --email jia@example.org
    """
    if email and not login:
        raise click.UsageError("--email belongs to a --login.")
    identity = _identity(**document)
    applying = Applying(kind, name, territory, uscc, identity)
    with open_house() as house, house.database.session() as session:
        desk = Desk(house.now(), house.signer, PublicIds())
        person = sign_up(session, desk, login=login, name=name, email=email) if login else None
        by = person or ensure_system_person(session)
        organisation = enter(session, desk, applying, by=by.id)
        if person is not None:
            assign(session, person, organisation, role="applicant", at=desk.at)
        row: dict[str, Any] = {
            "id": organisation.public_id,
            "kind": organisation.kind,
            "name": organisation.title,
            "territory": territory,
            "uscc": organisation.uscc,
            "login": login,
        }
    show(row, as_json=as_json, view=lambda: facts("已登记申报主体", row))


@applicants.command()
@click.argument("organisation")
@click.option("--bank", required=True, help="The bank (开户行).")
@click.option("--number", required=True, help="The account's number.")
@click.option("--holder", help="The account's name (户名), if it is not the organisation's own.")
@as_option
@json_option
def account(
    *, organisation: str, bank: str, number: str, holder: str | None, login: str, as_json: bool
) -> None:
    """Register where an organisation is paid from now on; the name must be its own.

    Example: caseflow applicants account ZBbQv8L5ShFHy75AnsTkUW --bank 示例银行启东支行
    --number 6200000000000001 --as jia.applicant
    """
    with open_house() as house, house.database.session() as session:
        body = find_organisation(session, organisation)
        at = house.now()
        hand = Hand(house.actor(login, at).id, at, house.signer)
        name = holder or body.title
        row = register_account(session, body.id, holder=name, bank=bank, number=number, hand=hand)
        shown = {
            "organisation": body.public_id,
            "holder": row.holder,
            "bank": row.bank,
            "number": mask_account(row.number),
            "since": row.since.isoformat(),
        }
    show(shown, as_json=as_json, view=lambda: facts("已登记收款账户", shown))


def _identity(identity_type: str | None, identity_number: str | None) -> Identity | None:
    if identity_type is None and identity_number is None:
        return None
    if identity_type is None or identity_number is None:
        raise click.UsageError("--identity-type and --identity-number belong together.")
    return Identity(identity_type, identity_number)
