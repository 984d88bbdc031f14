"""What players get from the origin, asked over ASGI: no port, no process."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from creators.media.access import sign
from creators.media.hls.http import Origin
from creators.media.hls.output import StreamOutput
from tests.creators.media.hls.checker import parse
from tests.creators.media.hls.movies import Camera
from tests.creators.media.hls.watching import NOON, Watcher, play

STREAM = UUID("00000000-0000-4000-8000-000000000001")
LIVE = f"/live/{STREAM}"


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(recordings=tmp_path)


@pytest.fixture
def output(origin: Origin) -> StreamOutput:
    output = origin.open(STREAM, is_private=False)
    track = output.track()
    track.begin_run(1, Camera().init())
    play(track, Watcher(track), Camera(size=400), 10.4, at=NOON)
    return output


@pytest.fixture
async def player(origin: Origin) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=origin)
    async with httpx.AsyncClient(transport=transport, base_url="http://origin") as client:
        yield client


def token(purpose="watch", *, stream=STREAM, minutes=5) -> str:
    return sign(stream, purpose=purpose, until=datetime.now(UTC) + timedelta(minutes=minutes))


async def test_playlists_lead_to_all_pieces(player, output):
    index = await player.get(f"{LIVE}/index.m3u8")
    assert index.status_code == 200
    assert index.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert 'CODECS="avc1.42c01e,mp4a.40.2",RESOLUTION=640x360' in index.text
    assert index.text.splitlines()[-1] == "source/media.m3u8"
    media = await player.get(f"{LIVE}/source/media.m3u8")
    found = parse(media.text)
    assert media.headers["cache-control"] == "no-store"
    assert media.headers["access-control-allow-origin"] == "*"
    for name in [found.all[0].map, *(one.uri for one in found.segments)]:
        piece = await player.get(f"{LIVE}/source/{name}")
        assert piece.status_code == 200
        assert piece.headers["content-type"] == "video/mp4"
        assert piece.headers["cache-control"] == "public, max-age=31536000, immutable"
    last = found.segments[-1]
    parts = [(await player.get(f"{LIVE}/source/{part.uri}")).content for part in last.parts]
    assert b"".join(parts) == (await player.get(f"{LIVE}/source/{last.uri}")).content


async def test_playlists_are_compressed_for_who_can_take_it(player, output):
    plain = await player.get(f"{LIVE}/source/media.m3u8", headers={"accept-encoding": "identity"})
    packed = await player.get(f"{LIVE}/source/media.m3u8", headers={"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    assert packed.text == plain.text
    assert int(packed.headers["content-length"]) < len(plain.content) / 2
    assert gzip.decompress(output.tracks["source"].playlist().gzipped) == plain.content


async def test_a_player_waits_for_the_next_part(player, output):
    track = output.tracks["source"]
    number, part = parse(track.playlist().body.decode()).last
    query = {"_HLS_msn": number, "_HLS_part": part + 1}
    waiting = asyncio.create_task(player.get(f"{LIVE}/source/media.m3u8", params=query))
    piece = asyncio.create_task(player.get(f"{LIVE}/source/p{track.hint}.m4s"))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    assert not piece.done()
    camera = Camera(media=10.4, count=312, size=400)
    play(track, Watcher(track), camera, 0.3, at=NOON + 10.4)
    assert parse((await waiting).text).last == (number, part + 1)
    assert (await piece).status_code == 200


async def test_a_delta_update_is_given_to_who_asks_for_it(player, output):
    full = await player.get(f"{LIVE}/source/media.m3u8")
    delta = await player.get(f"{LIVE}/source/media.m3u8?_HLS_msn=3&_HLS_skip=YES")
    assert parse(delta.text).skipped == 4
    assert parse(delta.text).last == parse(full.text).last


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("_HLS_msn=5", 200),
        ("_HLS_msn=5&_HLS_part=1", 200),
        ("_HLS_msn=5&unknown=%ff%00", 200),
        ("_HLS_msn=500", 400),
        ("_HLS_msn=11&_HLS_part=70", 400),
        ("_HLS_msn=x", 400),
        ("_HLS_msn=-1", 400),
        ("_HLS_msn=٣", 400),
        ("_HLS_msn=" + "9" * 5000, 400),
        ("_HLS_part=1", 400),
    ],
)
async def test_what_may_be_asked_of_a_playlist(player, output, query, status):
    answer = await player.get(f"{LIVE}/source/media.m3u8?{query}")
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/live/",
        f"/live/{STREAM}",
        f"/live/{STREAM}/",
        "/live/nonsense/index.m3u8",
        f"/live/{UUID(int=2)}/index.m3u8",
        f"{LIVE}/other/media.m3u8",
        f"{LIVE}/source/s99.m4s",
        f"{LIVE}/source/p999.m4s",
        f"{LIVE}/source/init-7.mp4",
        f"{LIVE}/source/s1.mp4",
        f"{LIVE}/source/../source/media.m3u9",
        f"{LIVE}/source/s٣.m4s",
        f"{LIVE}/poster.jpg",
    ],
)
async def test_what_is_not_there_is_said_shortly(player, output, path):
    answer = await player.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.content) < 100


async def test_a_stream_that_was_let_go_is_gone(player, origin, output):
    origin.drop(STREAM)
    assert (await player.get(f"{LIVE}/index.m3u8")).status_code == 410


async def test_before_the_first_picture_there_is_no_playlist(player, origin):
    origin.open(STREAM, is_private=False).track()
    assert (await player.get(f"{LIVE}/index.m3u8")).status_code == 404
    assert (await player.get(f"{LIVE}/source/media.m3u8")).status_code == 404


async def test_a_private_stream_is_for_who_has_a_token(player, origin, output):
    output.is_private = True
    good, host = token(), token("host")
    bad = [
        "",
        "/~",
        "/" + token("publish"),
        "/" + token(stream=uuid4()),
        "/" + token(minutes=-1),
        "/" + good[:-1],
    ]
    names = ["index.m3u8", "source/media.m3u8", "source/s5.m4s", "source/init-1.mp4", "poster.jpg"]
    for name in names:
        for one in bad:
            assert (await player.get(f"{LIVE}{one}/{name}")).status_code == 403
    for name in names[:-1]:
        assert (await player.get(f"{LIVE}/{good}/{name}")).status_code == 200
        assert (await player.get(f"{LIVE}/{host}/{name}")).status_code == 200
    # No cache goes on giving out what its token, or the stream itself, does not outlive.
    kept = (await player.get(f"{LIVE}/{good}/source/s5.m4s")).headers["cache-control"]
    assert kept == "public, max-age=60, immutable"
    output.is_private = False
    assert (await player.get(f"{LIVE}/index.m3u8")).status_code == 200


async def test_health_is_for_the_host(player, output):
    output.health = lambda: {"kbps": 1500}
    assert (await player.get(f"{LIVE}/health.json")).status_code == 403
    assert (await player.get(f"{LIVE}/{token()}/health.json")).status_code == 403
    answer = await player.get(f"{LIVE}/{token('host')}/health.json")
    assert answer.json() == {"kbps": 1500}


async def test_a_still_comes_from_the_intake(player, output):
    async def still() -> bytes:
        return b"jpeg"

    output.poster = still
    answer = await player.get(f"{LIVE}/poster.jpg")
    assert (answer.content, answer.headers["content-type"]) == (b"jpeg", "image/jpeg")


async def test_only_reading_is_allowed(player, output):
    asked = await player.options(f"{LIVE}/index.m3u8", headers={"origin": "https://shop.example"})
    assert asked.status_code == 204
    assert asked.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"
    assert (await player.post(f"{LIVE}/index.m3u8")).status_code == 405
    head = await player.head(f"{LIVE}/source/s5.m4s")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) > 1000


async def test_a_stream_that_is_not_here_may_be_found(player, origin):
    async def find(stream_id: UUID) -> StreamOutput | None:
        return origin.open(stream_id, is_private=True) if stream_id == STREAM else None

    origin.find = find
    assert (await player.get(f"{LIVE}/index.m3u8")).status_code == 403
    assert (await player.get(f"/live/{uuid4()}/index.m3u8")).status_code == 404


async def test_the_origin_says_how_it_is(player, origin):
    origin.status = lambda: {"receiving": 3}
    answer = await player.get("/healthz")
    assert json.loads(answer.text) == {"streams": 0, "disk": "ok", "receiving": 3}


async def test_recordings_are_served_in_ranges(player, tmp_path):
    (tmp_path / "show-x7").mkdir()
    data = bytes(range(256)) * 2000
    (tmp_path / "show-x7" / "s1.m4s").write_bytes(data)
    whole = await player.get("/recordings/show-x7/s1.m4s")
    assert whole.content == data
    assert whole.headers["accept-ranges"] == "bytes"
    assert "immutable" in whole.headers["cache-control"]
    for asked, start, end in [
        ("bytes=0-0", 0, 1),
        ("bytes=100-299999", 100, 300_000),
        ("bytes=500000-", 500_000, 512_000),
        ("bytes=-10", 511_990, 512_000),
        ("bytes=511999-9999999", 511_999, 512_000),
    ]:
        part = await player.get("/recordings/show-x7/s1.m4s", headers={"range": asked})
        assert part.status_code == 206
        assert part.content == data[start:end]
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/512000"
        assert int(part.headers["content-length"]) == end - start
    beyond = await player.get("/recordings/show-x7/s1.m4s", headers={"range": "bytes=512000-"})
    assert beyond.status_code == 416
    for odd in ("bytes=-", "bytes=9-3", "bytes=0-1,3-4", "lines=1-2", "bytes=x"):
        all_of_it = await player.get("/recordings/show-x7/s1.m4s", headers={"range": odd})
        assert (all_of_it.status_code, len(all_of_it.content)) == (200, 512_000)
    head = await player.head("/recordings/show-x7/s1.m4s")
    assert (head.headers["content-length"], head.content) == ("512000", b"")


@pytest.mark.parametrize(
    "name",
    [
        "..%2Fsecret",
        "%2e%2e/secret",
        "link",
        ".hidden",
        "a/../../secret",
        "folder",
        "",
        "%00",
        "a//b",
    ],
)
async def test_nothing_outside_of_the_recordings_is_served(player, origin, tmp_path, name):
    folder = tmp_path / "recordings"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (folder / ".hidden").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    origin._files.folder = folder
    answer = await player.get(f"/recordings/{name}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


async def test_a_camera_s_websocket_is_handed_on(origin):
    seen: list[str] = []
    sent: list[dict[str, object]] = []

    async def camera(scope, receive, send):
        seen.append(scope["path"])

    async def send(message):
        sent.append(message)

    origin.camera = camera
    await origin({"type": "websocket", "path": f"/ingest/{STREAM}/~x/"}, None, send)
    await origin({"type": "websocket", "path": "/other/"}, None, send)
    assert seen == [f"/ingest/{STREAM}/~x/"]
    assert sent == [{"type": "websocket.close", "code": 1008}]
