"""What leaves the house for the tools of others: event logs as XES, nets as PNML, pictures."""

from xml.etree import ElementTree as ET

import pytest

from caseflow.cases.event_log import cases_in_log, event_log
from caseflow.cases.xes import xes
from caseflow.cli import main
from caseflow.rehearsal.rehearse import rehearse
from tests.factories.rehearsal import settings_on
from tests.integration.conftest import shanghai

XES = "{http://www.xes-standard.org/}"


def attributes(element):
    return {each.get("key"): each.get("value") for each in element if each.get("key")}


def events(trace):
    return [attributes(event) for event in trace.findall(f"{XES}event")]


def exported(house, measures=None, **options):
    with house.cases.connect() as connection:
        return ET.fromstring("".join(xes(event_log(connection, measures, **options))))


@pytest.fixture
def accepted(house):
    """A case that its town has accepted, beside one that is still a draft."""
    case = house.submitted()
    house.open(shanghai(11, 6, 17))
    house.act(case, "accept", "huilong_zhen.handler", shanghai(11, 9, 10))
    return case


def test_a_trace_is_a_case_with_its_events_in_their_order(house, accepted):
    first, second = exported(house).findall(f"{XES}trace")

    assert attributes(first)["concept:name"] == "QD26-7a-2026-000001"
    assert attributes(first)["measure"] == "QD26-7a"
    assert attributes(first)["policy"] == "qidong-2026"
    assert [event["concept:name"] for event in events(first)] == ["case_opened", "submit", "accept"]
    assert [event["concept:name"] for event in events(second)] == ["case_opened"]


def test_an_event_says_when_in_which_seat_and_from_where_to_where(house, accepted):
    opened, _, accept = events(exported(house).find(f"{XES}trace"))

    assert accept == {
        "concept:name": "accept",
        "lifecycle:transition": "complete",
        "org:resource": "district.handler",
        "org:group": "huilong_zhen",
        "from_state": "submitted",
        "to_state": "district_review",
        "time:timestamp": "2026-11-09T10:00:00.000+08:00",
    }
    assert "from_state" not in opened
    assert opened["to_state"] == "draft"


def test_nobody_is_named(house, accepted):
    with house.cases.connect() as connection:
        text = "".join(xes(event_log(connection)))

    names = [row[0] for row in house.sql("SELECT name FROM person UNION SELECT login FROM person")]
    assert not [name for name in names if f'value="{name}"' in text]
    assert "启东示例科技有限公司" not in text


def test_the_workflow_of_a_trace_is_the_one_it_pinned(house, accepted):
    pinned = house.sql('SELECT workflow_hash FROM "case" WHERE public_id = %s', accepted)[0][0]

    assert attributes(exported(house).find(f"{XES}trace"))["workflow"] == pinned


def test_a_log_read_in_small_batches_is_the_same(house, accepted):
    assert ET.tostring(exported(house, batch=1)) == ET.tostring(exported(house))


def test_only_the_cases_of_the_measures_asked_for_are_in_it(house, accepted):
    with house.cases.connect() as connection:
        counted = [cases_in_log(connection, each) for each in (None, ["QD26-7a"], ["QD26-1a"])]

    assert counted == [2, 2, 0]
    assert len(exported(house, ["QD26-7a"]).findall(f"{XES}trace")) == 2
    assert exported(house, ["QD26-1a"]).findall(f"{XES}trace") == []


def test_what_xml_would_misread_is_escaped(house, accepted):
    with house.cases.connect() as connection:
        first = next(event_log(connection))
    strange = type(first)(**{**vars(first), "number": '<"&>'})

    log = ET.fromstring("".join(xes([strange])))

    assert attributes(log.find(f"{XES}trace"))["concept:name"] == '<"&>'


@pytest.mark.soak
def test_a_rehearsal_keeps_its_log_with_the_children(server, founded_template, tmp_path):
    file = tmp_path / "rehearsal.xes"

    rehearse(
        settings_on(server, tmp_path, database="postgres"),
        ["QD26-10a"],
        template=founded_template,
        log=file,
    )

    traces = ET.parse(file).getroot().findall(f"{XES}trace")
    parent, *children = [attributes(trace) for trace in traces]
    assert {child["parent"] for child in children} == {parent["concept:name"]}
    assert {child["child_kind"] for child in children} == {"period"}
    assert all(events(trace)[-1]["to_state"] == "disbursed" for trace in traces)


# The commands


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))

    def run(*arguments):
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_the_history_is_exported_by_command(run, monkeypatch, house, accepted, tmp_path):
    address = house.cases.database.address
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)
    file = tmp_path / "log.xes"

    code, out, err = run("history", "export", "--format", "xes", "-o", str(file))
    streamed = run("history", "export", "--measure", "QD26-7a")
    refused = run("history", "export", "--measure", "QD26-99")

    assert (code, out) == (0, "")
    assert "2 cases written" in err
    assert file.read_text(encoding="utf-8") == streamed[1]
    assert refused[0] == 1
    assert "QD26-99" in refused[2]


def test_a_net_is_exported_by_command(run, tmp_path):
    file = tmp_path / "net.pnml"

    code, out, _ = run("workflows", "export", "QD26-4", "--child", "year", "-o", str(file))
    printed = run("workflows", "export", "QD26-4", "--child", "year")

    assert (code, out) == (0, "")
    assert file.read_text(encoding="utf-8") == printed[1]
    assert "<text>QD26-4/year</text>" in printed[1]


@pytest.mark.soak
def test_all_nets_are_exported_into_a_folder_a_file_each(run, tmp_path):
    code, out, err = run("workflows", "export", "--all", "-o", str(tmp_path / "nets"))

    names = {path.name for path in (tmp_path / "nets").iterdir()}
    assert (code, out) == (0, "")
    assert {"QD26-4.pnml", "QD26-4.year.pnml", "QD26-7a.pnml"} <= names
    assert f"{len(names)} nets" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("export",),
        ("export", "--all"),
        ("export", "QD26-7a", "--all", "-o", "x"),
        ("draw",),
        ("draw", "QD26-7a", "--family", "vouchers"),
        ("draw", "--family", "vouchers", "--format", "mermaid"),
        ("draw", "--family", "platforms", "--child", "year"),
        ("gallery",),
    ],
)
def test_a_command_that_leaves_open_what_is_meant_is_refused_with_two(run, arguments):
    code, out, _ = run("workflows", *arguments)

    assert (code, out) == (2, "")


def test_a_family_is_drawn_by_command(run, tmp_path):
    file = tmp_path / "vouchers.svg"

    code, _, _ = run("workflows", "draw", "--family", "vouchers", "-o", str(file))
    printed = run("workflows", "draw", "--family", "vouchers")
    refused = run("workflows", "draw", "--family", "lotteries")

    assert code == 0
    assert file.read_text(encoding="utf-8") == printed[1]
    assert "券类补贴" in printed[1]
    assert refused[0] == 1
    assert "known:" in refused[2]


@pytest.mark.soak
def test_the_gallery_has_a_picture_of_every_family(run, tmp_path):
    code, _, err = run("workflows", "gallery", "-o", str(tmp_path / "pictures"))

    names = {path.stem for path in (tmp_path / "pictures").iterdir()}
    assert code == 0
    assert {"vouchers", "research", "platform_year"} <= names
    assert f"{len(names)} pictures" in err
