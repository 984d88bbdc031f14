"""The protocol's rules in words; the figures in them are read from where they are enforced."""

from typing import Final, NamedTuple

from creators.stage import limits, wire


class Chapter(NamedTuple):
    """`anchor` is its address on the page; a paragraph is plain text with `code` in backquotes."""

    anchor: str
    title: str
    paragraphs: tuple[str, ...]


def _rate(rate: limits.Rate) -> str:
    return f"{rate.burst:.0f} at once and {rate.per_second:.0f} a second after that"


CHAPTERS: Final = (
    Chapter(
        "connect",
        "Connecting",
        (
            "A show's page follows `/ws/live/{piece_id}/`: the show itself (room `live`), the "
            "owner's own cart and orders (`me`), for moderators what they see (`mods`), for the "
            "host the figures (`host`). Every other page follows `/ws/me/`. Who connects is known "
            "by the session cookie of the site (`sessionid`); without one, or when it has expired, "
            "it is a guest, who may watch. The `Origin` header must name the site itself, else the "
            "handshake is refused with 403.",
            "All messages are JSON objects in text frames with their type in `t`; frames of events "
            "have `events` instead. Unknown fields and types are refused, so a client may rely on "
            "what stands here; a client must itself ignore types and fields that it does not know, "
            "because a newer server may have more. `permessage-deflate` is accepted where the "
            "server offers it. Times are milliseconds since 1970 by the server's clock, money is "
            "in minor units beside its currency.",
        ),
    ),
    Chapter(
        "resume",
        "Where a client stands: epoch and seq",
        (
            'First say `resume`. A client that knows nothing says `{"t":"resume"}` and gets a '
            "`snapshot` of each of its rooms, then frames. A client that was here before says for "
            "each room its `epoch` and the `seq` of the last event that it has applied; it gets "
            "exactly the events after that, in one frame, or nothing when it missed none. Where "
            "that is not possible (it was away for too long, or the history was lost) it gets a "
            "`resync` or a fresh `snapshot` instead. Who says nothing for two seconds is given "
            "snapshots.",
            "Events of a room are numbered without gaps within an epoch. A frame tells all that "
            "happened `from` a number up to `seq`. With `have` as the number that the client has: "
            "ignore a frame of another `epoch` or with `seq` ≤ `have`; apply one with `from` ≤ "
            "`have` + 1, leaving out events whose `seq` is not above `have`, and have its `seq` "
            "then; when `from` > `have` + 1, or the epoch is new, something is missing: say "
            "`resume` with the position that the client has. `left_out` counts chat lines that a "
            "frame lacks because the chat was too fast; their numbers are passed over, and only "
            "chat lines are ever left out.",
            "A snapshot is true at its position or later: the events after it may repeat what it "
            "holds. That is harmless, because events carry absolute state: where a thing has a "
            "`rev`, ignore what is not above the one that the client has. After a `resync` say "
            '`resume` without that room. An `epoch` of "" is no position: the state may be '
            "shown, and the next resume must leave the room out.",
        ),
    ),
    Chapter(
        "degraded",
        "When events do not arrive",
        (
            "The notice `degraded` says that events do not come for now although the socket is "
            "open; poll `/live/{piece_id}/snapshot.json`, every four seconds at most, until the "
            "notice `live`. The same answer serves where sockets are blocked: its `snapshots` are "
            "those of the socket.",
        ),
    ),
    Chapter(
        "say",
        "What a client may say",
        (
            f"Messages have {wire.MAX_INBOUND_BYTES} bytes at most. A user may say "
            f"{_rate(limits.PER_USER)}, all users of one address {_rate(limits.PER_ADDRESS)}. What "
            "is refused is answered with an `error` whose `code` is for machines and whose `text` "
            "is for people, in their language; the socket goes on. Guests may say `resume`, `ping` "
            "and `watching`; for the rest one signs in.",
            "Chat lines and questions carry a `client_id` that the client makes up (a UUID). It "
            "sends them again after a reconnect until `said`, an `error` with that `ref`, or the "
            "line itself comes back; however often it is sent, it is one line.",
            "Say `ping` when nothing came for 25 seconds; without an answer within ten, the socket "
            "is dead. Also answer the websocket's own pings, as every library does.",
        ),
    ),
    Chapter(
        "reconnect",
        "Coming back",
        (
            "After a close come back with full jitter: wait a random time between 0 and 0.5 s, "
            "doubled with each failure in a row up to 20 s; without the randomness all viewers "
            "would come at once. Then `resume` with the positions. The code of the close says when "
            "not to come back.",
        ),
    ),
)
