"""What a client would send: masked frames, whole and in pieces."""

import os
import struct
import zlib
from itertools import pairwise

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def masked(opcode, body=b"", *, fin=True, rsv=0, mask=None, length=None):
    """Build one frame; `length` lies about how long it is."""
    mask = os.urandom(4) if mask is None else mask
    size = len(body) if length is None else length
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, 0xFE, size)
    else:
        head = struct.pack("!BBQ", first, 0xFF, size)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(body))


def deflated(body, *, window_bits=15):
    packer = zlib.compressobj(6, zlib.DEFLATED, -window_bits)
    return (packer.compress(body) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def message(opcode, body, cuts=(), *, packs=False, between=b""):
    """Build a message in as many fragments as the cuts make, something put between them."""
    if packs:
        body = deflated(body)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    pieces = [body[start:end] for start, end in pairwise(edges)]
    return between.join(
        masked(
            CONTINUATION if i else opcode,
            piece,
            fin=i == len(pieces) - 1,
            rsv=4 if packs and not i else 0,
        )
        for i, piece in enumerate(pieces)
    )
