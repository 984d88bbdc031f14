"""Make a hold larger or smaller, so that a cart keeps as many units as are in it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from shops.stock.models import Hold, HoldState
from shops.stock.queries import available, database_now
from shops.stock.reserving import MOST_PER_HOLD, BadQuantity, OutOfStock
from shops.stock.services.holds import HoldExpired
from shops.stock.services.telling import tell
from shops.stock.services.waitlist import pass_on
from shops.stock.statements.resizing import resize as _resize


@transaction.atomic
def resize(*, hold_id: UUID, quantity: int, now: datetime) -> None:
    """Give a hold that is still held another quantity; its time stays as it is.

    What becomes free is offered to who waits for it.

    :raises BadQuantity: the quantity is not 1 to 99
    :raises HoldExpired: it ran out by the database's clock, was released, or never was
    :raises OutOfStock: fewer units are left than it would need more
    """
    if not 1 <= quantity <= MOST_PER_HOLD:
        raise BadQuantity
    level = _resize(hold_id=hold_id, quantity=quantity, now=now)
    if level is not None:
        tell(pass_on([level], now=now))
        return
    hold = Hold.objects.filter(pk=hold_id, state=HoldState.HELD).first()
    if hold is None or hold.expires_at <= database_now():
        raise HoldExpired(hold_ids=[str(hold_id)])
    if hold.quantity != quantity:
        left = available(sku_ids=[hold.sku_id])[hold.sku_id] + hold.quantity
        raise OutOfStock(
            sku_id=hold.sku_id, left=left, short=[{"sku_id": hold.sku_id, "left": left}]
        )
