"""What is kept for nobody goes to whoever pays first; the others' money goes back."""

import uuid
from datetime import timedelta

import pytest

from shops.facts.models import Event
from shops.orders.models import Order, OrderLine
from shops.orders.services import (
    LineToPlace,
    PurchaseClosed,
    SoldOut,
    close_unpaid,
    mark_paid,
)
from shops.stock.models import Hold, Stock
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.checkout import ADDRESS
from tests.factories.orders import place_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def rare(shop):
    """One of it."""
    return SkuFactory(product=ProductFactory(shop=shop, title="Rare"), on_hand=1)


def _placed(user, sku, now, quantity=1):
    return place_one(
        buyer_id=user.pk,
        quote_id=uuid.uuid4(),
        lines=[
            LineToPlace(
                sku_id=sku.pk,
                hold_id=uuid.uuid4(),
                quantity=quantity,
                unit_price_minor=sku.price_minor,
                is_first_paid=True,
            )
        ],
        address=ADDRESS,
        currency="EUR",
        now=now,
        pay_by=now + timedelta(minutes=30),
    )


def test_the_units_are_taken_when_it_is_paid(alice, rare, now):
    purchase = _placed(alice, rare, now)
    assert Stock.objects.get(pk=rare.pk).reserved == 0
    mark_paid(purchase_id=purchase.pk, now=now)
    assert Stock.objects.get(pk=rare.pk).reserved == 1
    assert Hold.objects.get(pk=OrderLine.objects.get().hold_id).state == "committed"


def test_who_pays_second_gets_nothing_and_can_be_closed(alice, bob, rare, now):
    first, second = _placed(alice, rare, now), _placed(bob, rare, now)
    mark_paid(purchase_id=first.pk, now=now)
    with pytest.raises(SoldOut) as refused:
        mark_paid(purchase_id=second.pk, now=now)
    assert isinstance(refused.value, PurchaseClosed)
    order = Order.objects.get(purchase=second)
    assert (order.state, order.is_paid) == ("unpaid", False)
    assert close_unpaid(purchase_id=second.pk, reason="Sold out", now=now) is True
    assert close_unpaid(purchase_id=second.pk, reason="Sold out", now=now) is False
    order.refresh_from_db()
    assert order.state == "cancelled"
    assert Event.objects.get(kind="OrderCancelled").payload["was_paid"] is False
    assert Stock.objects.get(pk=rare.pk).reserved == 1


def test_a_paid_purchase_is_not_closed(alice, rare, now):
    purchase = _placed(alice, rare, now)
    mark_paid(purchase_id=purchase.pk, now=now)
    assert close_unpaid(purchase_id=purchase.pk, reason="", now=now) is False
