"""Changing what is offered: archive, restore, prices."""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.catalog.events import PriceChanged, ProductArchived
from shops.catalog.models import Product, Sku
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused

MOST_PRICE_MINOR: Final = 100_000_000


@transaction.atomic
def archive_product(*, product_id: int, now: datetime) -> bool:
    """Stop selling a product; False when it was archived already.

    :raises NotFound: there is no such product
    """
    rows = Product.objects.filter(pk=product_id).exclude(status=Product.Status.ARCHIVED)
    if not rows.update(status=Product.Status.ARCHIVED, updated_at=now):
        _must_exist(product_id)
        return False
    shop_id = Product.objects.values_list("shop_id", flat=True).get(pk=product_id)
    publish(ProductArchived(product_id=product_id, shop_id=shop_id))
    return True


@transaction.atomic
def restore_product(*, product_id: int, now: datetime) -> bool:
    """Sell an archived product again; False when it is not archived.

    :raises NotFound: there is no such product
    """
    rows = Product.objects.filter(pk=product_id, status=Product.Status.ARCHIVED)
    if not rows.update(status=Product.Status.ACTIVE, updated_at=now):
        _must_exist(product_id)
        return False
    return True


def _must_exist(product_id: int) -> None:
    if not Product.objects.filter(pk=product_id).exists():
        raise NotFound


class BadPrice(Refused):
    code = "bad_price"
    message = _("A price must not be negative, nor a million or more.")
    status = 400


@transaction.atomic
def set_price(
    *, sku_id: int, price_minor: int, compare_at_minor: int | None, now: datetime
) -> bool:
    """Change what a SKU costs and what it cost before; False when that is what it costs.

    Quotes and orders keep the price that they were made with.

    :raises BadPrice: one of them is negative or absurd
    :raises NotFound: there is no such SKU
    """
    if any(not 0 <= price < MOST_PRICE_MINOR for price in (price_minor, compare_at_minor or 0)):
        raise BadPrice
    # The product before its SKU, as an import does.
    product = Product.objects.select_for_update(no_key=True).filter(skus=sku_id).first()
    if product is None:
        raise NotFound
    sku = Sku.objects.select_for_update(no_key=True).get(pk=sku_id)
    if (sku.price_minor, sku.compare_at_minor) == (price_minor, compare_at_minor):
        return False
    sku.price_minor = price_minor
    sku.compare_at_minor = compare_at_minor
    sku.save(update_fields=["price_minor", "compare_at_minor"])
    Product.objects.filter(pk=sku.product_id).update(updated_at=now)
    publish(PriceChanged(product_id=product.pk, shop_id=product.shop_id))
    return True
