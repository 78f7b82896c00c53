"""The program `caseflow`: its commands, found when they are asked for, and its last word."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NamedTuple

import click

from caseflow import __version__
from caseflow.cli.problems import DONE, FAILED, INTERRUPTED, MISUSED, report
from caseflow.kernel.errors import CaseflowError


class Place(NamedTuple):
    """Where a command is defined, and what it does in one line."""

    target: str
    help: str


COMMANDS: Final = {
    "policies": Place(
        "caseflow.cli.policies:policies",
        "Policies (政策): list, show, lint, load, enact, versions, diff, suspend, impacts …",
    ),
    "versions": Place(
        "caseflow.cli.publications:versions",
        "New versions (新版本) while cases run: check, publish, list.",
    ),
    "migrations": Place(
        "caseflow.cli.migrations:migrations",
        "Migrations of cases (办件迁移): propose, approve, run, list, show, withdraw.",
    ),
    "measures": Place("caseflow.cli.measures:measures", "Measures (条款): list, show, rehearse."),
    "quote": Place("caseflow.cli.quote:quote", "What a measure would give (测算), and why."),
    "parameters": Place(
        "caseflow.cli.parameters:parameters",
        "Parameters (参数) of measures: list, waiting, enter, confirm, withdraw.",
    ),
    "indicators": Place(
        "caseflow.cli.indicators:indicators",
        "Indicators (指标): list, show, progress, due, report, confirm.",
    ),
    "workflows": Place(
        "caseflow.cli.workflows:workflows", "Workflows (流程): check, draw, export."
    ),
    "calls": Place(
        "caseflow.cli.calls:calls",
        "Calls for applications (申报通知): list, show, plan, publish, late, sheets, divide.",
    ),
    "plans": Place(
        "caseflow.cli.plans:plans",
        "Plans of batches (拟支持方案): propose, draft, review, approve, return, publicise.",
    ),
    "applicants": Place("caseflow.cli.applicants:applicants", "Applicants (申报主体): register."),
    "cases": Place(
        "caseflow.cli.cases:cases", "Cases (办件): list, show, open, act, quote, history."
    ),
    "bulk": Place(
        "caseflow.cli.bulk:bulk",
        "Bulk acts (批量办理): precheck, start, list, show, items, export, resume, cancel.",
    ),
    "checks": Place(
        "caseflow.cli.checks:checks",
        "Checks (核查): kinds, list, record, run, run-call, import, evidence.",
    ),
    "tasks": Place("caseflow.cli.tasks:tasks", "Tasks (待办): list, claim, release."),
    "delegations": Place(
        "caseflow.cli.tasks:delegations", "Delegations (代理): list, add, revoke."
    ),
    "awards": Place("caseflow.cli.awards:awards", "Awards (享受台账): list, import, check."),
    "titles": Place(
        "caseflow.cli.titles:titles",
        "Titles (称号名单): import, list, show, match, correct, revoke, succeed, successions.",
    ),
    "ties": Place(
        "caseflow.cli.ties:ties",
        "Ties (关联关系): list, add, end, strike, import, relation, identify.",
    ),
    "equity": Place("caseflow.cli.equity:equity", "拨投股: list, show, pool, preview."),
    "experts": Place(
        "caseflow.cli.experts:experts",
        "Experts (专家): list, add, recuse, terms, draw, draws, replace, reviews, service, rank, …",
    ),
    "publicities": Place("caseflow.cli.publicities:publicities", "Publicities (公示): list, open."),
    "budgets": Place(
        "caseflow.cli.budgets:budgets", "Budgets (预算): list, appropriate, report, split, verify."
    ),
    "payments": Place(
        "caseflow.cli.payments:payments", "Payment orders (拨付单): list, export, import."
    ),
    "recoveries": Place(
        "caseflow.cli.recoveries:recoveries",
        "Recoveries (追缴): open, list, show, export, lift-bar, bars.",
    ),
    "letters": Place(
        "caseflow.cli.letters:letters", "Formal documents (文书): kinds, list, make, show, deliver."
    ),
    "calendar": Place("caseflow.cli.calendars:calendar", "Working days: list, import, confirm."),
    "clock": Place("caseflow.cli.clock:clock", "The present instant: show, move (virtual only)."),
    "history": Place("caseflow.cli.history:history", "The history (留痕): list, verify, export."),
    "worker": Place("caseflow.worker:worker", "Let deadlines, publicities and letters happen."),
    "serve": Place("caseflow.cli.serving:serve", "Serve the REST API and its documentation."),
    "db": Place("caseflow.cli.db:db", "The database: upgrade, downgrade, current."),
    "demo": Place("caseflow.cli.demo:demo", "Play the story on a virtual clock, then serve."),
    "bench": Place("caseflow.cli.bench:bench", "Measure: act, timers, publicity."),
    "doctor": Place("caseflow.cli.doctor:doctor", "Say what is missing or broken."),
}


class _Commands(click.Group):
    """A group that imports a command only when it is asked for, so that --help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.target.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.help) for name, place in COMMANDS.items()])


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="caseflow")
def program() -> None:
    """Run municipal support policies, from the published clause to the paid yuan.

    Without CASEFLOW_DATABASE_URL the program starts its own PostgreSQL under CASEFLOW_HOME
    (.caseflow). Every reading command takes --json; exit codes: 0 done, 1 refused or broken,
    2 called wrongly.

    Example: caseflow policies list --json
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that `arguments` (the process's own if None) name; return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    try:
        result = program.main(given, prog_name="caseflow", standalone_mode=False)
    except click.UsageError as error:
        report(error, as_json=as_json)
        return MISUSED
    except (CaseflowError, click.ClickException, OSError) as error:
        report(error, as_json=as_json)
        return FAILED
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    return result if isinstance(result, int) else DONE
