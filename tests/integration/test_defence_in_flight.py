"""A defence whose score somebody typed, in flight when the panel came in: published with a plan."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from caseflow.batches.publications.candidates import read_candidate
from caseflow.batches.publications.plans import read_plans
from caseflow.batches.publications.service import Words, dry_run, publish
from caseflow.database.access import Database
from caseflow.identity.queries import actor_by_login
from caseflow.kernel.errors import Conflict
from tests.factories.drafts import WHOLE, load_into
from tests.factories.in_flight import CODE, FOUNDED_AT, data_folder
from tests.integration.kept_database import keep
from tests.integration.walking import Town, found_town

pytestmark = pytest.mark.soak  # that a plan moves who is stranded is shown by test_case_migrations

MEASURE = "QD26-9a"
TYPED = """stage: defence
title: 答辩路演
source: 惯例
parameters:
  defence_days: {unit: working_days, default: 30, source: 惯例}
  defence_pass_score: {unit: score, default: 60, source: 惯例}
facts:
  defence_score: {type: integer, title: 答辩得分, sample: 88}
states:
  defence:
    title: 答辩路演
    phase: review
    holder: experts
    clock: {name: defence, title: 答辩时限, limit: $defence_days, expiry: defence_overdue}
    stops: [service]
    main: conclude_defence
events:
  conclude_defence:
    title: 提交答辩结论
    from: defence
    branches:
      - {when: {defence_score: {at_least: $defence_pass_score}}, to: $pass}
      - {when: {defence_score: {less_than: $defence_pass_score}}, to: $reject}
    by: experts
    requires: [defence_score, reason, reason_code, remedy]
  defence_overdue: {title: 答辩超期, from: defence, to: $stay, by: system, effects: [escalate]}
exits: [pass, reject]
"""
PLAN = {MEASURE: {"states": {"defence": "defence_panel"}}}
WORDS = Words("答辩改由专家组评分", "启组〔2026〕8号")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A data folder as it is, but for the defence, which is as it was."""
    root = data_folder(tmp_path_factory.mktemp("defence") / "data")
    policy = root / "policies" / CODE
    shutil.rmtree(policy)
    policy.mkdir()
    for name in ("policy.yaml", "text.txt", f"{MEASURE}.yaml"):
        shutil.copy(WHOLE / name, policy)
    stage = root / "workflows" / "stages" / "defence.yaml"
    stage.with_suffix(".new").write_text(stage.read_text(encoding="utf-8"), encoding="utf-8")
    stage.write_text(TYPED, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def kept(server, empty_template) -> Iterator[Database]:
    yield from keep(server, empty_template)


@pytest.fixture(scope="module")
def town(kept, folder, tmp_path_factory) -> Town:
    with kept.session() as session:
        load_into(session, folder, FOUNDED_AT)
    return found_town(kept, tmp_path_factory.mktemp("town"), measures=(MEASURE,))


def session_of(town: Town):
    return town.house.database.session()


def test_a_case_at_a_typed_defence_is_stranded_until_the_plan_sends_it_to_the_draw(town, folder):
    waiting, going = town.open(MEASURE), town.open(MEASURE)
    for case in (waiting, going):
        town.walk(case, "defence")
    stage = folder / "workflows" / "stages" / "defence.yaml"
    stage.write_text(stage.with_suffix(".new").read_text(encoding="utf-8"), encoding="utf-8")
    cases, at = town.house.cases, town.now
    with session_of(town) as session:
        leader = actor_by_login(session, "rencaiban.leader", at)

    with session_of(town) as session:
        bare = dry_run(session, cases, read_candidate(folder, CODE), read_plans({}), at)
    with session_of(town) as session, pytest.raises(Conflict):
        publish(session, cases, read_candidate(folder, CODE), read_plans({}), leader, WORDS, at)
    with session_of(town) as session:
        planned = dry_run(session, cases, read_candidate(folder, CODE), read_plans(PLAN), at)
        publish(session, cases, read_candidate(folder, CODE), read_plans(PLAN), leader, WORDS, at)
    town.act(going, "conclude_defence", defence_score=80)

    assert bare.counts[MEASURE] == {"stays": 0, "moves": 0, "stranded": 2}
    assert all("须先抽取专家组" in str(each) for each in bare.cases)
    assert planned.counts[MEASURE] == {"stays": 0, "moves": 2, "stranded": 0}
    assert town.state(going) == "background_check"
