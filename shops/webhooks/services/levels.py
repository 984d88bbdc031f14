"""Tell endpoints where their shop's stock stands: what changed since they were told last."""

from collections import defaultdict
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from shops.webhooks.models import Endpoint
from shops.webhooks.services.messages import Told, tell_endpoint
from shops.webhooks.types import matches

PER_MESSAGE: Final = 100
_MOST: Final = 5000


def tell_levels(*, now: datetime) -> int:
    """Write messages about all levels that changed, up to 100 SKUs in each; returns how many."""
    enabled = Endpoint.objects.filter(is_enabled=True).only("id", "events")
    asking = [row.pk for row in enabled if matches(row.events, "stock.changed")]
    return sum(_tell_one(endpoint_id, now=now) for endpoint_id in asking)


@transaction.atomic
def _tell_one(endpoint_id: UUID, *, now: datetime) -> int:
    # Two workers would tell it twice.
    endpoint = (
        Endpoint.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("shop")
        .filter(pk=endpoint_id, is_enabled=True)
        .first()
    )
    if endpoint is None:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH changed AS (
                SELECT stock.sku_id, sku.code, stock.on_hand, stock.reserved, stock.rev
                FROM stock_stock AS stock
                JOIN catalog_sku AS sku ON sku.id = stock.sku_id
                JOIN catalog_product AS product ON product.id = sku.product_id
                LEFT JOIN webhooks_toldlevel AS told
                  ON told.sku_id = stock.sku_id AND told.endpoint_id = %(endpoint)s
                WHERE product.shop_id = %(shop)s AND told.rev IS DISTINCT FROM stock.rev
                ORDER BY stock.sku_id LIMIT %(most)s
            ), noted AS (
                INSERT INTO webhooks_toldlevel (endpoint_id, sku_id, rev)
                SELECT %(endpoint)s, sku_id, rev FROM changed
                ON CONFLICT ON CONSTRAINT webhooks_told_once DO UPDATE SET rev = excluded.rev
            )
            SELECT sku_id, code, on_hand, reserved, rev FROM changed ORDER BY sku_id
            """,
            {"endpoint": endpoint.pk, "shop": endpoint.shop_id, "most": _MOST},
        )
        rows = cursor.fetchall()
    pages: dict[int, list[dict[str, object]]] = defaultdict(list)
    for number, (sku_id, code, on_hand, reserved, rev) in enumerate(rows):
        pages[number // PER_MESSAGE].append(
            {
                "sku_id": sku_id,
                "code": code,
                "on_hand": on_hand,
                "reserved": reserved,
                "available": on_hand - reserved,
                "rev": rev,
            }
        )
    for page in pages.values():
        event = Told(
            shop_id=endpoint.shop_id,
            source=f"stock:{page[0]['sku_id']}:{page[0]['rev']}:{now.timestamp():.0f}",
            type="stock.changed",
            data={"shop": endpoint.shop.slug, "skus": page},
            at=now,
        )
        tell_endpoint(endpoint, event, now=now)
    return len(pages)
