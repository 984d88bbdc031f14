"""From quotes to unpaid orders: alone, or many buyers' in one transaction."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from shops.accounts.models import User
from shops.accounts.services import AddressFields, TooManyAddresses, add_address
from shops.catalog.models import Sku
from shops.checkout import statements
from shops.checkout.models import Quote, QuoteLine
from shops.checkout.services.carts import changed_carts
from shops.checkout.services.limits import refuse_over, units_bought
from shops.checkout.services.repricing import QuoteOver
from shops.checkout.services.signing import check_signature
from shops.checkout.statements import Promise
from shops.facts.batching import Batcher, Heat, together
from shops.facts.idempotency import Answer, Claim, Taken, answering, claiming, ours, remembered
from shops.facts.publishing import publish_behind
from shops.facts.refused import NotFound, Refused
from shops.facts.sharing import Refusals, share
from shops.facts.transactions import whole
from shops.orders import services as orders
from shops.orders.models import Order, Purchase
from shops.payments import services as payments
from shops.payments.models import Payment
from shops.pricing.services import use_vouchers
from shops.stock import services as stock
from shops.stock.models import Hold

# How long an order waits for its payment; its stock is kept meanwhile.
PAY_WITHIN: Final = timedelta(minutes=30)


class AlreadyOrdered(Refused):
    """`extra`: the `number` of the order that came out of this quote."""

    code = "already_ordered"
    message = _("This is ordered already.")


class QuoteMoved(Refused):
    code = "quote_changed"
    message = _("The price was worked out anew in another tab. This is how it is now.")


class OtherCountry(Refused):
    """`extra`: the `country` that the quote is for."""

    code = "other_country"
    message = _("The price was worked out for another country. Look at it once more.")


class NotShipped(Refused):
    """`extra`: the `shops` that don't send there."""

    code = "not_shipped"
    message = _("Not every shop sends to this country.")


class Placed(NamedTuple):
    """What was ordered: a purchase, its orders by shop, and the payment to be started."""

    purchase: Purchase
    orders: Sequence[Order]
    payment: Payment


Describe = Callable[[Placed], Answer]


class _ToPlace(NamedTuple):
    """What somebody asks for; with a `claim`, it is answered by `describe` under that key."""

    quote_id: uuid.UUID
    buyer: User
    address: AddressFields
    card_token: str
    now: datetime
    save_address: bool = False
    signature: str = ""
    # In which a refusal is told.
    language: str | None = None
    claim: Claim | None = None
    describe: Describe | None = None


class _SameQuote(Refused):
    """Somebody else of the batch orders by the same quote; ask again behind them."""

    code = "same_quote"


def place_order(
    *,
    quote_id: uuid.UUID,
    buyer: User,
    address: AddressFields,
    card_token: str,
    save_address: bool = False,
    signature: str = "",
    now: datetime,
) -> Placed:
    """Turn a quote into unpaid orders with a payment that is ready to start: all of it or nothing.

    This is the one way to an order: the page's button and the API's clients come here, and from
    here on the provider's answer, its webhook and the reconciler all end in `payments.apply`,
    which marks the purchase paid. The caller starts the payment after commit. Many who order at
    once share transactions.

    The quote's prices and products are honoured, whatever became of them since. The stock's row is
    not touched: its holds are moved to "committed".

    :param signature: of the quote as the buyer saw it, where that is known
    :raises BadCard: no token, or none that a provider would make
    :raises NotFound: there is no such quote, or it is somebody else's
    :raises AlreadyOrdered: an order came out of this quote before
    :raises QuoteOver: its time ran out, or it was given up
    :raises QuoteTampered: it is not as it was signed
    :raises QuoteMoved: its price is not the one that the buyer saw
    :raises OtherCountry: it was priced for another country than the address's
    :raises NotShipped: a shop does not send there
    :raises LimitReached: it is more of a product than one buyer may have
    :raises VoucherUsedUp: others have used one of its vouchers up
    :raises Busy, Unavailable: too many order at once, or the database does not answer
    """
    wanted = _ToPlace(quote_id, buyer, address, card_token, now, save_address, signature)
    return _place(wanted)


def place_order_once(
    *, scope: str, key: str, body: Mapping[str, Any], describe: Describe, **wanted: Any
) -> tuple[Answer, Placed | None]:
    """Do as `place_order`, once for an Idempotency-Key; `describe` says how it is answered.

    Returns what was ordered, too, to who was the first: they have it paid (`start_payment`). The
    key is written in the transaction of the order, so there is neither one without the other.
    Who sends the same while that is under way waits for its answer. A refusal leaves the key free.

    :raises KeyMissing, KeyReused, InFlight: of the key, see `shops.facts.idempotency.with_key`
    """
    claim = Claim.of(scope=scope, key=key, body=body)
    try:
        placed = _place(_ToPlace(**wanted, claim=claim, describe=describe))
    except Taken:
        return remembered(claim), None
    return describe(placed), placed


def start_payment(placed: Placed, *, now: datetime) -> Payment:
    """Have what was ordered charged, once it is committed; see `payments.start`."""
    return payments.start_new(payment=placed.payment, number=placed.orders[0].number, now=now)


def _place(wanted: _ToPlace) -> Placed:
    wanted = wanted._replace(language=get_language())
    try:
        return together(wanted, batcher=_batcher, heat=_heat, keys=("orders",), alone=_alone)
    except _SameQuote:
        return _alone(wanted)


@whole
def _alone(wanted: _ToPlace) -> Placed:
    try:
        [placed] = _place_all([wanted])
    except Refusals as refused:
        raise refused.by_place[0] from None
    return placed


def _batch(asks: Sequence[_ToPlace], then: Callable[[Sequence[Placed | Refused]], None]) -> None:
    share(asks, then, do=_place_all)


_batcher: Batcher[_ToPlace, Placed] = Batcher(_batch, name="order-batcher")
_heat = Heat()


def _place_all(asks: Sequence[_ToPlace]) -> list[Placed]:
    """Place the orders of all, in the caller's transaction.

    Locks are taken in the same order everywhere, and of each kind in the order of their keys: the
    requests' keys, quotes, holds, carts, vouchers. What does not hang on an answer goes along with
    what does: this is five trips to the database, and its end.

    :raises Refusals: some can't be had; the transaction must not be committed
    """
    now = max(one.now for one in asks)
    promises = _claim_and_lock(asks)
    _refuse({place: no for place, one in enumerate(asks) if (no := _why_not(one, promises))})
    of = [promises[one.quote_id] for one in asks]
    _refuse(_doubles(asks))
    _refuse(_over_limit(asks, of))
    _commit_holds(of, now=now)
    draft = orders.draft([_to_order(one, promise) for one, promise in zip(asks, of, strict=True)])
    made = payments.first_of(
        [(one, ask.card_token) for one, ask in zip(draft.purchases, asks, strict=True)], now=now
    )
    ordered = {one.quote.buyer_id: {line.sku_id: line.quantity for line in one.lines} for one in of}
    taking = statements.taking_out(ordered, now=now)
    noting = statements.noting_ordered(promises)
    placed, rows = orders.write(draft, along=[payments.creating(made), noting, *taking])
    found = [
        Placed(one.purchase, one.orders, payment) for one, payment in zip(placed, made, strict=True)
    ]
    _remember_addresses(asks, now=now)
    # Last: whoever orders with the same voucher waits for its row until we are done.
    _use_vouchers(of, found, now=now)
    answers = [
        (ask.claim, ask.describe(one))
        for ask, one in zip(asks, found, strict=True)
        if ask.claim and ask.describe
    ]
    facts = [*orders.facts_of(placed), *changed_carts(rows[-1])]
    publish_behind([answering(answers)] if answers else [], facts)
    return found


def _claim_and_lock(asks: Sequence[_ToPlace]) -> dict[uuid.UUID, Promise]:
    """Take the requests' keys, and the locks of their quotes.

    :raises Refusals: somebody else has a key
    """
    claimed = [(place, one.claim) for place, one in enumerate(asks) if one.claim]
    claims = [claim for _place, claim in claimed]
    before = [claiming(claims)] if claims else []
    promises, rows = statements.lock_quotes({one.quote_id for one in asks}, before=before)
    if claims:
        taken = zip(claimed, ours(claims, rows[-1]), strict=True)
        _refuse({place: Taken() for (place, _claim), is_ours in taken if not is_ours})
    return promises


def _refuse(refusals: Mapping[int, Refused]) -> None:
    if refusals:
        raise Refusals(refusals)


def _doubles(asks: Sequence[_ToPlace]) -> dict[int, Refused]:
    seen: set[uuid.UUID] = set()
    doubles: dict[int, Refused] = {}
    for place, one in enumerate(asks):
        if one.quote_id in seen:
            doubles[place] = _SameQuote()
        seen.add(one.quote_id)
    return doubles


def _why_not(wanted: _ToPlace, promises: Mapping[uuid.UUID, Promise]) -> Refused | None:
    """Find what is wrong with an order, as far as its quote tells."""
    promise = promises.get(wanted.quote_id)
    try:
        payments.check_card(wanted.card_token)
        if promise is None or promise.quote.buyer_id != wanted.buyer.pk:
            raise NotFound
        quote = promise.quote
        if quote.state != Quote.State.OPEN:
            raise _over(quote)
        check_signature(quote, promise.lines, promise.shipments, promise.vouchers)
        if wanted.signature and wanted.signature != quote.signature:
            raise QuoteMoved
        if wanted.address["country"] != quote.country:
            raise OtherCountry(country=quote.country)
        if unsent := [one.shop_id for one in promise.shipments if not one.is_available]:
            raise NotShipped(shops=unsent)
    except Refused as refused:
        return refused
    return None


def _over(quote: Quote) -> Refused:
    if quote.state == Quote.State.ORDERED:
        numbers = Order.objects.filter(purchase__quote_id=quote.pk).order_by("pk")
        return AlreadyOrdered(number=numbers.values_list("number", flat=True)[0])
    return QuoteOver()


def _over_limit(asks: Sequence[_ToPlace], promises: Sequence[Promise]) -> dict[int, Refused]:
    """Count again what one buyer may have: they may have ordered since the quote was made."""
    limited = {
        line.sku_id for one in promises for line in one.lines if line.most_per_buyer is not None
    }
    if not limited:
        return {}
    products = dict(Sku.objects.filter(pk__in=limited).values_list("pk", "product_id"))
    bought = units_bought(
        buyer_ids={one.quote.buyer_id for one in promises}, product_ids=set(products.values())
    )
    refusals: dict[int, Refused] = {}
    for place, (ask, promise) in enumerate(zip(asks, promises, strict=True)):
        wanted: dict[int, int] = {}
        most: dict[int, int] = {}
        for line in promise.lines:
            if line.most_per_buyer is not None:
                product_id = products[line.sku_id]
                wanted[product_id] = wanted.get(product_id, 0) + line.quantity
                most[product_id] = line.most_per_buyer
        try:
            with override(ask.language):
                refuse_over(wanted=wanted, most=most, bought=bought, buyer_id=ask.buyer.pk)
        except Refused as refused:
            refusals[place] = refused
    return refusals


def _commit_holds(promises: Sequence[Promise], *, now: datetime) -> None:
    """Make what quotes keep the orders'; who misses one is refused."""
    held = [{line.hold_id for line in one.lines if line.is_held} for one in promises]
    missed = stock.commit_all(hold_ids=set().union(*held), is_renewed=True, now=now)
    # What a cart keeps, too, must be as much as was promised: another tab may have changed the cart
    # while the quote was being written.
    shared = {
        line.hold_id: line.quantity for one in promises for line in one.lines if line.is_shared
    }
    if shared:
        kept = dict(Hold.objects.filter(pk__in=shared).values_list("pk", "quantity"))
        missed |= {pk for pk, quantity in shared.items() if kept.get(pk) != quantity}
    _refuse({place: QuoteOver() for place, ids in enumerate(held) if ids & missed})


def _to_order(wanted: _ToPlace, promise: Promise) -> orders.ToPlace:
    return orders.ToPlace(
        buyer_id=wanted.buyer.pk,
        quote_id=promise.quote.pk,
        lines=[_line(line) for line in promise.lines],
        shipping=[
            orders.ShippingToPlace(
                shop_id=one.shop_id,
                method=one.name,
                amount_minor=one.amount_minor,
                tax_minor=one.tax_minor,
                is_tax_inclusive=one.is_tax_inclusive,
            )
            for one in promise.shipments
        ],
        address=wanted.address,
        currency=promise.quote.currency,
        now=wanted.now,
        pay_by=wanted.now + PAY_WITHIN,
    )


def _line(line: QuoteLine) -> orders.LineToPlace:
    return orders.LineToPlace(
        sku_id=line.sku_id,
        hold_id=line.hold_id,
        quantity=line.quantity,
        unit_price_minor=line.unit_price_minor,
        referral=line.referral,
        discount_minor=line.discount_minor,
        tax_minor=line.tax_minor,
        tax_bps=line.tax_bps,
        is_tax_inclusive=line.is_tax_inclusive,
        is_first_paid=not line.is_held,
    )


def _remember_addresses(asks: Sequence[_ToPlace], *, now: datetime) -> None:
    for one in asks:
        if one.save_address:
            # A full address book is no reason to refuse an order.
            with suppress(TooManyAddresses):
                add_address(user=one.buyer, fields=one.address, as_default=False, now=now)


def _use_vouchers(promises: Sequence[Promise], placed: Sequence[Placed], *, now: datetime) -> None:
    refusals: dict[int, Refused] = {}
    statements.lock_vouchers({used.voucher_id for promise in promises for used in promise.vouchers})
    for place, (promise, one) in enumerate(zip(promises, placed, strict=True)):
        if not promise.vouchers:
            continue
        try:
            use_vouchers(
                discounts={used.voucher_id: used.discount_minor for used in promise.vouchers},
                buyer_id=promise.quote.buyer_id,
                purchase_id=one.purchase.pk,
                now=now,
            )
        except Refused as refused:
            refusals[place] = refused
    _refuse(refusals)
