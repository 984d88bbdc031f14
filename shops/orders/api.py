"""What the API says of orders and parcels, to their buyer and to their shop; and shipping."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shops.catalog.api import ShopView
from shops.facts.fields import Text, Whole
from shops.facts.rest import BIGGEST_ID, NextPage
from shops.orders import packing, services
from shops.orders.carriers import CARRIERS
from shops.orders.models import Order, OrderLine, OrderState, Parcel, ParcelState


class OrderLineOut(serializers.Serializer[OrderLine]):
    id = serializers.IntegerField()
    sku_id = serializers.IntegerField()
    title = serializers.CharField()
    options_text = serializers.CharField(allow_blank=True)
    quantity = serializers.IntegerField()
    unit_price_minor = serializers.IntegerField()
    discount_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField()
    tax_bps = serializers.IntegerField()
    is_tax_inclusive = serializers.BooleanField()
    cancelled_at = serializers.DateTimeField(allow_null=True)


class OrderAmountsOut(serializers.Serializer[Order]):
    number = serializers.CharField()
    shop = serializers.CharField(source="shop.slug")
    state = serializers.ChoiceField(OrderState.choices)
    currency = serializers.CharField()
    goods_minor = serializers.IntegerField()
    discount_minor = serializers.IntegerField()
    shipping_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField()
    shipping_tax_minor = serializers.IntegerField()
    total_minor = serializers.IntegerField()
    refunded_minor = serializers.IntegerField()
    shipping_method = serializers.CharField(allow_blank=True)
    placed_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)
    hold_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the buyer can cancel by themself."
    )
    ship_by = serializers.DateTimeField(allow_null=True)
    shipped_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    lines = OrderLineOut(many=True, source="shown_lines")


class AddressOut(serializers.Serializer[Any]):
    full_name = serializers.CharField(required=False)
    line1 = serializers.CharField(required=False)
    line2 = serializers.CharField(required=False, allow_blank=True)
    postal_code = serializers.CharField(required=False, allow_blank=True)
    city = serializers.CharField(required=False, allow_blank=True)
    region = serializers.CharField(required=False, allow_blank=True)
    country = serializers.CharField(required=False)
    phone = serializers.CharField(required=False, allow_blank=True)


class OrderOut(OrderAmountsOut):
    """An order of yours."""

    address = AddressOut()


class ShopOrderOut(OrderAmountsOut):
    """An order of a shop; its address is empty while the buyer can still cancel by themself."""

    address = AddressOut(source="seller_address")


class OrderPageOut(NextPage):
    results = OrderOut(many=True)


class ShopOrderPageOut(NextPage):
    results = ShopOrderOut(many=True)


class ParcelOut(serializers.Serializer[Parcel]):
    id = serializers.IntegerField()
    carrier = serializers.CharField()
    tracking_number = serializers.CharField()
    state = serializers.ChoiceField(ParcelState.choices)
    shipped_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    line_ids = serializers.SerializerMethodField()

    def get_line_ids(self, parcel: Parcel) -> list[int]:
        # A list of parcels brings their lines along.
        return [line.order_line_id for line in sorted(parcel.lines.all(), key=lambda one: one.pk)]


class ParcelPageOut(NextPage):
    results = ParcelOut(many=True)


class TrackingIn(serializers.Serializer[Any]):
    carrier = serializers.ChoiceField(list(CARRIERS))
    tracking_number = Text(max_length=40)


class ShipIn(TrackingIn):
    """Lines of orders of one buyer, show and address."""

    line_ids = serializers.ListField(
        child=Whole(min_value=1, max_value=BIGGEST_ID),
        min_length=1,
        max_length=200,
    )


class _View(ShopView):
    scopes: ClassVar[Mapping[str, str]] = {
        "GET": "orders:read",
        "POST": "orders:write",
        "PATCH": "orders:write",
    }
    keyed: ClassVar[frozenset[str]] = frozenset({"POST", "PATCH"})


class ParcelsView(_View):
    is_paged = True

    @extend_schema(operation_id="list_parcels", responses=ParcelPageOut)
    def get(self, request: Request, shop: str) -> Response:
        """List the shop's parcels, newest first."""
        rows = Parcel.objects.filter(shop=self.shop).prefetch_related("lines")
        return self.page(request, rows, ParcelOut)

    @extend_schema(operation_id="ship", request=ShipIn, responses={201: ParcelOut})
    def post(self, request: Request, shop: str) -> Response:
        """Say that lines of orders were handed to a carrier as one parcel."""
        wanted, owner = self.parsed(ShipIn, request), self.shop

        def effect() -> tuple[int, Mapping[str, Any]]:
            made = services.ship(shop_id=owner.pk, by=self.user, now=datetime.now(UTC), **wanted)
            return 201, ParcelOut(made).data

        return self.once(request, scope="ship", effect=effect)


class ParcelView(_View):
    @extend_schema(operation_id="get_parcel", responses=ParcelOut)
    def get(self, request: Request, shop: str, parcel_id: int) -> Response:
        """Show a parcel."""
        found = packing.parcel_of_shop(shop_id=self.shop.pk, parcel_id=parcel_id)
        return Response(ParcelOut(found).data)

    @extend_schema(operation_id="correct_tracking", request=TrackingIn, responses=ParcelOut)
    def patch(self, request: Request, shop: str, parcel_id: int) -> Response:
        """Mend a parcel's carrier and tracking number."""
        wanted, owner = self.parsed(TrackingIn, request), self.shop

        def effect() -> tuple[int, Mapping[str, Any]]:
            mended = services.correct_tracking(
                parcel_id=parcel_id,
                shop_id=owner.pk,
                by=self.user,
                now=datetime.now(UTC),
                **wanted,
            )
            return 200, ParcelOut(mended).data

        return self.once(request, scope="tracking", effect=effect)
