"""What a feed's rows become in the catalogue, and what a changed feed changes."""

import uuid
from datetime import timedelta

import pytest

from shops.catalog.models import Product, ProductImage, Sku
from shops.facts.models import Event
from shops.feeds.models import FeedImport
from shops.stock.models import Stock
from shops.stock.services import Wanted, hold
from tests.factories.catalog import CategoryFactory, SkuFactory
from tests.shops.feeds.conftest import as_csv, one, row, told

pytestmark = pytest.mark.django_db

SHIRT = [
    row(
        "shirt",
        "Shirt",
        body='<p onclick="x()">Soft<script>alert(1)</script></p>',
        vendor="Mill",
        type="Fashion",
        tags="cotton, summer, cotton",
        option="Colour",
        value="Blue",
        option2="Size",
        value2="S",
        price="19.90",
        was="25",
        qty="4",
        grams="200.0",
        code="'S-1",
        barcode="'4006381333931",
        image="https://pictures.example/front.jpg",
        position="2",
        alt="Front",
    ),
    row("shirt", value="Blue", value2="M", price="19.90", qty="0"),
    row("shirt", image="https://pictures.example/back.jpg", position="1"),
]


def contents():
    return [list(model.objects.values()) for model in (Product, Sku, Stock, ProductImage)]


def test_rows_become_a_product_with_skus_stock_and_pictures(load, shop):
    fashion = CategoryFactory(slug="fashion")

    outcome = load(SHIRT)

    assert (outcome.rows, outcome.created, outcome.errors) == (3, 1, [])
    product = Product.objects.get()
    assert (product.shop, product.title, product.vendor) == (shop, "Shirt", "Mill")
    assert product.description_html == "<p>Soft</p>"
    assert product.category == fashion
    assert product.tags == ["cotton", "summer"]
    assert product.option_names == ["Colour", "Size"]
    small, medium = Sku.objects.order_by("position")
    assert (small.options, small.price_minor, small.compare_at_minor) == (["Blue", "S"], 1990, 2500)
    assert (small.code, small.barcode, small.grams) == ("S-1", "4006381333931", 200)
    assert (medium.options, medium.compare_at_minor) == (["Blue", "M"], None)
    assert [small.stock.on_hand, medium.stock.on_hand] == [4, 0]
    pictures = ProductImage.objects.order_by("position").values_list("source_url", "alt")
    assert list(pictures) == [
        ("https://pictures.example/back.jpg", ""),
        ("https://pictures.example/front.jpg", "Front"),
    ]


def test_default_title_means_no_options(load):
    load([one("mug", option="Title", value="Default Title")])

    assert Product.objects.get().option_names == []
    assert Sku.objects.get().options == []


def test_a_byte_order_mark_and_windows_line_ends_are_fine(load):
    assert load(as_csv([one("mug")], encoding="utf-8-sig")).created == 1
    assert load(as_csv([one("mug")]).replace(b"\r\n", b"\n")).unchanged == 1


def test_line_breaks_inside_a_cell_do_not_shift_the_lines_of_errors(load):
    outcome = load([one("mug", body="<p>a\n\nb</p>"), one("cup", price="much")])

    assert [line for line, _, _ in told(outcome)] == [5]


@pytest.mark.parametrize(
    ("cells", "status"),
    [
        ({}, Product.Status.ACTIVE),
        ({"published": "false"}, Product.Status.DRAFT),
        ({"status": "draft", "published": "true"}, Product.Status.DRAFT),
        ({"status": "active", "published": "FALSE"}, Product.Status.DRAFT),
        ({"status": "Archived"}, Product.Status.ARCHIVED),
    ],
)
def test_status_and_published(load, cells, status):
    load([one("mug", **cells)])
    assert Product.objects.get().status == status


def test_our_own_pictures_by_their_static_path(load):
    load([one("mug", image="static:liveshop/demo/products/moon-mug.svg")])

    assert ProductImage.objects.get().url == "/static/liveshop/demo/products/moon-mug.svg"


def test_a_rerun_changes_nothing_and_tells_nobody(load):
    load(SHIRT)
    before = contents()

    outcome = load(SHIRT)

    assert (outcome.created, outcome.updated, outcome.unchanged) == (0, 0, 1)
    after = contents()
    assert after == before
    assert not Event.objects.exclude(kind="FeedImported").exists()


def test_only_what_differs_is_written(load):
    load([one("mug"), one("cup")])

    outcome = load([one("mug", qty="7"), one("cup")])

    assert (outcome.updated, outcome.unchanged) == (1, 1)
    revs = dict(Stock.objects.values_list("sku__product__handle", "rev"))
    assert revs == {"mug": 1, "cup": 0}
    [changed] = Event.objects.filter(kind="StockChanged")
    assert changed.payload["on_hand"] == 7


def test_a_variant_that_is_gone_is_no_longer_sold_and_one_that_is_back_is(load):
    load(SHIRT)

    load(SHIRT[:1])
    assert list(Sku.objects.order_by("position").values_list("is_active", flat=True)) == [
        True,
        False,
    ]
    assert ProductImage.objects.count() == 1

    load(SHIRT)
    assert Sku.objects.filter(is_active=True).count() == Sku.objects.count() == 2


def test_products_that_the_feed_does_not_name_stay(load):
    load([one("mug"), one("cup")])
    load([one("mug")])

    assert Product.objects.filter(status=Product.Status.ACTIVE).count() == 2


def test_the_same_handle_in_another_shop_is_another_product(load):
    foreign = SkuFactory(product__handle="mug", product__title="Theirs")

    load([one("mug")])

    assert Product.objects.get(pk=foreign.product_id).title == "Theirs"
    assert Product.objects.count() == 2


def test_archiving_by_feed_is_told(load):
    load([one("mug")])
    load([one("mug", status="archived")])

    assert Product.objects.get().status == Product.Status.ARCHIVED
    assert Event.objects.filter(kind="ProductArchived").count() == 1


def test_never_fewer_units_than_are_reserved(load, now):
    load([one("mug"), one("cup")])
    mug = Sku.objects.get(product__handle="mug")
    hold(wanted=[Wanted(uuid.uuid4(), mug.pk, 3)], now=now, ttl=timedelta(minutes=10))

    outcome = load([one("mug", price="5", qty="2"), one("cup", qty="6")])

    assert told(outcome) == [
        (
            2,
            "Variant Inventory Qty",
            "3 units are reserved or ordered; there can't be just 2",
        )
    ]
    assert (outcome.updated, outcome.rejected) == (1, 1)
    assert Sku.objects.get(pk=mug.pk).price_minor == 1990
    assert Stock.objects.get(sku=mug).on_hand == 5


def test_a_dry_run_says_what_would_happen_and_changes_nothing(load):
    load([one("mug"), one("cup")])
    before = list(Stock.objects.values()), list(Sku.objects.values())

    outcome = load(
        [one("mug", qty="9"), one("cup"), one("pot"), one("pan", price="x")], dry_run=True
    )

    counts = outcome.created, outcome.updated, outcome.unchanged, outcome.rejected
    assert counts == (1, 1, 1, 1)
    assert (list(Stock.objects.values()), list(Sku.objects.values())) == before
    assert FeedImport.objects.count() == 1


def test_the_import_is_recorded_and_told(load, shop):
    outcome = load([one("mug"), one("cup", price="-1")])

    done = FeedImport.objects.get(pk=outcome.import_id)
    assert (done.products_created, done.products_rejected) == (1, 1)
    [error] = done.errors.all()
    assert (error.line, error.handle, error.column) == (3, "cup", "Variant Price")
    [event] = Event.objects.filter(kind="FeedImported")
    assert event.payload == {"import_id": done.pk, "shop_id": shop.pk}


def test_more_products_than_a_batch(load, monkeypatch):
    monkeypatch.setattr("shops.feeds.services.BATCH_ROWS", 6)

    outcome = load([one(f"mug-{number}") for number in range(20)])

    assert outcome.created == Product.objects.count() == 20
