"""Every message that a stage socket sends or takes: closed, typed classes, and the close codes.

Facts may change inside without breaking a browser: only what stands here is promised to clients.
Room events carry absolute state (never deltas), with a `rev` where order matters, so that applying
one twice, or late, is harmless. A room's events travel in frames (see `frames.py`):

    {"room": "live", "epoch": str, "from": int, "seq": int, "at": ms, "events": [
        {"seq": int, "at": ms, "t": "pinned", …}, …]}

`room` is "live" (everybody in the show), "host" (its host) or "me" (the owner's own tabs).
"""

from enum import IntEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

RoomKind = Literal["live", "host", "me"]
ShowStateName = Literal["scheduled", "live", "ended", "cancelled"]

MAX_INBOUND_BYTES = 16 * 1024


class Close(IntEnum):
    """Why a socket is closed by the server.

    A server that cannot send a standard code (daphne) sends its private twin: 4009 for 1009, 4013
    for 1013, and so on.
    """

    GOING_AWAY = 1001  # the client left
    TOO_LARGE = 1009  # a message above MAX_INBOUND_BYTES
    SERVER_ERROR = 1011  # our fault; come back with back-off
    SERVICE_RESTART = 1012  # a deploy; come back with back-off
    SLOW = 1013  # it did not read for 30 s; come back and resume
    UNSUPPORTED = 1003  # a binary message
    SIGNED_OUT = 4401  # the session ended or the account was closed; come back as a guest
    NO_SUCH_SHOW = 4404  # do not come back
    TOO_MANY = 4429  # it went on after many "too_many" errors; come back after a minute


# --- Parts ------------------------------------------------------------------------------------


class Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of what messages are made of."""


class SkuCard(Part, frozen=True):
    id: int
    options: str
    price_minor: int
    compare_at_minor: int | None
    currency: str
    available: int
    rev: int


class ProductCard(Part, frozen=True):
    id: int
    title: str
    handle: str
    shop: str
    image: str
    image_alt: str
    sold: int
    skus: list[SkuCard]


class PinCard(Part, frozen=True):
    """`referral` goes with what is bought from this card."""

    id: int
    product_id: int
    pinned_at: int
    referral: str


class ShowCard(Part, frozen=True):
    id: int
    title: str
    state: ShowStateName
    host: str
    host_id: int
    scheduled_at: int
    started_at: int | None
    ended_at: int | None
    referral: str


class ChatLine(Part, frozen=True):
    """A deleted line keeps its id and place and loses everything else."""

    id: int
    author_id: int | None
    author: str
    is_host: bool
    body: str
    sent_at: int
    client_id: UUID | None
    deleted: bool = False


class OrderCard(Part, frozen=True):
    number: str
    purchase_id: str
    state: str
    payment_failed: bool
    currency: str
    total_minor: int
    refunded_minor: int
    rev: int


class ScoreCard(Part, frozen=True):
    """Decimal numbers travel as text."""

    indicator: str
    value: str
    low: str
    high: str
    is_provisional: bool


class MutedCard(Part, frozen=True):
    user_id: int
    name: str
    until: int


class You(Part, frozen=True):
    """Who the server takes this socket for.

    `may_chat`: signed in. `muted_until` in ms, None when not muted.
    """

    role: Literal["guest", "viewer", "host"]
    user_id: int | None
    name: str
    may_chat: bool
    muted_until: int | None


# --- Room events ------------------------------------------------------------------------------


class RoomEvent(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="t", tag=True
):
    """The base of what is published to rooms; a subclass names the rooms it may go to."""


class ShowStarted(RoomEvent, frozen=True, tag="show_started"):
    rev: int
    started_at: int


class ShowEnded(RoomEvent, frozen=True, tag="show_ended"):
    rev: int
    started_at: int
    ended_at: int


class ShowCancelled(RoomEvent, frozen=True, tag="show_cancelled"):
    rev: int


class BagChanged(RoomEvent, frozen=True, tag="bag_changed"):
    """The whole bag in its order."""

    rev: int
    products: list[ProductCard]


class Pinned(RoomEvent, frozen=True, tag="pinned"):
    rev: int
    pin: PinCard


class Unpinned(RoomEvent, frozen=True, tag="unpinned"):
    rev: int
    pin_id: int


class StockMoved(RoomEvent, frozen=True, tag="stock"):
    """`rev` is the stock's own."""

    sku_id: int
    product_id: int
    available: int
    rev: int


class Sold(RoomEvent, frozen=True, tag="sold"):
    """A moment: somebody paid. `sold` counts the units ever paid for in the show; it only grows."""

    product_id: int
    title: str
    buyer: str
    quantity: int
    sold: int


class Chat(RoomEvent, frozen=True, tag="chat"):
    line: ChatLine


class ChatDeleted(RoomEvent, frozen=True, tag="chat_deleted"):
    id: int


class Muted(RoomEvent, frozen=True, tag="muted"):
    """Goes to the muted user and to the host, not to the others. `rev` is the mute's id."""

    piece_id: int
    user_id: int
    name: str
    until: int
    rev: int


class Unmuted(RoomEvent, frozen=True, tag="unmuted"):
    piece_id: int
    user_id: int
    rev: int


class Counts(RoomEvent, frozen=True, tag="counts"):
    """Who watches now (different people over all processes), and all hearts so far."""

    viewers: int
    hearts: int


class Figures(RoomEvent, frozen=True, tag="figures"):
    """The host's figures (see `live.queries.ShowFigures`); `viewers` are those who stayed 5 s."""

    orders: int
    units: int
    currency: str
    gmv_minor: int
    net_minor: int
    viewers: int
    rev: int


class Cart(RoomEvent, frozen=True, tag="cart"):
    version: int
    units: int


class Order(RoomEvent, frozen=True, tag="order"):
    order: OrderCard


class Scores(RoomEvent, frozen=True, tag="scores"):
    """`rev` is the scoring snapshot's id."""

    rev: int
    scores: list[ScoreCard]


AnyRoomEvent = (
    ShowStarted
    | ShowEnded
    | ShowCancelled
    | BagChanged
    | Pinned
    | Unpinned
    | StockMoved
    | Sold
    | Chat
    | ChatDeleted
    | Muted
    | Unmuted
    | Counts
    | Figures
    | Cart
    | Order
    | Scores
)

# --- States: what a snapshot holds ------------------------------------------------------------


class LiveState(Part, frozen=True):
    """`rev` is the session's; messages are the newest ones, oldest first."""

    rev: int
    show: ShowCard
    pin: PinCard | None
    bag: list[ProductCard]
    messages: list[ChatLine]
    viewers: int
    hearts: int


class HostState(Part, frozen=True):
    figures: Figures
    muted: list[MutedCard]


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
    """The page is visible and the show is on; said every few seconds."""


class Ping(Inbound, frozen=True, tag="ping"):
    pass


AnyInbound = Resume | SendChat | Heart | DeleteMessage | Mute | Unmute | Watching | Ping

inbound = msgspec.json.Decoder(AnyInbound)
_encoder = msgspec.json.Encoder()


def encode(message: RoomEvent | Outbound) -> bytes:
    return _encoder.encode(message)


def raw(part: Any) -> msgspec.Raw:
    """Encode once what many messages will hold."""
    return msgspec.Raw(_encoder.encode(part))
