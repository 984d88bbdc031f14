"""HTTP to a server that is asked all the time: connections are kept open between requests.

By the standard library: at each order a client with more to offer took longer than the provider.
"""

import atexit
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

# A server closes what was not used for a while (ours after five seconds): not to be used then.
_KEPT_SECONDS: Final = 4.0
_MOST_KEPT: Final = 20


class Broken(Exception):
    """There is no answer; `str()` names what broke."""


@dataclass(frozen=True)
class Reply:
    status: int
    content: bytes


class Connections:
    """To one server; threads may share it."""

    def __init__(self, base_url: str) -> None:
        self._url = urlsplit(base_url)
        self._kept: list[tuple[float, HTTPConnection]] = []
        self._lock = threading.Lock()
        self._tls = ssl.create_default_context() if self._url.scheme == "https" else None
        atexit.register(self.close)

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        timeout: float,
    ) -> Reply:
        """Send a request that may be sent twice, as a connection that was kept may have died.

        :raises Broken: the server can't be reached, breaks off, or says nothing in time
        """
        connection = self._take(timeout)
        path = f"{self._url.path.rstrip('/')}{path}"
        try:
            try:
                return self._once(connection, method, path, body, headers)
            except (ConnectionError, HTTPException):
                connection.close()
                return self._once(connection, method, path, body, headers)
        except (OSError, HTTPException) as error:
            connection.close()
            raise Broken(type(error).__name__) from error

    def close(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, []
        for _since, connection in kept:
            connection.close()

    def _once(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
    ) -> Reply:
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        reply = Reply(response.status, response.read())
        if connection.sock is not None:  # it may go on being used
            self._keep(connection)
        return reply

    def _take(self, timeout: float) -> HTTPConnection:
        oldest = time.monotonic() - _KEPT_SECONDS
        found, old = None, []
        with self._lock:
            # The newest first; those that nobody needed for a while are all at the front.
            while self._kept and found is None:
                since, connection = self._kept.pop()
                if since > oldest:
                    found = connection
                else:
                    old.append(connection)
        for connection in old:
            connection.close()
        if found is None:
            found = self._make(timeout)
        found.timeout = timeout
        if found.sock is not None:
            found.sock.settimeout(timeout)
        return found

    def _make(self, timeout: float) -> HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._tls is not None:
            return HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        return HTTPConnection(host, port, timeout=timeout)

    def _keep(self, connection: HTTPConnection) -> None:
        with self._lock:
            if len(self._kept) < _MOST_KEPT:
                self._kept.append((time.monotonic(), connection))
                return
        connection.close()
