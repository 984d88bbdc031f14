"""The site with the stock's guard switched off: reads first and writes later.

Only the control of the race uses it. Production code has no such switch.
"""

import time
from datetime import UTC, datetime

from liveshop.asgi import application  # noqa: F401  # first: it sets Django up

from shops.stock import batcher  # isort: skip
from shops.stock.models import Hold, Stock  # isort: skip
from shops.stock.reserving import Kept, OutOfStock  # isort: skip


def _read_then_write(ask):
    kept = []
    for hold_id, sku_id, quantity in ask.wanted:
        stock = Stock.objects.get(pk=sku_id)
        if stock.available < quantity:
            raise OutOfStock(sku_id=sku_id, left=stock.available)
        time.sleep(0.02)
        Stock.objects.filter(pk=sku_id).update(reserved=stock.reserved + quantity)
        now = datetime.now(UTC)
        one = Kept(hold_id, sku_id, ask.buyer_id, quantity, "held", now + ask.ttl, now)
        Hold.objects.create(
            id=hold_id,
            sku_id=sku_id,
            buyer_id=ask.buyer_id,
            quantity=quantity,
            expires_at=one.expires_at,
        )
        kept.append(one)
    return kept


batcher.keep = _read_then_write
