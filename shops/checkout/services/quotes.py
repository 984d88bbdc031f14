"""Quotes: prices that are honoured and stock that is kept until a time."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from shops.checkout.models import CartLine, Quote, QuoteLine
from shops.checkout.owner import CartOwner
from shops.checkout.queries import cart_of, open_quote
from shops.checkout.services.carts import CartMoved, NotForSale, OtherCurrency
from shops.facts.refused import NotAllowed, NotFound, Refused
from shops.stock import services as stock
from shops.stock.models import Hold, HoldState


class EmptyCart(Refused):
    code = "cart_empty"
    message = _("Your cart is empty.")


class ShortOfStock(Refused):
    """`extra`: `short` lists each `sku_id` with the units `left`."""

    code = "out_of_stock"
    message = _("Some of what is in your cart is sold out, or fewer are left than you want.")


def start_quote(*, owner: CartOwner, now: datetime) -> Quote:
    """Promise a user the cart as it is now: today's prices, and its stock kept for them.

    An unchanged cart gets the quote that it had, while its stock is kept. A changed one gets a new
    quote, and what the old one kept is let go first. Call it outside a transaction: the stock is
    held in one of its own, so that a SKU's row is locked for as short as possible. Who dies in
    between leaves a hold that runs out by itself.

    :raises EmptyCart: there is nothing to buy
    :raises NotForSale: a product in it is no longer sold
    :raises ShortOfStock: not all units are left; nothing is kept then
    :raises OtherCurrency: it holds two currencies
    :raises CartMoved: it was changed in this very moment
    """
    if owner.user_id is None:
        raise NotAllowed
    cart = cart_of(owner=owner)
    old = open_quote(buyer_id=owner.user_id)
    if old is not None:
        if cart is not None and old.cart_version == cart.version and _is_kept(old):
            return old
        _close(old, now=now)
    if cart is None:
        raise EmptyCart
    lines = list(cart.lines.select_related("sku__product__shop").order_by("added_at", "pk"))
    _check(lines)
    holds = {line.pk: uuid.uuid4() for line in lines}
    try:
        kept = stock.hold(
            wanted=[stock.Wanted(holds[line.pk], line.sku_id, line.quantity) for line in lines],
            now=now,
            ttl=timedelta(seconds=settings.HOLD_SECONDS),
        )
    except stock.OutOfStock as refused:
        first = open_quote(buyer_id=owner.user_id)
        if first is not None and first.cart_version == cart.version:
            return first  # the same page, opened twice at once, got the last units
        raise ShortOfStock(**refused.extra) from None
    try:
        return _write(
            user_id=owner.user_id,
            version=cart.version,
            lines=lines,
            holds=holds,
            expires_at=min(hold.expires_at for hold in kept),
            now=now,
        )
    except IntegrityError:
        # The same page was opened twice at once; the other one's quote is as good.
        stock.release(hold_ids=holds.values(), now=now)
        first = open_quote(buyer_id=owner.user_id)
        if first is None or first.cart_version != cart.version:
            raise CartMoved from None
        return first
    except BaseException:
        stock.release(hold_ids=holds.values(), now=now)
        raise


def cancel_quote(*, quote_id: uuid.UUID, buyer_id: int, now: datetime) -> None:
    """Give up a quote and what it keeps; one that is ordered or closed stays as it is.

    :raises NotFound: there is none, or it is somebody else's
    """
    quote = Quote.objects.filter(pk=quote_id, buyer_id=buyer_id).first()
    if quote is None:
        raise NotFound
    _close(quote, now=now)


def close_due_quotes(*, now: datetime, limit: int = 200) -> int:
    """Close open quotes whose time is over by the database's clock; returns how many."""
    due = Quote.objects.filter(state=Quote.State.OPEN, expires_at__lte=Now())
    return sum(_close(quote, now=now) for quote in due.order_by("expires_at")[:limit])


@transaction.atomic
def _close(quote: Quote, *, now: datetime) -> bool:
    """Close a quote if it is open, and release its holds."""
    mine = Quote.objects.filter(pk=quote.pk, state=Quote.State.OPEN)
    if not mine.update(state=Quote.State.CLOSED):
        return False
    stock.release(hold_ids=list(quote.lines.values_list("hold_id", flat=True)), now=now)
    return True


def _is_kept(quote: Quote) -> bool:
    """Tell whether all that a quote promises is still held, by the database's clock."""
    promised = set(quote.lines.values_list("hold_id", flat=True))
    held = Hold.objects.filter(id__in=promised, state=HoldState.HELD, expires_at__gt=Now())
    return held.count() == len(promised)


def _check(lines: Sequence[CartLine]) -> None:
    if not lines:
        raise EmptyCart
    for line in lines:
        product = line.sku.product
        if not (line.sku.is_active and product.is_active and product.shop.is_active):
            raise NotForSale(
                _("“%(title)s” is no longer sold. Take it out to go on.")
                % {"title": product.title},
                sku_id=line.sku_id,
            )
    if len({line.sku.currency for line in lines}) > 1:
        raise OtherCurrency(_("Your cart holds two currencies. Take those of one out to go on."))
    if not any(line.sku.price_minor for line in lines):
        raise NotForSale(_("There is nothing to pay for these products, so they can't be ordered."))


@transaction.atomic
def _write(
    *,
    user_id: int,
    version: int,
    lines: Sequence[CartLine],
    holds: dict[int, uuid.UUID],
    expires_at: datetime,
    now: datetime,
) -> Quote:
    quote = Quote.objects.create(
        buyer_id=user_id,
        cart_version=version,
        currency=lines[0].sku.currency,
        total_minor=sum(line.quantity * line.sku.price_minor for line in lines),
        created_at=now,
        expires_at=expires_at,
    )
    QuoteLine.objects.bulk_create(
        QuoteLine(
            quote=quote,
            sku_id=line.sku_id,
            hold_id=holds[line.pk],
            quantity=line.quantity,
            unit_price_minor=line.sku.price_minor,
            referral=line.referral,
        )
        for line in lines
    )
    return quote
