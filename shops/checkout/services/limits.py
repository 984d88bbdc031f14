"""How many units of a product one buyer may have."""

from collections.abc import Collection, Mapping

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
    limited = wanted.keys() & most.keys()
    bought: dict[tuple[int, int], int] = {}
    if limited and buyer_id is not None:
        bought = units_bought(buyer_ids=[buyer_id], product_ids=limited)
    refuse_over(wanted=wanted, most=most, bought=bought, buyer_id=buyer_id)


def units_bought(
    *, buyer_ids: Collection[int], product_ids: Collection[int]
) -> dict[tuple[int, int], int]:
    """Count by (buyer, product) the units that were ordered, but for what came to nothing."""
    lines = OrderLine.objects.filter(
        order__buyer_id__in=buyer_ids, sku__product__in=product_ids, cancelled_at=None
    ).exclude(order__state__in=OVER)
    counted = lines.values_list("order__buyer_id", "sku__product").annotate(units=Sum("quantity"))
    return {(buyer_id, product_id): units for buyer_id, product_id, units in counted.order_by()}


def refuse_over(
    *,
    wanted: Mapping[int, int],
    most: Mapping[int, int],
    bought: Mapping[tuple[int, int], int],
    buyer_id: int | None,
) -> None:
    """Do as `check_limits`, of what was `bought` as `units_bought` counts it.

    :raises LimitReached: it would be more
    """
    for product_id in sorted(wanted.keys() & most.keys()):
        had = bought.get((buyer_id, product_id), 0) if buyer_id is not None else 0
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
