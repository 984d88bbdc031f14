"""The site with the stock's guard switched off: reads first and writes later.

Only the control of the race uses it. Production code has no such switch.
"""

import time

from liveshop.asgi import application  # noqa: F401  # first: it sets Django up

from shops.stock import statements  # isort: skip
from shops.stock.models import Hold, Stock  # isort: skip


def _read_then_write(*, wanted, ttl, now):
    levels = []
    for hold_id, sku_id, quantity in wanted:
        stock = Stock.objects.select_related("sku").get(pk=sku_id)
        left = stock.available
        if left < quantity:
            return [], [statements.Shortage(sku_id, quantity, left)]
        time.sleep(0.02)
        Stock.objects.filter(pk=sku_id).update(reserved=stock.reserved + quantity)
        Hold.objects.create(id=hold_id, sku_id=sku_id, quantity=quantity, expires_at=now + ttl)
        levels.append(
            statements.Level(
                sku_id=sku_id,
                product_id=stock.sku.product_id,
                on_hand=stock.on_hand,
                reserved=stock.reserved + quantity,
                rev=stock.rev + 1,
            )
        )
    return levels, []


statements.reserve = _read_then_write
