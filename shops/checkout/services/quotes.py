"""Quotes: prices that are honoured and stock that is kept until a time."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from shops.checkout import statements
from shops.checkout.models import Cart, CartLine, Quote, QuoteLine
from shops.checkout.owner import CartOwner
from shops.checkout.policies import policy_of
from shops.checkout.queries import open_quote
from shops.checkout.services.carts import CartMoved, NotForSale, OtherCurrency
from shops.checkout.services.keeping import Kept, ShortOfStock, close, keep, let_go, live_holds
from shops.checkout.services.limits import check_limits
from shops.checkout.services.promising import price_lines, promise
from shops.facts.refused import NotAllowed, NotFound, Refused
from shops.facts.rows import insert
from shops.pricing.queries import deals_of
from shops.stock import services as stock


class EmptyCart(Refused):
    code = "cart_empty"
    message = _("Your cart is empty.")


@dataclass(frozen=True)
class _Chosen:
    """What a buyer chose in the quote before; a new one begins with it."""

    country: str = ""
    choices: Mapping[int, int | None] = field(default_factory=dict)
    codes: Collection[str] = ()


def start_quote(*, owner: CartOwner, country: str = "", now: datetime) -> Quote:
    """Promise a user the cart as it is now: today's prices, and its stock kept for them.

    An unchanged cart gets the quote that it had, while its stock is kept. A changed one gets a new
    quote, and what the old one kept is let go first; what was chosen in it (country, shipping,
    vouchers) is chosen in the new one. Call it outside a transaction: the stock is held in one of
    its own, so that a SKU's row is locked for as short as possible. Who dies in between leaves a
    hold that runs out by itself.

    :param country: where it goes to; else to the buyer's first address, else the shop's country
    :raises EmptyCart: there is nothing to buy
    :raises NotForSale: a product in it is no longer sold
    :raises LimitReached: it is more of a product than one buyer may have
    :raises ShortOfStock: not all units are left; nothing is kept then
    :raises OtherCurrency: it holds two currencies
    :raises CartMoved: it was changed in this very moment
    """
    if owner.user_id is None:
        raise NotAllowed
    cart, lines, old = statements.cart_and_quote(user_id=owner.user_id)
    chosen = _Chosen(country=country)
    if old is not None:
        if cart is not None and old.cart_version == cart.version and _is_kept(old):
            return old
        chosen = _chosen(old, country=country)
        close(old, now=now)
    if cart is None:
        raise EmptyCart
    _check(lines, buyer_id=owner.user_id)
    try:
        kept = keep(lines=lines, buyer_id=owner.user_id, now=now)
    except ShortOfStock:
        first = open_quote(buyer_id=owner.user_id)
        if first is not None and first.cart_version == cart.version:
            return first  # the same page, opened twice at once, got the last units
        raise
    try:
        return _write(cart=cart, lines=lines, kept=kept, chosen=chosen, now=now)
    except IntegrityError:
        # The same page was opened twice at once; the other one's quote is as good.
        let_go(kept.values(), now=now)
        first = open_quote(buyer_id=owner.user_id)
        if first is None or first.cart_version != cart.version:
            raise CartMoved from None
        return first
    except BaseException:
        let_go(kept.values(), now=now)
        raise


def cancel_quote(*, quote_id: uuid.UUID, buyer_id: int, now: datetime) -> None:
    """Give up a quote and what it keeps; one that is ordered or closed stays as it is.

    :raises NotFound: there is none, or it is somebody else's
    """
    quote = Quote.objects.filter(pk=quote_id, buyer_id=buyer_id).first()
    if quote is None:
        raise NotFound
    close(quote, now=now)


def extend_quote(*, quote_id: uuid.UUID, buyer_id: int, now: datetime) -> Quote:
    """Keep what an open quote keeps for longer, up to the hard cap of its holds.

    :raises NotFound: there is none, or it is somebody else's
    :raises HoldExpired: what it kept is gone
    """
    quote = Quote.objects.filter(pk=quote_id, buyer_id=buyer_id).first()
    if quote is None:
        raise NotFound
    ids = list(quote.lines.filter(is_held=True).values_list("hold_id", flat=True))
    if quote.state == Quote.State.OPEN and ids:
        quote.expires_at = min(one.expires_at for one in stock.extend(hold_ids=ids, now=now))
        Quote.objects.filter(pk=quote.pk).update(expires_at=quote.expires_at)
    return quote


def close_due_quotes(*, now: datetime, limit: int = 200) -> int:
    """Close open quotes whose time is over by the database's clock; returns how many."""
    due = Quote.objects.filter(state=Quote.State.OPEN, expires_at__lte=Now())
    return sum(close(quote, now=now) for quote in due.order_by("expires_at")[:limit])


def _is_kept(quote: Quote) -> bool:
    """Tell whether all that a quote promises is still kept, by the database's clock."""
    lines = quote.lines.filter(is_held=True)
    promised = list(lines.values_list("hold_id", flat=True))
    if not promised:
        # What nobody holds is promised at its price alone, until that time.
        return Quote.objects.filter(pk=quote.pk, expires_at__gt=Now()).exists()
    return len(live_holds(hold_ids=promised)) == len(promised)


def _chosen(old: Quote, *, country: str) -> _Chosen:
    return _Chosen(
        country=country or old.country,
        choices=dict(old.shipments.values_list("shop_id", "method_id")),
        codes=list(old.vouchers.values_list("code", flat=True)),
    )


def _check(lines: Sequence[CartLine], *, buyer_id: int) -> None:
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
    wanted: dict[int, int] = {}
    for line in lines:
        wanted[line.sku.product_id] = wanted.get(line.sku.product_id, 0) + line.quantity
    check_limits(
        wanted=wanted,
        most={
            line.sku.product_id: most
            for line in lines
            if (most := policy_of(line.sku.product).most_per_buyer) is not None
        },
        buyer_id=buyer_id,
    )


def _country(lines: Sequence[CartLine], *, buyer_id: int) -> str:
    """Guess where it goes to: to the address that checkout offers first."""
    return statements.country_of(user_id=buyer_id) or lines[0].sku.product.shop.country


@transaction.atomic
def _write(
    *,
    cart: Cart,
    lines: Sequence[CartLine],
    kept: Mapping[int, Kept],
    chosen: _Chosen,
    now: datetime,
) -> Quote:
    buyer_id = cart.user_id or 0
    deals = deals_of(sku_ids=[line.sku_id for line in lines], now=now)
    ends = [one.expires_at for one in kept.values() if one.expires_at is not None]
    quote = Quote(
        buyer_id=buyer_id,
        cart_version=cart.version,
        country=chosen.country or _country(lines, buyer_id=buyer_id),
        currency=lines[0].sku.currency,
        created_at=now,
        expires_at=min(ends, default=now + timedelta(seconds=settings.HOLD_SECONDS)),
    )
    promised = []
    for line in lines:
        deal = deals.get(line.sku_id)
        full = line.sku.price_minor
        promised.append(
            QuoteLine(
                quote=quote,
                sku=line.sku,
                hold_id=kept[line.pk].hold_id,
                quantity=line.quantity,
                unit_price_minor=min(deal.price_minor, full) if deal else full,
                list_price_minor=full,
                is_held=kept[line.pk].is_held,
                is_shared=kept[line.pk].is_shared,
                most_per_buyer=policy_of(line.sku.product).most_per_buyer,
                referral=line.referral,
            )
        )
    priced = price_lines(
        promised,
        country=quote.country,
        choices=chosen.choices,
        codes=chosen.codes,
        buyer_id=buyer_id,
        now=now,
    )
    if not priced.total_minor:  # a voucher of the quote before leaves nothing to pay now
        priced = price_lines(
            promised,
            country=quote.country,
            choices=chosen.choices,
            codes=(),
            buyer_id=buyer_id,
            now=now,
        )
    shipments, vouchers = promise(quote, promised, priced)
    insert([quote], promised, shipments, vouchers)
    return quote
