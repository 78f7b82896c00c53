"""或签、票签、顺签 and counted silence, on a city whose stages say so; last voters at once."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from caseflow.batches.founding import load_everything
from caseflow.cases.assembly import signer_of
from caseflow.database.access import Database
from caseflow.database.ids import PublicIds
from caseflow.kernel.errors import CaseflowError, NotAllowed
from caseflow.rehearsal.treasury import fund
from tests.conftest import (
    FOUNDED_AT,
    ROOT,
    make_template,
    open_as_program,
    settings_of_templates,
)
from tests.integration.kept_database import keep
from tests.integration.walking import Town, found_town, together, visit

pytestmark = [pytest.mark.no_cover, pytest.mark.soak]

VOTED, ORDERED, FIRST_COMES = "QD26-7a", "QD26-1a", "QD26-9a"
CREDIT, MARKET, TAX = SEATS = ("cosign.credit", "cosign.market", "cosign.tax")


def changed_root() -> Path:
    """Return a data root in which joint checks decide otherwise, one family each."""
    root = Path(tempfile.mkdtemp(prefix="caseflow-deciding-"))
    shutil.copytree(ROOT, root, dirs_exist_ok=True)
    for path in (root / "policies" / "qidong-2026").glob("QD26-*.yaml"):
        if path.stem not in (VOTED, ORDERED, FIRST_COMES):
            path.unlink()
    stages = root / "workflows" / "stages"
    by_vote(stages / "joint_check.yaml", "votes\n    votes: {of: 3, needed: 2}")
    three_seats(root / "workflows" / "scenarios.yaml")
    by_vote(stages / "background.yaml", "any")
    project = stages / "project_joint_check.yaml"
    text = project.read_text(encoding="utf-8")
    text = text.replace("decide: all", "decide: in_order\n    silence: $consent")
    more = "  consent: {unit: text, default: none, source: 测试}\nstates:"
    project.write_text(text.replace("states:", more, 1), encoding="utf-8")
    measure = root / "policies" / "qidong-2026" / f"{ORDERED}.yaml"
    text = measure.read_text(encoding="utf-8")
    said = "parameters: {consent: {value: consent, source: 测试条款：逾期视为同意}}"
    old = "workflow: {" if "workflow: {" in text else "workflow:\n"
    new = f"workflow: {{{said}, " if old.endswith("{") else f"workflow:\n  {said}\n"
    assert old in text
    measure.write_text(text.replace(old, new, 1), encoding="utf-8")
    return root


def three_seats(family: Path) -> None:
    """Let the family ask the stage's own three seats, of which two carry."""
    lines = family.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("    seats: {cosign.market:")]
    assert len(kept) == len(lines) - 1
    family.write_text("".join(kept), encoding="utf-8")


def by_vote(stage: Path, how: str) -> None:
    text = stage.read_text(encoding="utf-8").replace("decide: all", f"decide: {how}")
    text = text.replace("all_seats_answered", "vote_decided")
    text = text.replace("vetoes: {at_most: 0}", "vote: {equals: passed}")
    stage.write_text(text.replace("vetoes: {at_least: 1}", "vote: {equals: failed}"))


@pytest.fixture(scope="session")
def deciding_template(server, empty_template) -> str:
    def found(name: str) -> None:
        root = changed_root()
        signer = signer_of(settings_of_templates(tempfile.gettempdir()))
        ids = PublicIds(random.Random(9))
        database = open_as_program(server, name)
        with database.session() as session:
            load_everything(session, root, at=FOUNDED_AT, signer=signer, ids=ids)
            fund(session, at=FOUNDED_AT, signer=signer, ids=ids)
        database.close()
        shutil.rmtree(root)

    return make_template(server, "template_deciding", empty_template, found)


@pytest.fixture(scope="module")
def kept(server, deciding_template) -> Iterator[Database]:
    yield from keep(server, deciding_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory) -> Town:
    folder = tmp_path_factory.mktemp("town")
    return found_town(kept, folder, measures=(VOTED, ORDERED, FIRST_COMES))


@pytest.fixture
def town(founded) -> Iterator[Town]:
    yield from visit(founded)


def answer(town: Town, case: str, seat: str, verdict: str = "pass"):
    return town.ask(case, "answer_seat", seat, verdict=verdict, note="已比对")


def test_two_of_three_votes_carry_and_the_third_need_not_answer(town: Town):
    case = town.reached("joint_check", VOTED)

    answer(town, case, CREDIT, "veto")
    answer(town, case, MARKET)
    outcome = answer(town, case, TAX)

    assert outcome.events == ("answer_seat", "conclude_joint_check")
    assert town.state(case) == "proposed"


def test_two_noes_of_three_fail_before_the_last_has_answered(town: Town):
    case = town.reached("joint_check", VOTED)

    answer(town, case, CREDIT, "veto")
    answer(town, case, MARKET, "veto")

    assert town.state(case) == "joint_check_vetoed"
    assert TAX not in town.seats(case)


@pytest.mark.soak
@pytest.mark.parametrize("rounds", [4, pytest.param(30, marks=pytest.mark.soak)])
def test_simultaneous_voters_leave_nobody_stuck_and_advance_nobody_twice(town: Town, rounds: int):
    cases = [town.reached("joint_check", VOTED) for _ in range(rounds)]

    for case in cases:
        together(*[lambda c=case, s=seat: answer(town, c, s) for seat in SEATS])

    assert {town.state(case) for case in cases} == {"proposed"}
    assert {town.events(case).count("conclude_joint_check") for case in cases} == {1}


def test_of_seats_of_which_any_one_is_enough_the_first_decides(town: Town):
    case = town.reached("background_check", FIRST_COMES)
    waiting = town.seats(case)

    outcome = answer(town, case, waiting[-1])

    assert len(waiting) == 4
    assert outcome.events == ("answer_seat", "conclude_background")
    assert town.state(case) != "background_check"


def test_seats_in_order_answer_one_after_the_other_each_with_its_time(town: Town):
    case = town.reached("project_joint_check", ORDERED)
    first = town.seats(case)

    with pytest.raises(NotAllowed, match="先答复"):
        answer(town, case, MARKET)
    answer(town, case, CREDIT)

    assert (first, town.seats(case)) == ([CREDIT], [MARKET])
    assert town.clock(case, f"cosign@{CREDIT}")[0] == "ended"
    assert town.clock(case, f"cosign@{MARKET}")[0] == "running"


def test_silence_that_a_clause_counts_is_consent_and_is_recorded_as_such(town: Town):
    case = town.reached("project_joint_check", ORDERED)
    answer(town, case, CREDIT, "flag")

    for _ in range(8):
        if town.state(case) == "project_joint_check":
            town.sweep(town.now + timedelta(days=12))

    rows = town.sql(
        "SELECT t.seat, t.status, t.verdict, e.payload->>'seat' FROM task t"
        ' JOIN "case" c ON c.id = t.case_id'
        " LEFT JOIN event e ON e.stream = t.case_id AND e.seq = t.closed_seq"
        " WHERE c.public_id = %s AND t.state = 'project_joint_check' ORDER BY t.id",
        case,
    )
    assert town.state(case) == "expert_panel"
    assert rows[0][:3] == (CREDIT, "done", "flag")
    assert all((s, v) == ("silent", "pass") and seat == of for seat, s, v, of in rows[1:])
    assert len(rows) == 6


def test_who_answers_as_their_time_runs_out_is_counted_once(town: Town):
    case = town.reached("project_joint_check", ORDERED)
    due = town.clock(case, f"cosign@{CREDIT}")[2]
    late = town.now + (due - town.now.date()) + timedelta(days=1)

    def speak() -> object:
        return answer(town, case, CREDIT)

    results = together(speak, lambda: town.sweep(late))

    assert sum(isinstance(each, CaseflowError) for each in results) <= 1
    answered = town.value(
        'SELECT count(*) FROM task t JOIN "case" c ON c.id = t.case_id'
        " WHERE c.public_id = %s AND t.seat = %s AND t.verdict IS NOT NULL",
        case,
        CREDIT,
    )
    assert answered == 1
