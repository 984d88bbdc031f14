"""Operators find an order and its quote, and can change neither by hand."""

import pytest

from shops.checkout.models import Quote
from tests.shops.orders.life import sent

pytestmark = pytest.mark.django_db


def test_operators_look_and_do_not_touch(client, olga, order):
    client.force_login(olga)
    assert order.number in client.get(f"/admin/orders/order/?q={order.number}").text
    page = client.get(f"/admin/orders/order/{order.pk}/change/")
    assert "Mug" in page.text
    assert 'name="state"' not in page.text
    assert client.post(f"/admin/orders/order/{order.pk}/change/", {"state": "x"}).status_code == 403
    quote = Quote.objects.get()
    assert str(quote.pk) in client.get("/admin/checkout/quote/").text
    assert client.get(f"/admin/checkout/quote/{quote.pk}/change/").status_code == 200


def test_others_do_not_get_in(client, carol, order):
    client.force_login(carol)
    assert client.get("/admin/orders/order/").status_code == 302


def test_operators_find_a_parcel_by_its_order_and_do_not_move_it(client, olga, paid, now):
    parcel = sent(paid, now=now)
    client.force_login(olga)
    assert parcel.tracking_number in client.get(f"/admin/orders/parcel/?q={paid.number}").text
    page = client.get(f"/admin/orders/parcel/{parcel.pk}/change/")
    assert "Mug" in page.text
    assert 'name="state"' not in page.text
