"""Parting what ffmpeg wrote, as the recorder stores it."""

import struct


def cut_up(data):
    """Part a fragmented MP4 into its head and its fragments."""
    boxes, at = [], 0
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        boxes.append((kind, data[at : at + size]))
        at += size
    init = b"".join(box for kind, box in boxes if kind in (b"ftyp", b"moov"))
    parts = [box for kind, box in boxes if kind in (b"moof", b"mdat")]
    return init, [first + second for first, second in zip(parts[::2], parts[1::2], strict=True)]
