"""void() undoes what a referral brought, and nothing else."""

import pytest

from shops.checkout import services
from shops.checkout.models import CartLine
from shops.checkout.owner import CartOwner
from shops.orders.models import Order, OrderState
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.checkout import purchase_of

pytestmark = pytest.mark.django_db


def _sku(shop):
    return SkuFactory(product=ProductFactory(shop=shop))


def test_an_empty_referral_is_refused_since_it_would_be_everybodys(now):
    with pytest.raises(ValueError, match="everything"):
        services.void(referral_prefix="", reason="x", now=now)


def test_others_orders_and_carts_stay(alice, erin, shop, now):
    sku = _sku(shop)
    purchase_of(alice, sku, referral="piece.11.1.0.sig", now=now)
    owner = CartOwner(user_id=erin.pk)
    services.add_to_cart(
        owner=owner, sku_id=sku.pk, quantity=1, referral="piece.11.1.0.sig", now=now
    )

    assert services.void(referral_prefix="piece.1.", reason="x", now=now) == 0

    assert Order.objects.get().is_unpaid
    assert CartLine.objects.filter(cart__user=erin).exists()


def test_what_was_to_be_paid_together_goes_with_it_and_says_why(alice, shop, now):
    purchase = purchase_of(alice, _sku(shop), _sku(shop), referral="piece.1.1.0.sig", now=now)
    purchase.payments.update(state="failed")

    assert services.void(referral_prefix="piece.1.", reason="A trial", now=now) == 0

    order = Order.objects.get()
    assert order.state == OrderState.CANCELLED
    assert order.events.get(to_state=OrderState.CANCELLED).reason == "A trial"
