"""The one path from cart to paid order, a file per stretch of it."""

from shops.checkout.services.carts import (
    CartMoved,
    add_to_cart,
    keep_cart,
    merge_carts,
    set_quantity,
)
from shops.checkout.services.ending import (
    PayTimeOver,
    cancel_order,
    expire_due_purchases,
    retry_payment,
)
from shops.checkout.services.filling import CartFull, NotForSale, OtherCurrency
from shops.checkout.services.guests import (
    GuestLinkOver,
    HasAccount,
    ask_guest_link,
    forget_old_links,
    link_by,
    use_guest_link,
)
from shops.checkout.services.keeping import ShortOfStock
from shops.checkout.services.limits import LimitReached
from shops.checkout.services.placing import (
    AlreadyOrdered,
    NotShipped,
    OtherCountry,
    Placed,
    QuoteMoved,
    place_order,
    place_order_once,
    start_payment,
)
from shops.checkout.services.quotes import (
    cancel_quote,
    close_due_quotes,
    extend_quote,
    start_quote,
)
from shops.checkout.services.repricing import QuoteOver, count_code, reprice_quote
from shops.checkout.services.signing import QuoteTampered
from shops.checkout.services.starting import EmptyCart
from shops.checkout.services.voiding import void

__all__ = [
    "AlreadyOrdered",
    "CartFull",
    "CartMoved",
    "EmptyCart",
    "GuestLinkOver",
    "HasAccount",
    "LimitReached",
    "NotForSale",
    "NotShipped",
    "OtherCountry",
    "OtherCurrency",
    "PayTimeOver",
    "Placed",
    "QuoteMoved",
    "QuoteOver",
    "QuoteTampered",
    "ShortOfStock",
    "add_to_cart",
    "ask_guest_link",
    "cancel_order",
    "cancel_quote",
    "close_due_quotes",
    "count_code",
    "expire_due_purchases",
    "extend_quote",
    "forget_old_links",
    "keep_cart",
    "link_by",
    "merge_carts",
    "place_order",
    "place_order_once",
    "reprice_quote",
    "retry_payment",
    "set_quantity",
    "start_payment",
    "start_quote",
    "use_guest_link",
    "void",
]
