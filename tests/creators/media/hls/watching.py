"""A viewer in virtual time: sees each state of a track's playlist and has it checked."""

from creators.media.hls.cutter import Cutter, Fragment
from creators.media.hls.track import Track
from tests.creators.media.hls.checker import Checker, Playlist
from tests.creators.media.hls.movies import Camera

NOON = 1_750_000_000.0


class Watcher:
    """Judges the playlist after each change, and each part's and segment's bytes once."""

    def __init__(self, track: Track, *, checker: Checker | None = None) -> None:
        self.track = track
        self.checker = checker or Checker()
        self._text = ""
        self._parts: dict[str, bytes] = {}
        self._segments: set[int] = set()

    def look(self) -> Playlist | None:
        if not self.track.is_published:
            return None
        text = self.track.playlist().body.decode()
        if text == self._text:
            return None
        self._text = text
        playlist = self.checker.see(text, delta=self.track.playlist(is_delta=True).body.decode())
        for one in playlist.all:
            if one.number in self._segments:
                continue
            for part in one.parts:
                if part.uri not in self._parts:
                    data = self.track.part(int(part.uri[1:-4]))
                    init = self.track.init_bytes(one.map)
                    assert data is not None, part.uri
                    assert init is not None, one.map
                    self._parts[part.uri] = data
                    cutter = Cutter()
                    cutter.feed(init)
                    (fragment,) = cutter.feed(data)
                    assert isinstance(fragment, Fragment)
                    self.checker.see_part(part, is_independent=fragment.is_independent)
            if one.duration and one.parts:
                self._segments.add(one.number)
                data = self.track.segment(one.number)
                assert data is not None, one.uri
                parts = b"".join(self._parts.pop(part.uri, b"") for part in one.parts)
                self.checker.see_segment(one, data, parts)
        return playlist


def play(track: Track, watcher: Watcher, camera: Camera, seconds: float, *, at: float) -> float:
    """Feed what a camera takes in that many seconds, from a Unix time on; return the time then."""
    end = at + seconds
    began = camera.media
    while at + camera.media - began < end - 1e-9:
        frame = camera.frame()
        track.add(frame, at=at + camera.media - began)
        watcher.look()
    return at + camera.media - began
