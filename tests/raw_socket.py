"""A websocket client without manners: it sends what no library would."""

import base64
import os
import socket
import struct
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


class RawSocket:
    """After the handshake `status` is its answer's, and `head` the answer itself."""

    def __init__(self, url, path, *, origin=None, cookie="", headers=(), timeout=10, receive=None):
        parts = urlsplit(url)
        self._socket = socket.socket()
        if receive is not None:
            # Before it connects, or the window is as wide as ever.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        self._socket.settimeout(timeout)
        self._socket.connect((parts.hostname, parts.port))
        self._rest = b""
        lines = [
            f"GET {path} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            *([f"Origin: {url if origin is None else origin}"] if origin != "" else []),
            *([f"Cookie: {cookie}"] if cookie else []),
            *headers,
        ]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        while b"\r\n\r\n" not in self._rest:
            self._rest += self._read()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        self.head = head.decode("latin-1")
        self.status = int(self.head.split()[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _read(self):
        data = self._socket.recv(1 << 16)
        if not data:
            raise EOFError
        return data

    def send(self, payload, *, opcode=TEXT, is_last=True, is_masked=True, bits=0):
        """Send one frame; `bits` are the reserved ones (4: the one of compression)."""
        head = bytes([(0x80 if is_last else 0) | bits << 4 | opcode])
        mask = 0x80 if is_masked else 0
        if len(payload) < 126:
            head += bytes([mask | len(payload)])
        elif len(payload) < 1 << 16:
            head += struct.pack("!BH", mask | 126, len(payload))
        else:
            head += struct.pack("!BQ", mask | 127, len(payload))
        # A mask of zeros changes nothing.
        self._socket.sendall(head + (bytes(4) if is_masked else b"") + payload)

    def frame(self):
        """Return the next frame as (opcode, payload)."""
        opcode, length = self._take(1)[0] & 0x0F, self._take(1)[0] & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self._take(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", self._take(8))
        return opcode, self._take(length)

    def _take(self, count):
        while len(self._rest) < count:
            self._rest += self._read()
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def close_code(self):
        """Read to the end; return the code that the server closed with (None: just gone)."""
        try:
            while True:
                opcode, payload = self.frame()
                if opcode == CLOSE:
                    return struct.unpack("!H", payload[:2])[0] if payload else 1005
        except (EOFError, ConnectionError):
            return None
