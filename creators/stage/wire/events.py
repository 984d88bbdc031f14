"""What is published to rooms."""

from typing import Literal

from msgspec import Struct

from creators.stage.wire.parts import (
    ActionCard,
    AppealCard,
    CaptionCard,
    ChatLine,
    HeldCard,
    OfferCard,
    OrderCard,
    PictureCard,
    PinCard,
    ProductCard,
    QuestionCard,
    RulesCard,
    SanctionCard,
    ScoreCard,
    TroubleCard,
)


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
    """`rev` is the line's; a `chat` event with a higher one brings it back."""

    id: int
    rev: int = 1


class ChatPinned(RoomEvent, frozen=True, tag="chat_pinned"):
    """The line that stands above the chat; None: there is none."""

    rev: int
    line: ChatLine | None


class ChatRules(RoomEvent, frozen=True, tag="chat_rules"):
    rev: int
    rules: RulesCard


class Question(RoomEvent, frozen=True, tag="question"):
    """A question as it is now: new, with more votes, answered or deleted."""

    question: QuestionCard


class Sanction(RoomEvent, frozen=True, tag="sanction"):
    """Goes to the sanctioned user and to the moderators, not to the others."""

    sanction: SanctionCard


class Held(RoomEvent, frozen=True, tag="held"):
    held: HeldCard


class Judged(RoomEvent, frozen=True, tag="judged"):
    """For the author of a line that waited: it is not shown, or after all waits again."""

    id: int
    rev: int
    state: Literal["rejected", "withheld"]


class Action(RoomEvent, frozen=True, tag="action"):
    action: ActionCard


class Appeal(RoomEvent, frozen=True, tag="appeal"):
    appeal: AppealCard


class Picture(RoomEvent, frozen=True, tag="picture"):
    """The picture came, was lost, or is over."""

    picture: PictureCard


class Caption(RoomEvent, frozen=True, tag="caption"):
    """`starts_at` is by the clock of the pictures: it is shown when the viewer's gets there."""

    caption: CaptionCard


class Counts(RoomEvent, frozen=True, tag="counts"):
    """Who watches now (different people over all processes), and all hearts so far.

    `lag_ms` is how far behind the viewers' pictures are, in the middle (None: nobody said);
    `grace_ms` is what is added to deadlines for it, see `grace.py`.
    """

    viewers: int
    hearts: int
    grace_ms: int
    lag_ms: int | None


class Figures(RoomEvent, frozen=True, tag="figures"):
    """The host's figures (see `live.queries.ShowFigures`); `viewers` are those who stayed 5 s."""

    orders: int
    units: int
    currency: str
    gmv_minor: int
    net_minor: int
    viewers: int
    rev: int


class Trouble(RoomEvent, frozen=True, tag="trouble"):
    """For the host: why the publisher was refused or cut off; `code` is "" when all is well."""

    trouble: TroubleCard


class Cart(RoomEvent, frozen=True, tag="cart"):
    version: int
    units: int


class Order(RoomEvent, frozen=True, tag="order"):
    order: OrderCard


class Offer(RoomEvent, frozen=True, tag="offer"):
    """Units that somebody waited for are kept for them now, or no longer."""

    offer: OfferCard


class Scores(RoomEvent, frozen=True, tag="scores"):
    """`rev` is the id of the newest of the scores."""

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
    | ChatPinned
    | ChatRules
    | Question
    | Sanction
    | Held
    | Judged
    | Action
    | Appeal
    | Picture
    | Caption
    | Counts
    | Figures
    | Trouble
    | Cart
    | Order
    | Offer
    | Scores
)
