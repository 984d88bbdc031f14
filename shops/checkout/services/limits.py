"""How many units of a product one buyer may have."""

from collections.abc import Mapping

from django.db.models import Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from shops.facts.refused import Refused
from shops.orders.models import OVER, OrderLine


class LimitReached(Refused):
    """`extra`: the `product_id`, the `most` one buyer may have and how many they `bought`."""

    code = "limit_reached"
    message = _("One buyer can't have that many of this.")


def check_limits(
    *, wanted: Mapping[int, int], most: Mapping[int, int], buyer_id: int | None
) -> None:
    """Make sure that a buyer does not get more units of a product than one may have.

    What they ordered counts, unless it was cancelled or expired. A buyer's orders come one after
    the other: each takes their one open quote, and the next can't be opened before that is
    committed. So nothing can be ordered between this count and the order it is for.

    :param wanted: by product, the units that are wanted now
    :param most: by product, the most that one buyer may have; others have no limit
    :raises LimitReached: it would be more
    """
    limited = sorted(product_id for product_id in wanted if product_id in most)
    if not limited:
        return
    bought: dict[int, int] = {}
    if buyer_id is not None:
        lines = OrderLine.objects.filter(
            order__buyer_id=buyer_id, sku__product__in=limited, cancelled_at=None
        ).exclude(order__state__in=OVER)
        bought = dict(lines.values_list("sku__product").annotate(units=Sum("quantity")).order_by())
    for product_id in limited:
        had = bought.get(product_id, 0)
        if had + wanted[product_id] > most[product_id]:
            raise LimitReached(
                _why(most[product_id], had),
                product_id=product_id,
                most=most[product_id],
                bought=had,
            )


def _why(most: int, had: int) -> str | Promise:
    text = ngettext(
        "One buyer can have only %(most)d of this.",
        "One buyer can have at most %(most)d of this.",
        most,
    ) % {"most": most}
    if had:
        text += " " + ngettext(
            "You have ordered %(had)d already.", "You have ordered %(had)d already.", had
        ) % {"had": had}
    return text
