"""Children are kept running while their supervisor lives, and not a moment longer."""

import os
import signal
import subprocess
import sys
import time

import pytest

from liveshop.embedded.places import PROJECT
from liveshop.embedded.supervisor import Child, ChildFailed, Supervisor
from tests.liveshop.embedded.conftest import wait_until

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
LAUNCHER = """
import sys, time
from pathlib import Path
from liveshop.embedded.supervisor import Child, Supervisor
log = Path(sys.argv[1])
with Supervisor(cwd=log.parent, env={}, say=print) as supervisor:
    child = supervisor.start(
        Child(name="child", command=[sys.executable, "-c", "import time; time.sleep(600)"], log=log)
    )
    print(child.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(tmp_path, said):
    with Supervisor(cwd=tmp_path, env=dict(os.environ), say=said.append) as supervisor:
        yield supervisor


def test_a_child_that_crashes_is_started_again_and_said_so(supervisor, tmp_path, said):
    child = Child(name="sleeper", command=SLEEP, log=tmp_path / "log")
    first = supervisor.start(child)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()

    supervisor.tend()
    assert not child.is_running
    assert "sleeper ended (signal 9); starting it again in 1 s" in said[0]
    deadline = time.monotonic() + 10
    while not child.is_running and time.monotonic() < deadline:
        supervisor.tend()
        time.sleep(0.05)

    assert child.is_running
    assert child.process.pid != first.pid


def test_the_pauses_before_a_new_start_grow_but_not_for_ever(supervisor, tmp_path, said):
    child = Child(name="faller", command=[sys.executable, "-c", "exit(3)"], log=tmp_path / "log")
    supervisor.start(child)
    for _ in range(7):
        child.process.wait()
        supervisor.tend()  # notes the fall
        child.next_start_at = 0.0
        supervisor.tend()  # starts it
    pauses = [line.partition(" again in ")[2].partition(" s.")[0] for line in said]
    assert pauses == ["1", "2", "4", "8", "16", "30", "30"]


def test_a_child_that_may_finish_is_not_started_again(supervisor, tmp_path, said):
    child = Child(
        name="guest", command=[sys.executable, "-c", ""], log=tmp_path / "log", may_finish=True
    )
    supervisor.start(child).wait()

    for _ in range(3):
        supervisor.tend()

    assert not child.is_running
    assert said == []


def test_a_step_that_fails_says_what_it_wrote(supervisor, tmp_path):
    command = [sys.executable, "-c", "print('no such table'); exit(1)"]

    with pytest.raises(ChildFailed, match="no such table"):
        supervisor.run(Child(name="step", command=command, log=tmp_path / "log"))


def test_all_children_have_ended_with_the_supervisor(tmp_path, said):
    with Supervisor(cwd=tmp_path, env=dict(os.environ), say=said.append) as supervisor:
        started = [
            supervisor.start(Child(name=name, command=SLEEP, log=tmp_path / name))
            for name in ("one", "two")
        ]
    assert [process.poll() for process in started] == [-signal.SIGTERM, -signal.SIGTERM]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent")
def test_children_die_with_a_supervisor_that_was_killed(tmp_path):
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(tmp_path / "log")],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
    )
    assert launcher.stdout
    child = int(launcher.stdout.readline())
    assert _is_alive(child)

    launcher.kill()
    launcher.communicate()

    wait_until(lambda: not _is_alive(child))


def _is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
