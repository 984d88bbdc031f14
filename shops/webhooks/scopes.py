"""What a token may be allowed to do; each endpoint of the API asks for one of these."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

BUYER_SCOPES: Final[dict[str, str | Promise]] = {
    "cart:read": _("See your cart"),
    "cart:write": _("Change your cart"),
    "checkout:write": _("Order and pay for you"),
    "orders:read": _("See your orders"),
    "orders:write": _("Cancel your orders, ask to return what you bought"),
    "tokens:read": _("List your tokens (never their text)"),
}
SHOP_SCOPES: Final[dict[str, str | Promise]] = {
    "orders:read": _("See the shop's orders, parcels and returns"),
    "orders:write": _("Ship, refund, cancel and take back orders"),
    "stock:read": _("See stock and its movements"),
    "stock:write": _("Correct stock"),
    "payouts:read": _("See balances and payouts"),
    "webhooks:read": _("See webhooks and what was delivered"),
    "webhooks:write": _("Change webhooks"),
    "tokens:read": _("List the shop's tokens (never their text)"),
}
