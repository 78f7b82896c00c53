"""Every measure is played to its end; whatever goes wrong is told, and nothing is left behind."""

import dataclasses
import os
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import update

from caseflow.catalogue.loading import read_policies
from caseflow.database.access import Database
from caseflow.database.server import Server
from caseflow.identity.identifiers import check_identity, check_uscc
from caseflow.identity.models import Assignment
from caseflow.kernel.errors import NotFound
from caseflow.kernel.workflow.model import Fact, State, Step, Workflow
from caseflow.rehearsal.applicants import synthetic_identity
from caseflow.rehearsal.codes import synthetic_uscc
from caseflow.rehearsal.house import as_if_in_force
from caseflow.rehearsal.openings import open_booked
from caseflow.rehearsal.player import RehearsalStuck
from caseflow.rehearsal.rehearse import BEGINS_AT, book_measures, rehearse, rehearse_in
from caseflow.rehearsal.samples import amount, payload_for
from caseflow.rehearsal.scratch import PREFIX, scratch_house
from caseflow.rehearsal.troupe import Troupe
from caseflow.settings import Settings
from tests.conftest import ROOT
from tests.factories.rehearsal import settings_on

pytestmark = pytest.mark.long

MEASURES = [
    "QD26-1a", "QD26-4", "QD26-7a", "QD26-9a", "QD26-10a", "QD26-10b",
]  # fmt: skip
"""Six roads; the demo of all policies rehearses every measure."""


@pytest.fixture(scope="module")
def house_settings(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return settings_on(server, tmp_path_factory.mktemp("home"), database="postgres")


@pytest.fixture(scope="module")
def ended() -> list[str]:
    """The measures in the order in which their cases ended."""
    return []


@pytest.fixture(scope="module")
def rehearsed(
    house_settings: Settings, founded_template: str, ended: list[str]
) -> dict[str, dict[str, Any]]:
    """The measures' rehearsal, played once for all tests here."""
    rows = rehearse(house_settings, MEASURES, template=founded_template, progress=ended.append)
    return {row["id"]: row for row in rows}


@pytest.fixture
def small_root(tmp_path: Path) -> Path:
    """A copy of the data folders in which the policy has one measure, QD26-2b."""
    for folder in ("workflows", "policies", "notifications", "migrations"):
        shutil.copytree(ROOT / folder, tmp_path / "data" / folder)
    for path in (tmp_path / "data" / "policies").glob("*/*.yaml"):
        if path.parent.name != "cities" and path.name not in {"policy.yaml", "QD26-2b.yaml"}:
            path.unlink()
    return tmp_path / "data"


@pytest.mark.parametrize("measure", MEASURES)
def test_a_measure_reaches_its_intended_end(
    rehearsed: dict[str, dict[str, Any]], measure: str
) -> None:
    row = rehearsed[measure]

    assert row["final"] in {"disbursed", "closed", "exited"}
    assert row["states"][-1] == row["final"]
    assert row["events"] >= len(row["states"])
    assert row["days"] > 0


def test_every_measure_is_told_once_in_the_order_of_the_catalogue(
    rehearsed: dict[str, dict[str, Any]], ended: list[str]
) -> None:
    assert list(rehearsed) == MEASURES
    assert sorted(ended) == sorted(MEASURES)


def test_a_row_has_what_the_door_promises(rehearsed: dict[str, dict[str, Any]]) -> None:
    row = rehearsed["QD26-7a"]

    assert list(row) == ["id", "family", "states", "final", "events", "reminders", "days"]
    assert row["family"] == "vouchers"


def test_a_voucher_passes_the_audit_and_the_publicity(
    rehearsed: dict[str, dict[str, Any]],
) -> None:
    states = rehearsed["QD26-7a"]["states"]

    assert states[:3] == ["draft", "submitted", "district_review"]
    assert states.index("third_party_audit") < states.index("publicity")
    assert states.index("publicity") < states.index("disbursing")


def test_the_years_of_a_platform_and_the_periods_of_interest_are_played_to_their_end(
    rehearsed: dict[str, dict[str, Any]],
) -> None:
    platform, interest = rehearsed["QD26-4"], rehearsed["QD26-10a"]

    assert platform["days"] > 3 * 365
    assert interest["days"] > 3 * 365
    assert platform["events"] > 2 * len(platform["states"])
    assert interest["events"] > 2 * len(interest["states"])


def test_whoever_has_months_is_reminded_before_acting(
    rehearsed: dict[str, dict[str, Any]],
) -> None:
    assert rehearsed["QD26-9a"]["reminders"] >= 4
    assert rehearsed["QD26-1a"]["reminders"] >= 2


def test_nothing_of_a_rehearsal_is_left(
    server: Server, rehearsed: dict[str, dict[str, Any]]
) -> None:
    assert rehearsed
    assert not _scratch_databases(server)


def test_nothing_is_left_after_an_interruption_either(
    server: Server, house_settings: Settings, founded_template: str
) -> None:
    seen: list[Path] = []

    def interrupted() -> None:
        with scratch_house(house_settings, ROOT, at=BEGINS_AT, template=founded_template) as house:
            assert _scratch_databases(server)
            seen.append(house.files)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert not _scratch_databases(server)
    assert not seen[0].exists()


def test_an_unknown_measure_is_refused(house_settings: Settings, founded_template: str) -> None:
    with pytest.raises(NotFound, match="QD26-99"):
        rehearse(house_settings, ["QD26-99"], template=founded_template)


def test_a_case_that_cannot_go_on_says_where_and_what_is_possible(
    house_settings: Settings, founded_template: str
) -> None:
    with scratch_house(house_settings, ROOT, at=BEGINS_AT, template=founded_template) as house:
        _end_seats(house.database, role="bureau_leader")

        with pytest.raises(RehearsalStuck) as caught:
            rehearse_in(house, ["QD26-2b"], progress=lambda _: None)

    error = caught.value
    assert error.details["state"] == "leadership_meeting"
    assert "agree_plan" in error.details["possible"]
    assert "QD26-2b-2026-000001" in error.message
    assert "无人可办" in error.message


@pytest.mark.soak
def test_a_measure_added_as_a_file_to_a_draft_rehearses_as_if_it_had_been_issued(
    house_settings: Settings, small_root: Path
) -> None:
    folder = small_root / "policies" / "qidong-2026"
    words = (folder / "QD26-2b.yaml").read_text(encoding="utf-8")
    (folder / "QD26-2c.yaml").write_text(words.replace("QD26-2b", "QD26-2c"), encoding="utf-8")
    path = folder / "policy.yaml"
    words = path.read_text(encoding="utf-8")
    assert "status: in_force" in words
    path.write_text(
        words.replace("status: in_force", "status: consultation_draft"), encoding="utf-8"
    )

    rows = rehearse(house_settings, ["QD26-2c"], root=small_root)

    assert [(row["id"], row["final"]) for row in rows] == [("QD26-2c", "disbursed")]


def test_a_draft_without_dates_gets_them_in_a_rehearsal() -> None:
    files = read_policies(ROOT)[0]
    draft = dataclasses.replace(
        files.policy,
        status="consultation_draft",
        issued_on=None,
        effective_from=None,
        effective_to=None,
    )

    policy = as_if_in_force(dataclasses.replace(files, policy=draft), date(2026, 9, 1)).policy

    assert (policy.status, policy.issued_on) == ("in_force", date(2026, 9, 1))
    assert policy.effective_from == date(2026, 9, 1)
    assert policy.effective_to == date(2028, 8, 31)


@pytest.fixture(scope="module")
def on_stage(house_settings: Settings, founded_template: str) -> Iterator[tuple[Troupe, int]]:
    """A troupe with one case of QD26-2b in its first state."""
    with scratch_house(house_settings, ROOT, at=BEGINS_AT, template=founded_template) as house:
        troupe = Troupe(house)
        (booked,) = book_measures(house, ["QD26-2b"], at=troupe.now)
        yield troupe, troupe.join(open_booked(troupe.player, booked, troupe.now).case)


def test_an_event_that_the_state_does_not_have_is_told(on_stage: tuple[Troupe, int]) -> None:
    troupe, case_id = on_stage

    with pytest.raises(RehearsalStuck, match="'fly' 在此环节不存在"):
        troupe.take(case_id, "fly")


def test_a_refused_act_is_told_with_its_refusal(on_stage: tuple[Troupe, int]) -> None:
    troupe, case_id = on_stage
    main = troupe.player.next_step(troupe.standing(case_id))
    assert main is not None

    with pytest.raises(RehearsalStuck, match="不收此项"):
        troupe.take(case_id, main.event, given={"bogus": 1})


def test_a_case_that_may_not_be_listed_is_told(on_stage: tuple[Troupe, int]) -> None:
    troupe, case_id = on_stage

    with pytest.raises(RehearsalStuck, match="不能列入公示"):
        troupe.publicise([troupe.standing(case_id)], working_days=5)


def test_a_case_of_another_troupe_is_refused(on_stage: tuple[Troupe, int]) -> None:
    troupe, _ = on_stage

    with pytest.raises(RehearsalStuck, match="不在演练之列"):
        troupe.standing(0)


def test_a_case_that_does_not_exist_cannot_join(on_stage: tuple[Troupe, int]) -> None:
    troupe, _ = on_stage

    with pytest.raises(NotFound):
        troupe.join("nobody")


@pytest.mark.parametrize("kind", ["enterprise", "institution", "association"])
@pytest.mark.parametrize("number", [0, 1, 26, 999_999])
def test_made_up_credit_codes_have_the_right_check_digit(kind: str, number: int) -> None:
    code = synthetic_uscc(number, kind=kind)

    assert check_uscc(code) == code


@pytest.mark.parametrize("number", [0, 1, 999])
def test_made_up_identity_numbers_have_the_right_check_digit(number: int) -> None:
    identity = synthetic_identity(number)

    assert check_identity(identity.type, identity.number) == identity


def test_made_up_identifiers_differ() -> None:
    assert len({synthetic_uscc(n, kind="enterprise") for n in range(500)}) == 500


@pytest.mark.parametrize(("ceiling", "expected"), [(None, 700), (701, 700), (700, 700), (699, 699)])
def test_an_amount_is_no_more_than_the_one_before_it_nor_the_ceiling(
    ceiling: int | None, expected: int
) -> None:
    facts = {"applied_fen": 900, "verified_fen": 700}

    assert amount(_workflow(), "planned_fen", facts, ceiling) == expected


def test_the_first_amount_is_the_sample_of_the_definition() -> None:
    assert amount(_workflow(), "applied_fen", {}, None) == 500


@pytest.mark.parametrize(("paid", "state", "expected"), [(0, "first", 50), (50, "second", 51)])
def test_the_last_of_several_payments_takes_the_rest(paid: int, state: str, expected: int) -> None:
    workflow = _workflow()
    facts = {"approved_fen": 101, "paid_fen": paid}

    payload = payload_for(workflow, workflow.steps[state, "release"], facts, None)

    assert payload["instalment_fen"] == expected


def _workflow() -> Workflow:
    """Two payments in a row."""
    codes = ("first", "second")
    return Workflow(
        name="X-1",
        title="",
        family="x",
        opened_by=("applicant",),
        initial="first",
        states={code: State(code, "", "payment", "payment") for code in codes},
        steps={
            (code, "release"): Step(
                "release",
                code,
                "",
                branches=(),
                by=("finance.division",),
                accepts=("instalment_fen",),
                effects=("open_payment",),
            )
            for code in codes
        },
        clocks={},
        facts={"applied_fen": Fact("applied_fen", "fen", "", sample=500)},
    )


def _scratch_databases(server: Server) -> list[str]:
    url = server.url("postgres").replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
            (f"{PREFIX}{os.getpid()}_",),
        ).fetchall()
    return [row[0] for row in rows]


def _end_seats(database: Database, *, role: str) -> None:
    with database.session() as session:
        session.execute(
            update(Assignment).where(Assignment.role == role).values(valid_to=BEGINS_AT)
        )
