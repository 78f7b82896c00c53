import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from pathlib import Path
from threading import Barrier

import pytest

from caseflow.kernel.errors import InvalidInput
from caseflow.settings import KEY_BYTES, Settings, read_settings

KEY = "ab" * KEY_BYTES
PROCESSES = 16


def read(home, **environment):
    names = {f"CASEFLOW_{name.upper()}": value for name, value in environment.items()}
    return read_settings({"CASEFLOW_HOME": str(home), **names})


# --- what is read


def test_an_empty_environment_gives_a_house_on_this_machine_only(tmp_path):
    settings = read(tmp_path, mac_key=KEY)

    assert settings == Settings(
        home=tmp_path,
        database_url=None,
        owner_url=None,
        mac_key=bytes.fromhex(KEY),
        mac_key_id="k1",
        smtp_host="127.0.0.1",
        smtp_port=2525,
        mail_from="caseflow@localhost",
        host="127.0.0.1",
        port=8000,
        pool_size=8,
        upload_limit=20 * 1024 * 1024,
    )


def test_every_setting_is_read_from_the_environment(tmp_path):
    settings = read(
        tmp_path,
        database_url="postgresql://program@db/caseflow",
        owner_database_url="postgresql://owner@db/caseflow",
        mac_key=KEY,
        mac_key_id="k2",
        smtp_host="mail",
        smtp_port="25",
        mail_from="office@example.org",
        host="::",
        port="80",
        pool_size="4",
        upload_limit="1024",
    )

    assert settings == Settings(
        home=tmp_path,
        database_url="postgresql://program@db/caseflow",
        owner_url="postgresql://owner@db/caseflow",
        mac_key=bytes.fromhex(KEY),
        mac_key_id="k2",
        smtp_host="mail",
        smtp_port=25,
        mail_from="office@example.org",
        host="::",
        port=80,
        pool_size=4,
        upload_limit=1024,
    )


def test_the_owner_of_the_database_is_its_user_unless_given(tmp_path):
    settings = read(tmp_path, mac_key=KEY, database_url="postgresql://db")

    assert settings.owner_url == "postgresql://db"


def test_without_a_mapping_the_environment_of_the_process_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path))
    monkeypatch.setenv("CASEFLOW_PORT", "8123")

    assert read_settings().port == 8123


def test_the_home_is_beside_the_process_unless_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert read_settings({}).home == tmp_path / ".caseflow"


def test_the_home_is_made_with_its_parents_and_is_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    settings = read("a/../b/c", mac_key=KEY)

    assert settings.home == tmp_path / "b" / "c"
    assert settings.home.is_dir()
    assert settings.files == settings.home / "files"


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        *(("127.0.0.1", True), ("localhost", True), ("::1", True)),
        *(("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("", False)),
    ],
)
def test_only_the_addresses_of_this_machine_are_loopback(host, is_loopback):
    assert Settings(home=Path(), host=host).is_loopback is is_loopback


def test_settings_cannot_be_changed(tmp_path):
    with pytest.raises(FrozenInstanceError):
        read(tmp_path, mac_key=KEY).port = 1


# --- bad numbers


@pytest.mark.parametrize("name", ["smtp_port", "port", "pool_size", "upload_limit"])
@pytest.mark.parametrize(
    "text", ["", " ", "x", "-1", "+1", "1.0", "1e3", "0x50", "８０", "²", "80 "]
)
def test_a_number_that_is_none_is_refused_by_name(tmp_path, name, text):
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, mac_key=KEY, **{name: text})

    variable = f"CASEFLOW_{name.upper()}"
    assert refused.value.message == f"{variable} must be a whole number, not {text!r}."
    assert refused.value.fields == {variable: text}


# --- the key


def test_a_key_has_at_least_32_bytes(tmp_path):
    assert read(tmp_path, mac_key="cd" * 32).mac_key == b"\xcd" * 32
    assert read(tmp_path, mac_key="cd" * 33).mac_key == b"\xcd" * 33
    for short in ("", "cd" * 31):
        with pytest.raises(InvalidInput, match="at least 32 bytes"):
            read(tmp_path, mac_key=short)


@pytest.mark.parametrize("text", ["x" * 64, "a" * 63, "ａｂ" * 32])
def test_a_key_is_hexadecimal_and_the_refusal_does_not_show_it(tmp_path, text):
    with pytest.raises(InvalidInput) as refused:
        read(tmp_path, mac_key=text)

    assert refused.value.message == "CASEFLOW_MAC_KEY must be hexadecimal."


def test_a_given_key_makes_no_file(tmp_path):
    read(tmp_path, mac_key=KEY)

    assert list(tmp_path.iterdir()) == []


def test_a_key_is_made_once_and_kept(tmp_path):
    first, second = read(tmp_path).mac_key, read(tmp_path).mac_key

    assert first == second == (tmp_path / "mac.key").read_bytes()
    assert len(first) == KEY_BYTES


def test_two_houses_have_two_keys(tmp_path):
    assert read(tmp_path / "a").mac_key != read(tmp_path / "b").mac_key


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_the_key_file_is_for_its_owner_alone(tmp_path, mask):
    before = os.umask(mask)
    try:
        read(tmp_path)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "mac.key").stat().st_mode) == 0o600


def test_nothing_but_the_key_is_left_in_the_home(tmp_path):
    read(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["mac.key"]


@pytest.mark.parametrize("round_", range(20))
def test_all_who_come_at_once_get_the_same_whole_key(tmp_path, round_):
    start = Barrier(PROCESSES)

    def come(_):
        start.wait()
        return read(tmp_path).mac_key

    with ThreadPoolExecutor(PROCESSES) as pool:
        keys = set(pool.map(come, range(PROCESSES)))

    assert len(keys) == 1
    assert len(keys.pop()) == KEY_BYTES


@pytest.mark.parametrize("left", [b"", b"k" * (KEY_BYTES - 1)])
def test_half_a_key_is_refused_and_not_used(tmp_path, left):
    (tmp_path / "mac.key").write_bytes(left)

    with pytest.raises(InvalidInput, match=f"a key of 32 bytes, not {len(left)}"):
        read(tmp_path)

    assert (tmp_path / "mac.key").read_bytes() == left


# --- the key that seals


def test_the_key_that_seals_is_made_once_and_is_not_the_one_of_the_rows(tmp_path):
    settings = read(tmp_path, mac_key=KEY)

    assert not (tmp_path / "seal.key").exists()
    assert settings.seal_seed() == read(tmp_path, mac_key=KEY).seal_seed()
    assert len(settings.seal_seed()) == KEY_BYTES
    assert settings.seal_seed() != settings.mac_key
    assert stat.S_IMODE((tmp_path / "seal.key").stat().st_mode) == 0o600


def test_the_key_that_seals_is_read_from_the_environment(tmp_path):
    assert read(tmp_path, mac_key=KEY, seal_key="cd" * KEY_BYTES).seal_seed() == b"\xcd" * KEY_BYTES


@pytest.mark.parametrize("text", ["cd" * 31, "cd" * 33, "x"])
def test_a_key_that_seals_has_exactly_its_bytes(tmp_path, text):
    with pytest.raises(InvalidInput, match="CASEFLOW_SEAL_KEY"):
        read(tmp_path, mac_key=KEY, seal_key=text)


def test_checkpoints_carry_the_name_of_their_house(tmp_path):
    assert read(tmp_path, mac_key=KEY).origin == "caseflow"
    assert read(tmp_path, mac_key=KEY, origin="qidong.gov.cn/history").origin.startswith("qidong")


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\n"])
def test_the_name_of_a_house_has_no_space_and_no_plus(tmp_path, origin):
    with pytest.raises(InvalidInput, match="CASEFLOW_ORIGIN"):
        read(tmp_path, mac_key=KEY, origin=origin)
