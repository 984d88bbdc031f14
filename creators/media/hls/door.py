"""uvicorn's HTTP protocol with a short way for what players ask for most: playlists and pieces.

Four times a second each viewer reloads a playlist, held until it changes, and gets a part. As an
ASGI application that is a task, a scope and a dozen checked headers each time. Here a request for
what is there is answered at once, and one that must wait is a callback: all of one moment are
answered by one loop with the same bytes. Whatever is not plainly that (tokens that are wrong,
other methods, pipelining, slow readers, errors) goes the long way through `Origin`.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from creators.media.access import is_valid
from creators.media.hls.http import Origin, wanted
from creators.media.hls.replies import (
    BRIEFLY,
    FOREVER,
    MP4,
    NEVER,
    PLAYLIST,
    Refused,
    Reply,
)
from creators.media.hls.track import TooFar, Track
from creators.media.hls.waiting import TooMany

# What a request's head may have, and how long it may take to come.
MOST_HEAD = 64 * 1024
HEAD_WITHIN_S = 10.0

# An answer of now, or: a way to have it later, or nothing (the long way).
Body = tuple[bytes, bytes]


def _head(body: bytes, kind: bytes, cache: bytes, *, is_gzipped: bool = False) -> bytes:
    headers = Reply(body, kind, cache, is_gzipped=is_gzipped).headers
    return b"".join(b"%b: %b\r\n" % header for header in headers)


def _playlist(track: Track, *, is_delta: bool, is_gzipped: bool) -> Body | None:
    if not track.is_published:
        return None
    rendered = track.playlist(is_delta=is_delta)
    body = rendered.gzipped if is_gzipped else rendered.body
    head = rendered.heads.get(is_gzipped)
    if head is None:
        head = rendered.heads[is_gzipped] = _head(body, PLAYLIST, NEVER, is_gzipped=is_gzipped)
    return head, body


def _piece(data: bytes | None, cache: bytes) -> Body | None:
    return None if data is None else (_head(data, MP4, cache), data)


class _Nothing:
    def set(self) -> None:
        """Nobody waits for this request's body."""


class _Cycle:
    """What the protocol knows of a request that goes the short way."""

    __slots__ = (
        "body",
        "disconnected",
        "keep_alive",
        "message_event",
        "more_body",
        "response_complete",
    )

    def __init__(self) -> None:
        self.body = bytearray()
        self.disconnected = False
        self.keep_alive = True
        self.message_event = _Nothing()
        self.more_body = False
        self.response_complete = False


class Door(HttpToolsProtocol):
    """The protocol of one connection; `origin` is given by `protocol_for`."""

    origin: Origin
    _is_in_head = False
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_WITHIN_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; uvicorn sets no limit to a request's head, in bytes or in time.

        (Between requests, and while it is answered, uvicorn's own limits hold.)
        """
        super().data_received(data)
        if not self._is_in_head:
            self._forget_timer()
            return
        self._head_bytes += len(data)
        if self._head_bytes > MOST_HEAD:
            self.transport.abort()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_WITHIN_S, self.transport.abort)

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        cycle = self.cycle
        if (
            not self.url.startswith(b"/live/")
            or self.parser.get_method() != b"GET"
            or self.parser.get_http_version() != "1.1"
            or not self.parser.should_keep_alive()
            or self.parser.should_upgrade()
            or (cycle is not None and not cycle.response_complete)
            or self.pipeline
            or self.flow.write_paused
            or self.limit_concurrency is not None
            or not self._answer()
        ):
            super().on_headers_complete()

    def _answer(self) -> bool:
        """Answer, now or later; False when this is nothing for the short way."""
        path, _, query = self.url.partition(b"?")
        track, name, cache = self._track(path)
        if track is None:
            return False
        if name == b"media.m3u8":
            return self._answer_playlist(track, query)
        number = name[1:-4]
        if not name.endswith(b".m4s") or not number.isdigit() or len(number) > 12:
            return False
        if name[:1] == b"s":
            return self._now(_piece(track.segment(int(number)), cache))
        if name[:1] != b"p":
            return False
        part = int(number)
        if track.is_hinted(part):
            return self._later(
                track.part_waiters.call, part, lambda: _piece(track.part(part), cache)
            )
        return self._now(_piece(track.part(part), cache))

    def _track(self, path: bytes) -> tuple[Track | None, bytes, bytes]:
        """Return the track, what is asked of it, and how long that may be kept."""
        pieces = path.split(b"/")
        try:
            stream_id = UUID(pieces[2].decode())
            *tokens, rendition, name = pieces[3:]
        except ValueError:
            return None, b"", b""
        output = self.origin.streams.get(stream_id)
        if output is None or len(tokens) > 1 or (tokens and tokens[0][:1] != b"~"):
            return None, b"", b""
        if output.is_private:
            token = tokens[0].decode("latin-1") if tokens else ""
            if not is_valid(token, stream_id, purpose="watch", now=datetime.now(UTC)):
                return None, b"", b""
        cache = BRIEFLY if output.is_private else FOREVER
        return output.tracks.get(rendition.decode("latin-1")), name, cache

    def _answer_playlist(self, track: Track, query: bytes) -> bool:
        try:
            number, part, is_delta = wanted(query)
            key = None if number is None else track.awaited(number, part)
        except (Refused, TooFar):
            return False
        is_gzipped = any(
            name == b"accept-encoding" and b"gzip" in value for name, value in self.headers
        )

        def make() -> Body | None:
            return _playlist(track, is_delta=is_delta, is_gzipped=is_gzipped)

        if key is None:
            return self._now(make())
        return self._later(track.playlist_waiters.call, key, make)

    def _now(self, found: Body | None) -> bool:
        if found is None:
            return False
        self.cycle = _Cycle()  # type: ignore[assignment]
        self._write(self.cycle, found)  # type: ignore[arg-type]
        return True

    def _later(
        self,
        call: Callable[[Any, Callable[[bool], None]], None],
        key: object,
        make: Callable[[], Body | None],
    ) -> bool:
        cycle = _Cycle()

        def then(_is_there: bool) -> None:
            if not cycle.disconnected and not self.transport.is_closing():
                self._write(cycle, make())

        try:
            call(key, then)
        except TooMany:
            return False
        self.cycle = cycle  # type: ignore[assignment]
        return True

    def _write(self, cycle: _Cycle, found: Body | None) -> None:
        own = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        if not cycle.keep_alive:
            own += b"connection: close\r\n"
        if found is None:
            body = b"This piece is not there, or not any more.\n"
            refusal = Reply.refusal(Refused(404, body.decode().strip()))
            head = b"".join(b"%b: %b\r\n" % header for header in refusal.headers)
            self.transport.write(b"HTTP/1.1 404 Not Found\r\n" + own + head + b"\r\n" + body)
        else:
            head, body = found
            self.transport.writelines((b"HTTP/1.1 200 OK\r\n" + own + head + b"\r\n", body))
        cycle.response_complete = True
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()


def protocol_for(origin: Origin) -> type[Door]:
    """Return the protocol for uvicorn's `http` that serves this origin."""
    return type("OriginDoor", (Door,), {"origin": origin})
