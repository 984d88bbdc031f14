"""The seller's products: only for its staff, edited in place, archived and back."""

import uuid
from datetime import timedelta

import pytest

from shops.catalog.models import Product, Sku
from shops.stock.models import Stock
from shops.stock.services import Wanted, hold
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def sku(shop):
    return SkuFactory(
        product__shop=shop, product__title="Teapot", code="TEA-1", price_minor=1990, on_hand=5
    )


@pytest.fixture
def table(shop):
    return f"/seller/{shop.slug}/products/"


def edit(client, shop, sku, **fields):
    values = {"on_hand": "5", "price": "19.90", "was": "", **fields}
    return client.post(f"/seller/{shop.slug}/skus/{sku.pk}/", values)


@pytest.mark.parametrize("who", ["alice", "bob", "dave", "erin"])
def test_others_are_refused_everywhere(client, request, shop, sku, table, who):
    client.force_login(request.getfixturevalue(who))

    assert client.get(table).status_code == 403
    assert edit(client, shop, sku, on_hand="9").status_code == 403
    for action in ("archive", "restore"):
        assert client.post(f"{table}{sku.product_id}/{action}/").status_code == 403
    assert Stock.objects.get(sku=sku).on_hand == 5
    assert Product.objects.get().is_active


def test_strangers_are_asked_to_sign_in(client, table):
    assert client.get(table).url.startswith("/accounts/login/")


def test_a_seller_cannot_touch_another_shops_sku(client, carol, shop, table):
    foreign = SkuFactory(on_hand=5)
    client.force_login(carol)

    assert edit(client, shop, foreign, on_hand="9").status_code == 404
    assert client.post(f"{table}{foreign.product_id}/archive/").status_code == 404
    assert client.get(f"/seller/{foreign.product.shop.slug}/products/").status_code == 403
    assert Stock.objects.get(sku=foreign).on_hand == 5


def test_the_table_shows_units_and_prices(client, carol, sku, table, now):
    hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 2)], now=now, ttl=timedelta(minutes=10))
    client.force_login(carol)

    answer = client.get(table)

    [row] = answer.context["rows"]
    stock = row.skus[0].stock
    assert (stock.available, stock.reserved, stock.on_hand) == (3, 2, 5)
    assert 'value="19.90"' in answer.content.decode()


def test_operators_see_every_shop(client, olga, table, sku):
    client.force_login(olga)
    assert "Teapot" in client.get(table).content.decode()


def test_units_and_prices_are_saved(client, carol, shop, sku, table):
    client.force_login(carol)

    answer = edit(client, shop, sku, on_hand="8", price="14,50", was="19.90")

    assert answer.url == table
    assert Stock.objects.get(sku=sku).on_hand == 8
    saved = Sku.objects.get()
    assert (saved.price_minor, saved.compare_at_minor) == (1450, 1990)


@pytest.mark.parametrize(
    "fields",
    [
        {"on_hand": "-1"},
        {"on_hand": "1000000000"},
        {"on_hand": "1.5"},
        {"on_hand": ""},
        {"price": "-3"},
        {"price": "free"},
        {"price": "1.234"},
        {"price": "1000000000"},
        {"price": "NaN"},
        {"price": ""},
        {"was": "much"},
    ],
    ids=str,
)
def test_a_mistake_is_shown_in_its_row_and_nothing_is_saved(client, carol, shop, sku, fields):
    client.force_login(carol)

    answer = edit(client, shop, sku, **{"on_hand": "7", **fields})

    assert answer.status_code == 422
    assert "field__error" in answer.content.decode()
    assert Stock.objects.get(sku=sku).on_hand == 5
    assert Sku.objects.get().price_minor == 1990


def test_never_fewer_than_reserved(client, carol, shop, sku, now):
    hold(wanted=[Wanted(uuid.uuid4(), sku.pk, 3)], now=now, ttl=timedelta(minutes=10))
    client.force_login(carol)

    answer = edit(client, shop, sku, on_hand="2", price="9.00")

    assert "More units are reserved" in answer.content.decode()
    assert Sku.objects.get().price_minor == 1990


def test_archive_and_undo(client, carol, sku, table):
    client.force_login(carol)

    answer = client.post(f"{table}{sku.product_id}/archive/", follow=True)
    assert Product.objects.get().status == Product.Status.ARCHIVED
    assert "Undo" in answer.content.decode()
    assert "Teapot" not in [row.product.title for row in answer.context["rows"]]

    client.post(f"{table}{sku.product_id}/restore/")
    assert Product.objects.get().is_active


def test_found_by_sku_code_and_by_status(client, carol, sku, table):
    client.force_login(carol)

    assert len(client.get(table, {"q": "tea-1"}).context["rows"]) == 1
    assert not client.get(table, {"q": "coffee"}).context["rows"]
    assert not client.get(table, {"status": "archived"}).context["rows"]


def test_queries_do_not_grow_with_products(
    client, carol, shop, table, django_assert_max_num_queries
):
    for _ in range(25):
        SkuFactory(product__shop=shop)
    client.force_login(carol)

    with django_assert_max_num_queries(12):
        client.get(table)
