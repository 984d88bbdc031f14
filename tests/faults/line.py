"""The line to the database, that can be cut: a socket of ours before PostgreSQL's."""

import contextlib
import socket
import threading
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

from tests.servers import database_url


class Line:
    """Passes on what goes to and fro, until it is cut."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._parts = urlsplit(database_url())
        self._address = folder / ".s.PGSQL.5432"
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None

    @property
    def url(self) -> str:
        who, at, _ = self._parts.netloc.rpartition("@")
        query = f"host={quote(str(self._folder), safe='')}"
        return urlunsplit(self._parts._replace(netloc=who + at, query=query))

    def _real(self) -> socket.socket:
        folder = parse_qs(self._parts.query).get("host", [""])[0]
        if not folder:
            host = self._parts.hostname or "localhost"
            return socket.create_connection((host, self._parts.port or 5432))
        real = socket.socket(socket.AF_UNIX)
        real.connect(f"{folder}/.s.PGSQL.5432")
        return real

    def mend(self) -> "Line":
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._address))
        self._listener.listen()
        threading.Thread(target=self._serve, args=[self._listener], daemon=True).start()
        return self

    def cut(self) -> None:
        if self._listener is not None:
            self._address.unlink()
            # Closing alone would not wake who waits in accept().
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _serve(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = self._real()
                self._open |= {near, far}
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)
        source.close()
