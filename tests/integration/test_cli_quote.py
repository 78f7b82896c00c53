"""`caseflow quote` on files alone: no database is needed, and bad facts are told, not computed."""

import json
import sys

import pytest

from caseflow.cli import main

FACTS = {"paid_rent_fen": 500_000_000, "real_scenario": True, "granted_this_year_fen": 0}


@pytest.fixture
def quote(tmp_path, monkeypatch, capsys):
    """Ask for a quote of QD26-7a on a day of its life; returns exit code, output, errors."""
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))

    def quote(text, *options, measure="QD26-7a"):
        path = tmp_path / "facts.json"
        path.write_bytes(text if isinstance(text, bytes) else json.dumps(text).encode())
        code = main(["quote", measure, "--facts", str(path), "--on", "2026-10-12", *options])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return quote


def test_the_amount_and_the_lines_that_make_it(quote):
    code, out, _ = quote(FACTS, "--json")

    told = json.loads(out)
    assert code == 0
    assert list(told) == ["amount_fen", "lines", "open"]
    assert told["amount_fen"] == 200_000_000
    assert told["lines"][-1]["rule"] == "cap.year"


def test_a_table_is_for_people(quote):
    code, out, _ = quote(FACTS)

    assert code == 0
    assert "2,000,000.00 元" in out
    assert "单个企业每年最高200万元" in out


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"{", "no JSON"),
        (b"[]", "JSON object"),
        (b'{"paid_rent_fen": NaN}', "NaN"),
        (b'{"paid_rent_fen": 1, "paid_rent_fen": 2}', "twice"),
        ({**FACTS, "paid_rent_fen": 1.5}, "paid_rent_fen"),
        ({**FACTS, "paid_rent_fen": "１００"}, "paid_rent_fen"),
        ({**FACTS, "real_scenario": 1}, "real_scenario"),
        ({"real_scenario": True}, "paid_rent_fen"),
        ({**FACTS, "matter_on": "2026-05-13"}, "有效期"),
        ({**FACTS, "real_scenario": False}, "落地应用场景"),
    ],
)
def test_bad_facts_are_refused_in_a_line(quote, text, word):
    code, out, err = quote(text)

    assert code == 1
    assert out == ""
    assert word in err
    assert "Traceback" not in err


def test_a_refusal_is_a_problem_document_for_programs(quote):
    code, out, _ = quote({**FACTS, "real_scenario": False}, "--json")

    told = json.loads(out)
    assert code == 1
    assert told["type"] == "/problems/quote-refused"
    assert list(told["reasons"]) == ["real_scenario"]


def test_a_clause_without_a_figure_says_who_must_enter_one(quote):
    code, _, err = quote({}, measure="QD26-10b")

    assert code == 1
    assert "市财政局" in err


def test_facts_come_from_standard_input_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    piped = tmp_path / "piped"
    piped.write_text(json.dumps(FACTS), encoding="utf-8")

    with piped.open(encoding="utf-8") as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        code = main(["quote", "QD26-7a", "--facts", "-", "--on", "2026-10-12", "--json"])

    assert code == 0
    assert json.loads(capsys.readouterr().out)["amount_fen"] == 200_000_000
