"""What one socket is told and may say: snapshots, answers, and the client's own messages."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from creators.stage.wire.events import Cart, Figures, RoomEvent, Scores
from creators.stage.wire.parts import (
    CaptionCard,
    ChatLine,
    MutedCard,
    OrderCard,
    Part,
    PictureCard,
    PinCard,
    ProductCard,
    RoomKind,
    ShowCard,
    TroubleCard,
    You,
)

# --- States: what a snapshot holds ------------------------------------------------------------


class LiveState(Part, frozen=True):
    """`rev` is the session's; messages are the newest ones, oldest first."""

    rev: int
    show: ShowCard
    pin: PinCard | None
    bag: list[ProductCard]
    messages: list[ChatLine]
    picture: PictureCard
    # The newest one.
    caption: CaptionCard | None
    viewers: int
    hearts: int
    grace_ms: int
    lag_ms: int | None


class HostState(Part, frozen=True):
    figures: Figures
    muted: list[MutedCard]
    trouble: TroubleCard


class MeState(Part, frozen=True):
    cart: Cart
    orders: list[OrderCard]
    scores: Scores | None


# --- Server to client, outside of rooms -------------------------------------------------------


class Outbound(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="t", tag=True
):
    """The base of what one socket is told."""


class Snapshot(Outbound, frozen=True, tag="snapshot"):
    """A room's whole state; it is true at (epoch, seq) or later, so later events apply to it.

    `epoch` is "" while the events cannot be had (Valkey is down): such a state is only shown.
    """

    room: RoomKind
    epoch: str
    seq: int
    at: int
    state: LiveState | HostState | MeState | msgspec.Raw
    you: You


class Resync(Outbound, frozen=True, tag="resync"):
    """The events that are missing cannot be had: ask for a snapshot (`resume` without position)."""

    room: RoomKind


class Notice(Outbound, frozen=True, tag="notice"):
    """ "degraded": events do not arrive for now, poll; "live": they do again."""

    kind: Literal["degraded", "live"]


class Error(Outbound, frozen=True, tag="error"):
    """A message was refused. `re` is its type, `ref` its client id, if it had them."""

    code: str
    text: str
    re: str = ""
    ref: str = ""


class Pong(Outbound, frozen=True, tag="pong"):
    at: int


AnyOutbound = Snapshot | Resync | Notice | Error | Pong

# --- Client to server -------------------------------------------------------------------------


class Inbound(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="t", tag=True
):
    """The base of what a client may say."""


class Position(Part, frozen=True):
    epoch: Annotated[str, Meta(max_length=40)]
    seq: Annotated[int, Meta(ge=0)]


class Resume(Inbound, frozen=True, tag="resume"):
    """Where the client stands in each room; a room left out gets a snapshot."""

    rooms: dict[RoomKind, Position] = {}


class SendChat(Inbound, frozen=True, tag="chat"):
    client_id: UUID
    body: str


class Heart(Inbound, frozen=True, tag="heart"):
    count: Annotated[int, Meta(ge=1, le=50)] = 1


class DeleteMessage(Inbound, frozen=True, tag="delete_message"):
    message_id: int


class Mute(Inbound, frozen=True, tag="mute"):
    user_id: int
    seconds: Annotated[int, Meta(ge=1, le=86_400)] = 300
    reason: Annotated[str, Meta(max_length=200)] = ""


class Unmute(Inbound, frozen=True, tag="unmute"):
    user_id: int


class Watching(Inbound, frozen=True, tag="watching"):
    """The page is visible and the show is on; said every few seconds, later now and then.

    `lag_ms` is how far behind the server's clock the page's picture is.
    """

    lag_ms: Annotated[int, Meta(ge=0, le=60_000)] | None = None


class SayCaption(Inbound, frozen=True, tag="caption"):
    """What the host just said; they began with it `spoken_ms` ago."""

    text: Annotated[str, Meta(min_length=1, max_length=200)]
    lang: Annotated[str, Meta(pattern="^[a-z]{2}(-[A-Z]{2})?$")]
    spoken_ms: Annotated[int, Meta(ge=0, le=30_000)] = 0


class Ping(Inbound, frozen=True, tag="ping"):
    pass


AnyInbound = (
    Resume | SendChat | Heart | DeleteMessage | Mute | Unmute | Watching | SayCaption | Ping
)

inbound = msgspec.json.Decoder(AnyInbound)
_encoder = msgspec.json.Encoder()


def encode(message: RoomEvent | Outbound) -> bytes:
    return _encoder.encode(message)


def raw(part: Any) -> msgspec.Raw:
    """Encode once what many messages will hold."""
    return msgspec.Raw(_encoder.encode(part))
