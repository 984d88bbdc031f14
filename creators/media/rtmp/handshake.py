"""The first 3,073 bytes of a connection: both sides show that they speak RTMP.

RTMP 1.0, section 5.2. Encoders that would like the later handshake with digests (librtmp, OBS,
ffmpeg) see by the zeroes where a version could stand that the plain one is spoken here.
"""

import os

from creators.media.rtmp.malformed import Malformed

VERSION = 3
SIZE = 1536


class Handshake:
    """The server's side; `is_over` when the client has answered."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._has_greeted = False
        self.is_over = False

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take bytes; return what to send and what came after the handshake.

        :raises Malformed: another protocol, or an encrypted one
        """
        self._waiting += data
        answer = b""
        if self._waiting and not self._has_greeted and self._waiting[0] != VERSION:
            raise Malformed("it does not begin like RTMP")
        if not self._has_greeted and len(self._waiting) >= 1 + SIZE:
            theirs = bytes(self._waiting[1 : 1 + SIZE])
            del self._waiting[: 1 + SIZE]
            self._has_greeted = True
            answer = bytes([VERSION]) + bytes(8) + os.urandom(SIZE - 8) + theirs
        if not self._has_greeted or len(self._waiting) < SIZE:
            return answer, b""
        self.is_over = True
        rest = bytes(self._waiting[SIZE:])
        self._waiting.clear()
        return answer, rest
