"""The road to the disk is two waits on the network: counted on the wire, not in the driver."""

import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url

from caseflow.batches.sweeps import sweep_timers
from caseflow.cases.assembly import assemble
from caseflow.cases.service import Cases, Request
from caseflow.database.access import Address, Database, open_database
from caseflow.kernel.errors import EventNotAllowed, StaleVersion
from tests.conftest import ROOT
from tests.integration.conftest import House, shanghai

SOCKET = ".s.PGSQL.5432"
AT = shanghai(10, 14)
ASKED = {"items": ["补充用量日志"], "reason": "用量日志与账单期间不一致。"}


class Wire:
    """A relay between a client and the server's socket that knows who spoke last."""

    def __init__(self, server: Path, folder: Path) -> None:
        self.waits = 0
        self._server = server
        self._spoke_last = "server"
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / SOCKET))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            upstream = socket.socket(socket.AF_UNIX)
            upstream.connect(str(self._server / SOCKET))
            for speaker, source, target in (
                ("client", client, upstream),
                ("server", upstream, client),
            ):
                relay = (speaker, source, target)
                threading.Thread(target=self._relay, args=relay, daemon=True).start()

    def _relay(self, speaker: str, source: socket.socket, target: socket.socket) -> None:
        """Pass on what `speaker` says; when the server answers the client, that was a wait."""
        with suppress(OSError), source, target:  # the other direction may have closed both
            while data := source.recv(65536):
                if (self._spoke_last, speaker) == ("client", "server"):
                    self.waits += 1
                self._spoke_last = speaker
                target.sendall(data)


@pytest.fixture
def wire(city: Database) -> Iterator[Wire]:
    folder = Path(tempfile.mkdtemp(prefix="wire-"))
    relay = Wire(Path(city.address.server.socket_folder), folder)
    relay.folder = folder
    yield relay
    relay.close()
    shutil.rmtree(folder)


@pytest.fixture
def distant(city: Database, wire: Wire, settings) -> Iterator[Cases]:
    """The acts of a process whose only connection runs over the wire."""
    url = make_url(city.address.url).update_query_dict({"host": str(wire.folder)})
    text = url.render_as_string(hide_password=False)
    database = open_database(Address(text, text), pool_size=1)
    yield assemble(database, settings, ROOT)
    database.close()


def correct(cases: Cases, house: House, case: str, number: int) -> None:
    """Ask for a correction and get it: the two decisions whose waits are counted."""
    head, firm = house.people["shujuju.division_head"], house.people["applicant1"]
    asked = Request("request_second_correction", head, AT, ASKED, id=f"ask-{number}")
    cases.act(case, asked)
    cases.act(case, Request("resubmit", firm, AT, {"note": "已补充"}, id=f"answer-{number}"))


def test_a_warm_decision_waits_on_the_network_twice_and_a_refused_one_once(
    house: House, wire: Wire, distant: Cases
):
    case = house.submitted(shanghai(10, 13))
    correct(distant, house, case, 1)

    wire.waits = 0
    correct(distant, house, case, 2)

    assert wire.waits == 2 * 2
    firm = house.people["applicant1"]
    wire.waits = 0
    with pytest.raises(EventNotAllowed):
        distant.act(case, Request("publicise", firm, AT, {}))
    with pytest.raises(StaleVersion):
        distant.act(case, Request("resubmit", firm, AT, {}, expected_version=1))

    assert wire.waits == 2


def test_a_batch_of_timers_waits_no_more_than_one_timer(house: House, wire: Wire, distant: Cases):
    for _ in range(8):
        house.submitted(shanghai(10, 13))
    while sweep_timers(distant, shanghai(10, 20, 12)).claimed:
        pass
    due = shanghai(10, 21, 0)
    for _ in range(3):
        assert sweep_timers(distant, due, limit=1).acted == 1

    wire.waits = 0
    sweep_timers(distant, due, limit=1)
    of_one = wire.waits
    wire.waits = 0
    swept = sweep_timers(distant, due)

    assert swept.acted == 4
    assert wire.waits == of_one
