"""What is in a moov, and in a moof with its mdat: tracks and samples, as far as it is needed."""

from dataclasses import dataclass, field
from fractions import Fraction

from creators.media.hls import codecs
from creators.media.hls.boxes import Span, broken, child, children, number

MOST_TRACKS = 4
# In one fragment, of all tracks: a minute of sound is less.
MOST_SAMPLES = 4096
# One sample lasts no longer than this (seconds), and no time stamp lies beyond a year.
LONGEST_SAMPLE = 3600
LAST_STAMP = 366 * 24 * 3600

_NOT_SYNC = 0x10000


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """A track of the presentation, and what its samples are unless they say otherwise."""

    id: int
    is_picture: bool
    timescale: int
    codec: str
    width: int
    height: int
    duration: int
    size: int
    flags: int


@dataclass(frozen=True, slots=True)
class Init:
    """What a player needs first: ftyp and moov, and what they say."""

    data: bytes
    codecs: str
    # Of the picture, in pixels; 0 when there is only sound.
    width: int
    height: int
    # Of the track that time is told by: the picture, or the sound when there is no picture.
    timescale: int
    tracks: tuple[TrackInfo, ...]

    @property
    def lead(self) -> TrackInfo:
        return next((one for one in self.tracks if one.is_picture), self.tracks[0])


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples of one track in a row: when the first is decoded, each one's fields, their bytes."""

    track_id: int
    timescale: int
    start: int
    # Duration, size, flags, composition offset.
    fields: tuple[tuple[int, int, int, int], ...]
    payload: bytes


@dataclass(frozen=True, slots=True)
class Fragment:
    """One moof and its mdat. Times are seconds of the leading track (`Init.lead`).

    A fragment may hold nothing of the leading track: then `frames` and `duration` are 0.
    """

    data: bytes
    start: float
    duration: float
    is_independent: bool
    frames: int
    samples: tuple[Samples, ...] = field(default=(), repr=False)


def content_of(whole: bytes) -> Span:
    return (16 if whole[:4] == b"\0\0\0\1" else 8), len(whole)


def read_init(ftyp: bytes, moov: bytes) -> Init:
    """Read the tracks of a moov.

    :raises Broken: a track is missing, too many, or coded in what is not sent on
    """
    span = content_of(moov)
    defaults: dict[int, tuple[int, int, int]] = {}
    for kind, (start, end) in children(moov, child(moov, span, b"mvex")):
        if kind == b"trex":
            fields = [number(moov, start + at, 4, end) for at in (4, 12, 16, 20)]
            defaults[fields[0]] = (fields[1], fields[2], fields[3])
    traks = [inner for kind, inner in children(moov, span) if kind == b"trak"]
    tracks = [_read_track(moov, trak, defaults) for trak in traks]
    if not 1 <= len(tracks) <= MOST_TRACKS or len({one.id for one in tracks}) != len(tracks):
        broken("No tracks, too many, or two of the same number.")
    lead = next((one for one in tracks if one.is_picture), tracks[0])
    return Init(
        data=ftyp + moov,
        codecs=",".join(one.codec for one in tracks),
        width=lead.width,
        height=lead.height,
        timescale=lead.timescale,
        tracks=tuple(tracks),
    )


def _read_track(moov: bytes, trak: Span, defaults: dict[int, tuple[int, int, int]]) -> TrackInfo:
    start, end = child(moov, trak, b"tkhd")
    track_id = number(moov, start + (20 if number(moov, start, 1, end) else 12), 4, end)
    media = child(moov, trak, b"mdia")
    start, end = child(moov, media, b"mdhd")
    timescale = number(moov, start + (20 if number(moov, start, 1, end) else 12), 4, end)
    start, end = child(moov, media, b"hdlr")
    handler = number(moov, start + 8, 4, end).to_bytes(4, "big")
    if handler not in (b"vide", b"soun") or not timescale or track_id not in defaults:
        broken("A track that is neither picture nor sound, or has no clock or defaults.")
    start, end = child(moov, media, b"minf", b"stbl", b"stsd")
    number(moov, start, 8, end)
    entries = list(children(moov, (start + 8, end)))
    if len(entries) != 1:
        broken("A track with more than one coding.")
    kind, entry = entries[0]
    is_picture = handler == b"vide"
    width, height = codecs.size_of(moov, entry) if is_picture else (0, 0)
    return TrackInfo(
        track_id,
        is_picture,
        timescale,
        codecs.name_of(moov, kind, entry),
        width,
        height,
        *defaults[track_id],
    )


def read_fragment(init: Init, moof: bytes, mdat: bytes) -> Fragment:
    """Read the samples of a moof and its mdat.

    :raises Broken: they do not lie in the mdat, are too many, or their times cannot be
    """
    data = moof + mdat
    payload = (len(moof) + content_of(mdat)[0], len(data))
    samples: list[Samples] = []
    room, taken = MOST_SAMPLES, 0
    for kind, traf in children(moof, content_of(moof)):
        if kind == b"traf":
            one = _read_samples(init, data, traf, payload, room)
            room -= len(one.fields)
            taken += len(one.payload)
            if taken > payload[1] - payload[0]:
                broken("Tracks that share their bytes.")
            if one.fields:
                samples.append(one)
    if len({one.track_id for one in samples}) != len(samples):
        broken("Two stretches of one track in a fragment.")
    lead = init.lead
    mine = next((one for one in samples if one.track_id == lead.id), None)
    if mine is None:
        start = Fraction(samples[0].start, samples[0].timescale) if samples else Fraction(0)
        return Fragment(data, float(start), 0.0, False, 0, tuple(samples))
    return Fragment(
        data=data,
        start=mine.start / lead.timescale,
        duration=sum(one[0] for one in mine.fields) / lead.timescale,
        is_independent=not lead.is_picture or not mine.fields[0][2] & _NOT_SYNC,
        frames=len(mine.fields),
        samples=tuple(samples),
    )


def _read_samples(init: Init, data: bytes, traf: Span, payload: Span, room: int) -> Samples:
    start, end = child(data, traf, b"tfhd")
    flags, track_id = number(data, start + 1, 3, end), number(data, start + 4, 4, end)
    info = next((one for one in init.tracks if one.id == track_id), None)
    if info is None or flags & 0x1:
        broken("Samples of a track that is not there, or with a base of their own.")
    usual = {0x8: info.duration, 0x10: info.size, 0x20: info.flags}
    at = start + 8 + (4 if flags & 0x2 else 0)
    for flag in usual:
        if flags & flag:
            usual[flag] = number(data, at, 4, end)
            at += 4
    start, end = child(data, traf, b"tfdt")
    base = number(data, start + 4, 8 if number(data, start, 1, end) else 4, end)
    if base > LAST_STAMP * info.timescale:
        broken("A time stamp that cannot be.")
    fields: list[tuple[int, int, int, int]] = []
    chunks: list[bytes] = []
    reached = payload[0]
    for kind, trun in children(data, traf):
        if kind != b"trun":
            continue
        place, run = _read_run(data, trun, usual, room - len(fields), info.timescale)
        size = sum(one[1] for one in run)
        if place < reached or place + size > payload[1]:
            broken("Samples outside of the mdat, or on top of each other.")
        reached = place + size
        fields += run
        chunks.append(data[place : place + size])
    return Samples(track_id, info.timescale, base, tuple(fields), b"".join(chunks))


def _read_run(
    data: bytes, trun: Span, usual: dict[int, int], room: int, timescale: int
) -> tuple[int, list[tuple[int, int, int, int]]]:
    """Return where the bytes of a trun begin, and its samples' fields."""
    start, end = trun
    version, flags = number(data, start, 1, end), number(data, start + 1, 3, end)
    count = number(data, start + 4, 4, end)
    if count > room or not flags & 0x1:
        broken("Too many samples in a fragment, or nothing says where they are.")
    place = number(data, start + 8, 4, end)
    at = start + 12
    first_flags = usual[0x20]
    if flags & 0x4:
        first_flags = number(data, at, 4, end)
        at += 4
    run = []
    for index in range(count):
        duration, size = usual[0x8], usual[0x10]
        sample_flags, offset = (usual[0x20] if index else first_flags), 0
        if flags & 0x100:
            duration = number(data, at, 4, end)
            at += 4
        if flags & 0x200:
            size = number(data, at, 4, end)
            at += 4
        if flags & 0x400:
            sample_flags = number(data, at, 4, end)
            at += 4
        if flags & 0x800:
            offset = number(data, at, 4, end)
            if version and offset >= 1 << 31:
                offset -= 1 << 32
            at += 4
        if duration > LONGEST_SAMPLE * timescale:
            broken("A sample that lasts for hours.")
        run.append((duration, size, sample_flags, offset))
    return place, run
