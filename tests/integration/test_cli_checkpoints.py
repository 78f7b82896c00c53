"""Sealing, keeping a checkpoint elsewhere, and finding by it that the database went back."""

import json

import pytest

from caseflow.cli import main
from tests.integration.conftest import shanghai


@pytest.fixture
def run(capsys, monkeypatch, tmp_path, house):
    """Run a command on the house's database; returns (code, stdout, stderr)."""
    address = house.cases.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "cli"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)

    def run(*arguments):
        code = main(("history", *map(str, arguments)))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_what_was_sealed_is_kept_elsewhere_and_held_against_the_database(run, house, tmp_path):
    note, key = tmp_path / "kept.checkpoint", tmp_path / "other"

    empty = run("checkpoint")
    sealed = json.loads(run("seal", "--json")[1])
    again = json.loads(run("seal", "--json")[1])
    written = run("checkpoint", "-o", note)
    house.submitted(shanghai(11, 6))
    key = written[2].strip().rpartition("Key: ")[2]
    whole = run("verify", "--checkpoint", note, "--key", key, "--json")

    assert (empty[0], "caseflow history seal" in empty[2]) == (1, True)
    assert (sealed["checkpoint"], sealed["size"]) == (1, sealed["sealed"])
    assert {**again, "sealed": sealed["sealed"]} == sealed
    assert again["sealed"] == 0
    assert note.read_text(encoding="utf-8").splitlines()[:2] == ["caseflow", str(sealed["size"])]
    told = json.loads(whole[1])
    assert (whole[0], told["ok"], told["witnessed"], told["checkpoints"]) == (0, True, 1, 1)
    assert told["sealed"] == sealed["size"] < told["events"]
    assert told["events_per_second"] > 0
    assert "a second" in run("verify")[1]


def test_a_database_put_back_and_a_forged_note_are_found(run, house, tmp_path):
    note = tmp_path / "kept.checkpoint"
    run("seal")
    run("checkpoint", "-o", note)
    size = note.read_text(encoding="utf-8").splitlines()[1]
    with house.cases.connect() as connection:
        leaves = connection.execute("SELECT count(*) FROM event_leaf").fetchone()[0]
    forged = tmp_path / "forged.checkpoint"
    forged.write_text(note.read_text(encoding="utf-8").replace(size, "7"), encoding="utf-8")

    refused = run("verify", "--checkpoint", forged)
    wrong_key = run("verify", "--checkpoint", note, "--key", "caseflow+00+AA==")

    assert int(size) == leaves
    assert (refused[0], wrong_key[0]) == (1, 1)
    assert "私钥" in refused[2]
    assert "验签公钥" in wrong_key[2]
