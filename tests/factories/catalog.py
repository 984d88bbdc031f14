"""Shops and products for tests; a SKU comes with stock."""

import factory
from factory.django import DjangoModelFactory

from shops.catalog.models import Category, Product, Shop, ShopStaff, Sku
from shops.stock.models import Kind, Stock, StockMovement


class CategoryFactory(DjangoModelFactory):
    class Meta:
        model = Category
        django_get_or_create = ("slug",)

    slug = "fashion"
    name = "Fashion"


class ShopFactory(DjangoModelFactory):
    class Meta:
        model = Shop

    slug = factory.Sequence(lambda n: f"shop-{n}")
    name = factory.Sequence(lambda n: f"Shop {n}")


class ShopStaffFactory(DjangoModelFactory):
    class Meta:
        model = ShopStaff

    shop = factory.SubFactory(ShopFactory)


class ProductFactory(DjangoModelFactory):
    class Meta:
        model = Product

    shop = factory.SubFactory(ShopFactory)
    category = factory.SubFactory(CategoryFactory)
    handle = factory.Sequence(lambda n: f"product-{n}")
    title = factory.Sequence(lambda n: f"Product {n}")


class SkuFactory(DjangoModelFactory):
    class Meta:
        model = Sku
        skip_postgeneration_save = True

    product = factory.SubFactory(ProductFactory)
    code = factory.Sequence(lambda n: f"SKU-{n}")
    options = factory.Sequence(lambda n: [f"option {n}"])
    price_minor = 1990
    currency = "EUR"

    @factory.post_generation
    def on_hand(self, create, extracted, **kwargs):
        if create:
            units = 10 if extracted is None else extracted
            Stock.objects.create(sku=self, on_hand=units)
            if units:
                StockMovement.objects.create(
                    sku=self, kind=Kind.OPENING, quantity=units, on_hand=units
                )
