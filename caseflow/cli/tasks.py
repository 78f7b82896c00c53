"""`caseflow tasks`: what waits for the actor's seats; `caseflow delegations`: who stands in."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from caseflow.cases.claiming import claim, release
from caseflow.cases.task_list import TASK_VIEWS, my_tasks
from caseflow.catalogue.queries import measure_codes, measure_ids
from caseflow.cli.cases import limit_option, request_option
from caseflow.cli.house import as_option, open_house
from caseflow.cli.output import cell, facts, json_option, note, show, table
from caseflow.database.ids import PublicIds
from caseflow.identity.delegations.queries import DelegationView, delegation_of, delegations_of
from caseflow.identity.delegations.service import Wish, delegate, revoke

TASKS = {
    "编号": "id",
    "办件": "number",
    "条款": "measure_title",
    "申报主体": "applicant_title",
    "环节": "state_title",
    "席位": "seat_title",
    "签收": "claimant_name",
    "到期": "due_on",
    "超期": "is_overdue",
}
DELEGATIONS = {
    "编号": "id",
    "委托人": "giver_name",
    "代理人": "stand_in_name",
    "自": "first_on",
    "至": "last_on",
    "席位": "roles",
    "条款": "measures",
    "有效": "is_in_force",
}
day = click.DateTime(["%Y-%m-%d"])


@click.group()
def tasks() -> None:
    """Tasks (待办) of the actor's seats, also of those for whom the actor stands in.

    Example: caseflow tasks list --view unclaimed --as shujuju.handler
    """


@tasks.command("list")
@click.option(
    "--view",
    type=click.Choice(TASK_VIEWS),
    default="mine",
    show_default=True,
    help="All of my seats, nobody's yet, claimed by me, overdue.",
)
@click.option("--after", type=int, metavar="TASK", help="Begin after this task.")
@limit_option
@as_option
@json_option
def list_tasks(*, view: str, after: int | None, limit: int, login: str, as_json: bool) -> None:
    """List what waits for the actor's seats, the most urgent first.

    Example: caseflow tasks list --view overdue --as huilong_zhen.handler --json
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        actor = house.actor(login, at)
        page = my_tasks(session, actor, at, view=view, after=after, limit=limit)
    rows = [asdict(line) for line in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table("待办", TASKS, rows))


@tasks.command("claim")
@click.argument("task", type=int)
@request_option
@as_option
@json_option
def claim_task(*, task: int, request_id: str | None, login: str, as_json: bool) -> None:
    """Claim TASK for the actor (签收); another's is refused and says whose.

    Example: caseflow tasks claim 17 --as shujuju.handler
    """
    _claim_or_release(claim, task, request_id, login, as_json=as_json)


@tasks.command("release")
@click.argument("task", type=int)
@request_option
@as_option
@json_option
def release_task(*, task: int, request_id: str | None, login: str, as_json: bool) -> None:
    """Give TASK back to its seat (退签).

    Example: caseflow tasks release 17 --as shujuju.handler
    """
    _claim_or_release(release, task, request_id, login, as_json=as_json)


def _claim_or_release(
    use_case: Any, task: int, request_id: str | None, login: str, *, as_json: bool
) -> None:
    with open_house() as house:
        at = house.now()
        actor, cases = house.actor(login, at), house.cases()
        with house.database.session() as session:
            outcome = use_case(cases, session, actor, task, at=at, request_id=request_id)
    data = asdict(outcome)
    shown = {name: cell(value) for name, value in data.items()}
    show(data, as_json=as_json, view=lambda: facts("办理结果", shown))


@click.group()
def delegations() -> None:
    """Delegations (代理): who acts for whom, from when to when.

    Example: caseflow delegations list --as shujuju.handler
    """


@delegations.command("list")
@click.option("--after", metavar="DELEGATION", help="Begin after this delegation.")
@limit_option
@as_option
@json_option
def list_delegations(*, after: str | None, limit: int, login: str, as_json: bool) -> None:
    """List who stands in for the actor and for whom the actor does, the newest first.

    Example: caseflow delegations list --as shujuju.handler --json
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        actor, codes = house.actor(login, at), measure_codes(session)
        page = delegations_of(session, actor, at, codes=codes, after=after, limit=limit)
    rows = [asdict(view) for view in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table("代理", DELEGATIONS, rows))


@delegations.command("add")
@click.argument("to")
@click.option("--from-on", "first_on", type=day, required=True, help="The first day.")
@click.option("--to-on", "last_on", type=day, required=True, help="The last day, included.")
@click.option("--reason", required=True, help="Why.")
@click.option("--role", "roles", multiple=True, help="Only this role of the actor's.")
@click.option("--measure", "measures", multiple=True, help="Only cases of this measure.")
@as_option
@json_option
def add_delegation(
    *, to: str, first_on: datetime, last_on: datetime, reason: str, roles: tuple[str, ...],
    measures: tuple[str, ...], login: str, as_json: bool,
) -> None:  # fmt: skip
    """Let TO (a login) act for the actor.

    Example: caseflow delegations add shujuju.handler2 --from-on 2026-10-01 --to-on 2026-10-08
    --reason 休假 --as shujuju.handler
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        with house.database.session() as session:
            numbers = measure_ids(session, measures)
            wish = Wish(to, first_on.date(), last_on.date(), reason, roles, numbers)
            made = delegate(session, actor, wish, at=at, signer=house.signer, ids=PublicIds())
            view = delegation_of(session, made, at, codes=measure_codes(session))
    _told(view, as_json=as_json)


@delegations.command("revoke")
@click.argument("delegation")
@as_option
@json_option
def revoke_delegation(*, delegation: str, login: str, as_json: bool) -> None:
    """End DELEGATION now.

    Example: caseflow delegations revoke DELEGATION --as shujuju.handler
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        with house.database.session() as session:
            found = revoke(session, actor, delegation, at=at, signer=house.signer)
            view = delegation_of(session, found, at, codes=measure_codes(session))
    _told(view, as_json=as_json)


def _told(view: DelegationView, *, as_json: bool) -> None:
    data = asdict(view)
    shown = {label: cell(data[key]) for label, key in DELEGATIONS.items()}
    show(data, as_json=as_json, view=lambda: facts("代理", shown))
