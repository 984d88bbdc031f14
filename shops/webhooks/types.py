"""The events that receivers can ask for: their types, and what each tells."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TYPES: Final[dict[str, str | Promise]] = {
    "order.paid": _("An order is paid; it may still be cancelled for a while"),
    "order.released": _("The buyer can no longer cancel by themself: pack it"),
    "order.shipped": _("A parcel is on its way"),
    "order.delivered": _("A parcel has arrived"),
    "order.completed": _("The time to return it is over"),
    "order.cancelled": _("An order is cancelled"),
    "order.lines_cancelled": _("Part of an order will not be sent"),
    "order.settled": _("An order's money was released"),
    "order.expired": _("An order was not paid in time"),
    "payment.captured": _("A payment has arrived"),
    "payment.failed": _("A payment has failed; the buyer may try again"),
    "payment.charged_back": _("The buyer's bank took a payment back"),
    "payment.won_back": _("The buyer's bank gave back what it had taken"),
    "refund.succeeded": _("Money went back to the buyer"),
    "refund.failed": _("Money did not reach the buyer: refused, or sent back by their bank"),
    "return.changed": _("A return was asked for, or went on"),
    "stock.changed": _("Levels of stock, at most once a minute"),
    "payout.changed": _("A payout was made, sent, paid, or has failed"),
}
# Sent by a button, whatever an endpoint asked for.
TEST: Final = "webhook.test"
FAMILIES: Final = tuple(dict.fromkeys(name.partition(".")[0] + ".*" for name in TYPES))


def matches(wanted: list[str], name: str) -> bool:
    """Tell whether a list of types and families ("order.*") asks for this type."""
    return name in wanted or name.partition(".")[0] + ".*" in wanted
