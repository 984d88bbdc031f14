"""A real stream's playlists, checked against the rules of low-latency HLS: `make check-hls`.

A private site takes a picture over RTMP for five minutes; in the middle its sender is killed and
comes back some seconds later, at the end the stream is closed. Meanwhile a client does all that
RFC 8216bis allows it: waits for each part (`_HLS_msn`, `_HLS_part`), asks for the delta update of
the same moment, asks for the hinted part before it is there, gets each segment and compares it
with its parts. tests/creators/media/hls/checker.py judges what it gets.

The last line is one JSON object: faults (their texts), playlists, parts, segments, deltas (updates
that were compared), discontinuities, is_ended. It ends with status 1 when there is a fault, when
the stream did not come to its end, or when too little was seen.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx

from benchmarks.origin import begin_stream, clip, sent, wait_for
from benchmarks.private_site import Site, private_site
from creators.media.hls.cutter import Cutter, Fragment
from tests.creators.media.hls.checker import Checker, Part, Playlist, Segment, parse

AWAY_SECONDS = 5.0


class Client:
    """One viewer that trusts nothing."""

    def __init__(self, playlist: str) -> None:
        self.playlist = playlist
        self.folder = playlist.rpartition("/")[0]
        self.checker = Checker()
        self.deltas = 0
        self.discontinuities: set[int] = set()
        self.segments: set[int] = set()
        self.is_ended = False
        self._parts: dict[str, bytes] = {}
        self._inits: dict[str, bytes] = {}
        self._http = httpx.AsyncClient(timeout=15, headers={"accept-encoding": "gzip"})

    def fault(self, what: str) -> None:
        self.checker.faults.append(what)

    async def follow(self) -> None:
        """Read until the playlist is ended."""
        playlist = self.see((await self._get("media.m3u8")).decode(), "")
        await self._pieces(playlist, hinted=None)
        while not playlist.is_ended:
            number, part = playlist.last
            query = f"media.m3u8?_HLS_msn={number}&_HLS_part={part + 1}"
            hint = playlist.hint
            hinted = asyncio.create_task(self._get(hint, is_needed=False)) if hint else None
            full, delta = await asyncio.gather(
                self._get(query), self._get(f"{query}&_HLS_skip=YES")
            )
            text, update = full.decode(), delta.decode()
            # Of the same moment they must be the same; one may be a part younger.
            is_same = parse(text).last == parse(update).last
            before = playlist.last
            playlist = self.see(text, update if is_same else "")
            if hinted is not None and playlist.last == before:
                hinted.cancel()
                hinted = None
            await self._pieces(playlist, hinted=(hint, hinted) if hinted else None)
        self.is_ended = True
        again = (await self._get("media.m3u8")).decode()
        self.see(again, "")

    def see(self, text: str, delta: str) -> Playlist:
        playlist = self.checker.see(text, delta=delta)
        self.deltas += bool(parse(delta).skipped) if delta else 0
        self.discontinuities |= {one.number for one in playlist.all if one.is_discontinuity}
        return playlist

    async def _get(self, name: str, *, is_needed: bool = True) -> bytes:
        answer = await self._http.get(f"{self.folder}/{name}")
        if answer.status_code != 200:
            if is_needed:
                self.fault(f"{name} is answered with {answer.status_code}")
            return b""
        return answer.content

    async def _pieces(
        self, playlist: Playlist, *, hinted: "tuple[str, asyncio.Task[bytes]] | None"
    ) -> None:
        if hinted is not None:
            name, task = hinted
            self._parts[name] = await task
            if not self._parts[name]:
                self.fault(f"{name} was hinted and did not come")
        for one in playlist.all:
            if one.map not in self._inits:
                self._inits[one.map] = await self._get(one.map)
            for part in one.parts:
                if part.uri not in self._parts:
                    self._parts[part.uri] = await self._get(part.uri)
                self._judge(part, one)
            if one.duration and one.parts and one.number not in self.segments:
                self.segments.add(one.number)
                parts = b"".join(self._parts[part.uri] for part in one.parts)
                self.checker.see_segment(one, await self._get(one.uri), parts)

    def _judge(self, part: Part, segment: Segment) -> None:
        cutter = Cutter()
        cutter.feed(self._inits[segment.map])
        (fragment,) = cutter.feed(self._parts[part.uri])
        if isinstance(fragment, Fragment):
            self.checker.see_part(part, is_independent=fragment.is_independent)


async def follow(client: Client, site: Site, path: Path, target: str, *, seconds: float) -> None:
    """Have the client follow while the sender sends, goes, comes back, and the stream ends."""
    following = asyncio.create_task(client.follow())
    log = site.log("sender")
    began = time.monotonic()
    with sent(path, target, log):
        while not following.done() and time.monotonic() - began < seconds / 2:
            await asyncio.sleep(0.2)
    await asyncio.sleep(AWAY_SECONDS)
    with sent(path, target, log):
        while not following.done() and time.monotonic() - began < seconds:
            await asyncio.sleep(0.2)
        await asyncio.to_thread(close_stream, client.playlist)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(following, 15)


def close_stream(playlist: str) -> None:
    from creators.media import services

    stream_id = UUID(urlsplit(playlist).path.split("/")[2])
    services.go_off_air(stream_id=stream_id, now=datetime.now(UTC))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=300, help="of stream")
    options = parser.parse_args()
    with private_site() as site:
        playlist, target = begin_stream()
        path = clip(site.state, kilobits=800)
        with sent(path, target, site.log("sender")):
            wait_for(playlist)
        # The stream begins with this short run; who follows sees the next one begin.
        print(f"{options.seconds:.0f} s of stream …", flush=True)
        client = Client(playlist)
        asyncio.run(follow(client, site, path, target, seconds=options.seconds))
    faults = list(dict.fromkeys(client.checker.faults))
    found: dict[str, Any] = {
        "faults": faults,
        "playlists": client.checker.seen,
        "parts": client.checker.parts_seen,
        "segments": len(client.segments),
        "deltas": client.deltas,
        "discontinuities": len(client.discontinuities),
        "is_ended": client.is_ended,
    }
    print(json.dumps(found))
    is_enough = client.checker.parts_seen > options.seconds * 3 and client.deltas > options.seconds
    return 0 if client.is_ended and is_enough and not faults else 1


if __name__ == "__main__":
    sys.exit(main())
