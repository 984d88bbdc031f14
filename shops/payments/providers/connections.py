"""HTTP to a server that is asked all the time: connections are kept open between requests.

On bare sockets: at each order a client with more to offer took longer than the provider. And each
call of the system lets go of Python's lock, for which others wait: a request is one of them to be
sent and one to be answered, as long as it is small.
"""

import atexit
import socket
import ssl
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httptools

# A server closes what was not used for a while (ours after five seconds): not to be used then.
_KEPT_SECONDS: Final = 4.0
_MOST_KEPT: Final = 20
_MOST_HEAD: Final = 65_536
_FRAMED: Final = frozenset({b"content-length", b"transfer-encoding"})
_MOST: Final = 16_777_216
_FINAL: Final = 200


class Broken(Exception):
    """There is no answer; `str()` names what broke."""


class Garbled(Exception):
    """What came is no answer, or not all of one."""


@dataclass(frozen=True)
class Reply:
    status: int
    content: bytes


class Connections:
    """To one server; threads may share it."""

    def __init__(self, base_url: str) -> None:
        self._url = urlsplit(base_url)
        self._kept: list[tuple[float, _Line]] = []
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
        request = self._written(method, path, body, headers)
        try:
            line = self._take()
            try:
                return self._once(line or self._open(timeout), request, timeout)
            except (ConnectionError, Garbled):
                return self._once(self._open(timeout), request, timeout)
        except (OSError, Garbled) as error:
            raise Broken(type(error).__name__) from error

    def close(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, []
        for _since, line in kept:
            line.close()

    def _once(self, line: "_Line", request: bytes, timeout: float) -> Reply:
        is_kept = False
        until = time.monotonic() + timeout
        try:
            line.wait_at_most(timeout)
            line.sock.sendall(request)
            answer = _Answer()
            answer.feed(line.sock.recv(65_536))
            while not answer.is_whole:
                # Each piece may come in time, and all of them never.
                if time.monotonic() > until:
                    raise TimeoutError
                answer.feed(line.sock.recv(65_536))
            is_kept = answer.may_go_on and self._keep(line)
        except BlockingIOError:
            raise TimeoutError from None  # of the system's own clock, see `_Line`
        finally:
            if not is_kept:
                line.close()
        return answer.reply()

    def _written(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> bytes:
        lines = [
            f"{method} {self._url.path.rstrip('/')}{path} HTTP/1.1",
            f"Host: {self._url.netloc.rpartition('@')[2]}",
            "Accept-Encoding: identity",
            *(f"{name}: {text}" for name, text in headers.items()),
        ]
        if body is not None or method == "POST":
            lines.append(f"Content-Length: {len(body or b'')}")
        return "\r\n".join([*lines, "", ""]).encode("ascii") + (body or b"")

    def _take(self) -> "_Line | None":
        oldest = time.monotonic() - _KEPT_SECONDS
        found, old = None, []
        with self._lock:
            # The newest first; those that nobody needed for a while are all at the front.
            while self._kept and found is None:
                since, line = self._kept.pop()
                if since > oldest:
                    found = line
                else:
                    old.append(line)
        for line in old:
            line.close()
        return found

    def _open(self, timeout: float) -> "_Line":
        host, port = self._url.hostname or "", self._url.port or (443 if self._tls else 80)
        sock = socket.create_connection((host, port), timeout)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_hostname=host)
        except BaseException:
            sock.close()
            raise
        return _Line(sock)

    def _keep(self, line: "_Line") -> bool:
        with self._lock:
            if len(self._kept) < _MOST_KEPT:
                self._kept.append((time.monotonic(), line))
                return True
        return False


class _Line:
    """A connection; how long it waits is set where that has changed."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._timeout: float | None = None

    def wait_at_most(self, timeout: float) -> None:
        if timeout == self._timeout:
            return
        self._timeout = timeout
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.settimeout(timeout)
            return
        # By the system: Python asks it before each call whether there is something to do.
        seconds, part = divmod(timeout, 1)
        period = struct.pack("@ll", int(seconds), max(int(part * 1_000_000), 1))
        self.sock.settimeout(None)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, period)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, period)

    def close(self) -> None:
        self.sock.close()


class _Answer:
    """What is read of an answer, told by the parser."""

    def __init__(self) -> None:
        self.is_whole = False
        # Whether the connection may be used again.
        self.may_go_on = False
        self._parser = httptools.HttpResponseParser(self)
        self._status = 0
        self._parts: list[bytes] = []
        self._is_framed = False
        self._has_head = False
        self._length = 0

    def feed(self, data: bytes) -> None:
        """Take in what came; nothing means that there will be no more.

        :raises Garbled: it is no answer, or ends too early
        """
        if not data:
            if not self._length:
                raise ConnectionResetError
            # Without a length an answer ends with its connection.
            if not self._has_head or self._is_framed:
                raise Garbled
            self.is_whole = True
            return
        self._length += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.may_go_on = False
            if not self.is_whole:
                raise Garbled from error
        if self._length > (_MOST if self._has_head else _MOST_HEAD):
            raise Garbled

    def reply(self) -> Reply:
        """Give what was read; nothing more can be."""
        del self._parser  # they know each other: neither would go before Python looks for such
        return Reply(self._status, b"".join(self._parts))

    # --- Called by the parser

    def on_message_begin(self) -> None:
        if self.is_whole:
            # Nobody asked for what comes behind: it is not the next one's answer.
            self.may_go_on = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._is_framed = self._is_framed or name.lower() in _FRAMED

    def on_headers_complete(self) -> None:
        if not self.is_whole:
            self._status = self._parser.get_status_code()
            self._has_head = self._status >= _FINAL

    def on_body(self, body: bytes) -> None:
        if not self.is_whole:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        if self.is_whole:
            return
        # What comes before the answer itself ("continue") is none.
        self.is_whole = self._has_head
        self.may_go_on = self._parser.should_keep_alive()
