"""Cut the fragmented MP4 that ffmpeg writes into init and fragments; no input or output here."""

from creators.media.hls.boxes import Broken, broken
from creators.media.hls.movie import Fragment, Init, Samples, read_fragment, read_init

__all__ = ["Broken", "Cutter", "Fragment", "Init", "Samples"]

_IGNORED = {b"styp", b"sidx", b"free", b"skip", b"prft", b"emsg", b"mfra"}


class Cutter:
    """Takes bytes as they come and gives what is whole. What it holds back is at most one fragment.

    After `Broken` it takes nothing any more.
    """

    def __init__(self, *, largest_box: int = 16 * 1024 * 1024) -> None:
        self._largest_box = largest_box
        self._buffer = bytearray()
        self._ftyp = b""
        self._moof = b""
        self._init: Init | None = None
        self._is_broken = False

    @property
    def held(self) -> int:
        """How many bytes wait for the rest of their fragment."""
        return len(self._buffer) + len(self._moof)

    def feed(self, data: bytes) -> list[Init | Fragment]:
        """Return what these bytes complete.

        :raises Broken: they are not what ffmpeg writes, or a box is larger than allowed
        """
        if self._is_broken:
            broken("It was broken before.")
        try:
            self._buffer += data
            found = []
            while (one := self._box()) is not None:
                thing = self._take(*one)
                if thing is not None:
                    found.append(thing)
        except Broken:
            self._is_broken = True
            self._buffer.clear()
            self._moof = b""
            raise
        return found

    def _box(self) -> tuple[bytes, bytes] | None:
        """Return kind and bytes of the next box when all of it is there."""
        buffer = self._buffer
        if len(buffer) < 8:
            return None
        size, head = int.from_bytes(buffer[:4], "big"), 8
        if size == 1:
            if len(buffer) < 16:
                return None
            size, head = int.from_bytes(buffer[8:16], "big"), 16
        if size < head:
            broken("A box without an end.")
        if size > self._largest_box:
            broken(f"A box of {size} bytes.")
        if len(buffer) < size:
            return None
        whole = bytes(buffer[:size])
        del buffer[:size]
        return whole[4:8], whole

    def _take(self, kind: bytes, whole: bytes) -> Init | Fragment | None:
        if self._moof and kind != b"mdat":
            broken("A moof without its mdat.")
        if kind == b"ftyp":
            self._ftyp = whole
        elif kind == b"moov":
            if not self._ftyp:
                broken("A moov without an ftyp.")
            self._init = read_init(self._ftyp, whole)
            return self._init
        elif kind == b"moof":
            if self._init is None:
                broken("A moof before the moov.")
            self._moof = whole
        elif kind == b"mdat":
            if not self._moof or self._init is None:
                broken("An mdat without a moof.")
            moof, self._moof = self._moof, b""
            return read_fragment(self._init, moof, whole)
        elif kind not in _IGNORED:
            broken(f"A box {kind!r} at the top.")
        return None
