"""The API's payouts of a shop: where its money is, what went out, and why, order by order."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shops.catalog.api import ShopView
from shops.facts.refused import NotFound
from shops.facts.rest import NextPage
from shops.payouts import queries
from shops.payouts.explaining import Explained, Item, Stage, explain
from shops.payouts.models import Payout, PayoutState


class BalanceOut(serializers.Serializer[queries.Balance]):
    currency = serializers.CharField()
    available_minor = serializers.IntegerField(help_text="Below zero: it is carried.")
    reserve_minor = serializers.IntegerField(help_text="Held back for a while.")
    coming_minor = serializers.IntegerField(help_text="Of orders that are not released yet.")


class BalancesOut(serializers.Serializer[Any]):
    results = BalanceOut(many=True)


class PayoutOut(serializers.Serializer[Payout]):
    id = serializers.UUIDField()
    reference = serializers.CharField(help_text="As it stands on bank statements.")
    state = serializers.ChoiceField(PayoutState.choices)
    currency = serializers.CharField()
    amount_minor = serializers.IntegerField()
    account = serializers.CharField(source="account.masked")
    failure_code = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class PayoutPageOut(NextPage):
    results = PayoutOut(many=True)


class ItemOut(serializers.Serializer[Item]):
    text = serializers.CharField(source="label")
    amount_minor = serializers.IntegerField(help_text="Below zero: a deduction.")


class StepOut(serializers.Serializer[Any]):
    title = serializers.CharField()
    at = serializers.DateTimeField(allow_null=True)
    gross_minor = serializers.IntegerField()
    items = ItemOut(many=True)


class ExplainedOut(serializers.Serializer[Explained]):
    """What an order brings the shop, each deduction, and when it is released."""

    number = serializers.CharField(source="order.number")
    currency = serializers.CharField(source="order.currency")
    stage = serializers.ChoiceField([stage.value for stage in Stage])
    reason = serializers.CharField()
    release_at = serializers.DateTimeField(allow_null=True)
    steps = StepOut(many=True)


class _View(ShopView):
    scopes: ClassVar[Mapping[str, str]] = {"GET": "payouts:read"}

    @property
    def owner(self) -> str:
        return f"shop:{self.shop.pk}"


class BalancesView(_View):
    @extend_schema(operation_id="list_balances", responses=BalancesOut)
    def get(self, request: Request, shop: str) -> Response:
        """Show where the shop's money is, by currency."""
        found = queries.balances(owner=self.owner)
        return Response({"results": [BalanceOut(one).data for one in found]})


class PayoutsView(_View):
    is_paged = True

    @extend_schema(operation_id="list_payouts", responses=PayoutPageOut)
    def get(self, request: Request, shop: str) -> Response:
        """List what was paid out to the shop, newest first."""
        rows = Payout.objects.filter(owner=self.owner).select_related("account")
        return self.page(request, rows, PayoutOut, by="created_at")


class PayoutView(_View):
    @extend_schema(operation_id="get_payout", responses=PayoutOut)
    def get(self, request: Request, shop: str, payout_id: UUID) -> Response:
        """Show a payout of the shop."""
        rows = Payout.objects.filter(owner=self.owner).select_related("account")
        found = rows.filter(pk=payout_id).first()
        if found is None:
            raise NotFound
        return Response(PayoutOut(found).data)


class ExplainedView(_View):
    @extend_schema(operation_id="explain_order", responses=ExplainedOut)
    def get(self, request: Request, shop: str, number: str) -> Response:
        """Explain an order's money: deductions, what is held back, and until when."""
        now = datetime.now(UTC)
        row = queries.settlement_of(owner=self.owner, number=number, now=now)
        told = explain(row, owner=self.owner, now=now)
        return Response(ExplainedOut(told).data)
