"""The workflow of a measure: which definition runs it, and what equal measures share."""

import shutil
from dataclasses import replace

import pytest

from caseflow.catalogue import compiling
from caseflow.catalogue.compiling import compile_measure, compile_policy, process_of
from caseflow.catalogue.loading import read_policy
from caseflow.kernel.errors import DefinitionError
from caseflow.kernel.workflow.compiler import compile_workflows
from caseflow.kernel.workflow.source import Library
from tests.conftest import EVERYTHING
from tests.definitions.families import (
    compiled_measure,
    compiled_policies,
    library,
    measures,
    policies,
)

QIDONG = EVERYTHING / "policies" / "qidong-2026"
FAMILY = "family: vouchers"


@pytest.fixture
def folder(tmp_path):
    """A policy with nothing but its computing vouchers."""
    folder = tmp_path / "qidong-2026"
    folder.mkdir()
    for name in ("policy.yaml", "text.txt", "QD26-7a.yaml"):
        shutil.copy(QIDONG / name, folder / name)
    return folder


@pytest.fixture
def fresh():
    """The same library as another object: nothing has been compiled from it."""
    return Library(library().stages, library().families, library().ends)


@pytest.fixture
def counted(monkeypatch):
    """The measures that were really compiled."""
    compiled = []

    def compile_and_count(process, with_library, spec):
        compiled.append(spec.id)
        return compile_workflows(process, with_library, spec)

    monkeypatch.setattr(compiling, "compile_workflows", compile_and_count)
    return compiled


def refused(folder, old, new):
    """Change the measure's file and return what is found: rule, file, line, message."""
    path = folder / "QD26-7a.yaml"
    words = path.read_text(encoding="utf-8")
    assert words.count(old) == 1
    path.write_text(words.replace(old, new), encoding="utf-8")
    with pytest.raises(DefinitionError) as told:
        compile_policy(read_policy(folder), library())
    (problem,) = told.value.problems
    assert problem.file == str(path)
    return problem, path.read_text(encoding="utf-8").split("\n")[problem.line - 1]


# --- which definition runs a measure


@pytest.mark.parametrize(
    "process", ["lotteries", "recommendations", "vouchers", "platform_year", "redemption"]
)
def test_a_process_that_the_family_does_not_have_is_refused(folder, process):
    choice = f"workflow:\n  process: {process}"

    problem, line = refused(folder, FAMILY, f"{FAMILY}\n{choice}")

    assert (problem.rule, line) == ("unknown-process", f"  process: {process}")
    assert f"vouchers has no other process {process}" in problem.message
    assert "instant_vouchers, issued_vouchers" in problem.message


def test_a_family_without_another_process_says_so(folder):
    problem, line = refused(folder, FAMILY, "family: events\nworkflow: {process: issued_vouchers}")

    assert (problem.rule, line) == ("unknown-process", "workflow: {process: issued_vouchers}")
    assert problem.message == "events has no other process issued_vouchers; it has: none"


def test_child_cases_are_no_process_of_a_measure(folder):
    problem, _ = refused(folder, FAMILY, f"{FAMILY}\nworkflow: {{process: voucher_redemption}}")

    assert problem.rule == "unknown-process"


@pytest.mark.parametrize(
    "family", ["lotteries", "issued_vouchers", "platform_year", "voucher_redemption", "ends"]
)
def test_what_is_no_family_is_refused_with_the_families_there_are(folder, family):
    problem, line = refused(folder, FAMILY, f"family: {family}")

    assert (problem.rule, line) == ("unknown-family", f"family: {family}")
    known = problem.message.partition("known: ")[2].split(", ")
    assert len(known) == 14
    assert {"allocations", "vouchers"} <= set(known)
    assert not {"issued_vouchers", "platform_year", "voucher_redemption"} & set(known)


@pytest.mark.no_cover
def test_a_measure_is_run_by_its_familys_definition_or_the_process_it_names():
    nantong = policies()["nantong-2026"]

    def runs(id_):
        return process_of(nantong, nantong.measure(id_), library()).data["family"]

    assert (runs("NT26-4a"), runs("NT26-3b")) == ("vouchers", "issued_vouchers")
    assert compiled_measure("NT26-3b")["NT26-3b"].family == "vouchers"


# --- what equal measures share


@pytest.mark.no_cover
def test_equal_measures_are_compiled_once_for_a_library(fresh, counted):
    wuxi = policies()["wuxi-2025"]
    wuxi = replace(wuxi, measures=wuxi.measures[:9])

    first = compile_policy(wuxi, fresh)
    once = list(counted)
    again = compile_policy(wuxi, fresh)

    assert len(first) == 9
    assert 1 < len(once) < 7
    assert counted == once
    assert again == first


@pytest.mark.soak
def test_another_library_compiles_anew(fresh, counted):
    yancheng = policies()["yancheng-ai-plus"]
    measure = yancheng.measure("YC-9")
    compile_policy(yancheng, library())
    counted.clear()

    compile_measure(yancheng, measure, library())
    assert counted == []
    compile_measure(yancheng, measure, fresh)
    assert counted == ["YC-9"]


def test_equal_measures_have_their_own_names_titles_hashes_and_children():
    one, two = compiled_measure("NT26-3b"), compiled_measure("NT26-3c")

    assert set(one) == {"NT26-3b", "NT26-3b/recovery", "NT26-3b/redemption"}
    assert set(two) == {"NT26-3c", "NT26-3c/recovery", "NT26-3c/redemption"}
    for kind in ("", "/redemption", "/recovery"):
        left, right = one[f"NT26-3b{kind}"], two[f"NT26-3c{kind}"]
        assert (left.name, right.name) == (f"NT26-3b{kind}", f"NT26-3c{kind}")
        assert left.title.startswith("OPC社区算力券")
        assert right.title.startswith("OPC社区语料券")
        assert left.hash != right.hash
        assert left.steps is right.steps
    assert dict(two["NT26-3c"].children) == {"redemption": "NT26-3c/redemption"}


@pytest.mark.soak
def test_no_two_workflows_of_all_policies_share_a_hash():
    flows = [flow for each in compiled_policies().values() for flow in each.values()]

    assert len({flow.hash for flow in flows}) == len(flows)


def test_no_two_workflows_of_all_policies_share_a_name():
    flows = [flow for each in compiled_policies().values() for flow in each.values()]

    assert len({flow.name for flow in flows}) == len(flows)
    assert [name for each in compiled_policies().values() for name in each] == [
        flow.name for flow in flows
    ]


@pytest.mark.no_cover
@pytest.mark.parametrize(
    "id_",
    [
        "NT26-3c",
        "QD26-8f",
        *(
            pytest.param(id_, marks=pytest.mark.soak)
            for id_ in ("WX-3c", "WX-12a", "YC-3", "YC-8e")
        ),
    ],
)
def test_what_is_shared_is_what_the_measure_would_be_alone(id_):
    files = next(each for each in policies().values() if id_.startswith(each.policy.prefix))
    measure = files.measure(id_)
    process = process_of(files, measure, library())

    assert compiled_measure(id_) == compile_workflows(process, library(), files.spec(measure))


def test_measures_that_differ_in_one_word_on_their_workflow_share_nothing(fresh, counted):
    files = policies()["nantong-2026"]
    measure = files.measure("NT26-3b")
    longer = replace(measure.workflow, parameters={"voucher_months": 24})
    unflagged = replace(measure, selective=False)

    clocks = [
        compile_measure(files, each, fresh)["NT26-3b"].clocks["voucher"].limit
        for each in (measure, replace(measure, workflow=longer), unflagged, measure)
    ]

    assert clocks == [12, 24, 12, 12]
    assert len(counted) == 3


def test_a_fault_is_told_of_every_measure_that_has_it_in_its_own_file(tmp_path):
    folder = shutil.copytree(QIDONG, tmp_path / "qidong-2026")
    for path in folder.glob("QD26-*.yaml"):
        if path.stem not in {"QD26-5c", "QD26-7a"}:
            path.unlink()
            continue
        words = path.read_text(encoding="utf-8")
        path.write_text(words.replace(FAMILY, f"{FAMILY}\nworkflow: {{without: [dancing]}}"))

    with pytest.raises(DefinitionError) as told:
        compile_policy(read_policy(folder), library())

    assert [(p.file.rsplit("/", 1)[-1], p.rule) for p in told.value.problems] == [
        ("QD26-5c.yaml", "unknown-stage"),
        ("QD26-7a.yaml", "unknown-stage"),
    ]


def test_a_measure_of_another_title_has_another_workflow_of_the_same_name(folder, fresh):
    before = compile_policy(read_policy(folder), fresh)["QD26-7a"]["QD26-7a"]
    path = folder / "QD26-7a.yaml"
    words = path.read_text(encoding="utf-8")
    path.write_text(words.replace("\ntitle: 算力券\n", "\ntitle: 智能算力券\n"), encoding="utf-8")

    after = compile_policy(read_policy(folder), fresh)["QD26-7a"]["QD26-7a"]

    assert (before.name, before.title) == ("QD26-7a", "算力券")
    assert (after.name, after.title) == ("QD26-7a", "智能算力券")
    assert before.hash != after.hash


def test_who_is_judged_blind_may_hand_in_a_file_without_names():
    asked = {each.id: {paper.kind for paper in each.documents} for each in measures()}
    judged = [
        measure
        for measure, workflows in compiled_policies().items()
        if any("expert_review" in workflow.states for workflow in workflows.values())
    ]

    assert len(judged) >= 48
    assert [name for name in judged if "blind_file" not in asked[name]] == []
