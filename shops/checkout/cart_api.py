"""The API's cart of a user."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shops.checkout import queries, services
from shops.checkout.owner import CartOwner
from shops.checkout.services.filling import MOST_PER_LINE
from shops.facts.fields import Whole
from shops.facts.rest import BIGGEST_ID, ApiView

_SCOPES: Mapping[str, str] = {
    "GET": "cart:read",
    "POST": "cart:write",
    "PATCH": "cart:write",
}


class CartLineOut(serializers.Serializer[queries.ShownLine]):
    sku_id = serializers.IntegerField(source="sku.pk")
    title = serializers.CharField(source="product.title")
    options = serializers.ListField(child=serializers.CharField(), source="sku.options")
    shop = serializers.CharField(source="product.shop.slug")
    quantity = serializers.IntegerField()
    price_minor = serializers.IntegerField(source="unit_minor")
    is_price_changed = serializers.BooleanField()
    left = serializers.IntegerField(help_text="Units that you could buy now.")
    is_for_sale = serializers.BooleanField()


class CartOut(serializers.Serializer[queries.ShownCart]):
    version = serializers.IntegerField(help_text="Grows with each change.")
    currency = serializers.CharField(allow_blank=True)
    units = serializers.IntegerField()
    lines = CartLineOut(many=True)


class LineIn(serializers.Serializer[Any]):
    sku_id = Whole(min_value=1, max_value=BIGGEST_ID)
    quantity = Whole(min_value=1, max_value=MOST_PER_LINE, default=1)


class QuantityIn(serializers.Serializer[Any]):
    quantity = Whole(min_value=0, max_value=MOST_PER_LINE)
    version = Whole(min_value=0, max_value=2**31 - 1, help_text="The cart's, as you saw it.")


def _shown(user_id: int) -> dict[str, Any]:
    """Show a user's cart as `CartOut` says; by hand, as each order passes."""
    cart = queries.cart_of_user(user_id=user_id, now=datetime.now(UTC))
    return {
        "version": cart.version,
        "currency": cart.currency,
        "units": cart.units,
        "lines": [
            {
                "sku_id": line.sku.pk,
                "title": line.product.title,
                "options": line.sku.options,
                "shop": line.product.shop.slug,
                "quantity": line.quantity,
                "price_minor": line.unit_minor,
                "is_price_changed": line.is_price_changed,
                "left": line.left,
                "is_for_sale": line.is_for_sale,
            }
            for line in cart.lines
        ],
    }


class _CartView(ApiView):
    scopes = _SCOPES
    keyed: ClassVar[frozenset[str]] = frozenset({"POST", "PATCH"})

    @property
    def owner(self) -> CartOwner:
        return CartOwner(user_id=self.user_id)

    def changed(
        self, request: Request, change: Callable[..., object], *, status: int = 200, **wanted: Any
    ) -> Response:
        """Make a change once, and show the cart as it was then."""

        def effect() -> tuple[int, Mapping[str, Any]]:
            change(owner=self.owner, now=datetime.now(UTC), **wanted)
            return status, _shown(self.user_id)

        return self.once(request, scope=f"cart-{request.method}", effect=effect)


class CartView(_CartView):
    @extend_schema(operation_id="get_cart", responses=CartOut)
    def get(self, request: Request) -> Response:
        """Show your cart at today's prices."""
        return Response(_shown(self.user_id))


class CartLinesView(_CartView):
    @extend_schema(operation_id="add_to_cart", request=LineIn, responses={201: CartOut})
    def post(self, request: Request) -> Response:
        """Put units into your cart, on top of those that are in it."""
        return self.changed(
            request, services.add_to_cart, status=201, **self.parsed(LineIn, request)
        )


class CartLineView(_CartView):
    @extend_schema(operation_id="set_quantity", request=QuantityIn, responses=CartOut)
    def patch(self, request: Request, sku_id: int) -> Response:
        """Set the units of a line of your cart as you saw it; 0 takes it out."""
        wanted = self.parsed(QuantityIn, request)
        return self.changed(request, services.set_quantity, sku_id=sku_id, **wanted)
