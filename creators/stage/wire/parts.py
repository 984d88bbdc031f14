"""What messages are made of, and what a socket is closed with."""

from enum import IntEnum
from typing import Literal
from uuid import UUID

from msgspec import Struct

RoomKind = Literal["live", "host", "mods", "me"]
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
    BANNED = 4403  # a moderator removed this user; the page says why and until when
    SIGNED_OUT = 4401  # the session ended or the account was closed; come back as a guest
    NO_SUCH_SHOW = 4404  # do not come back
    IDLE = 4408  # no sign of life; come back and resume
    TOO_MANY_SOCKETS = 4409  # this user or address has too many open; come back after a minute
    TOO_MANY = 4429  # it went on after many "too_many" errors; come back after a minute
    FULL = 4503  # this process takes no more; come back with back-off


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
    creator_id: int
    scheduled_at: int
    started_at: int | None
    ended_at: int | None
    referral: str


class ReplyCard(Part, frozen=True):
    """The beginning of the line that another one answers; without words when it was deleted."""

    id: int
    author: str
    body: str


class ChatLine(Part, frozen=True):
    """A deleted line keeps its id and place and loses everything else; a higher `rev` replaces it.

    Links in lines with a badge may be followed, others are plain text. `mentions` are user ids.
    """

    id: int
    author_id: int | None
    author: str
    body: str
    sent_at: int
    client_id: UUID | None
    badge: Literal["", "host", "moderator"] = ""
    reply: ReplyCard | None = None
    mentions: list[int] = []
    rev: int = 0
    deleted: bool = False


class RulesCard(Part, frozen=True):
    """How a show's chat is kept; 0 seconds: that rule is off. Moderators are exempt."""

    slow_seconds: int
    hold_seconds: int
    followers_only: bool


class QuestionCard(Part, frozen=True):
    """A question about a product of the bag (or about anything); it may be answered once."""

    id: int
    rev: int
    product_id: int | None
    author: str
    body: str
    votes: int
    asked_at: int
    answered_at: int | None
    deleted: bool = False


class SanctionCard(Part, frozen=True):
    """Who may not write, or be there, and why. `until` None: as long as the show, or for good.

    `piece_id` None: in all shows of the creator. `lifted`: it holds no more.
    """

    id: int
    rev: int
    kind: Literal["mute", "ban"]
    scope: Literal["show", "creator"]
    piece_id: int | None
    creator_id: int
    user_id: int
    name: str
    reason: str
    at: int
    until: int | None
    lifted: bool
    appeal: Literal["", "open", "granted", "denied"] = ""


class HeldCard(Part, frozen=True):
    """For moderators: a line that others do not see (yet), and why."""

    id: int
    rev: int
    line: ChatLine
    state: Literal["held", "withheld", "shown", "rejected"]
    why: str
    shown_at: int | None


class ActionCard(Part, frozen=True):
    """For moderators: who did what to whom, and why. `text` says it in a few words."""

    id: int
    rev: int
    kind: str
    by: str
    subject: str
    text: str
    reason: str
    at: int
    undone: bool
    can_undo: bool


class AppealCard(Part, frozen=True):
    """For moderators: what somebody says against a sanction."""

    id: int
    rev: int
    sanction_id: int
    name: str
    text: str
    at: int
    state: Literal["open", "granted", "denied"]
    answer: str


class PictureCard(Part, frozen=True):
    """What a show's viewers see: nothing (yet, or any more), the picture, or that it was lost.

    `url` is the playlist of a picture that everybody may see; of others `You` has it. `since` is
    when it became so, `rev` grows with each change.
    """

    state: Literal["none", "on", "lost"]
    since: int | None
    url: str
    rev: int


class CaptionCard(Part, frozen=True):
    """What the host said between two instants, as speech recognition heard it."""

    id: int
    text: str
    lang: str
    starts_at: int
    ends_at: int


class TroubleCard(Part, frozen=True):
    """Why the host's publisher was refused or cut off; `code` is "" when nothing is wrong."""

    code: str
    text: str
    since: int | None


class OrderCard(Part, frozen=True):
    number: str
    purchase_id: str
    state: str
    payment_failed: bool
    currency: str
    total_minor: int
    refunded_minor: int
    rev: int


class OfferCard(Part, frozen=True):
    """Units that are kept for somebody who waited for them; "offered", or how that ended.

    `url` is where to take them or say no; `rev` grows with each change.
    """

    id: int
    state: str
    sku_id: int
    product_id: int
    title: str
    options: str
    quantity: int
    until: int
    url: str
    rev: int


class ScoreCard(Part, frozen=True):
    """Decimal numbers travel as text."""

    indicator: str
    value: str
    low: str
    high: str
    is_provisional: bool


class You(Part, frozen=True):
    """Who the server takes this socket for.

    `may_chat`: signed in. `muted_until` in ms, None when not muted; `mute` says more of it.
    `picture_url` is the signed playlist of a picture that not everybody may see, "" otherwise.
    """

    role: Literal["guest", "viewer", "moderator", "host"]
    user_id: int | None
    name: str
    may_chat: bool
    muted_until: int | None
    picture_url: str = ""
    mute: SanctionCard | None = None
