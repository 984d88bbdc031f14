"""The short way for playlists and pieces says just what the long way says."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import uvicorn

from creators.media.access import sign
from creators.media.hls import door
from creators.media.hls.door import protocol_for
from creators.media.hls.http import Origin
from creators.media.hls.track import Track
from tests.creators.media.hls.checker import parse
from tests.creators.media.hls.movies import Camera
from tests.creators.media.hls.watching import NOON, Watcher, play

STREAM = UUID("00000000-0000-4000-8000-000000000002")
LIVE = f"/live/{STREAM}"


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self):
        yield


@dataclass
class Served:
    origin: Origin
    track: Track
    camera: Camera
    port: int
    # How many requests went each way.
    long: list[str]

    def on(self, seconds: float) -> None:
        play(self.track, Watcher(self.track), self.camera, seconds, at=NOON + self.camera.media)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    origin = Origin()
    track = origin.open(STREAM, is_private=False).track()
    track.begin_run(1, Camera().init())
    long: list[str] = []

    async def app(scope, receive, send):
        long.append(scope["path"])
        await origin(scope, receive, send)

    config = uvicorn.Config(
        app, http=protocol_for(origin), ws="none", lifespan="off", log_config=None, access_log=False
    )
    place = socket.socket()
    place.bind(("127.0.0.1", 0))
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[place]))
    while not server.started:
        await asyncio.sleep(0.005)
    one = Served(origin, track, Camera(size=400), place.getsockname()[1], long)
    one.on(10.4)
    yield one
    server.should_exit = True
    server.force_exit = True
    await serving
    place.close()


Answer = tuple[int, dict[str, str], bytes]


async def read(reader: asyncio.StreamReader) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    headers.pop("date")
    return (
        int(head[0].split()[1]),
        headers,
        await reader.readexactly(int(headers["content-length"])),
    )


async def ask(port: int, *paths: str, headers: str = "", method: str = "GET") -> list[Answer]:
    """Ask for some paths in one go over one connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = f"host: x\r\naccept-encoding: gzip\r\n{headers}"
    for path in paths:
        writer.write(f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode())
    answers = [await read(reader) for _ in paths]
    writer.close()
    await writer.wait_closed()
    return answers


async def test_both_ways_say_the_same(served):
    names = [
        "source/media.m3u8",
        "source/media.m3u8?_HLS_msn=3&_HLS_skip=YES",
        "source/s5.m4s",
        f"source/p{served.track.hint - 1}.m4s",
    ]
    for name in names:
        (short,) = await ask(served.port, f"{LIVE}/{name}")
        assert served.long == []
        # A connection that is to be closed goes the long way.
        (long,) = await ask(served.port, f"{LIVE}/{name}", headers="connection: close\r\n")
        assert len(served.long) == 1
        served.long.clear()
        long[1].pop("connection")
        assert short == long
        assert short[0] == 200


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("source/s99.m4s", 404),
        ("source/p99999.m4s", 404),
        ("source/p1x.m4s", 404),
        ("other/media.m3u8", 404),
        ("source/media.m3u8?_HLS_msn=99", 400),
        ("source/media.m3u8?_HLS_msn=x", 400),
        ("index.m3u8", 200),
        ("source/init-1.mp4", 200),
    ],
)
async def test_all_else_goes_the_long_way(served, name, status):
    ((found, _, _),) = await ask(served.port, f"{LIVE}/{name}")
    assert found == status
    assert len(served.long) == 1


async def test_all_who_wait_are_answered_when_it_comes(served):
    number, part = parse(served.track.playlist().body.decode()).last
    query = f"{LIVE}/source/media.m3u8?_HLS_msn={number}&_HLS_part={part + 1}"
    hint = served.track.hint
    asked = [asyncio.create_task(ask(served.port, query)) for _ in range(5)]
    asked += [asyncio.create_task(ask(served.port, f"{LIVE}/source/p{hint}.m4s"))]
    while served.track.playlist_waiters.count < 5 or not served.track.part_waiters.count:
        await asyncio.sleep(0.005)
    served.on(0.3)
    answers = [one for (one,) in await asyncio.gather(*asked)]
    assert [one[0] for one in answers] == [200] * 6
    assert {one[2] for one in answers[:5]} == {served.track.playlist().gzipped}
    assert answers[5][2] == served.track.part(hint)
    assert served.track.playlist_waiters.count == 0
    assert served.long == []


async def test_requests_in_one_go_are_answered_in_their_order(served):
    hint = served.track.hint
    names = ["s3.m4s", f"p{hint}.m4s", "s4.m4s", "media.m3u8", "s5.m4s"]
    asked = asyncio.create_task(ask(served.port, *[f"{LIVE}/source/{name}" for name in names]))
    while not served.track.part_waiters.count:
        await asyncio.sleep(0.005)
    served.on(0.3)
    answers = await asked
    track = served.track
    assert [one[0] for one in answers] == [200] * 5
    assert [answers[n][2] for n in (0, 1, 2, 4)] == [
        track.segment(3),
        track.part(hint),
        track.segment(4),
        track.segment(5),
    ]


async def test_who_goes_while_waiting_is_forgotten(served):
    hint = served.track.hint
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(f"GET {LIVE}/source/p{hint}.m4s HTTP/1.1\r\nhost: x\r\n\r\n".encode())
    while not served.track.part_waiters.count:
        await asyncio.sleep(0.005)
    writer.close()
    await writer.wait_closed()
    served.on(0.3)
    assert served.track.part_waiters.count == 0
    ((status, _, _),) = await ask(served.port, f"{LIVE}/source/s5.m4s")
    assert status == 200


async def test_a_part_that_does_not_come_is_not_there(served):
    served.track.part_waiters.hold = 0.02
    ((status, headers, _),) = await ask(served.port, f"{LIVE}/source/p{served.track.hint}.m4s")
    assert (status, headers["cache-control"]) == (404, "no-store")


async def test_a_private_stream_is_for_who_has_a_token(served):
    served.origin.streams[STREAM].is_private = True
    until = datetime.now(UTC) + timedelta(minutes=5)
    token = sign(STREAM, purpose="watch", until=until)
    for bad in ("", f"/{token[:-1]}", f"/{sign(STREAM, purpose='publish', until=until)}"):
        ((status, _, _),) = await ask(served.port, f"{LIVE}{bad}/source/s5.m4s")
        assert status == 403
    for piece in ("s5", f"p{served.track.hint - 1}"):
        path = f"{LIVE}/{token}/source/{piece}.m4s"
        ((status, headers, _),) = await ask(served.port, path)
        assert (status, headers["cache-control"]) == (200, "public, max-age=60, immutable")
    assert len(served.long) == 3


async def hears_its_end(port: int, *pieces: bytes) -> bool:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(5):
            assert await reader.read() == b""
    writer.transport.abort()
    return True


async def test_a_head_has_an_end_and_comes_soon(served, monkeypatch):
    begun = f"GET {LIVE}/index.m3u8 HTTP/1.1\r\nhost: x\r\nlong: ".encode()
    assert await hears_its_end(served.port, begun, *[bytes([97]) * 4096] * 40)
    monkeypatch.setattr(door, "HEAD_WITHIN_S", 0.05)
    assert await hears_its_end(served.port)
    assert await hears_its_end(served.port, begun)
    ((status, _, _), _) = await ask(served.port, f"{LIVE}/index.m3u8", f"{LIVE}/source/s5.m4s")
    assert status == 200
    # Who waits for a part has sent its head.
    served.long.clear()
    waiting = asyncio.create_task(ask(served.port, f"{LIVE}/source/p{served.track.hint}.m4s"))
    await asyncio.sleep(0.1)
    served.on(0.6)
    ((status, _, _),) = await waiting
    assert status == 200
