"""Delivered orders with their money in escrow, and what can happen to it."""

import uuid
from datetime import timedelta

from shops.orders.models import Order, OrderLine, OrderState, Purchase
from shops.payments import reactions as payments
from shops.payments.events import (
    ChargeBackWon,
    ChargedBack,
    PaymentCaptured,
    RefundCameBack,
    RefundSucceeded,
)
from shops.payments.models import ChargeBack, Payment, PaymentState, Refund, RefundState
from shops.payouts import planning, reactions
from tests.factories.accounts import UserFactory
from tests.factories.catalog import ShopFactory, SkuFactory

ADDRESS = {"full_name": "Alice Rossi", "line1": "Via Roma 1", "city": "Roma", "country": "IT"}


def line(price=1000, **fields):
    """Describe a line of one unit; rates in basis points."""
    defaults = {"quantity": 1, "unit_price_minor": price, "fee_bps": 500, "commission_bps": 0}
    return defaults | fields


def delivered(*, now, lines=None, shop=None, buyer=None, currency="EUR", days_ago=8, **fields):
    """Make a paid order that was delivered so long ago, with its capture in the books."""
    lines = lines or [line()]
    shop = shop or ShopFactory(currency=currency)
    buyer = buyer or UserFactory()
    goods = sum(each["quantity"] * each["unit_price_minor"] for each in lines)
    discount = sum(each.get("discount_minor", 0) for each in lines)
    added = sum(
        each.get("tax_minor", 0) for each in lines if not each.get("is_tax_inclusive", True)
    )
    shipping = fields.get("shipping_minor", 0)
    total = goods - discount + shipping + added
    placed_at = now - timedelta(days=days_ago + 3)
    purchase = Purchase.objects.create(
        buyer=buyer,
        quote_id=uuid.uuid4(),
        currency=currency,
        total_minor=total,
        placed_at=placed_at,
        pay_by=placed_at,
    )
    order = Order.objects.create(
        number=f"LS-{uuid.uuid4().hex[:8].upper()}",
        purchase=purchase,
        shop=shop,
        buyer=buyer,
        state=OrderState.DELIVERED,
        currency=currency,
        goods_minor=goods,
        discount_minor=discount,
        tax_minor=sum(each.get("tax_minor", 0) for each in lines),
        total_minor=total,
        address=ADDRESS,
        placed_at=placed_at,
        paid_at=placed_at,
        delivered_at=now - timedelta(days=days_ago),
        **fields,
    )
    sku = SkuFactory(product__shop=shop, on_hand=0)
    OrderLine.objects.bulk_create(
        OrderLine(order=order, sku=sku, hold_id=uuid.uuid4(), title="Lamp", **each)
        for each in lines
    )
    if total:
        capture(order, now=placed_at)
    planning.plan([order.pk], now=now)
    return order


def capture(order, *, now):
    payment = Payment.objects.create(
        purchase=order.purchase,
        card_token="tok_success",
        state=PaymentState.CAPTURED,
        currency=order.currency,
        amount_minor=order.total_minor,
        captured_minor=order.total_minor,
        created_at=now,
        captured_at=now,
    )
    fact = PaymentCaptured(
        payment_id=str(payment.pk),
        purchase_id=str(order.purchase_id),
        amount_minor=order.total_minor,
        currency=order.currency,
    )
    payments.post_capture(fact, event_id=0, now=now)
    return payment


def refund(order, amount_minor, *, now):
    """Have the provider give money back; the fact about it is returned, nothing reacted yet."""
    payment = Payment.objects.get(purchase=order.purchase)
    row = Refund.objects.create(
        payment=payment,
        order=order,
        state=RefundState.SUCCEEDED,
        amount_minor=amount_minor,
        created_at=now,
    )
    order.refunded_minor += amount_minor
    order.save(update_fields=["refunded_minor"])
    return RefundSucceeded(
        refund_id=str(row.pk),
        payment_id=str(payment.pk),
        order_id=order.pk,
        amount_minor=amount_minor,
        currency=order.currency,
    )


def refunded(order, amount_minor, *, now):
    """Refund an order and have it posted."""
    fact = refund(order, amount_minor, now=now)
    reactions.reverse_released(fact, event_id=0, now=now)
    return fact


def came_back(fact, *, now):
    """Have the buyer's bank send a refund back."""
    row = Refund.objects.get(pk=fact.refund_id)
    Refund.objects.filter(pk=row.pk).update(state=RefundState.FAILED, came_back_at=now)
    order = Order.objects.get(pk=row.order_id)
    order.refunded_minor -= row.amount_minor
    order.save(update_fields=["refunded_minor"])
    told = RefundCameBack(
        refund_id=fact.refund_id,
        payment_id=fact.payment_id,
        order_id=order.pk,
        amount_minor=row.amount_minor,
        currency=order.currency,
        code="",
    )
    reactions.post_refund_undone(told, event_id=0, now=now)


def charged_back(order, amount_minor, *, now):
    payment = Payment.objects.get(purchase=order.purchase)
    Payment.objects.filter(pk=payment.pk).update(state=PaymentState.CHARGED_BACK)
    number = payment.chargebacks.count() + 1
    ChargeBack.objects.create(
        payment=payment, provider_ref=f"cb_{number}", amount_minor=amount_minor, told_at=now
    )
    fact = ChargedBack(
        payment_id=str(payment.pk),
        purchase_id=str(order.purchase_id),
        amount_minor=amount_minor,
        currency=order.currency,
        number=number,
    )
    reactions.post_charge_back(fact, event_id=0, now=now)
    return fact


def won(fact, *, now):
    """Have the bank decide a charge-back for the shop."""
    payment = Payment.objects.get(pk=fact.payment_id)
    Payment.objects.filter(pk=payment.pk).update(state=PaymentState.CAPTURED)
    payment.chargebacks.filter(won_at=None).update(won_at=now)
    told = ChargeBackWon(
        payment_id=fact.payment_id,
        purchase_id=fact.purchase_id,
        amount_minor=fact.amount_minor,
        currency=fact.currency,
        number=fact.number,
    )
    reactions.post_charge_back_won(told, event_id=0, now=now)
    return told
