"""The API's products: what is for sale, for everybody."""

import re
from typing import Any, Final

from django.conf import settings
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from shops.accounts.api import UserView
from shops.catalog import queries
from shops.catalog.models import Product, Shop, Sku
from shops.facts.refused import NotFound
from shops.facts.rest import ApiView, NextPage

_LONGEST_QUERY: Final = 100
_SLUG: Final = re.compile(r"[-a-zA-Z0-9_]+")


class ShopView(UserView):
    """A view of a shop's own affairs; its address has the shop's slug."""

    is_of_shop = True

    @property
    def shop(self) -> Shop:
        """The shop, for its staff.

        :raises NotAllowed: who asks is not of its staff, or it does not exist
        """
        return queries.managed_shop(user=self.user, slug=self.kwargs["shop"])


class SkuOut(serializers.Serializer[Any]):
    """A variant; `options` are in the order of the product's `option_names`."""

    id = serializers.IntegerField()
    code = serializers.CharField(allow_blank=True)
    options = serializers.ListField(child=serializers.CharField())
    price_minor = serializers.IntegerField(help_text="In minor units of `currency`.")
    compare_at_minor = serializers.IntegerField(allow_null=True)
    currency = serializers.CharField()
    available = serializers.IntegerField()


class ImageOut(serializers.Serializer[Any]):
    url = serializers.CharField()
    alt = serializers.CharField(allow_blank=True)


class ProductOut(serializers.Serializer[Product]):
    id = serializers.IntegerField()
    shop = serializers.CharField(help_text="The shop's slug.")
    handle = serializers.CharField()
    title = serializers.CharField()
    vendor = serializers.CharField(allow_blank=True)
    description_html = serializers.CharField(allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField())
    option_names = serializers.ListField(child=serializers.CharField())
    url = serializers.CharField()
    images = ImageOut(many=True)
    skus = SkuOut(many=True)

    def to_representation(self, product: Product) -> dict[str, Any]:
        skus: list[Sku] = product.shown_skus  # type: ignore[attr-defined]
        return {
            "id": product.pk,
            "shop": product.shop.slug,
            "handle": product.handle,
            "title": product.title,
            "vendor": product.vendor,
            "description_html": product.description_html,
            "tags": product.tags,
            "option_names": product.option_names,
            "url": settings.SITE_URL.rstrip("/") + product.url,
            "images": [
                {"url": image.url, "alt": image.alt}
                for image in product.shown_images  # type: ignore[attr-defined]
            ],
            "skus": [
                {
                    "id": sku.pk,
                    "code": sku.code,
                    "options": sku.options,
                    "price_minor": sku.price_minor,
                    "compare_at_minor": sku.compare_at_minor,
                    "currency": sku.currency,
                    "available": queries.available_of(sku),
                }
                for sku in skus
            ],
        }


class ProductPageOut(NextPage):
    results = ProductOut(many=True)


class ProductsView(ApiView):
    is_paged = True

    @extend_schema(
        operation_id="list_products",
        parameters=[
            OpenApiParameter(
                "shop",
                {"type": "string", "pattern": f"^{_SLUG.pattern}$"},
                description="Only of the shop with this slug.",
            ),
            OpenApiParameter(
                "q",
                {"type": "string", "maxLength": _LONGEST_QUERY, "pattern": r"^[^\u0000]*$"},
                description="Words that are all in the title.",
            ),
        ],
        responses=ProductPageOut,
    )
    def get(self, request: Request) -> Response:
        """List what is for sale, newest first."""
        slug, text = request.query_params.get("shop"), request.query_params.get("q", "")
        if len(text) > _LONGEST_QUERY or "\0" in text:
            raise ParseError(f"`q` has at most {_LONGEST_QUERY} characters, and no NUL.")
        if slug is not None and not _SLUG.fullmatch(slug):
            raise ParseError("`shop` is a shop's slug.")
        shop = queries.active_shop(slug=slug) if slug is not None else None
        return self.page(request, queries.active_products(shop=shop, text=text), ProductOut)


class ProductView(ApiView):
    @extend_schema(operation_id="get_product", responses=ProductOut)
    def get(self, request: Request, product_id: int) -> Response:
        """Show a product that is for sale."""
        product = queries.active_products().filter(pk=product_id).first()
        if product is None:
            raise NotFound
        return Response(ProductOut(product).data)
