"""What a track is coded in, by the names that browsers ask for (RFC 6381)."""

from creators.media.hls.boxes import Span, broken, child, number

# How many bytes of fixed fields stand before the boxes of a sample entry.
_PICTURE_FIELDS = 78
_SOUND_FIELDS = 28


def _avc(data: bytes, entry: Span, kind: bytes) -> str:
    start, end = child(data, (entry[0] + _PICTURE_FIELDS, entry[1]), b"avcC")
    return f"{kind.decode()}.{number(data, start + 1, 3, end):06x}"


def _vp9(data: bytes, entry: Span) -> str:
    start, end = child(data, (entry[0] + _PICTURE_FIELDS, entry[1]), b"vpcC")
    profile, level = number(data, start + 4, 1, end), number(data, start + 5, 1, end)
    depth = number(data, start + 6, 1, end) >> 4
    return f"vp09.{profile:02d}.{level:02d}.{depth:02d}"


def _descriptor(data: bytes, at: int, end: int) -> tuple[int, Span]:
    """Return tag and content of the MPEG-4 descriptor at a place."""
    tag = number(data, at, 1, end)
    size = 0
    for _ in range(4):
        at += 1
        byte = number(data, at, 1, end)
        size = size << 7 | byte & 0x7F
        if not byte & 0x80:
            break
    at += 1
    if at + size > end:
        broken("A descriptor reaches beyond its box.")
    return tag, (at, at + size)


def _aac(data: bytes, entry: Span) -> str:
    start, end = child(data, (entry[0] + _SOUND_FIELDS, entry[1]), b"esds")
    tag, (start, end) = _descriptor(data, start + 4, end)
    if tag != 3:
        broken("The sound's descriptor is not an ES descriptor.")
    flags = number(data, start + 2, 1, end)
    start += 3
    if flags & 0x80:
        start += 2
    if flags & 0x40:
        start += 1 + number(data, start, 1, end)
    if flags & 0x20:
        start += 2
    tag, (start, end) = _descriptor(data, start, end)
    if tag != 4:
        broken("The sound's descriptor has no decoder configuration.")
    coding = number(data, start, 1, end)
    if coding != 0x40:
        return f"mp4a.{coding:02x}"
    tag, (start, end) = _descriptor(data, start + 13, end)
    if tag != 5:
        broken("The sound's descriptor has no specific info.")
    kind = number(data, start, 1, end) >> 3
    if kind == 31:
        kind = 32 + (number(data, start, 2, end) >> 5 & 0x3F)
    return f"mp4a.40.{kind}"


def name_of(data: bytes, kind: bytes, entry: Span) -> str:
    """Return the RFC 6381 name of a sample entry."""
    if kind in (b"avc1", b"avc3"):
        return _avc(data, entry, kind)
    if kind == b"vp09":
        return _vp9(data, entry)
    if kind == b"mp4a":
        return _aac(data, entry)
    if kind == b"Opus":
        return "opus"
    broken(f"The codec {kind!r} is not one that is sent on.")


def size_of(data: bytes, entry: Span) -> tuple[int, int]:
    """Return width and height, in pixels, of a picture's sample entry."""
    start, end = entry
    return number(data, start + 24, 2, end), number(data, start + 26, 2, end)
