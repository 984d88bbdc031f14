"""Ready websocket frames (RFC 6455, from a server: unmasked), to be shared by many sockets."""

import struct
import zlib
from typing import Final

TEXT: Final = 0x81
# The first of permessage-deflate's bits (RFC 7692): this message is compressed.
DEFLATED_TEXT: Final = 0xC1
CLOSE: Final = 0x88
PING: Final = 0x89
PONG: Final = 0x8A
# Below that a frame is not worth inflating.
LEAST_DEFLATED: Final = 512
_LEVEL: Final = 6


def framed(first: int, body: bytes) -> bytes:
    """Put a frame's head before its body; `first` is the byte with the bits and the opcode."""
    size = len(body)
    if size < 126:
        return bytes((first, size)) + body
    if size < 65_536:
        return struct.pack("!BBH", first, 126, size) + body
    return struct.pack("!BBQ", first, 127, size) + body


def text_frame(body: bytes) -> bytes:
    return framed(TEXT, body)


def deflated_frame(body: bytes) -> bytes:
    """Compress a message by itself: anyone without context takeover can read it, any window size.

    RFC 7692, 7.2.1: deflated, flushed to a byte, without the flush's last four bytes.
    """
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -15)
    packed = packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH)
    return framed(DEFLATED_TEXT, packed[:-4])


def close_frame(code: int, reason: str = "") -> bytes:
    """Build a close frame; what does not fit into its 125 bytes is cut off."""
    said = reason.encode()[:123].decode(errors="ignore").encode()
    return framed(CLOSE, struct.pack("!H", code) + said)
