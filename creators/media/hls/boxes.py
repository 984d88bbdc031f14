"""Boxes of ISO base media files, read with mistrust: whatever is odd is `Broken`, nothing else."""

from collections.abc import Iterator
from typing import NoReturn


class Broken(Exception):
    """The bytes are not the fragmented MP4 that ffmpeg was told to write."""


def broken(why: str) -> NoReturn:
    raise Broken(why)


# No box that is read here has more boxes inside.
MOST_CHILDREN = 64

Span = tuple[int, int]


def number(data: bytes, at: int, size: int, end: int) -> int:
    """Return the unsigned big-endian number at a place that must lie before `end`."""
    if at < 0 or at + size > end or end > len(data):
        broken("A field reaches beyond its box.")
    return int.from_bytes(data[at : at + size], "big")


def children(data: bytes, span: Span) -> Iterator[tuple[bytes, Span]]:
    """Yield kind and content of each box in a stretch, which they must fill exactly."""
    at, end = span
    for _ in range(MOST_CHILDREN):
        if at == end:
            return
        size = number(data, at, 4, end)
        kind = data[at + 4 : at + 8]
        head = 8
        if size == 1:
            size, head = number(data, at + 8, 8, end), 16
        if size < head or at + size > end:
            broken("A box reaches beyond the one around it.")
        yield kind, (at + head, at + size)
        at += size
    broken("Too many boxes in a box.")


def child(data: bytes, span: Span, *path: bytes) -> Span:
    """Return the content of the first box at a path; it must be there."""
    for kind in path:
        for found, inner in children(data, span):
            if found == kind:
                span = inner
                break
        else:
            broken(f"Box {kind!r} is missing.")
    return span


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box of that kind around the parts."""
    return b"".join((sum(map(len, parts), 8).to_bytes(4, "big"), kind, *parts))
