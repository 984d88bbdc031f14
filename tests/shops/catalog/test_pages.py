"""The pages of a shop and of a product, without JavaScript."""

import pytest
from django.urls import reverse

from shops.catalog.models import Product, ProductImage
from tests.factories.catalog import ProductFactory, ShopFactory, ShopStaffFactory, SkuFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shirt(shop):
    """A shirt in two colours and sizes; blue M is sold out."""
    product = ProductFactory(
        shop=shop, handle="shirt", title="Sailor shirt", option_names=["Colour", "Size"]
    )
    for position, (options, price, units) in enumerate(
        [(["Blue", "S"], 1990, 4), (["Blue", "M"], 1990, 0), (["Red", "S"], 2590, 9)], start=1
    ):
        SkuFactory(
            product=product, options=options, price_minor=price, position=position, on_hand=units
        )
    return product


def page_of(client, product, query=""):
    return client.get(product.url + query)


def test_shows_title_choices_prices_and_stock(client, shirt):
    answer = page_of(client, shirt)

    text = answer.content.decode()
    assert answer.status_code == 200
    assert "Sailor shirt" in text
    assert "€19.90" in text
    assert "€25.90" in text
    assert "Only 4 left" in text
    assert 'action="/cart/add/"' in text


def test_the_form_carries_sku_quantity_and_referral(client, shirt):
    text = page_of(client, shirt, '?ref=abc"><script>').content.decode()

    assert 'name="referral" value="abc&quot;&gt;&lt;script&gt;"' in text
    assert 'name="quantity"' in text
    for sku in shirt.skus.all():
        assert f'name="sku" value="{sku.pk}"' in text


def test_a_sold_out_variant_cannot_be_chosen(client, shirt):
    sold_out = shirt.skus.get(position=2)

    text = page_of(client, shirt, f"?sku={sold_out.pk}").content.decode()

    assert f'value="{sold_out.pk}" required data-sku disabled' in text
    assert f'value="{shirt.skus.get(position=1).pk}" required data-sku checked' in text


def test_an_address_can_choose_a_variant(client, shirt):
    red = shirt.skus.get(position=3)

    page = page_of(client, shirt, f"?sku={red.pk}").context["page"]

    assert page.chosen.sku_id == red.pk
    assert [group.legend for group in page.groups] == ["Blue", "Red"]


@pytest.mark.parametrize("sku", ["", "x", "-1", "9" * 40, "²"])
def test_nonsense_in_the_address_is_ignored(client, shirt, sku):
    assert page_of(client, shirt, f"?sku={sku}").context["page"].chosen.price_minor == 1990


def test_nothing_to_buy_when_all_is_sold_out(client, shop):
    product = SkuFactory(product__shop=shop, on_hand=0).product

    text = page_of(client, product).content.decode()

    assert "Sold out" in text
    assert "Add to cart" not in text


@pytest.mark.parametrize("status", [Product.Status.DRAFT, Product.Status.ARCHIVED])
def test_what_is_not_for_sale_has_no_page(client, shirt, status):
    Product.objects.update(status=status)

    assert page_of(client, shirt).status_code == 404


def test_a_closed_shop_has_no_page(client, shirt, shop):
    shop.is_active = False
    shop.save()

    assert client.get(shop.url).status_code == 404
    assert page_of(client, shirt).status_code == 404


def test_pictures_are_ours_or_the_feeds(client, shirt):
    ProductImage.objects.create(
        product=shirt, position=1, source_url="static:a.svg", static_path="liveshop/a.svg"
    )
    ProductImage.objects.create(
        product=shirt, position=2, source_url="https://pictures.example/b.jpg", alt="From behind"
    )

    text = page_of(client, shirt).content.decode()

    assert 'src="/static/liveshop/a.svg" alt="Sailor shirt"' in text
    assert 'src="https://pictures.example/b.jpg" alt="From behind"' in text


def test_queries_do_not_grow_with_variants_and_pictures(
    client, shirt, django_assert_max_num_queries
):
    for number in range(20):
        SkuFactory(product=shirt, options=["Green", f"{number}"])
        ProductImage.objects.create(
            product=shirt, position=number, source_url=f"https://pictures.example/{number}"
        )

    with django_assert_max_num_queries(4):
        page_of(client, shirt)


def test_a_shop_lists_what_it_sells_by_pages(client, shop):
    for _ in range(30):
        SkuFactory(product__shop=shop)
    SkuFactory()  # another shop's

    first = client.get(shop.url)
    second = client.get(shop.url, {"page": 2})

    assert len(first.context["cards"]) == 24
    assert len(second.context["cards"]) == 6


def test_a_shop_can_be_searched_by_title(client, shirt, shop):
    SkuFactory(product__shop=shop, product__title="Captain's hat")

    found = client.get(shop.url, {"q": "SHIRT sail"}).context["cards"]
    none = client.get(shop.url, {"q": "boat%"})

    assert [card.title for card in found] == ["Sailor shirt"]
    assert "Nothing found" in none.content.decode()


def test_a_card_shows_the_lowest_price_that_can_be_bought(client, shirt, shop):
    cheap = shirt.skus.get(position=2)
    cheap.price_minor = 100
    cheap.save()

    [card] = client.get(shop.url).context["cards"]

    assert (card.price_minor, card.is_sold_out) == (1990, False)


def test_the_sellers_door(client, carol, alice, olga, shop):
    other = ShopFactory(name="Second shop")
    assert client.get(reverse("catalog:seller")).status_code == 302  # to sign in
    client.force_login(alice)
    assert client.get(reverse("catalog:seller")).status_code == 403
    client.force_login(carol)
    assert client.get(reverse("catalog:seller")).url == f"/seller/{shop.slug}/products/"
    ShopStaffFactory(shop=other, user=carol)
    assert "Second shop" in client.get(reverse("catalog:seller")).content.decode()
    client.force_login(olga)
    assert "Second shop" in client.get(reverse("catalog:seller")).content.decode()
