"""The ASGI application that players talk to: playlists, parts, segments, stills, recordings.

All of it is public or opened by a token in the path (`creators.media.access`), and may be fetched
by pages of any origin. What has a number never changes and is cached for ever (of a private stream:
for a minute); playlists are not cached: they change four times a second, and one that waited is old
when it is asked for again.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from creators.media.access import Purpose, is_valid
from creators.media.hls.files import Files
from creators.media.hls.output import StreamOutput
from creators.media.hls.replies import (
    BRIEFLY,
    FOREVER,
    JPEG,
    JSON,
    MP4,
    NEVER,
    PLAYLIST,
    Receive,
    Refused,
    Reply,
    Scope,
    Send,
)
from creators.media.hls.ring import Disk
from creators.media.hls.track import ClosedSegment, Rendered, TooFar, Track
from creators.media.hls.waiting import TooMany

App = Callable[[Scope, Receive, Send], Awaitable[None]]

# How many streams that were let go are remembered, to say 410 instead of 404.
_MOST_GONE = 1000
_PIECE = re.compile(
    r"p(?P<part>[0-9]{1,12})\.m4s|s(?P<segment>[0-9]{1,12})\.m4s|(?P<init>init-[0-9-]+)\.mp4"
)


class Origin:
    """The streams of this process, and the door to them.

    To be set by whoever runs it: `camera` (an ASGI application for websockets at /ingest/…),
    `find` (asked for a stream that is not here, for instance after a restart; gives it or None)
    and `status` (figures for /healthz; what it raises is its own fault).
    """

    def __init__(self, *, disk: Disk | None = None, recordings: Path | None = None) -> None:
        self.streams: dict[UUID, StreamOutput] = {}
        self.disk = disk
        self.camera: App | None = None
        self.find: Callable[[UUID], Awaitable[StreamOutput | None]] | None = None
        self.status: Callable[[], dict[str, Any]] | None = None
        self._files = Files(recordings) if recordings is not None else None
        self._gone: OrderedDict[UUID, None] = OrderedDict()

    def open(
        self,
        stream_id: UUID,
        *,
        is_private: bool,
        on_segment: Callable[[str, ClosedSegment], None] | None = None,
    ) -> StreamOutput:
        """Return the stream's output, made when it is not here yet."""
        output = self.streams.get(stream_id)
        if output is None:
            output = StreamOutput(
                stream_id, is_private=is_private, disk=self.disk, on_segment=on_segment
            )
            self.streams[stream_id] = output
            self._gone.pop(stream_id, None)
        output.is_private = is_private
        return output

    def drop(self, stream_id: UUID) -> None:
        """Let a stream go; who asks for it later is told that it is gone."""
        output = self.streams.pop(stream_id, None)
        if output is not None:
            output.close()
        self._gone[stream_id] = None
        while len(self._gone) > _MOST_GONE:
            self._gone.popitem(last=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            if self.camera is not None and scope["path"].startswith("/ingest/"):
                await self.camera(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            raise ValueError(f"no answer to a scope of type {scope['type']}")
        try:
            reply = await self._answer(scope)
        except Refused as refused:
            reply = Reply.refusal(refused)
        await reply.send(scope, send)

    async def _answer(self, scope: Scope) -> Reply:
        if scope["method"] == "OPTIONS":
            return Reply.preflight()
        if scope["method"] not in ("GET", "HEAD"):
            raise Refused(405, "Only GET, HEAD and OPTIONS.")
        _, first, *rest = scope["path"].split("/")
        if first == "live" and len(rest) >= 2:
            return await self._live(scope, rest)
        if first == "recordings" and self._files is not None:
            return await self._files.answer("/".join(rest), _headers(scope).get(b"range", b""))
        if first == "healthz":
            return Reply(json.dumps(self._status()).encode(), JSON, NEVER)
        raise Refused(404, "There is nothing here.")

    def _status(self) -> dict[str, Any]:
        trouble = self.disk.trouble if self.disk is not None else ""
        status: dict[str, Any] = {"streams": len(self.streams), "disk": trouble or "ok"}
        if self.status is not None:
            status |= self.status()
        return status

    async def _live(self, scope: Scope, rest: list[str]) -> Reply:
        try:
            stream_id = UUID(rest[0])
        except ValueError:
            raise Refused(404, "There is no such stream.") from None
        token, names = "", rest[1:]
        if names[0].startswith("~"):
            token, names = names[0], names[1:]
        output = self.streams.get(stream_id)
        if output is None and self.find is not None and stream_id not in self._gone:
            output = await self.find(stream_id)
        if output is None:
            if stream_id in self._gone:
                raise Refused(410, "This stream is over.")
            if names == ["health.json"]:
                # The host's console looks before anything was sent, too.
                _let_in(stream_id, token, "host")
                return Reply(b"{}", JSON, NEVER)
            raise Refused(404, "There is no such stream.")
        if names == ["health.json"]:
            _let_in(stream_id, token, "host")
            figures = output.health() if output.health is not None else {}
            return Reply(json.dumps(figures).encode(), JSON, NEVER)
        if output.is_private:
            _let_in(stream_id, token, "watch")
        if names == ["index.m3u8"]:
            if not output.is_published:
                raise Refused(404, "There is no picture yet.")
            return _playlist(output.playlist(), scope)
        if names == ["poster.jpg"]:
            still = await output.poster() if output.poster is not None else None
            if still is None:
                raise Refused(404, "There is no picture yet.")
            return Reply(still, JPEG, NEVER)
        track = output.tracks.get(names[0]) if len(names) == 2 else None
        if track is None:
            raise Refused(404, "There is nothing here.")
        if names[1] == "media.m3u8":
            return await _media_playlist(track, scope)
        return await _piece(track, names[1], BRIEFLY if output.is_private else FOREVER)


def _let_in(stream_id: UUID, token: str, purpose: Purpose) -> None:
    if not is_valid(token, stream_id, purpose=purpose, now=datetime.now(UTC)):
        raise Refused(403, "This address is not valid, or not any more.")


def _headers(scope: Scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def _playlist(rendered: Rendered, scope: Scope) -> Reply:
    if b"gzip" in _headers(scope).get(b"accept-encoding", b""):
        return Reply(rendered.gzipped, PLAYLIST, NEVER, is_gzipped=True)
    return Reply(rendered.body, PLAYLIST, NEVER)


@lru_cache(256)
def wanted(query: bytes) -> tuple[int | None, int | None, bool]:
    """Return segment, part and whether a delta update will do, of a playlist's query."""
    if not query:
        return None, None, False
    words = dict(parse_qsl(query.decode("latin-1")))
    number, part = words.get("_HLS_msn"), words.get("_HLS_part")
    for one in (number, part):
        if one is not None and not (one.isascii() and one.isdecimal() and len(one) <= 12):
            raise Refused(400, "_HLS_msn and _HLS_part are numbers.")
    if part is not None and number is None:
        raise Refused(400, "_HLS_part needs _HLS_msn.")
    return (
        None if number is None else int(number),
        None if part is None else int(part),
        words.get("_HLS_skip") in ("YES", "v2"),
    )


async def _media_playlist(track: Track, scope: Scope) -> Reply:
    number, part, is_delta = wanted(scope["query_string"])
    if number is not None:
        try:
            # When it took too long, the playlist of now tells more than an error would.
            await track.wait(number, part)
        except TooFar:
            raise Refused(400, "That is too far in the future.") from None
        except TooMany:
            raise Refused(503, "Too many are waiting.") from None
    if not track.is_published:
        raise Refused(404, "There is no picture yet.")
    return _playlist(track.playlist(is_delta=is_delta), scope)


async def _piece(track: Track, name: str, cache: bytes) -> Reply:
    match = _PIECE.fullmatch(name)
    data = None
    if match is not None and match["part"]:
        try:
            data = await track.wait_part(int(match["part"]))
        except TooMany:
            raise Refused(503, "Too many are waiting.") from None
    elif match is not None and match["segment"]:
        data = track.segment(int(match["segment"]))
    elif match is not None:
        data = track.init_bytes(name)
    if data is None:
        raise Refused(404, "This piece is not there, or not any more.")
    return Reply(data, MP4, cache)
