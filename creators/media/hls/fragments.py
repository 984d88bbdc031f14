"""One fragment out of several: what ffmpeg cut frame by frame becomes a part."""

from collections.abc import Iterable, Sequence

from creators.media.hls.boxes import box
from creators.media.hls.cutter import Fragment, Samples


def _u32(value: int) -> bytes:
    return (value & 0xFFFFFFFF).to_bytes(4, "big")


def _gather(fragments: Iterable[Fragment]) -> list[list[Samples]]:
    """Return each track's samples, in the order in which the tracks appear."""
    tracks: dict[int, list[Samples]] = {}
    for fragment in fragments:
        for samples in fragment.samples:
            tracks.setdefault(samples.track_id, []).append(samples)
    return list(tracks.values())


def _fields(pieces: Sequence[Samples]) -> list[tuple[int, int, int, int]]:
    """Return the fields of samples in a row; where the next begins decides how long one lasts."""
    fields: list[tuple[int, int, int, int]] = []
    end = pieces[0].start
    for piece in pieces:
        shift = piece.start - end
        if shift and fields:
            duration, size, flags, offset = fields[-1]
            fields[-1] = (max(duration + shift, 0), size, flags, offset)
        fields += piece.fields
        end = piece.start + sum(one[0] for one in piece.fields)
    return fields


def join(fragments: Sequence[Fragment], *, sequence: int) -> bytes:
    """Return one moof and mdat with all samples of the fragments, which must follow each other."""
    header = box(b"mfhd", bytes(4), _u32(sequence))
    # For each track: what stands before the trun, its head and its table; and the tracks' bytes.
    trafs: list[tuple[bytes, bytes, bytes]] = []
    payloads: list[bytes] = []
    for pieces in _gather(fragments):
        fields = _fields(pieces)
        has_offsets = any(one[3] for one in fields)
        used = 4 if has_offsets else 3
        table = b"".join(_u32(value) for one in fields for value in one[:used])
        flags = 0x701 | (0x800 if has_offsets else 0)
        top = box(b"tfhd", _u32(0x020000), _u32(pieces[0].track_id))
        top += box(b"tfdt", _u32(0x01000000), pieces[0].start.to_bytes(8, "big"))
        trafs.append((top, _u32(0x01000000 | flags) + _u32(len(fields)), table))
        payloads.append(b"".join(piece.payload for piece in pieces))
    # traf and trun have 8 bytes of head each, and a trun 12 more before its table.
    size = 8 + len(header) + sum(len(top) + len(table) + 28 for top, _, table in trafs)
    place = size + 8
    boxes = [header]
    for (top, head, table), payload in zip(trafs, payloads, strict=True):
        boxes.append(box(b"traf", top, box(b"trun", head, _u32(place), table)))
        place += len(payload)
    return box(b"moof", *boxes) + box(b"mdat", *payloads)
