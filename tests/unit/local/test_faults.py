"""Faults reach the servers that run, those that are still starting, and those that start later."""

import json
import os
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from qwen_infra import local
from qwen_infra.errors import ConfigurationError
from qwen_infra.local.agent.records import ServerRecord
from qwen_infra.local.folders import ClusterRecord, StateFolder, write_atomically
from qwen_infra.local.ports import find_free_ports
from qwen_infra.local.processes import identify


class Simulator(HTTPServer):
    """Takes faults as the simulator does, unless it is told to refuse them."""

    refuses = False

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.taken: list[list[str]] = []


class Handler(BaseHTTPRequestHandler):
    server: Simulator

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.taken.append(body["faults"])
        self.send_response(400 if self.server.refuses else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    found = StateFolder.of("test", tmp_path)
    found.write_record(ClusterRecord(name="test", profile="gb200", server="simulator", bin_folder=tmp_path, api_port=1))
    return found


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    server = Simulator(find_free_ports(1)[0])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def record(folder: StateFolder, port: int, pid: int | None = None, identity: str | None = None) -> None:
    pid = pid or os.getpid()
    written = ServerRecord(
        uid="u",
        namespace="n",
        pod="p",
        kind="simulator",
        state="starting",
        port=port,
        pid=pid,
        identity=identity or identify(pid),
    )
    write_atomically(folder.servers_folder / "u" / "record.json", written.model_dump_json())


def set_faults(folder: StateFolder, *faults: str) -> int:
    return local.set_faults("test", faults, state_root=folder.path.parent)


def test_a_running_server_takes_the_faults_and_later_ones_start_with_them(
    folder: StateFolder, simulator: Simulator
) -> None:
    record(folder, simulator.server_port)
    assert set_faults(folder, "stall") == 1
    assert simulator.taken == [["stall"]]
    assert folder.read_simulator_options() == {"fault": ["stall"]}


def test_a_server_that_does_not_listen_yet_is_waited_for(folder: StateFolder) -> None:
    port = find_free_ports(1)[0]
    record(folder, port)
    taken: list[list[str]] = []

    def listen_later() -> None:
        time.sleep(0.3)
        with Simulator(port) as late:
            late.handle_request()
            taken.extend(late.taken)

    thread = threading.Thread(target=listen_later)
    thread.start()
    assert set_faults(folder, "stall") == 1
    thread.join()
    assert taken == [["stall"]]


def test_a_server_that_ended_is_left_out(folder: StateFolder) -> None:
    record(folder, find_free_ports(1)[0], identity="the start time of another process")
    assert set_faults(folder, "stall") == 0
    assert folder.read_simulator_options() == {"fault": ["stall"]}


def test_refused_faults_are_an_error_and_are_not_stored(folder: StateFolder, simulator: Simulator) -> None:
    simulator.refuses = True
    record(folder, simulator.server_port)
    with pytest.raises(ConfigurationError, match="refused the faults"):
        set_faults(folder, "no-such-fault")
    assert folder.read_simulator_options() == {}
