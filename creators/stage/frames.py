"""What came from Valkey, and the frames that browsers get; each is built once."""

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from creators.stage.fast.bytes import LEAST_DEFLATED, deflated_frame, text_frame
from creators.stage.rooms import GRACE_MS
from creators.stage.wire import ChatLine, RoomKind

_HEAD: Final = rb'\{"seq":\d+,"at":\d+,"t":'
_CHAT: Final = re.compile(_HEAD + rb'"chat","line":\{"id":(\d+),')
# Where else the words of a line may stand: above the chat, and in what answers it. What people
# write is escaped, so it can't look like this.
_PINNED: Final = re.compile(_HEAD + rb'"chat_pinned","rev":\d+,"line":\{"id":(\d+),')
_ANSWERED: Final = re.compile(rb'"reply":\{"id":(\d+),')
_CHAT_DELETED: Final = re.compile(_HEAD + rb'"chat_deleted","id":(\d+)[,}]')
_QUESTION: Final = re.compile(_HEAD + rb'"question","question":\{"id":(\d+),')
_IS_DELETED: Final = b',"deleted":true}}'


class Frame:
    """One message to many sockets; each of its forms is built when the first of them asks for it.

    `body` is its JSON, `text` the same for plain ASGI, `plain` and `deflated` are whole websocket
    frames; a small one is not deflated. They are slots, not properties: a socket in a room's loop
    pays for nothing but a look.
    """

    __slots__ = ("body", "deflated", "plain", "text")

    body: bytes
    text: str
    plain: bytes
    deflated: bytes

    def __init__(self, body: bytes) -> None:
        self.body = body

    def __getattr__(self, name: str) -> Any:
        # Asked only for what is not there yet.
        made: str | bytes
        if name == "text":
            made = self.text = self.body.decode()
        elif name == "plain":
            made = self.plain = text_frame(self.body)
        elif name == "deflated":
            is_small = len(self.body) < LEAST_DEFLATED
            made = self.deflated = self.plain if is_small else deflated_frame(self.body)
        else:
            raise AttributeError(name)
        return made

    def __len__(self) -> int:
        return len(self.body)


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


def told_at(event: Logged) -> int:
    """Read when an event was published, in ms."""
    return int(event.body.split(b",", 2)[1][5:])


def deleted_lines(events: Iterable[Logged]) -> dict[int, int]:
    """Name the chat lines that these events delete, each with the number of its last deletion."""
    found = ((event.seq, _CHAT_DELETED.match(event.body)) for event in events)
    return {int(match[1]): seq for seq, match in found if match}


def deleted_questions(events: Iterable[Logged]) -> dict[int, int]:
    """Name the questions that these events delete, each with the number of its last deletion."""
    found = (
        (event.seq, _QUESTION.match(event.body))
        for event in events
        if event.body.endswith(_IS_DELETED)
    )
    return {int(match[1]): seq for seq, match in found if match}


def without_lines(
    events: Iterable[Logged], deleted: Mapping[int, int], questions: Mapping[int, int] | None = None
) -> list[Logged]:
    """Take out of events what some lines and questions said and who said it; the numbers stay.

    Only what came before the deletion: a line may have been put back since.
    """
    return [_without(event, deleted, questions or {}) for event in events]


def _without(event: Logged, deleted: Mapping[int, int], questions: Mapping[int, int]) -> Logged:
    def is_gone(found: re.Match[bytes] | None, deleted: Mapping[int, int] = deleted) -> bool:
        return found is not None and event.seq < deleted.get(int(found[1]), 0)

    if questions and is_gone(_QUESTION.match(event.body), questions):
        told = msgspec.json.decode(event.body)
        told["question"] |= {"author": "", "body": "", "deleted": True}
        return Logged(event.seq, msgspec.json.encode(told))
    if is_gone(_CHAT.match(event.body)):
        return _silenced(event)
    if is_gone(_PINNED.match(event.body)):
        return Logged(
            event.seq, msgspec.json.encode(msgspec.json.decode(event.body) | {"line": None})
        )
    if is_gone(_ANSWERED.search(event.body)):
        told = msgspec.json.decode(event.body)
        told["line"]["reply"] |= {"author": "", "body": ""}
        return Logged(event.seq, msgspec.json.encode(told))
    return event


def is_chat(event: Logged) -> bool:
    """Tell whether an event is a line of the chat."""
    return _CHAT.match(event.body) is not None


def must_be_told(event: Logged) -> bool:
    """Tell whether a line is the host's or a moderator's, or told anew: it is never left out.

    One that was only held until its time has the rev 1, and is not told anew.
    """
    line = msgspec.json.decode(event.body)["line"]
    return bool(line.get("badge") or line.get("rev", 0) > 1 or line.get("deleted"))


def _silenced(event: Logged) -> Logged:
    told = msgspec.json.decode(event.body)
    told["line"] = ChatLine(
        id=told["line"]["id"],
        author_id=None,
        author="",
        body="",
        sent_at=told["line"]["sent_at"],
        client_id=None,
        rev=told["line"].get("rev", 0),
        deleted=True,
    )
    return Logged(event.seq, msgspec.json.encode(told))


def frame(kind: RoomKind, epoch: str, first: int, last: int, events: Sequence[Logged]) -> Frame:
    """Build the frame that tells all that happened from number `first` to `last`.

    Numbers without an event are lines that a very fast chat left out; it says how many.
    """
    left_out = last - first + 1 - len(events)
    head = b'{"room":"%s","epoch":"%s","from":%d,"seq":%d,"at":%d,%s"events":[' % (
        kind.encode(),
        epoch.encode(),
        first,
        last,
        time.time_ns() // 1_000_000,
        b'"left_out":%d,' % left_out if left_out else b"",
    )
    return Frame(head + b",".join([event.body for event in events]) + b"]}")
