"""Steps of an order's life, for tests."""

from shops.orders import services
from shops.orders.models import OrderLine

TRACKING = "1Z999AA10123456784"


def number(n):
    """Make the n-th tracking number of UPS."""
    return f"1Z{n:016d}"


def lines_of(*orders):
    return list(
        OrderLine.objects.filter(order__in=orders).order_by("pk").values_list("pk", flat=True)
    )


def sent(*orders, now, tracking=TRACKING, lines=None, by=None):
    """Ship orders in one parcel."""
    return services.ship(
        shop_id=orders[0].shop_id,
        line_ids=lines or lines_of(*orders),
        carrier="ups",
        tracking_number=tracking,
        by=by,
        now=now,
    )
