"""Make and change the addresses of a shop that hear of its events."""

import base64
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Shop
from shops.facts.refused import Invalid, NotFound, Refused
from shops.webhooks.models import Endpoint, Message, MessageState, ToldLevel
from shops.webhooks.sending import checked_url
from shops.webhooks.types import FAMILIES, TYPES, matches

MOST_ENDPOINTS: Final = 10
# After a rotation both secrets sign for so long.
OVERLAP: Final = timedelta(days=1)


class UnknownType(Invalid):
    code = "unknown_event_type"
    message = _("Choose at least one event, and only those that are offered.")


class TooManyEndpoints(Refused):
    code = "too_many_endpoints"
    message = _("The shop has as many webhooks as it can have. Delete one first.")


def new_secret() -> str:
    """Make a secret to sign with: 32 random bytes, as Standard Webhooks writes them."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@transaction.atomic
def make_endpoint(
    *, shop: Shop, url: str, events: Collection[str], description: str = "", now: datetime
) -> Endpoint:
    """Have a server told of some events from now on.

    :raises BadUrl: it is not an address on the open internet
    :raises UnknownType: an event is not offered, or there is none
    :raises TooManyEndpoints: the shop has `MOST_ENDPOINTS`
    """
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
    if Endpoint.objects.filter(shop=shop).count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints
    endpoint = Endpoint.objects.create(
        shop=shop,
        url=checked_url(url),
        description=description,
        events=_checked_types(events),
        secret=new_secret(),
        created_at=now,
    )
    _begin_levels(endpoint)
    return endpoint


@transaction.atomic
def change_endpoint(
    *,
    endpoint_id: UUID,
    shop: Shop,
    url: str,
    events: Collection[str],
    description: str,
) -> Endpoint:
    """Change where and of what a server is told; what waits goes to the new address.

    :raises NotFound: the shop has no such endpoint
    :raises BadUrl: it is not an address on the open internet
    :raises UnknownType: an event is not offered, or there is none
    """
    endpoint = _lock(endpoint_id, shop)
    endpoint.url = checked_url(url)
    endpoint.events = _checked_types(events)
    endpoint.description = description
    endpoint.save(update_fields=["url", "events", "description"])
    _begin_levels(endpoint)
    return endpoint


@transaction.atomic
def rotate_secret(*, endpoint_id: UUID, shop: Shop, now: datetime) -> Endpoint:
    """Give an endpoint a new secret; the old one signs, too, for `OVERLAP`.

    :raises NotFound: the shop has no such endpoint
    """
    endpoint = _lock(endpoint_id, shop)
    endpoint.old_secret, endpoint.secret = endpoint.secret, new_secret()
    endpoint.old_secret_until = now + OVERLAP
    endpoint.save(update_fields=["secret", "old_secret", "old_secret_until"])
    return endpoint


@transaction.atomic
def enable(*, endpoint_id: UUID, shop: Shop) -> Endpoint:
    """Send to an endpoint again. What it missed can be replayed from its log.

    :raises NotFound: the shop has no such endpoint
    """
    endpoint = _lock(endpoint_id, shop)
    Endpoint.objects.filter(pk=endpoint.pk).update(
        is_enabled=True,
        disabled_reason="",
        disabled_at=None,
        failing_since=None,
        resting_until=None,
    )
    _begin_levels(endpoint)
    endpoint.refresh_from_db()
    return endpoint


@transaction.atomic
def disable(
    *,
    endpoint_id: UUID,
    shop: Shop,
    reason: Endpoint.Disabled = Endpoint.Disabled.BY_OWNER,
    now: datetime,
) -> Endpoint:
    """Send nothing more to an endpoint; what waited is given up (and can be replayed).

    :raises NotFound: the shop has no such endpoint
    """
    endpoint = _lock(endpoint_id, shop)
    Endpoint.objects.filter(pk=endpoint.pk, is_enabled=True).update(
        is_enabled=False, disabled_reason=reason, disabled_at=now
    )
    Message.objects.filter(endpoint=endpoint, state=MessageState.PENDING).update(
        state=MessageState.FAILED, next_attempt_at=None
    )
    endpoint.refresh_from_db()
    return endpoint


@transaction.atomic
def delete_endpoint(*, endpoint_id: UUID, shop: Shop) -> None:
    """Forget an endpoint and its log.

    :raises NotFound: the shop has no such endpoint
    """
    _lock(endpoint_id, shop).delete()


def _lock(endpoint_id: UUID, shop: Shop) -> Endpoint:
    endpoint = Endpoint.objects.select_for_update().filter(pk=endpoint_id, shop=shop).first()
    if endpoint is None:
        raise NotFound
    return endpoint


def _checked_types(events: Collection[str]) -> list[str]:
    wanted = set(events)
    if not wanted or not wanted <= {*TYPES, *FAMILIES}:
        raise UnknownType
    return [name for name in (*FAMILIES, *TYPES) if name in wanted]


def _begin_levels(endpoint: Endpoint) -> None:
    """Take what stock is now as told, or forget what was told when nobody asks for it."""
    ToldLevel.objects.filter(endpoint=endpoint).delete()
    if not matches(endpoint.events, "stock.changed"):
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO webhooks_toldlevel (endpoint_id, sku_id, rev)
            SELECT %s, stock.sku_id, stock.rev FROM stock_stock AS stock
            JOIN catalog_sku AS sku ON sku.id = stock.sku_id
            JOIN catalog_product AS product ON product.id = sku.product_id
            WHERE product.shop_id = %s
            """,
            [endpoint.pk, endpoint.shop_id],
        )
