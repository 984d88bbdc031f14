"""What one socket is told and may say: snapshots, answers, and the client's own messages."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from creators.stage.wire.events import Cart, Figures, RoomEvent, Scores
from creators.stage.wire.parts import (
    ActionCard,
    AppealCard,
    CaptionCard,
    ChatLine,
    HeldCard,
    OfferCard,
    OrderCard,
    Part,
    PictureCard,
    PinCard,
    ProductCard,
    QuestionCard,
    RoomKind,
    RulesCard,
    SanctionCard,
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
    pinned_line: ChatLine | None = None
    pinned_line_rev: int = 0
    rules: RulesCard = RulesCard(slow_seconds=0, hold_seconds=0, followers_only=False)
    rules_rev: int = 0
    # Those with most votes, and the newest answered ones.
    questions: list[QuestionCard] = []


class HostState(Part, frozen=True):
    figures: Figures
    trouble: TroubleCard


class ModsState(Part, frozen=True):
    """What the host and the moderators see: open sanctions, waiting lines, the newest actions."""

    sanctions: list[SanctionCard]
    held: list[HeldCard]
    actions: list[ActionCard]
    appeals: list[AppealCard]


class MeState(Part, frozen=True):
    cart: Cart
    orders: list[OrderCard]
    offers: list[OfferCard]
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
    state: LiveState | HostState | ModsState | MeState | msgspec.Raw
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


class Said(Outbound, frozen=True, tag="said"):
    """A line or question is written down; until this comes, it is to be sent again.

    `held`: others see it at `shown_at` (ms). `withheld`: when a moderator lets it.
    """

    client_id: UUID
    id: int
    state: Literal["shown", "held", "withheld"]
    shown_at: int | None


class Pong(Outbound, frozen=True, tag="pong"):
    at: int


AnyOutbound = Snapshot | Resync | Notice | Error | Said | Pong

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
    """A line; the same `client_id` again is the same line. `reply_to` is the id of another."""

    client_id: UUID
    body: str
    reply_to: int | None = None


class Ask(Inbound, frozen=True, tag="ask"):
    """A question about a product of the bag, or about anything."""

    client_id: UUID
    body: str
    product_id: int | None = None


class VoteFor(Inbound, frozen=True, tag="vote"):
    """Wants a question answered, too; once more changes nothing."""

    question_id: int


class Heart(Inbound, frozen=True, tag="heart"):
    count: Annotated[int, Meta(ge=1, le=50)] = 1


class DeleteMessage(Inbound, frozen=True, tag="delete_message"):
    message_id: int
    reason: Annotated[str, Meta(max_length=200)] = ""


class Mute(Inbound, frozen=True, tag="mute"):
    """`seconds` None: for the whole show, or in all of the creator's for good."""

    user_id: int
    seconds: Annotated[int, Meta(ge=60, le=86_400)] | None = 600
    scope: Literal["show", "creator"] = "show"
    reason: Annotated[str, Meta(max_length=200)] = ""


class Unmute(Inbound, frozen=True, tag="unmute"):
    user_id: int
    reason: Annotated[str, Meta(max_length=200)] = ""


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
    Resume
    | SendChat
    | Ask
    | VoteFor
    | Heart
    | DeleteMessage
    | Mute
    | Unmute
    | Watching
    | SayCaption
    | Ping
)

inbound = msgspec.json.Decoder(AnyInbound)
_encoder = msgspec.json.Encoder()


def encode(message: RoomEvent | Outbound) -> bytes:
    return _encoder.encode(message)


def raw(part: Any) -> msgspec.Raw:
    """Encode once what many messages will hold."""
    return msgspec.Raw(_encoder.encode(part))
