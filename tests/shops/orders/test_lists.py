"""The buyer's and the shop's lists of orders."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shops.orders.queries import orders_of_shop, siblings
from shops.orders.services import mark_paid
from tests.factories.checkout import purchase_of
from tests.factories.returns import sent_order

pytestmark = pytest.mark.django_db


def test_the_shop_sees_what_is_to_be_shipped_first(alice, bob, shop, mug, now):
    paid = purchase_of(alice, mug, now=now)
    unpaid = purchase_of(bob, mug, now=now)
    mark_paid(purchase_id=paid.pk, now=now)
    listed = orders_of_shop(shop_id=shop.pk)
    assert [order.purchase_id for order in listed] == [paid.pk, unpaid.pk]
    assert [order.purchase_id for order in orders_of_shop(shop_id=shop.pk, state="unpaid")] == [
        unpaid.pk
    ]


def test_a_shop_never_sees_another_shops_part(order, purchase, shop):
    (mine,) = orders_of_shop(shop_id=shop.pk)
    assert [line.title for line in mine.shown_lines] == ["Mug"]
    assert [other.shop.name for other in siblings(order=order)] == ["Lamps"]


def test_the_buyers_list_needs_few_queries(
    client, alice, mug, lamp, now, django_assert_max_num_queries
):
    for _ in range(3):
        purchase_of(alice, mug, lamp, now=now)
    client.force_login(alice)
    with django_assert_max_num_queries(14):
        page = client.get("/orders/")
    assert page.text.count("LS-") >= 6


def test_the_apis_list_of_parcels_asks_once_for_all_their_lines(client, alice, carol, shop, now):
    orders = [sent_order(alice, shop, now=now) for _ in range(3)]
    client.force_login(carol)

    def listed(limit):
        with CaptureQueriesContext(connection) as asked:
            page = client.get(f"/api/v1/shops/{shop.slug}/parcels?limit={limit}").json()
        return [parcel["line_ids"] for parcel in page["results"]], len(asked)

    listed(1)
    (_one, few), (lines, many) = listed(1), listed(3)
    assert lines == [[order.lines.get().pk] for order in reversed(orders)]
    assert many == few


def test_who_is_not_signed_in_is_asked_to(client, shop):
    for url in ("/orders/", f"/seller/{shop.slug}/orders/", "/orders/LS-AAAA-AAAA/"):
        assert client.get(url).headers["Location"] == f"/accounts/login/?next={url}"
