"""How a product's units are kept for its buyers, and how many one buyer may have."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.facts.refused import Refused
from shops.stock.models import (
    LONGEST_HOLD,
    MOST_PER_BUYER,
    SHORTEST_HOLD,
    Mode,
    ReservationPolicy,
)


class BadPolicy(Refused):
    code = "bad_policy"
    message = _("A reservation lasts 1 to 15 minutes, and a buyer may have 1 to 99 units.")
    status = 400


@transaction.atomic
def set_policy(
    *, product_id: int, mode: Mode, hold_seconds: int | None, most_per_buyer: int | None
) -> ReservationPolicy:
    """Set how a product is reserved; what is held already stays as it is.

    :raises BadPolicy: the time or the number is out of bounds
    """
    if hold_seconds is not None and not SHORTEST_HOLD <= hold_seconds <= LONGEST_HOLD:
        raise BadPolicy
    if most_per_buyer is not None and not 1 <= most_per_buyer <= MOST_PER_BUYER:
        raise BadPolicy
    policy, _made = ReservationPolicy.objects.update_or_create(
        product_id=product_id,
        defaults={
            "mode": mode,
            "hold_seconds": hold_seconds,
            "most_per_buyer": most_per_buyer,
        },
    )
    return policy
