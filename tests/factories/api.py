"""One of everything that the API knows by an id: alice's, and her seller's."""

import uuid
from datetime import timedelta

from shops.orders.services import mark_paid
from shops.payments.models import PaymentState
from shops.payouts.models import Payout, PayoutAccount, PayoutRun, Way
from shops.returns.models import Return
from shops.webhooks.services import messages
from tests.factories.catalog import ProductFactory, SkuFactory
from tests.factories.checkout import ADDRESS, purchase_of, quote_for
from tests.factories.returns import ask, sent_order
from tests.factories.webhooks import endpoint_for

# What must never be in an answer to somebody else.
SECRETS = ("Via Roma", "Alice", "IT60", "whsec_", "hooks.example.com", "LS-")


def everything(buyer, shop, *, now):
    """Make it all and return the values of the paths' parameters, by name."""
    sku = SkuFactory(product=ProductFactory(shop=shop, title="Blue lamp"), on_hand=50)
    paid = purchase_of(buyer, sku, now=now)
    paid.payments.update(
        state=PaymentState.CAPTURED, captured_minor=paid.total_minor, captured_at=now
    )
    mark_paid(purchase_id=paid.pk, now=now)
    unpaid = purchase_of(buyer, sku, now=now)
    delivered = sent_order(buyer, shop, now=now)
    returned = sent_order(buyer, shop, now=now)
    case: Return = ask(returned, now=now)
    quote = quote_for(buyer, sku, now=now)
    endpoint = endpoint_for(shop, events=["order.*", "stock.*"], now=now)
    message = messages.send_test(endpoint_id=endpoint.pk, shop=shop, now=now)
    owner = f"shop:{shop.pk}"
    account = PayoutAccount.objects.create(
        owner=owner, holder="Carol", number="IT60X0542811101000000123456"
    )
    payout = Payout.objects.create(
        run=PayoutRun.objects.create(way=Way.FILE, started_at=now),
        owner=owner,
        account=account,
        currency="EUR",
        amount_minor=100,
        created_at=now - timedelta(days=1),
    )
    return {
        "shop": shop.slug,
        "number": paid.orders.get().number,
        "unpaid_number": unpaid.orders.get().number,
        "delivered_number": delivered.number,
        "line_id": paid.orders.get().lines.get().pk,
        "delivered_line_id": delivered.lines.get().pk,
        "return_line_id": case.lines.get().pk,
        "quote_id": quote.pk,
        "return_id": case.pk,
        "parcel_id": delivered.lines.get().parcel_line.parcel_id,
        "sku_id": sku.pk,
        "product_id": sku.product_id,
        "endpoint_id": endpoint.pk,
        "message_id": message.pk,
        "payout_id": payout.pk,
        "address": {**ADDRESS, "region": "RM"},
        "nobody": uuid.uuid4(),
    }


def bodies(world):
    """Return a body that is fine for each operation that wants one, by its name."""
    return {
        "add_to_cart": {"sku_id": world["sku_id"], "quantity": 1},
        "set_quantity": {"quantity": 2, "version": 0},
        "start_quote": {"country": "IT"},
        "reprice_quote": {"country": "IT"},
        "place_order": {"address": world["address"], "card_token": "tok_success"},
        "pay_order": {"card_token": "tok_success"},
        "cancel_order": {"reason": "Too late"},
        "request_return": {
            "lines": [{"order_line_id": world["delivered_line_id"], "quantity": 1}],
            "reason": "damaged",
        },
        "send_return": {"carrier": "DHL", "tracking_number": "JJD0123456789"},
        "dispute_return": {"text": "It is broken"},
        "cancel_shop_order": {"reason": "Sold out"},
        "refund_order": {"amount_minor": 100, "reason": "A scratch"},
        "ship": {
            "line_ids": [world["line_id"]],
            "carrier": "other",
            "tracking_number": "TRACK12345",
        },
        "correct_tracking": {"carrier": "other", "tracking_number": "TRACK54321"},
        "reject_return": {"reason": "No"},
        "receive_return": {"lines": [{"line_id": world["return_line_id"], "restocked": 1}]},
        "refund_return": {"amount_minor": 100, "reason": "Some of it"},
        "answer_dispute": {"text": "It was fine"},
        "correct_stock": {"on_hand": 40, "reason": "Counted"},
        "receive_stock": {"quantity": 5},
        "make_webhook": {"url": "https://hooks.example.org/", "events": ["order.paid"]},
        "change_webhook": {"url": "https://hooks.example.org/", "events": ["order.paid"]},
    }
