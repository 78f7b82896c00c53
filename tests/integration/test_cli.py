"""The command line on files alone: what it prints, and how it says that it cannot."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from caseflow.cli import main
from caseflow.cli.output import DEFAULT_LIMIT
from caseflow.cli.payload import given_payload
from caseflow.cli.program import COMMANDS
from caseflow.cli.serving import tokens_told
from caseflow.settings import read_settings
from tests.conftest import EVERYTHING
from tests.factories.commands import Result
from tests.factories.drafts import QIDONG
from tests.factories.in_flight import data_folder

NOWHERE = "postgresql+psycopg://nobody:secret@127.0.0.1:1/nothing"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run a command in a house of its own whose database does not answer."""
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", NOWHERE)

    def run(*arguments: str) -> Result:
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def is_one_line(text):
    return text.endswith("\n") and text.count("\n") == 1 and "Traceback" not in text


# Policies and measures


def test_policies_are_listed_as_the_issue_says_without_a_database(run):
    listed = run("policies", "list", "--json")

    policy = next(each for each in listed.json if each["policy"] == "qidong-2026")
    assert listed.code == 0
    assert set(policy) == {
        "policy", "title", "doc_no", "status", "effective_from", "effective_to", "measures",
    }  # fmt: skip
    assert policy["doc_no"] == "启政办规〔2026〕1号"
    assert (policy["effective_from"], policy["effective_to"]) == ("2026-05-14", "2028-05-13")
    assert len(policy["measures"]) == 25


def test_a_listed_measure_has_the_shape_of_the_issue(run):
    listed = run("policies", "list", "--json").json

    measures = {each["id"]: each for policy in listed for each in policy["measures"]}
    voucher = measures["QD26-7a"]
    assert set(voucher) == {
        "id", "article", "title", "family", "clause", "amounts_yuan", "rates_pct", "bureaus",
        "open_questions",
    }  # fmt: skip
    assert (voucher["article"], voucher["family"]) == (7, "vouchers")
    assert (voucher["amounts_yuan"], voucher["rates_pct"]) == ([2_000_000], ["50"])
    assert voucher["bureaus"] == ["市数据局"]
    assert measures["QD26-8f"]["amounts_yuan"] == [2_000_000, 1_000_000, 500_000]


@pytest.mark.parametrize(("day", "status"), [("2028-05-13", "in_force"), ("2028-05-14", "expired")])
def test_the_last_day_of_a_policy_still_counts(run, day, status):
    listed = run("policies", "list", "--on", day, "--json").json

    assert {each["status"] for each in listed if each["policy"] == "qidong-2026"} == {status}


def test_policies_are_filtered_by_their_state(run):
    assert run("policies", "list", "--status", "repealed", "--json").json == []


def test_a_table_is_for_people(run):
    shown = run("policies", "list")

    assert shown.code == 0
    assert "启政办规〔2026〕1号" in shown.out


def test_a_policy_is_shown_with_its_scope_and_articles(run):
    shown = run("policies", "show", "qidong-2026", "--json").json

    assert shown["issuer"] == "启东市人民政府办公室"
    assert set(shown["articles"]) == {str(number) for number in range(1, 11)}
    assert run("policies", "show", "qidong-2026").code == 0


def test_measures_are_sorted_filtered_and_paged(run):
    def asked(*options):
        listed = run("measures", "list", "--policy", "qidong-2026", *options, "--json")
        return [each["id"] for each in listed.json]

    everything = asked()
    first = asked("--limit", "20")
    rest = asked("--after", first[-1])

    assert len(everything) == 25
    assert first + rest == everything
    assert asked("--article", "8") == [f"QD26-8{letter}" for letter in "abcdef"]
    assert asked("--bureau", "市数据局", "--family", "vouchers") == ["QD26-7a", "QD26-8b"]
    assert asked("--descending") == everything[::-1]
    assert asked("--sort", "family")[0] == "QD26-6"


def test_a_page_that_is_not_the_last_says_how_to_go_on_beside_the_result(run):
    listed = run("measures", "list", "--limit", "2", "--json")

    assert [each["id"] for each in listed.json] == ["QD26-1a", "QD26-1b"]
    assert "--after QD26-1b" in listed.err


def test_the_row_to_go_on_from_must_be_in_the_list(run):
    refused = run("measures", "list", "--after", "QD26-99z", "--json")

    assert refused.code == 1
    assert refused.json["type"] == "/problems/invalid-input"
    assert "QD26-99z" in refused.json["detail"]


@pytest.mark.parametrize("limit", [1, DEFAULT_LIMIT])
def test_a_limit_is_at_least_one(run, limit):
    assert run("measures", "list", "--limit", str(limit)).code == 0
    assert run("measures", "list", "--limit", str(limit - limit)).code == 2


def test_a_measure_is_shown_with_all_that_its_file_says(run):
    shown = run("measures", "show", "QD26-7a", "--json").json

    assert (shown["policy"], shown["selective"]) == ("qidong-2026", True)
    assert [each["kind"] for each in shown["documents"]][:2] == ["application", "licence"]
    assert "算力服务合同" in run("measures", "show", "QD26-7a").out


# Definitions


def test_the_files_have_no_fault(run):
    linted = run("policies", "lint", "--json")

    assert (linted.code, linted.json) == (0, {"ok": True, "problems": []})


def test_a_fault_is_told_with_its_file_and_line(run, tmp_path, monkeypatch):
    data = data_folder(tmp_path / "data")
    shutil.copytree(QIDONG, data / "policies" / QIDONG.name, dirs_exist_ok=True)
    broken = data / "policies/qidong-2026/QD26-7a.yaml"
    text = broken.read_text(encoding="utf-8")
    broken.write_text(text.replace("yuan: 2000000", "yuan: 2000001"), encoding="utf-8")
    monkeypatch.setenv("CASEFLOW_DATA", str(data))
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "yuan: 2000000" in each)

    linted = run("policies", "lint", "qidong-2026")
    as_json = run("policies", "lint", "--json")

    assert (linted.code, as_json.code) == (1, 1)
    assert f"QD26-7a.yaml:{line}: [" in linted.out
    assert {Path(each["file"]).name for each in as_json.json["problems"]} == {"QD26-7a.yaml"}


def test_every_measure_compiles_to_a_sound_workflow(run):
    checked = run("workflows", "check", "--json")

    names = {each["workflow"] for each in checked.json["workflows"]}
    assert checked.code == 0
    assert len({each["measure"] for each in checked.json["workflows"]}) == 25
    assert {"QD26-4/year", "QD26-10a/period"} <= names
    assert all(each["states"] > 1 and each["steps"] > 1 for each in checked.json["workflows"])


@pytest.mark.soak
def test_a_broken_stage_is_told_for_every_measure_that_uses_it(run, tmp_path, monkeypatch):
    data = data_folder(tmp_path / "data")
    stage = data / "workflows/stages/intake.yaml"
    text = stage.read_text(encoding="utf-8")
    stage.write_text(text.replace("guards: [first_correction]", "guards: [os.system]"))
    monkeypatch.setenv("CASEFLOW_DATA", str(data))

    checked = run("workflows", "check", "QD26-7a", "--json")

    assert checked.code == 1
    assert {each["rule"] for each in checked.json["problems"]} == {"unknown-guard"}
    assert all(each["file"].endswith("intake.yaml") for each in checked.json["problems"])


def test_a_workflow_is_drawn_with_chinese_labels(run, tmp_path):
    target = tmp_path / "drawn.svg"

    mermaid = run("workflows", "draw", "QD26-7a", "--format", "mermaid")
    svg = run("workflows", "draw", "QD26-7a", "-o", str(target))

    assert "flowchart TD" in mermaid.out
    assert "公示" in mermaid.out
    assert svg.out == ""
    assert "公示" in target.read_text(encoding="utf-8")


def test_a_child_workflow_is_drawn_by_its_kind(run):
    drawn = run("workflows", "draw", "QD26-4", "--child", "year", "--format", "mermaid")
    refused = run("workflows", "draw", "QD26-4", "--child", "month")

    assert drawn.code == 0
    assert refused.code == 1
    assert "known: year" in refused.err


# Saying no


@pytest.mark.parametrize(
    "command",
    [
        ("calls", "list"),
        ("policies", "load"),
        ("db", "current"),
        ("db", "upgrade"),
        ("history", "verify"),
        ("cases", "list", "--as", "shujuju.handler"),
        ("serve",),
    ],
)
def test_no_database_is_one_clear_line_and_a_failure(run, command):
    refused = run(*command)

    assert (refused.code, refused.out) == (1, "")
    assert is_one_line(refused.err)
    assert "database" in refused.err
    assert "secret" not in refused.err


def test_no_database_is_a_problem_document_for_programs(run):
    refused = run("calls", "list", "--json")

    assert refused.code == 1
    assert refused.json["type"] == "/problems/unavailable"
    assert "database" in refused.json["detail"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CASEFLOW_PORT", "eighty"),
        ("CASEFLOW_MAC_KEY", "not hexadecimal"),
        ("CASEFLOW_DATABASE_URL", "mysql://root@localhost/caseflow"),
        ("CASEFLOW_DATABASE_URL", "no url"),
        ("CASEFLOW_DATA", "/nowhere"),
    ],
)
def test_bad_settings_are_one_clear_line_and_a_failure(run, monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    refused = run("calls", "list")

    assert refused.code == 1
    assert is_one_line(refused.err)
    assert name in refused.err


@pytest.mark.parametrize(
    "command",
    [
        ("policy",),
        ("policies", "lst"),
        ("policies", "list", "--sort", "colour"),
        ("policies", "list", "--on", "tomorrow"),
        ("measures", "rehearse"),
        ("measures", "rehearse", "QD26-7a", "--all"),
        ("measures", "list", "--article", "seven"),
        ("cases", "list"),
        ("cases", "act", "X", "accept", "--as", "a", "--payload", "[1]"),
        ("cases", "act", "X", "accept", "--as", "a", "--payload", "{"),
        ("cases", "act", "X", "accept", "--as", "a", "--payload", "@/nowhere"),
        ("cases", "act", "X", "accept", "--as", "a", "--set", "note"),
        ("publicities", "open", "X", "--title", "公示", "--working-days", "31", "--as", "a"),
    ],
)
def test_a_command_called_wrongly_is_refused_with_two(run, command):
    refused = run(*command)
    as_json = run(*command, "--json")

    assert (refused.code, refused.out) == (2, "")
    assert "--help" in refused.err
    assert is_one_line(refused.err)
    assert as_json.code == 2
    assert set(as_json.json) >= {"type", "title", "detail"}


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("policies", "show", "atlantis-2026"), "atlantis-2026"),
        (("policies", "lint", "atlantis-2026"), "atlantis-2026"),
        (("measures", "show", "QD26-99"), "QD26-99"),
        (("measures", "rehearse", "QD26-99"), "QD26-99"),
        (("workflows", "check", "QD26-99"), "QD26-99"),
        (("workflows", "draw", "QD26-99"), "QD26-99"),
    ],
)
def test_what_does_not_exist_is_named(run, command, name):
    refused = run(*command)

    assert refused.code == 1
    assert name in refused.err
    assert is_one_line(refused.err)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself_with_an_example(run, command):
    told = run(command, "--help")

    assert told.code == 0
    assert "Example: caseflow" in told.out


def test_the_program_itself_lists_every_command(run):
    told = run("--help").out

    assert all(f"\n  {command} " in told for command in COMMANDS)


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("options", [(), pytest.param(("--json",), marks=pytest.mark.soak)])
def test_a_full_disk_is_one_clear_line_and_a_failure(tmp_path, options):
    environment = {"CASEFLOW_HOME": str(tmp_path), "PYTHONPATH": str(EVERYTHING), "PATH": ""}

    with FULL.open("wb") as disk:
        done = subprocess.run(
            [sys.executable, "-m", "caseflow", "policies", "list", *options],
            stdout=disk, stderr=subprocess.PIPE, check=False, env=environment, text=True,
        )  # fmt: skip

    assert done.returncode == 1
    assert is_one_line(done.stderr)
    assert "No space left" in done.stderr


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a disk that is always full")
def test_a_drawing_that_cannot_be_written_is_a_failure(run):
    refused = run("workflows", "draw", "QD26-7a", "-o", str(FULL))

    assert refused.code == 1
    assert is_one_line(refused.err)


@pytest.mark.soak  # that a program starts and fails as one, the full disk shows
def test_the_installed_module_runs_as_a_program(tmp_path):
    environment = {"CASEFLOW_HOME": str(tmp_path), "PYTHONPATH": str(EVERYTHING), "PATH": ""}

    done = subprocess.run(
        [sys.executable, "-m", "caseflow", "measures", "show", "QD26-99", "--json"],
        capture_output=True, check=False, env=environment, text=True,
    )  # fmt: skip

    assert done.returncode == 1
    assert json.loads(done.stdout)["type"] == "/problems/not-found"
    assert done.stderr == ""


def test_who_may_name_themselves_is_said_at_the_start(tmp_path):
    at_home = read_settings({"CASEFLOW_HOME": str(tmp_path)})
    abroad = read_settings({"CASEFLOW_HOME": str(tmp_path), "CASEFLOW_HOST": "0.0.0.0"})

    assert "accepted, only because the server is bound to loopback" in tokens_told(at_home)
    assert "refused" in tokens_told(abroad)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10000000", 10_000_000),
        ("true", True),
        ('["补充用量日志"]', ["补充用量日志"]),
        ("同意", "同意"),
        ("1.5", "1.5"),
        ("", ""),
        ("a=b", "a=b"),
    ],
)
def test_a_value_of_a_payload_is_json_where_it_reads_as_json_but_never_a_float(text, value):
    assert given_payload('{"x": 1}', [f"x={text}"]) == {"x": value}
