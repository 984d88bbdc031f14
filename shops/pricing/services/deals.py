"""Deals: a lower price for a while."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Shop, Sku
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotFound
from shops.pricing.events import DealChanged
from shops.pricing.models import Deal


class BadDeal(Invalid):
    code = "bad_deal"
    message = _("A deal like that is not possible.")


@transaction.atomic
def save_deal(
    *,
    shop: Shop,
    deal_id: int | None = None,
    sku_id: int,
    price_minor: int,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
) -> Deal:
    """Give a SKU of a shop a lower price for a while, or change such a deal.

    :raises NotFound: the shop has no such SKU or deal
    :raises BadDeal: it is not lower, ends before it starts, or is over already
    """
    sku = Sku.objects.select_related("product").filter(pk=sku_id, product__shop=shop).first()
    if sku is None:
        raise NotFound
    if not 0 < price_minor < sku.price_minor:
        raise BadDeal(_("A deal's price is lower than the price, and more than nothing."))
    if ends_at <= max(starts_at, now):
        raise BadDeal(_("A deal ends after it starts, and not in the past."))
    values = {"price_minor": price_minor, "starts_at": starts_at, "ends_at": ends_at}
    if deal_id is None:
        deal = Deal.objects.create(sku=sku, **values)
    else:
        mine = Deal.objects.filter(pk=deal_id, sku=sku)
        if not mine.update(**values):
            raise NotFound
        deal = mine.get()
    _tell(deal, sku)
    return deal


@transaction.atomic
def end_deal(*, shop: Shop, deal_id: int, now: datetime) -> None:
    """End a deal now, also one that has not begun; quotes at its price are honoured.

    :raises NotFound: the shop has no such deal
    """
    mine = Deal.objects.select_for_update(of=("self",)).select_related("sku__product")
    deal = mine.filter(pk=deal_id, sku__product__shop=shop).first()
    if deal is None:
        raise NotFound
    if deal.is_over(now):
        return
    deal.ends_at = now
    deal.starts_at = min(deal.starts_at, now)
    deal.save(update_fields=["starts_at", "ends_at"])
    _tell(deal, deal.sku)


def _tell(deal: Deal, sku: Sku) -> None:
    publish(
        DealChanged(
            deal_id=deal.pk,
            sku_id=sku.pk,
            product_id=sku.product_id,
            shop_id=sku.product.shop_id,
            price_minor=deal.price_minor,
            currency=sku.currency,
            starts_at=deal.starts_at,
            ends_at=deal.ends_at,
        )
    )
