"""A Valkey of a test's own, so that it may be killed and started again."""

import contextlib
import os
import signal
import socket
import subprocess
import time

from liveshop.embedded.binaries import find_valkey
from liveshop.embedded.children import spawn
from liveshop.embedded.places import Account
from tests.servers import PROJECT, free_port


class OwnValkey:
    """It keeps nothing: each start is an empty server."""

    def __init__(self, log, *arguments):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._log = log
        self._arguments = arguments
        self._process = None

    def start(self):
        program = find_valkey(Account(uid=os.geteuid(), gid=os.getegid()))
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        arguments += self._arguments
        with self._log.open("ab") as log:
            self._process = spawn(
                [str(program), *arguments],
                cwd=PROJECT,
                env=dict(os.environ),
                log=log,
                when_parent_dies=signal.SIGKILL,
            )
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.02)
        return self

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self):
        self._process.kill()
        self._process.wait(10)

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
            self.kill()
