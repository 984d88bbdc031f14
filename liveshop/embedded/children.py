"""Child processes that can't outlive their parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def spawn(
    command: Sequence[str | Path],
    *,
    log: IO[bytes],
    when_parent_dies: signal.Signals,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    uid: int | None = None,
    gid: int | None = None,
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own that gets a signal when this process is gone.

    Call it from the main thread: the kernel ties the signal to the thread that made the child.
    """
    parent = os.getpid()

    def in_the_child() -> None:  # after the change of user, which would forget the request
        die_with_parent(when_parent_dies, parent=parent)

    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=env,
        user=uid,
        group=gid,
        extra_groups=[] if uid is not None else None,
        umask=0o077 if uid is not None else -1,
        pass_fds=keep_open,
        start_new_session=True,
        preexec_fn=in_the_child,
    )


def die_with_parent(sign: signal.Signals, *, parent: int) -> None:
    """Ask the kernel to send this process a signal once its parent is gone."""
    if _libc is None:
        return
    _libc.prctl(_PR_SET_PDEATHSIG, int(sign), 0, 0, 0)
    if os.getppid() != parent:  # it died in between
        os.kill(os.getpid(), sign)


def stop(
    processes: Sequence[subprocess.Popen[bytes]], *, sign: signal.Signals, patience: float
) -> None:
    """Ask children to stop, all at once; after `patience` seconds, make them."""
    for how, wait in ((sign, patience), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + wait
        for process in processes:
            process.send_signal(how)  # does nothing to one that has ended
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
