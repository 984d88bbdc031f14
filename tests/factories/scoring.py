"""Paid orders that a creator earned, for the tests of the scores."""

import uuid

from creators.pieces import referral
from shops.orders.models import Order, OrderLine, OrderState, Purchase
from tests.factories.accounts import UserFactory
from tests.factories.catalog import SkuFactory


def paid_order(*, piece, at, buyer=None, sku=None, minor=2000, address=None, shop=None):
    """Write down an order that was paid at an instant, with one line from a piece."""
    buyer = buyer or UserFactory()
    sku = sku or SkuFactory(price_minor=minor)
    purchase = Purchase.objects.create(
        buyer=buyer,
        quote_id=uuid.uuid4(),
        currency="EUR",
        total_minor=minor,
        placed_at=at,
        pay_by=at,
    )
    order = Order.objects.create(
        number=uuid.uuid4().hex[:20],
        purchase=purchase,
        shop=shop or sku.product.shop,
        buyer=buyer,
        state=OrderState.AWAITING_SHIPMENT,
        currency="EUR",
        goods_minor=minor,
        total_minor=minor,
        address=address or {"line1": f"Road {buyer.pk}", "postal_code": "1", "city": "A"},
        placed_at=at,
        paid_at=at,
        released_at=at,
    )
    OrderLine.objects.create(
        order=order,
        sku=sku,
        hold_id=uuid.uuid4(),
        title="A thing",
        quantity=1,
        unit_price_minor=minor,
        referral=referral.make(piece.pk, piece.creator_id, None),
        fee_bps=500,
        commission_bps=1000,
    )
    return order
