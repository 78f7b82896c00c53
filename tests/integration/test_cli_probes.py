"""What `caseflow doctor` makes of each thing it looks at, sound and not."""

import socket
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from packaging.requirements import Requirement

from caseflow.catalogue.places import data_root
from caseflow.cli import probes
from caseflow.cli.probes import BROKEN, OK, WARNING
from caseflow.clock import SystemClock
from caseflow.worker import BEAT, HEARTBEAT

ROOT = data_root()


def told(settings):
    return {probe.name: probe.status for probe in probes.of_the_machine(settings, ROOT)}


def test_a_new_house_on_this_machine_is_sound(settings):
    found = told(settings)

    assert found["python"] == found["data"] == found["files"] == found["bound to"] == OK
    assert BROKEN not in found.values()


def test_a_server_that_others_reach_is_worth_a_word(settings):
    assert told(replace(settings, host="0.0.0.0"))["bound to"] == WARNING


def test_a_folder_that_takes_no_files_is_broken(settings, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    assert told(replace(settings, home=blocked))["files"] == BROKEN


@pytest.mark.parametrize(("length", "status"), [(31, BROKEN), (32, OK)])
def test_a_key_has_at_least_32_bytes(settings, length, status):
    assert told(replace(settings, mac_key=b"k" * length))["mac key"] == status


@pytest.mark.parametrize(("mode", "status"), [(0o600, OK), (0o640, WARNING)])
def test_a_key_that_others_can_read_is_worth_a_word(settings, mode, status):
    key = settings.home / "mac.key"
    key.write_bytes(settings.mac_key)
    key.chmod(mode)

    assert told(settings)["mac key"] == status


def test_a_mail_server_that_answers_is_well(settings):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    postbox = Controller(object(), hostname="127.0.0.1", port=port)
    postbox.start()
    try:
        found = told(replace(settings, smtp_port=port))
    finally:
        postbox.stop()

    assert found["smtp"] == OK
    assert told(replace(settings, smtp_port=1))["smtp"] == WARNING


@pytest.mark.parametrize(
    ("wanted", "fault"),
    [
        ("click>=8", None),
        ("click<1", "needed click<1"),
        ("nothing-of-this-name>=1", "is missing"),
        ("nothing-of-this-name; python_version < '3'", None),
    ],
)
def test_a_package_is_there_in_a_version_that_fits(wanted, fault):
    found = probes._fault(Requirement(wanted))

    assert (found is None) if fault is None else (fault in found)


def test_a_machine_without_a_chinese_font_is_told_both_packages_that_bring_one(tmp_path):
    bare = probes._font([tmp_path])

    assert bare.status == WARNING
    assert "fonts-noto-cjk" in bare.detail
    assert "cvttf-notosanscjk-regular" in bare.detail
    assert probes._font().status == OK


def saying(answer: Callable[[], object]):
    """Return a way to a database that gives this one answer."""

    class Connection:
        def execute(self, _query):
            return self

        def fetchone(self):
            return (answer(),)

    @contextmanager
    def connect():
        yield Connection()

    return connect


@pytest.mark.parametrize(("seconds", "status"), [(0.5, OK), (2, BROKEN)])
def test_clocks_that_are_over_a_second_apart_are_broken(seconds, status):
    apart = timedelta(seconds=seconds)

    assert probes._skew(saying(lambda: SystemClock().now() - apart)).status == status


def test_an_empty_database_lacks_its_policies_and_its_worker(database):
    assert probes._catalogue(database.connect).status == WARNING
    assert probes._worker(database.connect).status == WARNING
    assert probes._calendar(database.connect).status == WARNING
    assert probes._virtual(database.connect).status == OK


@pytest.mark.parametrize(("minutes", "status"), [(4, OK), (6, WARNING)])
def test_a_worker_that_has_not_beaten_for_five_minutes_is_gone(database, minutes, status):
    with database.connect() as connection:
        at = SystemClock().now() - timedelta(minutes=minutes)
        connection.execute(BEAT, (HEARTBEAT, at))

    assert probes._worker(database.connect).status == status
