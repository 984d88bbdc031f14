"""What became of the demo's past sales: packed, sent, delivered; the newest wait to be packed."""

from datetime import datetime, timedelta
from typing import Final

from shops.catalog.models import Shop
from shops.orders import packing
from shops.orders import services as orders
from shops.orders.models import Order, OrderState, ParcelState

_PACKED_AFTER: Final = timedelta(days=1)
_TRAVELS: Final = timedelta(days=3)


def seed_parcels(*, now: datetime) -> int:
    """Let the shops have sent what was paid more than two days ago; returns the parcels."""
    held = Order.objects.filter(state=OrderState.ON_HOLD, hold_until__lte=now)
    for until in held.order_by("hold_until").values_list("hold_until", flat=True):
        if until is not None:
            orders.release_due(now=until)
    sent = 0
    for shop in Shop.objects.order_by("pk"):
        for box in packing.boxes(shop_id=shop.pk):
            paid_at = max(order.paid_at for order in box.orders if order.paid_at)
            if paid_at > now - 2 * _PACKED_AFTER:
                continue
            shipped_at = paid_at + _PACKED_AFTER
            parcel = orders.ship(
                shop_id=shop.pk,
                line_ids=[line.pk for line in box.lines],
                carrier="other",
                tracking_number=f"DEMO{shop.pk:04d}{box.orders[0].pk:06d}",
                by=None,
                now=shipped_at,
            )
            sent += 1
            if shipped_at + _TRAVELS <= now:
                orders.move_parcel(
                    parcel_id=parcel.pk, to=ParcelState.DELIVERED, now=shipped_at + _TRAVELS
                )
    orders.complete_due(now=now)
    return sent
