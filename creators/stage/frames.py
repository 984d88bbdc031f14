"""What came from Valkey, and the text frames that browsers get; each is built once."""

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from creators.stage.wire import RoomKind


class Logged(NamedTuple):
    """An event with its number, as ready JSON."""

    seq: int
    body: bytes


class Batch(NamedTuple):
    """One message of a room's channel; without events it only tells the epoch."""

    epoch: str
    events: list[Logged]


class Reading(NamedTuple):
    """A room as the READ script tells it; events oldest first."""

    epoch: str
    seq: int
    viewers: int
    hearts: int
    events: list[Logged]


def _numbered(seq: int, at: bytes, event: bytes) -> Logged:
    return Logged(seq, b'{"seq":%d,"at":%s,%s' % (seq, at, event[1:]))


def parse_batch(message: bytes) -> Batch:
    head, *events = message.split(b"\n")
    epoch, first, at = head.split(b"|")
    start = int(first)
    return Batch(
        epoch.decode(),
        [_numbered(start + i, at, event) for i, event in enumerate(events) if event],
    )


def parse_reading(answer: Sequence[Any]) -> Reading:
    epoch, seq, viewers, hearts, entries = answer
    events = [
        _numbered(int(entry_id.partition(b"-")[0]), fields[1], fields[3])
        for entry_id, fields in reversed(entries)
    ]
    return Reading(epoch.decode(), int(seq), int(viewers), int(hearts), events)


def frame(kind: RoomKind, epoch: str, first: int, last: int, events: Iterable[Logged]) -> str:
    """Build the text of a frame that tells all that happened from number `first` to `last`."""
    head = b'{"room":"%s","epoch":"%s","from":%d,"seq":%d,"at":%d,"events":[' % (
        kind.encode(),
        epoch.encode(),
        first,
        last,
        time.time_ns() // 1_000_000,
    )
    return (head + b",".join(event.body for event in events) + b"]}").decode()
