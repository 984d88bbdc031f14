"""What came from Valkey, and the text frames that browsers get; each is built once."""

import re
import time
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from creators.stage.rooms import GRACE_MS
from creators.stage.wire import ChatLine, RoomKind

_HEAD: Final = rb'\{"seq":\d+,"at":\d+,"t":'
_CHAT: Final = re.compile(_HEAD + rb'"chat","line":\{"id":(\d+),')
_CHAT_DELETED: Final = re.compile(_HEAD + rb'"chat_deleted","id":(\d+)\}')


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
    grace_ms: int
    lag_ms: int | None
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
    epoch, seq, viewers, hearts, grace, lag, entries = answer
    events = [
        _numbered(int(entry_id.partition(b"-")[0]), fields[1], fields[3])
        for entry_id, fields in reversed(entries)
    ]
    return Reading(
        epoch.decode(),
        int(seq),
        int(viewers),
        int(hearts),
        int(grace) or GRACE_MS,
        None if int(lag) < 0 else int(lag),
        events,
    )


def deleted_lines(events: Iterable[Logged]) -> set[int]:
    """Name the chat lines that these events delete."""
    found = (_CHAT_DELETED.match(event.body) for event in events)
    return {int(match[1]) for match in found if match}


def without_lines(events: Iterable[Logged], lines: Collection[int]) -> list[Logged]:
    """Take out of events what some chat lines said and who said it; the numbers stay."""
    return [
        _silenced(event) if (said := _CHAT.match(event.body)) and int(said[1]) in lines else event
        for event in events
    ]


def _silenced(event: Logged) -> Logged:
    told = msgspec.json.decode(event.body)
    told["line"] = ChatLine(
        id=told["line"]["id"],
        author_id=None,
        author="",
        is_host=False,
        body="",
        sent_at=told["line"]["sent_at"],
        client_id=None,
        deleted=True,
    )
    return Logged(event.seq, msgspec.json.encode(told))


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
