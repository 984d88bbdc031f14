"""Who reacts to what: each fact, what must follow (job queue) and what is shown (browsers)."""

from creators.chat.events import (
    AppealChanged,
    ChatDeleted,
    ChatHeld,
    ChatPosted,
    ChatRestored,
    LinePinned,
    ModeratorActed,
    ModeratorsChanged,
    QuestionChanged,
    RulesChanged,
    SanctionChanged,
)
from creators.live.events import (
    BagChanged,
    ProductPinned,
    ProductUnpinned,
    RehearsalEnded,
    RehearsalStarted,
    ShowCancelled,
    ShowChanged,
    ShowEnded,
    ShowScheduled,
    ShowStarted,
)
from creators.media.events import PictureLost, PictureStarted, PublisherRefused
from creators.scoring.events import ScoresChanged
from creators.social.events import Followed, Unfollowed
from shops.accounts.events import SignedOut
from shops.catalog.events import PriceChanged, ProductArchived
from shops.checkout.events import CartChanged, GuestLinkAsked
from shops.facts.publishing import Fact, On
from shops.feeds.events import FeedImported
from shops.orders.events import (
    LinesCancelled,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderExpired,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderRefundUndone,
    OrderReleased,
    OrderReopened,
    OrderShipped,
    ParcelMoved,
    ShippingDue,
)
from shops.payments.events import (
    ChargeBackWon,
    ChargedBack,
    PaymentCaptured,
    PaymentFailed,
    RefundCameBack,
    RefundFailed,
    RefundSucceeded,
)
from shops.payouts.events import OrderSettled, PayoutChanged
from shops.pricing.events import DealChanged
from shops.returns.events import ReturnChanged
from shops.stock.events import StockChanged, WaitlistEnded, WaitlistOffered
from shops.webhooks.events import TokensRevoked

_STAGE = "creators.stage.reactions."
_CHAT = "creators.stage.chat_reactions."
_SCORING = "creators.scoring.reactions."
_ORDERS = "shops.orders.reactions."
_CHECKOUT = "shops.checkout.reactions."
_PAYMENTS = "shops.payments.reactions."
_PAYOUTS = "shops.payouts.reactions."
_RETURNS = "shops.returns.reactions."
_WEBHOOKS = "shops.webhooks.reactions.tell_shop"

TABLE: dict[type[Fact], On] = {
    # accounts
    SignedOut: On(show=[_STAGE + "signed_out"]),
    # catalog, feeds, stock, pricing
    ProductArchived: On(must=["creators.live.reactions.take_out_of_bags"]),
    PriceChanged: On(must=["creators.live.reactions.tell_bags"]),
    DealChanged: On(must=["creators.live.reactions.tell_bags"]),
    FeedImported: On(must=["creators.live.reactions.tell_bags"]),
    StockChanged: On(show=[_STAGE + "stock_changed"]),
    WaitlistOffered: On(
        must=["shops.stock.reactions.mail_offer"], show=[_STAGE + "waitlist_offered"]
    ),
    WaitlistEnded: On(
        must=["shops.stock.reactions.mail_offer_over"], show=[_STAGE + "waitlist_ended"]
    ),
    # checkout, orders, payments
    CartChanged: On(show=[_STAGE + "cart_changed"]),
    GuestLinkAsked: On(must=[_CHECKOUT + "mail_guest_link"]),
    OrderPlaced: On(show=[_STAGE + "order_changed"]),
    OrderPaid: On(
        must=[_ORDERS + "send_receipt", _WEBHOOKS],
        show=[_STAGE + "order_changed", _STAGE + "order_paid"],
    ),
    OrderReleased: On(
        must=[_ORDERS + "tell_shop", _SCORING + "rescore_after_order", _WEBHOOKS],
        show=[_STAGE + "order_changed"],
    ),
    ShippingDue: On(must=[_ORDERS + "remind_shop"]),
    OrderShipped: On(must=[_ORDERS + "tell_shipped", _WEBHOOKS], show=[_STAGE + "order_changed"]),
    ParcelMoved: On(),
    OrderCancelled: On(
        must=[
            _PAYMENTS + "refund_cancelled",
            _ORDERS + "tell_cancelled",
            _CHECKOUT + "give_back",
            _SCORING + "rescore_after_order",
            _WEBHOOKS,
        ],
        show=[_STAGE + "order_changed"],
    ),
    LinesCancelled: On(
        must=[_PAYMENTS + "refund_lines", _ORDERS + "tell_lines_cancelled", _WEBHOOKS]
    ),
    OrderDelivered: On(
        must=[_ORDERS + "tell_delivered", _PAYOUTS + "schedule", _WEBHOOKS],
        show=[_STAGE + "order_changed"],
    ),
    OrderCompleted: On(
        must=[_SCORING + "rescore_after_order", _WEBHOOKS], show=[_STAGE + "order_changed"]
    ),
    OrderExpired: On(must=[_CHECKOUT + "give_back", _WEBHOOKS], show=[_STAGE + "order_changed"]),
    OrderReopened: On(must=[_CHECKOUT + "use_again"]),
    OrderRefunded: On(
        must=[
            _ORDERS + "tell_refunded",
            _CHECKOUT + "give_back",
            _SCORING + "rescore_after_order",
        ],
        show=[_STAGE + "order_refunded"],
    ),
    OrderRefundUndone: On(
        must=[_ORDERS + "tell_refund_undone", _SCORING + "rescore_after_order"],
        show=[_STAGE + "order_changed"],
    ),
    PaymentCaptured: On(must=[_PAYMENTS + "post_capture"]),
    PaymentFailed: On(must=[_WEBHOOKS], show=[_STAGE + "payment_failed"]),
    # One reaction, not one for either case: only who decides under the order's lock may post.
    RefundSucceeded: On(must=[_PAYOUTS + "reverse_released", _RETURNS + "note_refund", _WEBHOOKS]),
    RefundFailed: On(must=[_RETURNS + "note_failure", _WEBHOOKS]),
    RefundCameBack: On(
        must=[_PAYOUTS + "post_refund_undone", _RETURNS + "note_failure", _WEBHOOKS]
    ),
    ChargedBack: On(must=[_PAYOUTS + "post_charge_back", _WEBHOOKS]),
    ChargeBackWon: On(must=[_PAYOUTS + "post_charge_back_won", _WEBHOOKS]),
    # payouts
    OrderSettled: On(must=[_WEBHOOKS]),
    PayoutChanged: On(must=[_WEBHOOKS]),
    # returns
    ReturnChanged: On(must=[_RETURNS + "send_mails", _WEBHOOKS]),
    # webhooks
    TokensRevoked: On(must=["shops.webhooks.reactions.mail_tokens_revoked"]),
    # media
    PictureStarted: On(show=[_STAGE + "picture_changed"]),
    PictureLost: On(show=[_STAGE + "picture_changed"]),
    PublisherRefused: On(show=[_STAGE + "publisher_refused"]),
    # live, chat
    ShowScheduled: On(),
    ShowChanged: On(show=[_STAGE + "show_changed"]),
    ShowStarted: On(show=[_STAGE + "show_started"]),
    ShowEnded: On(
        must=[
            "creators.live.replays.reactions.make_replay_soon",
            _SCORING + "rescore_after_show",
        ],
        show=[_STAGE + "show_ended"],
    ),
    ShowCancelled: On(show=[_STAGE + "show_cancelled"]),
    RehearsalStarted: On(show=[_STAGE + "show_started"]),
    RehearsalEnded: On(must=["creators.live.reactions.erase"], show=[_STAGE + "show_ended"]),
    BagChanged: On(show=[_STAGE + "bag_changed"]),
    ProductPinned: On(show=[_STAGE + "pinned"]),
    ProductUnpinned: On(show=[_STAGE + "unpinned"]),
    ChatPosted: On(show=[_CHAT + "chat_posted"]),
    ChatHeld: On(show=[_CHAT + "chat_held"]),
    ChatDeleted: On(show=[_CHAT + "chat_deleted"]),
    ChatRestored: On(show=[_CHAT + "chat_restored"]),
    LinePinned: On(show=[_CHAT + "line_pinned"]),
    QuestionChanged: On(show=[_CHAT + "question_changed"]),
    RulesChanged: On(show=[_CHAT + "rules_changed"]),
    ModeratorsChanged: On(show=[_CHAT + "moderators_changed"]),
    SanctionChanged: On(show=[_CHAT + "sanction_changed"]),
    ModeratorActed: On(show=[_CHAT + "moderator_acted"]),
    AppealChanged: On(show=[_CHAT + "appeal_changed"]),
    # social
    Followed: On(),
    Unfollowed: On(),
    # scoring
    ScoresChanged: On(show=[_STAGE + "scores_changed"]),
}
