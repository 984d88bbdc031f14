"""Steps of the stock room for tests: keep units, wait for some, let time pass."""

import uuid
from datetime import UTC, datetime, timedelta

from django.db.models import F

from shops.stock import services
from shops.stock.models import Hold
from shops.stock.services import Wanted

TTL = timedelta(minutes=10)


def keep(sku, quantity=1, *, buyer=None):
    """Hold units of a SKU for ten minutes."""
    [held] = services.hold(
        wanted=[Wanted(uuid.uuid4(), sku.pk, quantity)],
        now=datetime.now(UTC),
        ttl=TTL,
        buyer_id=buyer.pk if buyer else None,
    )
    return held


def order(sku, quantity=1):
    """Hold units and commit them."""
    held = keep(sku, quantity)
    services.commit(hold_ids=[held.pk], now=datetime.now(UTC))
    return held


def wait(user, sku, quantity=1):
    """Put somebody on the waitlist."""
    return services.join(user=user, sku_id=sku.pk, quantity=quantity, now=datetime.now(UTC))


def let_time_pass(**span):
    """Make all holds older."""
    by = timedelta(**span)
    Hold.objects.update(expires_at=F("expires_at") - by, created_at=F("created_at") - by)
