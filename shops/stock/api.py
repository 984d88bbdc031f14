"""The API's stock of a shop: levels, movements, deliveries and corrections."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shops.catalog.api import ShopView
from shops.facts.fields import Text, Whole
from shops.facts.rest import NextPage
from shops.stock import queries, services
from shops.stock.models import Kind, Stock, StockMovement

MOST_UNITS = 1_000_000


class LevelOut(serializers.Serializer[Stock]):
    """`available` = `on_hand` - `reserved`; a higher `rev` is newer."""

    sku_id = serializers.IntegerField()
    code = serializers.CharField(source="sku.code", allow_blank=True)
    on_hand = serializers.IntegerField()
    reserved = serializers.IntegerField()
    available = serializers.IntegerField()
    rev = serializers.IntegerField()


class LevelPageOut(NextPage):
    results = LevelOut(many=True)


class MovementOut(serializers.Serializer[StockMovement]):
    """`on_hand`, `held` and `committed` are differences; their sums are the stock."""

    id = serializers.IntegerField()
    sku_id = serializers.IntegerField()
    kind = serializers.ChoiceField(Kind.choices)
    quantity = serializers.IntegerField()
    on_hand = serializers.IntegerField()
    held = serializers.IntegerField()
    committed = serializers.IntegerField()
    reason = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()


class MovementPageOut(NextPage):
    results = MovementOut(many=True)


class CountIn(serializers.Serializer[Any]):
    on_hand = Whole(min_value=0, max_value=MOST_UNITS)
    reason = Text(max_length=200, allow_blank=True, default="")


class ReceiveIn(serializers.Serializer[Any]):
    quantity = Whole(min_value=1, max_value=MOST_UNITS)
    reason = Text(max_length=200, allow_blank=True, default="")


class _View(ShopView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": "stock:read", "POST": "stock:write"}

    def changed(
        self, request: Request, sku_id: int, scope: str, change: Callable[[], object]
    ) -> Response:
        def effect() -> tuple[int, Mapping[str, Any]]:
            change()
            stock = Stock.objects.select_related("sku").get(sku_id=sku_id)
            return 200, LevelOut(stock).data

        return self.once(request, scope=scope, effect=effect)


class LevelsView(_View):
    is_paged = True

    @extend_schema(operation_id="list_stock", responses=LevelPageOut)
    def get(self, request: Request, shop: str) -> Response:
        """List where the stock of all of the shop's SKUs stands."""
        rows = Stock.objects.filter(sku__product__shop=self.shop).select_related("sku")
        return self.page(request, rows, LevelOut)


class LevelView(_View):
    @extend_schema(operation_id="get_stock", responses=LevelOut)
    def get(self, request: Request, shop: str, sku_id: int) -> Response:
        """Show where a SKU's stock stands."""
        return Response(LevelOut(queries.sku_of(shop=self.shop, sku_id=sku_id).stock).data)


class MovementsView(_View):
    is_paged = True

    @extend_schema(operation_id="list_movements", responses=MovementPageOut)
    def get(self, request: Request, shop: str, sku_id: int) -> Response:
        """List what happened to a SKU's units, newest first."""
        sku = queries.sku_of(shop=self.shop, sku_id=sku_id)
        return self.page(request, StockMovement.objects.filter(sku=sku), MovementOut)


class CountView(_View):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="correct_stock", request=CountIn, responses=LevelOut)
    def post(self, request: Request, shop: str, sku_id: int) -> Response:
        """Say how many units there are, after counting them."""
        wanted = self.parsed(CountIn, request)
        sku = queries.sku_of(shop=self.shop, sku_id=sku_id)

        def change() -> None:
            services.set_on_hand(
                counts={sku.pk: wanted["on_hand"]},
                now=datetime.now(UTC),
                actor=self.user,
                reason=wanted["reason"],
            )

        return self.changed(request, sku.pk, "stock-count", change)


class ReceiveView(_View):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="receive_stock", request=ReceiveIn, responses=LevelOut)
    def post(self, request: Request, shop: str, sku_id: int) -> Response:
        """Add units that came in."""
        wanted = self.parsed(ReceiveIn, request)
        sku = queries.sku_of(shop=self.shop, sku_id=sku_id)

        def change() -> None:
            services.receive(sku_id=sku.pk, now=datetime.now(UTC), actor=self.user, **wanted)

        return self.changed(request, sku.pk, "stock-receive", change)
