"""The demo's two shops come in through the importer, with a picture for every product."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from liveshop.demo.catalogue import SHOPS, seed_catalogue
from liveshop.demo.drawing.__main__ import FOLDER, drawings
from shops.catalog.models import Product, ProductImage, Sku
from shops.catalog.services import set_price
from shops.stock.models import Stock
from shops.stock.services import set_on_hand


@pytest.mark.django_db
def test_thirty_products_and_more_each_with_stock_a_category_and_its_own_picture(now):
    shops = seed_catalogue(now=now)

    assert [shop.slug for shop in shops] == [demo.slug for demo in SHOPS]
    assert Product.objects.count() >= 30
    assert all(shop.products.count() >= 15 for shop in shops)
    assert not Product.objects.filter(category=None).exists()
    assert Stock.objects.count() == Sku.objects.count() > 60
    paths = list(ProductImage.objects.values_list("static_path", flat=True))
    assert len(set(paths)) == Product.objects.count()
    assert all(finders.find(path) for path in paths)
    assert not ProductImage.objects.filter(alt="").exists()


@pytest.mark.django_db
def test_seeding_again_keeps_what_a_seller_changed(now):
    seed_catalogue(now=now)
    changed = Sku.objects.get(code="AL-MOO-CRE")
    set_price(sku_id=changed.pk, price_minor=1, compare_at_minor=None, now=now)
    set_on_hand(counts={changed.pk: 7}, now=now)

    seed_catalogue(now=now)

    assert Sku.objects.get(code="AL-MOO-CRE").price_minor == 1
    assert Stock.objects.get(sku=changed).on_hand == 7


@pytest.mark.parametrize("name", sorted(drawings()))
def test_a_picture_is_drawn_as_its_code_says_small_and_without_script(name):
    svg = Path(FOLDER / name).read_text(encoding="utf-8")

    assert svg == drawings()[name] + "\n"
    assert len(svg) < 6_000
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.fromstring(svg).iter()}
    assert tags <= {"svg", "g", "path", "rect", "circle", "ellipse"}
