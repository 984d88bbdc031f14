"""The bytes that encoders send, written from the specification and apart from our own code."""

import asyncio
import struct
from contextlib import suppress


def amf(*values):
    written = b""
    for value in values:
        if value is None:
            written += b"\x05"
        elif isinstance(value, bool):
            written += b"\x01" + bytes([value])
        elif isinstance(value, int | float):
            written += b"\x00" + struct.pack(">d", value)
        elif isinstance(value, str):
            written += b"\x02" + struct.pack(">H", len(value.encode())) + value.encode()
        else:
            marker, count = (b"\x08", struct.pack(">I", len(value)))
            if not value.get("ecma"):
                marker, count = b"\x03", b""
            written += marker + count
            for name, one in value.items():
                if name != "ecma":
                    written += struct.pack(">H", len(name)) + name.encode() + amf(one)
            written += b"\x00\x00\x09"
    return written


def chunks(
    chunk_stream, kind, body, *, time=0, stream=0, form=0, size=128, extended=None, repeat=True
):
    """One message; `time` is what its header says: a timestamp, or a distance (forms 1 and 2).

    `extended` goes into each chunk's header when time is 0xFFFFFF (not `repeat`: into the first).
    """
    if chunk_stream < 64:
        number = [bytes([form << 6 | chunk_stream]), bytes([0xC0 | chunk_stream])]
    elif chunk_stream < 320:
        number = [bytes([f, chunk_stream - 64]) for f in (form << 6, 0xC0)]
    else:
        far = struct.pack("<H", chunk_stream - 64)
        number = [bytes([f | 1]) + far for f in (form << 6, 0xC0)]
    time_field = 0xFFFFFF if extended is not None else time
    header = [
        time_field.to_bytes(3, "big"),
        len(body).to_bytes(3, "big") + bytes([kind]),
        struct.pack("<I", stream),
    ]
    long = struct.pack(">I", extended) if extended is not None else b""
    written = number[0] + b"".join(header[: 3 - form]) + long + body[:size]
    for at in range(size, len(body), size):
        written += number[1] + (long if repeat else b"") + body[at : at + size]
    return written


GREETING = b"\x03" + struct.pack(">II", 0, 0) + bytes(range(256)) * 5 + bytes(248)
ANSWER = bytes(1536)
CONNECT = chunks(
    3,
    20,
    amf(
        "connect",
        1,
        {
            "app": "live",
            "type": "nonprivate",
            "flashVer": "FMLE/3.0 (compatible; FMSc/1.0)",
            "tcUrl": "rtmp://127.0.0.1:1935/live",
        },
    ),
)


def as_obs(key, *, stream=1, with_set_chunk_size=True):
    """What librtmp in OBS says until its first picture, after the handshake."""
    big = chunks(2, 1, struct.pack(">I", 4096)) if with_set_chunk_size else b""
    return (
        big
        + chunks(
            3,
            20,
            amf("connect", 1, {"app": "live", "type": "nonprivate", "tcUrl": "rtmp://x/live"}),
            size=4096,
        )
        + chunks(3, 20, amf("releaseStream", 2, None, key), form=1, size=4096)
        + chunks(3, 20, amf("FCPublish", 3, None, key), form=1, size=4096)
        + chunks(3, 20, amf("createStream", 4, None), form=1, size=4096)
        + chunks(4, 20, amf("publish", 5, None, key, "live"), stream=stream, size=4096)
    )


def as_ffmpeg(key):
    """What ffmpeg says, with its windows and its ping of the buffer."""
    return (
        chunks(3, 20, amf("connect", 1, {"app": "live", "type": "nonprivate", "tcUrl": "x"}))
        + chunks(2, 5, struct.pack(">I", 2_500_000))
        + chunks(2, 1, struct.pack(">I", 65536))
        + chunks(3, 20, amf("releaseStream", 2, None, key), size=65536)
        + chunks(3, 20, amf("FCPublish", 3, None, key), size=65536)
        + chunks(3, 20, amf("createStream", 4, None), size=65536)
        + chunks(4, 20, amf("publish", 5, None, key, "live"), stream=1, size=65536)
    )


METADATA = {"ecma": True, "width": 1280, "height": 720, "videocodecid": 7, "audiocodecid": 10}
VIDEO = b"\x17\x01\x00\x00\x00" + bytes(300)
AUDIO = b"\xaf\x01" + bytes(90)


def metadata(about=METADATA, size=4096):
    return chunks(4, 18, amf("@setDataFrame", "onMetaData", about), stream=1, size=size)


def read_amf(data):
    """All values in data, as far as servers use them."""
    values, at = [], 0

    def value(at):
        kind = data[at]
        at += 1
        if kind == 0:
            return struct.unpack_from(">d", data, at)[0], at + 8
        if kind == 1:
            return bool(data[at]), at + 1
        if kind == 2:
            size = struct.unpack_from(">H", data, at)[0]
            return data[at + 2 : at + 2 + size].decode(), at + 2 + size
        if kind == 3:
            found = {}
            while data[at : at + 3] != b"\x00\x00\x09":
                size = struct.unpack_from(">H", data, at)[0]
                name = data[at + 2 : at + 2 + size].decode()
                found[name], at = value(at + 2 + size)
            return found, at + 3
        assert kind == 5
        return None, at

    while at < len(data):
        one, at = value(at)
        values.append(one)
    return values


def read_messages(data):
    """What a server said in chunks, all of form 0 and 3: [(kind, stream, body)]."""
    said, at, size = [], 0, 128
    while at < len(data):
        chunk_stream = data[at]
        assert chunk_stream < 64
        length = int.from_bytes(data[at + 4 : at + 7], "big")
        kind = data[at + 7]
        stream = struct.unpack_from("<I", data, at + 8)[0]
        at += 12
        body = b""
        while len(body) < length:
            if body:
                assert data[at] == 0xC0 | chunk_stream
                at += 1
            taken = min(size, length - len(body))
            body += data[at : at + taken]
            at += taken
        if kind == 1:
            size = int.from_bytes(body, "big")
        said.append((kind, stream, body))
    return said


def commands(data):
    """The commands that a server said."""
    return [read_amf(body) for kind, _, body in read_messages(data) if kind == 20]


def statuses(data):
    """The codes of the statuses that a server said."""
    return [said[3]["code"] for said in commands(data) if said[0] == "onStatus"]


def tags(flv):
    """Take an FLV file apart: [(kind, time, body)]."""
    assert flv[:3] == b"FLV"
    at, found = 13, []
    while at < len(flv):
        size = int.from_bytes(flv[at + 1 : at + 4], "big")
        time = int.from_bytes(flv[at + 7 : at + 8] + flv[at + 4 : at + 7], "big")
        found.append((flv[at], time, flv[at + 11 : at + 11 + size]))
        at += 11 + size
        assert int.from_bytes(flv[at : at + 4], "big") == size + 11
        at += 4
    return found


class Encoder:
    """A connection to a server."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer
        self.heard = b""

    @classmethod
    async def connect(cls, port):
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def greet(self):
        await self.send(GREETING)
        answer = await self.reader.readexactly(1 + 2 * 1536)
        assert answer[0] == 3
        assert answer[1537:] == GREETING[1:]
        await self.send(ANSWER)

    async def hear(self, code):
        """Read until the server has said a status."""
        while code.encode() not in self.heard:
            data = await self.reader.read(4096)
            assert data, f"{code} was never said: {self.heard!r}"
            self.heard += data

    async def hear_end(self):
        """Read until the server closes; return all that it said."""
        with suppress(ConnectionError):
            self.heard += await self.reader.read(-1)
        return self.heard

    async def close(self):
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()
