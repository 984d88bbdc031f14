"""The one path from cart to paid order, a file per stretch of it."""

from shops.checkout.services.carts import (
    CartMoved,
    NotForSale,
    OtherCurrency,
    add_to_cart,
    merge_carts,
    set_quantity,
)
from shops.checkout.services.placing import (
    AlreadyOrdered,
    PayTimeOver,
    QuoteOver,
    cancel_order,
    expire_due_purchases,
    place_order,
    retry_payment,
)
from shops.checkout.services.quotes import (
    EmptyCart,
    ShortOfStock,
    cancel_quote,
    close_due_quotes,
    start_quote,
)
from shops.checkout.services.voiding import void

__all__ = [
    "AlreadyOrdered",
    "CartMoved",
    "EmptyCart",
    "NotForSale",
    "OtherCurrency",
    "PayTimeOver",
    "QuoteOver",
    "ShortOfStock",
    "add_to_cart",
    "cancel_order",
    "cancel_quote",
    "close_due_quotes",
    "expire_due_purchases",
    "merge_carts",
    "place_order",
    "retry_payment",
    "set_quantity",
    "start_quote",
    "void",
]
