"""The API's returns: what a buyer asks for, what the shop does about it, and disputes.

Photos are added on the pages: they are files, not JSON.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shops.accounts.api import UserView
from shops.catalog.api import ShopView
from shops.facts.fields import Text, Whole
from shops.facts.rest import BIGGEST_ID, NextPage
from shops.orders.queries import order_of_buyer
from shops.returns import deciding, disputes, queries, requesting
from shops.returns.models import MOST_WORDS, Return
from shops.returns.states import DisputeState, EventKind, ReturnReason, ReturnState, Side

_SCOPES: Mapping[str, str] = {"GET": "orders:read", "POST": "orders:write"}
_MOST_UNITS = 99
_MOST_LINES = 200


class ReturnLineOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    order_line_id = serializers.IntegerField()
    quantity = serializers.IntegerField()
    amount_minor = serializers.IntegerField()
    restocked = serializers.IntegerField()
    written_off = serializers.IntegerField()


class ReturnOut(serializers.Serializer[Return]):
    id = serializers.UUIDField()
    order = serializers.CharField(source="order.number")
    shop = serializers.CharField(source="order.shop.slug")
    state = serializers.ChoiceField(ReturnState.choices)
    reason = serializers.ChoiceField(ReturnReason.choices)
    words = serializers.CharField(allow_blank=True)
    currency = serializers.CharField()
    asked_minor = serializers.IntegerField(help_text="What may go back at most.")
    refund_minor = serializers.IntegerField(help_text="What was decided to go back.")
    less_because = serializers.CharField(allow_blank=True)
    requested_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField(
        allow_null=True, help_text="When silence decides: see the state."
    )
    closed_at = serializers.DateTimeField(allow_null=True)


class ReturnPageOut(NextPage):
    results = ReturnOut(many=True)


class ReturnEventOut(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    kind = serializers.ChoiceField(EventKind.choices)
    side = serializers.ChoiceField(Side.choices)
    reason = serializers.CharField(allow_blank=True)
    amount_minor = serializers.IntegerField(allow_null=True)


class DisputeOut(serializers.Serializer[Any]):
    state = serializers.ChoiceField(DisputeState.choices)
    answer_by = serializers.DateTimeField()
    decide_by = serializers.DateTimeField()
    refund_minor = serializers.IntegerField()
    decision = serializers.CharField(allow_blank=True)


class ReturnDetailOut(ReturnOut):
    lines = ReturnLineOut(many=True)
    events = ReturnEventOut(many=True)
    dispute = DisputeOut(allow_null=True)


class UnitsIn(serializers.Serializer[Any]):
    order_line_id = Whole(min_value=1, max_value=BIGGEST_ID)
    quantity = Whole(min_value=1, max_value=_MOST_UNITS)


class RequestIn(serializers.Serializer[Any]):
    lines = serializers.ListField(child=UnitsIn(), min_length=1, max_length=_MOST_LINES)
    reason = serializers.ChoiceField(ReturnReason.choices)
    words = Text(max_length=MOST_WORDS, allow_blank=True, default="")


class SentIn(serializers.Serializer[Any]):
    carrier = Text(max_length=60)
    tracking_number = Text(max_length=60, allow_blank=True, default="")


class WordsIn(serializers.Serializer[Any]):
    text = Text(max_length=MOST_WORDS)


class RejectIn(serializers.Serializer[Any]):
    reason = Text(max_length=MOST_WORDS, help_text="The buyer reads it.")


class ArrivedIn(serializers.Serializer[Any]):
    """By line of the return: what can be sold again and what can't; the rest did not come."""

    line_id = Whole(min_value=1, max_value=BIGGEST_ID)
    restocked = Whole(min_value=0, max_value=_MOST_UNITS, default=0)
    written_off = Whole(min_value=0, max_value=_MOST_UNITS, default=0)


class CameBackIn(serializers.Serializer[Any]):
    lines = serializers.ListField(child=ArrivedIn(), min_length=1, max_length=_MOST_LINES)


class DecideIn(serializers.Serializer[Any]):
    amount_minor = Whole(min_value=0, max_value=BIGGEST_ID)
    reason = Text(
        max_length=200, allow_blank=True, default="", help_text="Needed when it is less than asked."
    )


def _detail(case: Return) -> dict[str, Any]:
    dispute = case.dispute if hasattr(case, "dispute") else None
    return {
        **ReturnOut(case).data,
        "lines": [ReturnLineOut(line).data for line in case.lines.order_by("pk")],
        "events": [ReturnEventOut(event).data for event in case.events.order_by("at", "pk")],
        "dispute": DisputeOut(dispute).data if dispute else None,
    }


def _listed() -> Any:
    return Return.objects.select_related("order__shop")


class _MineView(UserView):
    scopes: ClassVar[Mapping[str, str]] = _SCOPES

    def done(self, request: Request, case_id: UUID, what: Callable[[], object]) -> Response:
        """Do something about a return of the buyer's, once, and show it."""

        def effect() -> tuple[int, Mapping[str, Any]]:
            queries.case_of_buyer(case_id=case_id, buyer_id=self.user_id)
            what()
            return 200, _detail(queries.case_of_buyer(case_id=case_id, buyer_id=self.user_id))

        return self.once(request, scope="return", effect=effect)


class ReturnsView(_MineView):
    is_paged = True

    @extend_schema(operation_id="list_returns", responses=ReturnPageOut)
    def get(self, request: Request) -> Response:
        """List your returns, newest first."""
        rows = _listed().filter(buyer=self.user)
        return self.page(request, rows, ReturnOut, by="requested_at")


class RequestView(_MineView):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(
        operation_id="request_return", request=RequestIn, responses={201: ReturnDetailOut}
    )
    def post(self, request: Request, number: str) -> Response:
        """Ask a shop to take units of an order back."""
        wanted = self.parsed(RequestIn, request)
        units: dict[int, int] = {}
        for line in wanted["lines"]:
            units[line["order_line_id"]] = units.get(line["order_line_id"], 0) + line["quantity"]

        def effect() -> tuple[int, Mapping[str, Any]]:
            order = order_of_buyer(number=number, buyer_id=self.user_id)
            case = requesting.request(
                order_id=order.pk,
                buyer=self.user,
                units=units,
                reason=ReturnReason(wanted["reason"]),
                words=wanted["words"],
                now=datetime.now(UTC),
            )
            return 201, _detail(queries.case_of_buyer(case_id=case.pk, buyer_id=self.user_id))

        return self.once(request, scope="return-request", effect=effect)


class ReturnView(_MineView):
    @extend_schema(operation_id="get_return", responses=ReturnDetailOut)
    def get(self, request: Request, return_id: UUID) -> Response:
        """Show a return of yours."""
        return Response(_detail(queries.case_of_buyer(case_id=return_id, buyer_id=self.user_id)))


class SentView(_MineView):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="send_return", request=SentIn, responses=ReturnDetailOut)
    def post(self, request: Request, return_id: UUID) -> Response:
        """Say that you have sent the goods back."""
        wanted = self.parsed(SentIn, request)
        return self.done(
            request,
            return_id,
            lambda: requesting.send(
                case_id=return_id, by=self.user, now=datetime.now(UTC), **wanted
            ),
        )


class WithdrawView(_MineView):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="cancel_return", request=None, responses=ReturnDetailOut)
    def post(self, request: Request, return_id: UUID) -> Response:
        """Take your request back; it may be made anew."""
        return self.done(
            request,
            return_id,
            lambda: requesting.cancel(case_id=return_id, by=self.user, now=datetime.now(UTC)),
        )


class DisputeView(_MineView):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="dispute_return", request=WordsIn, responses=ReturnDetailOut)
    def post(self, request: Request, return_id: UUID) -> Response:
        """Ask liveshop to decide instead of the shop."""
        wanted = self.parsed(WordsIn, request)
        return self.done(
            request,
            return_id,
            lambda: disputes.open_dispute(
                case_id=return_id, by=self.user, now=datetime.now(UTC), **wanted
            ),
        )


class _OfShopView(ShopView):
    scopes: ClassVar[Mapping[str, str]] = _SCOPES

    def done(self, request: Request, case_id: UUID, what: Callable[[], object]) -> Response:
        """Do something about a return to the shop, once, and show it."""
        owner = self.shop

        def effect() -> tuple[int, Mapping[str, Any]]:
            queries.case_of_shop(case_id=case_id, shop_id=owner.pk)
            what()
            return 200, _detail(queries.case_of_shop(case_id=case_id, shop_id=owner.pk))

        return self.once(request, scope="shop-return", effect=effect)


class ShopReturnsView(_OfShopView):
    is_paged = True

    @extend_schema(operation_id="list_shop_returns", responses=ReturnPageOut)
    def get(self, request: Request, shop: str) -> Response:
        """List returns to the shop, newest first."""
        rows = _listed().filter(order__shop=self.shop)
        return self.page(request, rows, ReturnOut, by="requested_at")


class ShopReturnView(_OfShopView):
    @extend_schema(operation_id="get_shop_return", responses=ReturnDetailOut)
    def get(self, request: Request, shop: str, return_id: UUID) -> Response:
        """Show a return to the shop."""
        return Response(_detail(queries.case_of_shop(case_id=return_id, shop_id=self.shop.pk)))


class ApproveView(_OfShopView):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="approve_return", request=None, responses=ReturnDetailOut)
    def post(self, request: Request, shop: str, return_id: UUID) -> Response:
        """Agree that the goods come back."""
        return self.done(
            request,
            return_id,
            lambda: deciding.approve(case_id=return_id, by=self.user, now=datetime.now(UTC)),
        )


class RejectView(_OfShopView):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="reject_return", request=RejectIn, responses=ReturnDetailOut)
    def post(self, request: Request, shop: str, return_id: UUID) -> Response:
        """Refuse a request; its buyer may dispute that."""
        wanted = self.parsed(RejectIn, request)
        return self.done(
            request,
            return_id,
            lambda: deciding.reject(
                case_id=return_id, by=self.user, now=datetime.now(UTC), **wanted
            ),
        )


class ReceiveView(_OfShopView):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="receive_return", request=CameBackIn, responses=ReturnDetailOut)
    def post(self, request: Request, shop: str, return_id: UUID) -> Response:
        """Say what came back: into the stock again, or written off."""
        wanted = self.parsed(CameBackIn, request)
        arrived = {
            line["line_id"]: deciding.Arrived(line["restocked"], line["written_off"])
            for line in wanted["lines"]
        }
        return self.done(
            request,
            return_id,
            lambda: deciding.receive(
                case_id=return_id, arrived=arrived, by=self.user, now=datetime.now(UTC)
            ),
        )


class DecideView(_OfShopView):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="refund_return", request=DecideIn, responses=ReturnDetailOut)
    def post(self, request: Request, shop: str, return_id: UUID) -> Response:
        """Decide what goes back to the buyer: all that was asked for, or less and why."""
        wanted = self.parsed(DecideIn, request)
        return self.done(
            request,
            return_id,
            lambda: deciding.refund(
                case_id=return_id, by=self.user, now=datetime.now(UTC), **wanted
            ),
        )


class AnswerView(_OfShopView):
    keyed: ClassVar[frozenset[str]] = frozenset({"POST"})

    @extend_schema(operation_id="answer_dispute", request=WordsIn, responses=ReturnDetailOut)
    def post(self, request: Request, shop: str, return_id: UUID) -> Response:
        """Say something to a dispute; the first words are the shop's answer."""
        wanted = self.parsed(WordsIn, request)
        return self.done(
            request,
            return_id,
            lambda: disputes.say(
                case_id=return_id,
                side=Side.SHOP,
                by=self.user,
                now=datetime.now(UTC),
                **wanted,
            ),
        )
