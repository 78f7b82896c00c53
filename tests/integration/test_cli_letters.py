"""`caseflow letters`: kinds, making, listing, showing and delivering formal documents."""

import pytest
from pypdf import PdfReader

from caseflow.cli import main
from tests.factories.commands import Result
from tests.integration.letter_desk import REFUSAL, Desk
from tests.integration.walking import BEGINS


@pytest.fixture
def run(desk: Desk, tmp_path, monkeypatch, capsys):
    """Run commands on the desk's database, with a file store of the test's own."""
    address = desk.cases.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)
    desk.town.now = BEGINS
    desk.town.house.clock.move_to(BEGINS)

    def run(*arguments: str) -> Result:
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def test_the_kinds_are_listed_without_a_database(run):
    kinds = {each["letter"]: each for each in run("letters", "kinds", "--json").json}

    assert kinds["rejection"]["requires"] == ["reason", "remedy", "clause"]
    assert "不予支持决定书" in run("letters", "kinds").out


def test_a_document_is_made_delivered_read_and_shown(run, desk: Desk, tmp_path):
    case = desk.town.reached("bureau_review")
    desk.town.act(case, "reject", **REFUSAL)
    seat = ("--as", "shujuju.handler")
    applicant = desk.town.value(
        'SELECT p.login FROM person p JOIN assignment a ON a.person_id = p.id JOIN "case" c'
        " ON c.applicant_id = a.organisation_id WHERE c.public_id = %s",
        case,
    )
    file = tmp_path / "decision.pdf"

    made = run("letters", "make", case, "rejection", *seat, "--json").json
    letter = made["public_id"]
    unsent = run("letters", "show", letter, "--as", applicant)
    sent = run(
        "letters", "deliver", letter, "--method", "inbox", "--consent", "申报时勾选同意", *seat
    )
    read = run("letters", "show", letter, "-o", str(file), "--as", applicant, "--json")
    listed = run("letters", "list", case, "--limit", "1", *seat)

    assert made["number"].startswith("启数不予〔2026〕")
    assert unsent.code == 1
    assert "没有文书" in unsent.err
    assert sent.code == 0
    assert "2026-11-06" in sent.out
    assert read.json["deliveries"][0]["read_at"] == read.json["deliveries"][0]["sent_at"]
    assert "不予支持" in PdfReader(file).pages[0].extract_text()
    assert made["number"] in listed.out


@pytest.mark.soak
def test_paper_that_was_signed_for_earlier_says_when(run, desk: Desk):
    case = desk.town.reached("district_review")
    seat = ("--as", "huilong_zhen.handler")
    letter = run("letters", "make", case, "acceptance", *seat, "--json").json["public_id"]
    paper = ("letters", "deliver", letter, "--method", "paper", *seat, "--json")

    future = run(*paper, "--arrived-at", "2026-09-08T10:00")
    done = run(*paper, "--arrived-at", "2026-09-07T08:30", "--receiver", "张某")

    assert future.code == 1
    assert done.json["delivered_on"] == "2026-09-07"


def test_the_notice_of_a_publicity_takes_its_texts(run, desk: Desk):
    case = desk.town.reached("publicity_pending")
    desk.town.publicise(case)
    publicity = desk.town.value("SELECT public_id FROM publicity ORDER BY id DESC LIMIT 1")
    texts = ("contact=数据科", "phone=0513-83312345", "email=a@example.test", "address=某路1号")
    make = ("letters", "make", publicity, "publicity", "--as", "shujuju.handler")

    made = run(*make, *(part for text in texts for part in ("--text", text)), "--json")
    wrong = run(*make, "--text", "phone")

    assert made.json["number"] == "启数示〔2026〕1号"
    assert wrong.code == 1
    assert "NAME=WORDS" in wrong.err


@pytest.mark.soak
def test_a_long_list_says_that_there_is_more(run, desk: Desk):
    case = desk.town.reached("bureau_review")
    desk.town.act(case, "reject", **REFUSAL)
    run("letters", "make", case, "acceptance", "--as", "huilong_zhen.handler")
    last = run("letters", "make", case, "rejection", "--as", "shujuju.handler", "--json").json

    told = run("letters", "list", case, "--limit", "1", "--as", "shujuju.handler", "--json")

    assert [each["public_id"] for each in told.json] == [last["public_id"]]
    assert f"--after {last['public_id']}" in told.err
