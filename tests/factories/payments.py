"""Purchases that wait for their payment, and the provider's messages about them."""

import json
import uuid
from datetime import UTC, datetime, timedelta

from standardwebhooks import Webhook

from shops.orders import services as orders
from shops.payments import services
from shops.payments.wire import ChargeReport
from shops.stock import services as stock
from shops.stock.services import Wanted
from tests.factories.catalog import ProductFactory, ShopFactory, SkuFactory
from tests.factories.orders import place_one

ADDRESS = {"full_name": "Alice Rossi", "line1": "Via Roma 1", "city": "Roma", "country": "IT"}


def make_purchase(
    buyer,
    *,
    now,
    prices=(1990, 500),
    pay_within=timedelta(minutes=10),
    currency="EUR",
    on_hand=10,
):
    """Place an unpaid purchase of one unit from a shop of its own per price."""
    skus = [
        SkuFactory(
            product=ProductFactory(shop=ShopFactory(currency=currency)),
            price_minor=price,
            currency=currency,
            on_hand=on_hand,
        )
        for price in prices
    ]
    wanted = [Wanted(hold_id=uuid.uuid4(), sku_id=sku.pk, quantity=1) for sku in skus]
    hold_ids = [one.hold_id for one in wanted]
    stock.hold(wanted=wanted, now=now, ttl=timedelta(minutes=10))
    stock.commit(hold_ids=hold_ids, now=now)
    return place_one(
        buyer_id=buyer.pk,
        quote_id=uuid.uuid4(),
        lines=[
            orders.LineToPlace(
                sku_id=sku.pk, hold_id=hold_id, quantity=1, unit_price_minor=sku.price_minor
            )
            for sku, hold_id in zip(skus, hold_ids, strict=True)
        ],
        address=ADDRESS,
        currency=currency,
        now=now,
        pay_by=now + pay_within,
    )


def make_payment(buyer, *, now, card_token="tok_success", **purchase):
    return services.create_payment(
        purchase=make_purchase(buyer, now=now, **purchase), card_token=card_token, now=now
    )


def report(payment, state, **changes):
    """Say what the provider would say about a payment."""
    fields = {
        "key": str(payment.pk),
        "ref": "ch_1",
        "state": state,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "failure_code": "card_declined" if state == "failed" else "",
    }
    return ChargeReport(**(fields | changes))


def message(payment, state, **changes):
    """Write the body of the provider's webhook about a payment."""
    said = report(payment, state, **changes)
    data = {name: getattr(said, name) for name in said.__struct_fields__}
    return json.dumps({"type": f"charge.{state}", "data": data}).encode()


def refund_message(refund, state, **changes):
    data = {
        "key": str(refund.pk),
        "ref": "re_1",
        "state": state,
        "amount_minor": refund.amount_minor,
        "currency": refund.payment.currency,
    }
    return json.dumps({"type": f"refund.{state}", "data": data | changes}).encode()


def signed(body, *, secret, message_id=None, at=None):
    """Make the headers of a webhook as the provider signs it."""
    message_id = message_id or f"msg_{uuid.uuid4().hex}"
    at = at or datetime.now(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, at, body.decode()),
    }
