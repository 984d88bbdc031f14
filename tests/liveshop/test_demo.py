"""`manage.py demo`: one command, and a clear word when it can't."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys

import pytest

from liveshop.embedded.places import PROJECT
from liveshop.embedded.supervisor import Child, ChildFailed, Supervisor
from liveshop.management.commands.demo import wait_for_site
from tests.liveshop.embedded.conftest import processes_of, state, wait_until

__all__ = ["state"]  # the fixture


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def demo(state, port, tmp_path):
    """demo() starts the real command on the state folder; what is left of it ends with the test."""
    own = ("DATABASE_URL", "REDIS_URL", "LIVESHOP_ENV", "SECRET_KEY", "PYTHONWARNINGS")
    environment = {name: value for name, value in os.environ.items() if name not in own}
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, "manage.py", "demo", "--no-crowd", f"--port={port}", *arguments],
            cwd=PROJECT,
            env={**environment, "LIVESHOP_STATE": str(state)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def read_until_ready(process, port):
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.strip() == f"liveshop is ready at http://127.0.0.1:{port}":
            return
    pytest.fail("".join(lines))


def status_of(port, path="/"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def children_of(state):
    """List what the demo started, by the environment that it gave them."""
    mark = f"LIVESHOP_STATE={state}\0".encode()
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                with open(f"/proc/{entry.name}/environ", "rb") as file:
                    if mark in file.read():
                        found.append(int(entry.name))
            except OSError:
                continue
    return found


def test_a_busy_port_is_said_and_nothing_is_started(demo, port, state):
    with socket.create_server(("127.0.0.1", port)):
        process = demo()
        said, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert f"Port {port} of this machine can't be used" in said
    assert "Traceback" not in said
    assert processes_of(state) == []


def test_a_port_that_is_none_is_said(state, port, demo):
    process = demo("--port=99999")
    said, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert "Port 99999 of this machine can't be used" in said
    assert "Traceback" not in said


def test_a_wrong_pg_bin_is_said_without_a_traceback(demo, state, tmp_path, monkeypatch):
    process = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=PROJECT,
        env={
            "PATH": os.environ["PATH"],
            "LIVESHOP_STATE": str(state),
            "PG_BIN": str(tmp_path),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert process.returncode == 1
    assert "PG_BIN" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_site_that_does_not_start_is_an_error_with_its_last_words(tmp_path, port):
    command = [sys.executable, "-c", "print('no such module'); exit(1)"]
    web = Child(name="web", command=command, log=tmp_path / "web.log")
    with Supervisor(cwd=tmp_path, env={}, say=print) as supervisor:
        supervisor.start(web)
        with pytest.raises(ChildFailed, match="no such module"):
            wait_for_site(web, port)


@pytest.mark.long
def test_the_life_of_a_demo(demo, port, state):
    first = demo()
    read_until_ready(first, port)
    assert status_of(port) == 200
    password = (state / "demo-password").read_text()
    for name in ("demo-password", "demo-secrets"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o600
    # A mail can hold the link that changes somebody's password.
    for name in ("logs", "mail", "sandbox"):
        assert stat.S_IMODE((state / name).stat().st_mode) == 0o700

    second = demo()
    said, _ = second.communicate(timeout=60)
    assert second.returncode != 0
    assert f"The demo is running already, at http://127.0.0.1:{port}" in said
    assert status_of(port) == 200

    first.kill()
    first.communicate()
    wait_until(lambda: children_of(state) == [])
    wait_until(lambda: processes_of(state) == [])

    again = demo("--no-camera")
    read_until_ready(again, port)
    assert status_of(port) == 200
    assert (state / "demo-password").read_text() == password
    again.send_signal(signal.SIGINT)
    said, _ = again.communicate(timeout=60)
    assert again.returncode == 0
    assert "liveshop has stopped." in said
    assert children_of(state) == []
    wait_until(lambda: processes_of(state) == [])
