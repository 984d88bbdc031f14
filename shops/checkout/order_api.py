"""The API's orders: paying, cancelling and giving money back, for their buyer and their shop."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from shops.accounts.api import UserView
from shops.catalog.api import ShopView
from shops.checkout import services
from shops.facts.fields import Text, Whole
from shops.facts.rest import BIGGEST_ID
from shops.orders import queries
from shops.orders import services as orders
from shops.orders.api import (
    OrderOut,
    OrderPageOut,
    ParcelOut,
    ShopOrderOut,
    ShopOrderPageOut,
)
from shops.orders.models import Order, OrderState
from shops.payments import refunds
from shops.payments import services as payments
from shops.payments.models import Payment, PaymentState, Refund, RefundState
from shops.payments.queries import last_payment_of, refunds_of

_PAID: Mapping[str, str] = {"GET": "orders:read", "POST": "checkout:write"}
_MINE: Mapping[str, str] = {"GET": "orders:read", "POST": "orders:write"}


class PaymentOut(serializers.Serializer[Payment]):
    """The last attempt to pay; with `action_url` the buyer has to confirm it there."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(PaymentState.choices)
    failure_code = serializers.CharField(allow_blank=True)
    action_url = serializers.CharField(allow_blank=True)


class RefundOut(serializers.Serializer[Refund]):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(RefundState.choices)
    amount_minor = serializers.IntegerField()
    reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()


class OrderDetailOut(OrderOut):
    payment = PaymentOut(allow_null=True)
    parcels = ParcelOut(many=True)
    refunds = RefundOut(many=True)


class ShopOrderDetailOut(ShopOrderOut):
    parcels = ParcelOut(many=True)
    refunds = RefundOut(many=True)


class PayIn(serializers.Serializer[Any]):
    card_token = Text(max_length=80)


class PayOut(serializers.Serializer[Any]):
    payment_id = serializers.UUIDField()
    payment_state = serializers.ChoiceField(PaymentState.choices)


class CancelIn(serializers.Serializer[Any]):
    reason = Text(max_length=200, allow_blank=True, default="")


class CallOffIn(serializers.Serializer[Any]):
    reason = Text(max_length=200, help_text="The buyer reads it.")


class RefundIn(serializers.Serializer[Any]):
    """Without `amount_minor`: all that is left."""

    amount_minor = Whole(min_value=1, max_value=BIGGEST_ID, required=False)
    reason = Text(max_length=200, help_text="The buyer reads it.")


def _details(order: Order) -> dict[str, Any]:
    return {
        "parcels": [ParcelOut(one).data for one in queries.parcels_of_order(order=order)],
        "refunds": [RefundOut(one).data for one in refunds_of(order.pk).order_by("created_at")],
    }


def _mine(number: str, buyer_id: int) -> dict[str, Any]:
    order = queries.order_of_buyer(number=number, buyer_id=buyer_id)
    payment = last_payment_of(order.purchase_id)
    return {
        **OrderOut(order).data,
        "payment": PaymentOut(payment).data if payment else None,
        **_details(order),
    }


def _of_shop(number: str, shop_id: int) -> dict[str, Any]:
    order = queries.order_of_shop(number=number, shop_id=shop_id)
    return {**ShopOrderOut(order).data, **_details(order)}


class OrdersView(UserView):
    scopes: ClassVar[Mapping[str, str]] = _MINE
    is_paged = True

    @extend_schema(operation_id="list_orders", responses=OrderPageOut)
    def get(self, request: Request) -> Response:
        """List your orders, newest first."""
        return self.page(request, queries.orders_of_buyer(buyer_id=self.user_id), OrderOut)


class OrderView(UserView):
    scopes: ClassVar[Mapping[str, str]] = _MINE

    @extend_schema(operation_id="get_order", responses=OrderDetailOut)
    def get(self, request: Request, number: str) -> Response:
        """Show an order of yours, and how its payment stands."""
        return Response(_mine(number, self.user_id))


class PayView(UserView):
    scopes: ClassVar[Mapping[str, str]] = _PAID
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="pay_order", request=PayIn, responses={202: PayOut})
    def post(self, request: Request, number: str) -> Response:
        """Pay an order, and what was ordered with it, whose last payment has failed."""
        wanted = self.parsed(PayIn, request)

        def effect() -> tuple[int, Mapping[str, Any]]:
            made = services.retry_payment(
                number=number, buyer_id=self.user_id, now=datetime.now(UTC), **wanted
            )
            return 202, {"payment_id": str(made.pk), "payment_state": made.state}

        return self.once(request, scope="order-pay", effect=effect, after=_start_payment)


def _start_payment(body: Mapping[str, Any]) -> None:
    """Ask the provider, once what it is for is committed."""
    payments.start(payment_id=uuid.UUID(body["payment_id"]), now=datetime.now(UTC))


class CancelView(UserView):
    scopes: ClassVar[Mapping[str, str]] = _MINE
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="cancel_order", request=CancelIn, responses=OrderDetailOut)
    def post(self, request: Request, number: str) -> Response:
        """Cancel an unpaid order with what was ordered with it, or a paid one within its hold."""
        reason = self.parsed(CancelIn, request)["reason"]

        def effect() -> tuple[int, Mapping[str, Any]]:
            order = queries.order_of_buyer(number=number, buyer_id=self.user_id)
            now = datetime.now(UTC)
            if order.is_unpaid:
                services.cancel_order(number=number, buyer_id=self.user_id, reason=reason, now=now)
            else:
                orders.cancel_in_remorse(number=number, buyer=self.user, reason=reason, now=now)
            return 200, _mine(number, self.user_id)

        return self.once(request, scope="order-cancel", effect=effect)


class ShopOrdersView(ShopView):
    scopes: ClassVar[Mapping[str, str]] = _MINE
    is_paged = True

    @extend_schema(
        operation_id="list_shop_orders",
        parameters=[OpenApiParameter("state", str, enum=OrderState.values)],
        responses=ShopOrderPageOut,
    )
    def get(self, request: Request, shop: str) -> Response:
        """List the shop's orders, newest first."""
        state = request.query_params.get("state")
        if state is not None and state not in OrderState.values:
            raise ParseError("There is no such `state`.")
        rows = queries.orders_of_shop(shop_id=self.shop.pk, state=state or "")
        return self.page(request, rows, ShopOrderOut)


class ShopOrderView(ShopView):
    scopes: ClassVar[Mapping[str, str]] = _MINE

    @extend_schema(operation_id="get_shop_order", responses=ShopOrderDetailOut)
    def get(self, request: Request, shop: str, number: str) -> Response:
        """Show an order of the shop."""
        return Response(_of_shop(number, self.shop.pk))


class CallOffView(ShopView):
    scopes: ClassVar[Mapping[str, str]] = _MINE
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(
        operation_id="cancel_shop_order", request=CallOffIn, responses=ShopOrderDetailOut
    )
    def post(self, request: Request, shop: str, number: str) -> Response:
        """Cancel a paid order of which nothing was sent; its buyer gets the money back."""
        reason, owner = self.parsed(CallOffIn, request)["reason"], self.shop

        def effect() -> tuple[int, Mapping[str, Any]]:
            order = queries.order_of_shop(number=number, shop_id=owner.pk)
            orders.call_off(order_id=order.pk, reason=reason, by=self.user, now=datetime.now(UTC))
            return 200, _of_shop(number, owner.pk)

        return self.once(request, scope="order-call-off", effect=effect)


class RefundsView(ShopView):
    scopes: ClassVar[Mapping[str, str]] = _MINE
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="refund_order", request=RefundIn, responses={202: RefundOut})
    def post(self, request: Request, shop: str, number: str) -> Response:
        """Give money of an order back, all that is left or a part; it is on its way then."""
        wanted, owner = self.parsed(RefundIn, request), self.shop

        def effect() -> tuple[int, Mapping[str, Any]]:
            order = queries.order_of_shop(number=number, shop_id=owner.pk)
            made = refunds.queue_refund(
                order_id=order.pk, by=self.user, now=datetime.now(UTC), **wanted
            )
            return 202, RefundOut(made).data

        return self.once(request, scope="order-refund", effect=effect)
