"""Fragmented MP4 as ffmpeg writes it, made here: a picture that is only numbers, and sound."""

from dataclasses import dataclass

from creators.media.hls.boxes import box
from creators.media.hls.cutter import Cutter, Fragment, Init, Samples

PICTURE, SOUND = 1, 2
SYNC, NOT_SYNC = 0x2000000, 0x1010000


def u8(*values: int) -> bytes:
    return bytes(values)


def u16(*values: int) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def u32(*values: int) -> bytes:
    return b"".join(value.to_bytes(4, "big") for value in values)


def avc1(width: int, height: int, profile: bytes = b"\x42\xc0\x1e") -> bytes:
    head = bytes(6) + u16(1) + bytes(16) + u16(width, height) + bytes(78 - 28)
    return box(b"avc1", head, box(b"avcC", u8(1), profile, bytes(3)))


def vp09(width: int, height: int) -> bytes:
    head = bytes(6) + u16(1) + bytes(16) + u16(width, height) + bytes(78 - 28)
    return box(b"vp09", head, box(b"vpcC", u32(0x01000000), u8(0, 31, 0x80, 1, 1, 1), u16(0)))


def mp4a(kind: int = 2) -> bytes:
    specific = u8(5, 2, kind << 3, 0x10)
    config = u8(4, 13 + len(specific), 0x40, 0x15) + bytes(11) + specific
    stream = u8(3, 3 + len(config)) + u16(2) + u8(0) + config
    return box(b"mp4a", bytes(28), box(b"esds", bytes(4), stream))


def opus() -> bytes:
    return box(b"Opus", bytes(28), box(b"dOps", bytes(11)))


def trak(track_id: int, handler: bytes, timescale: int, entry: bytes) -> bytes:
    return box(
        b"trak",
        box(b"tkhd", u32(3, 0, 0, track_id), bytes(68)),
        box(
            b"mdia",
            box(b"mdhd", u32(0, 0, 0, timescale, 0), bytes(4)),
            box(b"hdlr", u32(0, 0), handler, bytes(13)),
            box(b"minf", box(b"stbl", box(b"stsd", u32(0, 1), entry))),
        ),
    )


def moov(*traks: tuple[int, bytes]) -> bytes:
    trexes = [box(b"trex", u32(0, track_id, 1, 0, 0, 0)) for track_id, _ in traks]
    return box(b"moov", box(b"mvhd", bytes(100)), *[one for _, one in traks], box(b"mvex", *trexes))


FTYP = box(b"ftyp", b"iso5", u32(512), b"iso5iso6mp41")


def init(
    *, timescale: int = 90_000, width: int = 640, height: int = 360, with_sound: bool = True
) -> bytes:
    traks = [(PICTURE, trak(PICTURE, b"vide", timescale, avc1(width, height)))]
    if with_sound:
        traks.append((SOUND, trak(SOUND, b"soun", 48_000, mp4a())))
    return FTYP + moov(*traks)


@dataclass(frozen=True)
class Sample:
    duration: int
    data: bytes
    flags: int = SYNC
    offset: int = 0


def fragment(*tracks: tuple[int, int, list[Sample]]) -> bytes:
    """Return moof and mdat of (track, start, samples) each."""

    def build(place: int) -> bytes:
        trafs = []
        for track_id, start, samples in tracks:
            rows = b"".join(
                u32(one.duration, len(one.data), one.flags, one.offset) for one in samples
            )
            trafs.append(
                box(
                    b"traf",
                    box(b"tfhd", u32(0x020000, track_id)),
                    box(b"tfdt", u32(0x01000000), start.to_bytes(8, "big")),
                    box(b"trun", u32(0x01000F01, len(samples), place), rows),
                )
            )
            place += sum(len(one.data) for one in samples)
        return box(b"moof", box(b"mfhd", u32(0, 1)), *trafs)

    size = len(build(0))
    data = [one.data for _, _, samples in tracks for one in samples]
    return build(size + 8) + box(b"mdat", *data)


@dataclass
class Camera:
    """A publisher in virtual time: a frame each 1/`fps` s, a key frame each `gop` frames."""

    fps: float = 30.0
    gop: int = 30
    size: int = 40
    timescale: int = 90_000
    media: float = 0.0
    count: int = 0

    def init(self) -> Init:
        (one,) = Cutter().feed(init(timescale=self.timescale))
        assert isinstance(one, Init)
        return one

    def frame(self) -> Fragment:
        """Return the next frame, cut by itself."""
        start = round(self.media * self.timescale)
        end = round((self.media + 1 / self.fps) * self.timescale)
        is_key = self.count % self.gop == 0
        data = self.count.to_bytes(4, "big") * (self.size // 4)
        fields = ((end - start, len(data), SYNC if is_key else NOT_SYNC, 0),)
        samples = Samples(PICTURE, self.timescale, start, fields, data)
        scale = self.timescale
        one = Fragment(data, start / scale, (end - start) / scale, is_key, 1, (samples,))
        self.media += 1 / self.fps
        self.count += 1
        return one
