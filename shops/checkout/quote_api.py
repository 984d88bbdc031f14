"""The API's way from a cart to an order: a quote, what can be chosen in it, and ordering it."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shops.accounts.address_check import correct
from shops.accounts.api import UserView
from shops.accounts.countries import COUNTRIES
from shops.accounts.services import AddressFields
from shops.catalog.models import Shop
from shops.checkout import queries, services
from shops.checkout.models import Quote, QuoteLine, QuoteShipment
from shops.checkout.owner import CartOwner
from shops.checkout.quote_queries import read_quote
from shops.facts.fields import Text, Whole
from shops.facts.idempotency import HEADER, Answer
from shops.facts.refused import NotFound
from shops.facts.rest import BIGGEST_ID, asked, in_order
from shops.payments.models import PaymentState

_SCOPES: Mapping[str, str] = dict.fromkeys(("GET", "POST", "PATCH"), "checkout:write")


class Country(serializers.ChoiceField):
    """A country's code.

    Its choices are its own: what a field is given is copied deeply each time that it is used.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(list(COUNTRIES), **options)


class OptionOut(serializers.Serializer[Any]):
    """A way to send; `method_id` null is what a shop without any of its own offers."""

    method_id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField()
    days_min = serializers.IntegerField()
    days_max = serializers.IntegerField()


class QuoteLineOut(serializers.Serializer[QuoteLine]):
    sku_id = serializers.IntegerField()
    title = serializers.CharField(source="sku.product.title")
    shop = serializers.CharField(source="sku.product.shop.slug")
    quantity = serializers.IntegerField()
    unit_price_minor = serializers.IntegerField()
    list_price_minor = serializers.IntegerField(help_text="Without the deal.")
    discount_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField()
    tax_bps = serializers.IntegerField(help_text="Basis points: 2200 is 22 %.")
    is_tax_inclusive = serializers.BooleanField()
    is_held = serializers.BooleanField(help_text="False: whoever pays first gets it.")


class QuoteShipmentOut(serializers.Serializer[QuoteShipment]):
    shop = serializers.CharField(source="shop.slug")
    method_id = serializers.IntegerField(allow_null=True)
    name = serializers.CharField(allow_blank=True)
    amount_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField()
    is_available = serializers.BooleanField(help_text="False: the shop does not send there.")
    options = OptionOut(many=True)


class QuoteOut(serializers.Serializer[Quote]):
    """Prices that are honoured and stock that is kept until `expires_at`."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(Quote.State.choices)
    country = serializers.CharField(allow_blank=True)
    currency = serializers.CharField()
    goods_minor = serializers.IntegerField()
    discount_minor = serializers.IntegerField()
    shipping_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField(help_text="All taxes, those in the prices too.")
    total_minor = serializers.IntegerField()
    signature = serializers.CharField(
        help_text="Send it with the order, so that it is ordered at the price that you saw."
    )
    expires_at = serializers.DateTimeField()
    lines = QuoteLineOut(many=True)
    shipments = QuoteShipmentOut(many=True)
    vouchers = serializers.ListField(child=serializers.CharField())


class StartIn(serializers.Serializer[Any]):
    country = Country(required=False, default="")


class ShippingChoiceIn(serializers.Serializer[Any]):
    shop = Text(max_length=50)
    method_id = Whole(min_value=1, max_value=BIGGEST_ID, allow_null=True)


class RepriceIn(serializers.Serializer[Any]):
    """What is left out stays as it was chosen."""

    country = Country(required=False)
    shipping = serializers.ListField(child=ShippingChoiceIn(), required=False, max_length=100)
    add_voucher = Text(max_length=40, required=False, default="")
    drop_voucher = Text(max_length=40, required=False, default="")


class AddressIn(serializers.Serializer[Any]):
    full_name = Text(max_length=120)
    line1 = Text(max_length=200)
    line2 = Text(max_length=200, allow_blank=True, default="")
    postal_code = Text(max_length=20, allow_blank=True, default="")
    city = Text(max_length=100, allow_blank=True, default="")
    region = Text(max_length=100, allow_blank=True, default="")
    country = Country()
    phone = Text(max_length=30, allow_blank=True, default="")


class PlaceIn(serializers.Serializer[Any]):
    address = AddressIn()
    card_token = Text(max_length=80, help_text="The payment provider's; never a card's number.")
    signature = Text(max_length=64, allow_blank=True, default="")


class PlacedOut(serializers.Serializer[Any]):
    """What was ordered: one order per shop, paid together."""

    orders = serializers.ListField(child=serializers.CharField(), help_text="Their numbers.")
    payment_id = serializers.UUIDField()
    payment_state = serializers.ChoiceField(PaymentState.choices)
    currency = serializers.CharField()
    total_minor = serializers.IntegerField()


# What of each is shown as it stands; `QuoteOut` documents it.
_OF_QUOTE: Final = (
    *("state", "country", "currency", "goods_minor", "discount_minor", "shipping_minor"),
    *("tax_minor", "total_minor", "signature"),
)
_OF_LINE: Final = (
    *("sku_id", "quantity", "unit_price_minor", "list_price_minor", "discount_minor"),
    *("tax_minor", "tax_bps", "is_tax_inclusive", "is_held"),
)
_OF_SHIPMENT: Final = ("method_id", "name", "amount_minor", "tax_minor", "is_available")
_OF_OPTION: Final = ("method_id", "name", "days_min", "days_max")
_EXPIRES_AT: Final = serializers.DateTimeField()


def shown(quote: Quote) -> dict[str, Any]:
    """Show a quote as `QuoteOut` says; by hand, as each order passes."""
    read = read_quote(quote=quote)
    lines = [line for line, _image in read.lines]
    shops = {line.sku.product.shop_id: line.sku.product.shop for line in lines}
    return {
        "id": str(quote.pk),
        **{name: getattr(quote, name) for name in _OF_QUOTE},
        "expires_at": _EXPIRES_AT.to_representation(quote.expires_at),
        "lines": [
            {
                "title": line.sku.product.title,
                "shop": line.sku.product.shop.slug,
                **{name: getattr(line, name) for name in _OF_LINE},
            }
            for line in lines
        ],
        "shipments": [
            {
                "shop": shops[one.shop_id].slug,
                **{name: getattr(one, name) for name in _OF_SHIPMENT},
                "options": [
                    {name: getattr(option, name) for name in _OF_OPTION}
                    for option in read.options[one.shop_id]
                ],
            }
            for one in sorted(read.shipments, key=lambda one: one.pk)
        ],
        "vouchers": [one.code for one in read.vouchers],
    }


class _QuoteView(UserView):
    scopes: ClassVar[Mapping[str, str]] = _SCOPES
    keyed: ClassVar[frozenset[str]] = frozenset({"POST", "PATCH"})


class QuotesView(_QuoteView):
    @extend_schema(operation_id="start_quote", request=StartIn, responses={201: QuoteOut})
    def post(self, request: Request) -> Response:
        """Have your cart's prices and stock kept for you; an unchanged cart has the same quote."""
        wanted = self.parsed(StartIn, request)

        def make() -> tuple[int, Mapping[str, Any]]:
            owner, now = CartOwner(user_id=self.user_id), datetime.now(UTC)
            return 201, shown(services.start_quote(owner=owner, is_shown=True, now=now, **wanted))

        return self.make_once(request, scope="quote-start", make=make)


class QuoteView(_QuoteView):
    @extend_schema(operation_id="get_quote", responses=QuoteOut)
    def get(self, request: Request, quote_id: uuid.UUID) -> Response:
        """Show what is promised to you."""
        return Response(shown(queries.quote_of(quote_id=quote_id, buyer_id=self.user_id)))

    @extend_schema(operation_id="reprice_quote", request=RepriceIn, responses=QuoteOut)
    def patch(self, request: Request, quote_id: uuid.UUID) -> Response:
        """Choose another country, another way to send, or vouchers."""
        wanted = self.parsed(RepriceIn, request)
        choices = _by_shop(wanted.get("shipping", ()))

        def prepare() -> None:
            if wanted["add_voucher"].strip():
                services.count_code(buyer_id=self.user_id)

        def effect() -> tuple[int, Mapping[str, Any]]:
            quote = services.reprice_quote(
                quote_id=quote_id,
                buyer_id=self.user_id,
                country=wanted.get("country"),
                choices=choices,
                add_code=wanted["add_voucher"],
                drop_code=wanted["drop_voucher"],
                now=datetime.now(UTC),
            )
            return 200, shown(quote)

        return self.once(request, scope="quote-reprice", prepare=prepare, effect=effect)


class CancelQuoteView(_QuoteView):
    @extend_schema(operation_id="cancel_quote", request=None, responses=QuoteOut)
    def post(self, request: Request, quote_id: uuid.UUID) -> Response:
        """Give a quote up, and with it what it keeps; your cart stays."""

        def effect() -> tuple[int, Mapping[str, Any]]:
            services.cancel_quote(quote_id=quote_id, buyer_id=self.user_id, now=datetime.now(UTC))
            return 200, shown(queries.quote_of(quote_id=quote_id, buyer_id=self.user_id))

        return self.once(request, scope="quote-cancel", effect=effect)


class PlaceView(_QuoteView):
    @extend_schema(operation_id="place_order", request=PlaceIn, responses={201: PlacedOut})
    def post(self, request: Request, quote_id: uuid.UUID) -> Response:
        """Order what a quote promises, and pay for it. Ask for the order to see how that went."""
        wanted = self.parsed(PlaceIn, request)
        fields: dict[str, str] = wanted["address"]
        address = correct(AddressFields(**fields))  # type: ignore[typeddict-item]

        answer, placed = services.place_order_once(
            scope=f"order-place:{self.user_id}",
            key=request.headers.get(HEADER, ""),
            body=asked(request),
            describe=_placed,
            quote_id=quote_id,
            buyer=self.user,
            address=address,
            card_token=wanted["card_token"],
            signature=wanted["signature"],
            now=datetime.now(UTC),
        )
        if placed is not None:
            services.start_payment(placed, now=datetime.now(UTC))
        return Response(in_order(answer.body), status=answer.status)


def _placed(placed: services.Placed) -> Answer:
    body = {
        "orders": [order.number for order in placed.orders],
        "payment_id": str(placed.payment.pk),
        "payment_state": PaymentState.CREATED.value,
        "currency": placed.purchase.currency,
        "total_minor": placed.purchase.total_minor,
    }
    return Answer(201, body)


def _by_shop(shipping: Any) -> dict[int, int | None]:
    ids = dict(
        Shop.objects.filter(slug__in=[one["shop"] for one in shipping]).values_list("slug", "pk")
    )
    if any(one["shop"] not in ids for one in shipping):
        raise NotFound
    return {ids[one["shop"]]: one["method_id"] for one in shipping}
