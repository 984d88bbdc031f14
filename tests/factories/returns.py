"""Paid orders that were sent or delivered, written straight into their tables; and photos."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from shops.orders.models import (
    Order,
    OrderLine,
    OrderState,
    Parcel,
    ParcelLine,
    ParcelState,
    Purchase,
)
from shops.payments.models import Payment, PaymentState
from shops.returns import requesting
from shops.returns.states import ReturnReason
from tests.factories.catalog import ProductFactory, SkuFactory

ADDRESS = {"full_name": "Alice Rossi", "line1": "Via Roma 1", "city": "Roma", "country": "IT"}


@dataclass(frozen=True)
class Bought:
    """A line to be: `quantity` units at `price_minor`, less a discount, plus a tax on top."""

    quantity: int = 1
    price_minor: int = 1990
    discount_minor: int = 0
    tax_minor: int = 0
    title: str = "Mug"


def sent_order(
    buyer,
    shop,
    *bought,
    now,
    shipping_minor=0,
    delivered_ago=timedelta(days=1),
    state=OrderState.DELIVERED,
    currency="EUR",
):
    """Make an order that was paid and sent, delivered `delivered_ago` (None: still on its way)."""
    bought = bought or (Bought(),)
    goods = sum(one.quantity * one.price_minor for one in bought)
    discount = sum(one.discount_minor for one in bought)
    tax = sum(one.tax_minor for one in bought)
    total = goods - discount + tax + shipping_minor
    placed = now - timedelta(days=10)
    delivered_at = None if delivered_ago is None else now - delivered_ago
    purchase = Purchase.objects.create(
        buyer=buyer,
        quote_id=uuid.uuid4(),
        currency=currency,
        total_minor=total,
        placed_at=placed,
        pay_by=placed,
    )
    order = Order.objects.create(
        number=f"LS-{uuid.uuid4().hex[:8].upper()}",
        purchase=purchase,
        shop=shop,
        buyer=buyer,
        state=state,
        currency=currency,
        goods_minor=goods,
        discount_minor=discount,
        shipping_minor=shipping_minor,
        tax_minor=tax,
        total_minor=total,
        address=ADDRESS,
        placed_at=placed,
        paid_at=placed,
        released_at=placed,
        shipped_at=placed + timedelta(days=1),
        delivered_at=delivered_at,
    )
    if total:
        Payment.objects.create(
            purchase=purchase,
            state=PaymentState.CAPTURED,
            currency=currency,
            amount_minor=total,
            captured_minor=total,
            card_token="tok_success",
            created_at=placed,
            captured_at=placed,
        )
    parcel = Parcel.objects.create(
        shop=shop,
        buyer=buyer,
        carrier="poste",
        tracking_number=order.number,
        state=ParcelState.DELIVERED if delivered_at else ParcelState.IN_TRANSIT,
        shipped_at=placed + timedelta(days=1),
        delivered_at=delivered_at,
    )
    for one in bought:
        line = OrderLine.objects.create(
            order=order,
            sku=SkuFactory(
                product=ProductFactory(shop=shop, title=one.title), price_minor=one.price_minor
            ),
            hold_id=uuid.uuid4(),
            title=one.title,
            quantity=one.quantity,
            unit_price_minor=one.price_minor,
            discount_minor=one.discount_minor,
            tax_minor=one.tax_minor,
            is_tax_inclusive=False,
            fee_bps=500,
            commission_bps=0,
        )
        ParcelLine.objects.create(parcel=parcel, order_line=line)
    return order


def ask(order, *, now, units=None, reason=ReturnReason.CHANGED_MIND, **more):
    """Ask for a return of an order, of all its units unless `units` (by line) are given."""
    units = units or {line.pk: line.quantity for line in order.lines.all()}
    return requesting.request(
        order_id=order.pk, buyer=order.buyer, units=units, reason=reason, now=now, **more
    )


def photo(kind="JPEG", size=(64, 48), name="photo.jpg", **saving):
    written = BytesIO()
    Image.new("RGB", size, "red").save(written, kind, **saving)
    return SimpleUploadedFile(name, written.getvalue())
