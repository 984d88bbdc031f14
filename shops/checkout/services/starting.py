"""Start the quotes of any number of buyers: each step is one for all of them.

What becomes of one buyer is nothing to the others: who is refused gets the refusal, and the others
their quotes. Nobody holds a lock from one step to the next.
"""

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from shops.checkout import quote_statements
from shops.checkout.models import CartLine, Quote, QuoteLine
from shops.checkout.policies import policy_of
from shops.checkout.quote_rows import rows_of
from shops.checkout.quote_statements import Basket, Draft
from shops.checkout.services.carts import CartMoved
from shops.checkout.services.filling import NotForSale, OtherCurrency
from shops.checkout.services.keeping import (
    Kept,
    ShortOfStock,
    ToKeep,
    close_all,
    keep_each,
    let_go,
)
from shops.checkout.services.limits import refuse_over, units_bought
from shops.checkout.services.promising import promise, set_amounts, to_price
from shops.facts.refused import Refused
from shops.pricing.services import Rules, rules_for


class EmptyCart(Refused):
    code = "cart_empty"
    message = _("Your cart is empty.")


class Asked(NamedTuple):
    """Who wants a quote, where to, when, and in whose language it is answered."""

    user_id: int
    country: str
    now: datetime
    language: str | None
    # Whether it is shown next: what that is made of is read for all of them together.
    is_shown: bool = False


@dataclass
class _Chosen:
    """What a buyer chose in the quote before; a new one begins with it."""

    country: str = ""
    choices: Mapping[int, int | None] = field(default_factory=dict)
    codes: Collection[str] = ()


@dataclass
class _Buyer:
    """A buyer on the way to a quote."""

    asked: Asked
    basket: Basket
    chosen: _Chosen
    answer: Quote | Refused | None = None
    kept: Mapping[int, Kept] = field(default_factory=dict)

    @property
    def version(self) -> int:
        return self.basket.cart.version if self.basket.cart else -1

    @property
    def country(self) -> str:
        """Tell where it goes to; else it is the address that checkout offers first."""
        shop = self.basket.lines[0].sku.product.shop
        return self.chosen.country or self.basket.country or shop.country


def start_quotes(asks: Sequence[Asked]) -> list[Quote | Refused]:
    """Do as `start_quote` for several at once; answers in their order.

    One buyer's second wish is looked at when the first one is done. Call it outside a transaction.
    """
    turns: dict[int, list[int]] = {}
    for place, asked in enumerate(asks):
        turns.setdefault(asked.user_id, []).append(place)
    answers: dict[int, Quote | Refused] = {}
    while turns:
        places = [own.pop(0) for own in turns.values()]
        answers |= zip(places, _start([asks[place] for place in places]), strict=True)
        turns = {user_id: own for user_id, own in turns.items() if own}
    return [answers[place] for place in range(len(asks))]


def _start(asks: Sequence[Asked]) -> list[Quote | Refused]:
    """Start the quotes of different buyers."""
    found = quote_statements.baskets(user_ids=[asked.user_id for asked in asks])
    buyers = [_Buyer(asked, found[asked.user_id], _Chosen(asked.country)) for asked in asks]
    for buyer in buyers:
        if _is_unchanged(buyer.basket):
            buyer.answer = buyer.basket.open_quote
    _close_old(_left_of(buyers))
    _load_skus(_left_of(buyers))
    _check(_left_of(buyers))
    if left := _left_of(buyers):
        rules = _rules_for(left)
        _keep(left)
        _write(_left_of(left), rules)
    _read(buyers)
    return [buyer.answer or CartMoved() for buyer in buyers]


def _read(buyers: Iterable[_Buyer]) -> None:
    """Read what the pages of quotes are made of, for all who are shown theirs."""
    shown = [
        buyer.answer for buyer in buyers if buyer.asked.is_shown and isinstance(buyer.answer, Quote)
    ]
    if shown:
        for quote, rows in zip(shown, rows_of(shown, framed=True), strict=True):
            quote.rows = rows


def _left_of(buyers: Iterable[_Buyer]) -> list[_Buyer]:
    return [buyer for buyer in buyers if buyer.answer is None]


def _is_unchanged(basket: Basket) -> bool:
    cart, old = basket.cart, basket.open_quote
    return bool(cart and old and old.cart_version == cart.version and basket.is_kept)


def _close_old(buyers: Sequence[_Buyer]) -> None:
    """Close the quotes that buyers had; what was chosen in them is chosen in the new ones."""
    old = {buyer.basket.open_quote.pk: buyer for buyer in buyers if buyer.basket.open_quote}
    if not old:
        return
    for quote_id, (choices, codes) in quote_statements.choices(quote_ids=old).items():
        buyer = old[quote_id]
        before = buyer.basket.open_quote
        country = buyer.asked.country or (before.country if before else "")
        buyer.chosen = _Chosen(country, choices, codes)
    close_all(old, now=max(buyer.asked.now for buyer in old.values()))


def _load_skus(buyers: Sequence[_Buyer]) -> None:
    lines = [line for buyer in buyers for line in buyer.basket.lines]
    skus = quote_statements.skus(sku_ids={line.sku_id for line in lines})
    for line in lines:
        line.sku = skus[line.sku_id]


# --- What stands in the way -------------------------------------------------------------------


def _check(buyers: Sequence[_Buyer]) -> None:
    """Refuse who has nothing that can be bought, or wants more than one may have."""
    limited = {
        line.sku.product_id: most
        for buyer in buyers
        for line in buyer.basket.lines
        if (most := policy_of(line.sku.product).most_per_buyer) is not None
    }
    bought = {}
    if limited:
        bought = units_bought(
            buyer_ids=[buyer.asked.user_id for buyer in buyers], product_ids=limited
        )
    for buyer in buyers:
        lines = buyer.basket.lines
        try:
            with override(buyer.asked.language):
                _check_lines(lines)
                refuse_over(
                    wanted=_wanted(lines),
                    most=limited,
                    bought=bought,
                    buyer_id=buyer.asked.user_id,
                )
        except Refused as refused:
            buyer.answer = refused


def _check_lines(lines: Sequence[CartLine]) -> None:
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


def _wanted(lines: Sequence[CartLine]) -> dict[int, int]:
    wanted: dict[int, int] = {}
    for line in lines:
        wanted[line.sku.product_id] = wanted.get(line.sku.product_id, 0) + line.quantity
    return wanted


# --- What it is kept by, and what it costs ----------------------------------------------------


def _rules_for(buyers: Sequence[_Buyer]) -> Rules:
    """Read what prices are worked out by, before anything is kept: it takes no time from it."""
    skus = {line.sku for buyer in buyers for line in buyer.basket.lines}
    times = [buyer.asked.now for buyer in buyers]
    return rules_for(
        sku_ids=[sku.pk for sku in skus],
        first=min(times),
        last=max(times),
        countries={buyer.country for buyer in buyers},
        category_ids={sku.product.category_id for sku in skus},
        shop_ids={sku.product.shop_id for sku in skus},
        codes={code for buyer in buyers for code in buyer.chosen.codes},
        buyer_ids=[buyer.asked.user_id for buyer in buyers if buyer.chosen.codes],
    )


def _keep(buyers: Sequence[_Buyer]) -> None:
    kept = keep_each(
        [
            ToKeep(buyer.basket.lines, buyer.asked.user_id, buyer.basket.offers, buyer.asked.now)
            for buyer in buyers
        ]
    )
    short = []
    for buyer, one in zip(buyers, kept, strict=True):
        if not isinstance(one, Refused):
            buyer.kept = one
            continue
        buyer.answer = one
        if isinstance(one, ShortOfStock):
            short.append(buyer)
    # The same page, opened twice at once, got the last units.
    for buyer, first in _first_ones(short):
        buyer.answer = first


def _first_ones(buyers: Sequence[_Buyer]) -> list[tuple[_Buyer, Quote]]:
    """Find the open quotes that buyers have by now for their carts as they were read."""
    if not buyers:
        return []
    by_buyer = {
        quote.buyer_id: quote
        for quote in Quote.objects.filter(
            buyer__in=[buyer.asked.user_id for buyer in buyers], state=Quote.State.OPEN
        )
    }
    return [
        (buyer, first)
        for buyer in buyers
        if (first := by_buyer.get(buyer.asked.user_id)) and first.cart_version == buyer.version
    ]


def _write(buyers: Sequence[_Buyer], rules: Rules) -> None:
    """Price and write quotes; who can't get one gets back what was kept, too."""
    drafts: list[Draft] = []
    written: set[uuid.UUID] = set()
    try:
        for buyer in buyers:
            with override(buyer.asked.language):
                drafts.append(_draft(buyer, rules))
        _write_each(drafts, written)
    finally:
        for buyer, draft in zip(buyers, drafts, strict=False):
            if draft.quote.pk in written:
                buyer.answer = draft.quote
        if unwritten := _left_of(buyers):
            let_go(
                [one for buyer in unwritten for one in buyer.kept.values()],
                now=max(buyer.asked.now for buyer in unwritten),
            )
    # The same page was opened twice at once; the other one's quote is as good.
    for buyer, first in _first_ones(unwritten):
        buyer.answer = first


def _write_each(drafts: Sequence[Draft], written: set[uuid.UUID]) -> None:
    """Write what can be written; where one is in the way of the others, each alone."""
    try:
        written |= quote_statements.write(drafts) if drafts else set()
    except IntegrityError:
        for draft in drafts if len(drafts) > 1 else ():
            _write_each([draft], written)


def _draft(buyer: _Buyer, rules: Rules) -> Draft:
    """Make a quote of what is kept, at the prices of now."""
    asked, lines, kept = buyer.asked, buyer.basket.lines, buyer.kept
    deals = rules.deals_of(now=asked.now)
    ends = [one.expires_at for one in kept.values() if one.expires_at is not None]
    quote = Quote(
        buyer_id=asked.user_id,
        cart_version=buyer.version,
        country=buyer.country,
        currency=lines[0].sku.currency,
        created_at=asked.now,
        expires_at=min(ends, default=asked.now + timedelta(seconds=settings.HOLD_SECONDS)),
    )
    promised = []
    for line in lines:
        deal = deals.get(line.sku_id)
        full = line.sku.price_minor
        promised.append(
            QuoteLine(
                quote_id=quote.pk,
                sku_id=line.sku_id,
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
    to_be_priced = [
        to_price(number, line.sku.product, one)
        for number, (line, one) in enumerate(zip(lines, promised, strict=True))
    ]
    # A voucher of the quote before may leave nothing to pay now: then it goes without any.
    for codes in (buyer.chosen.codes, ()):
        priced = rules.price(
            lines=to_be_priced,
            country=quote.country,
            choices=buyer.chosen.choices,
            codes=codes,
            buyer_id=asked.user_id,
            now=asked.now,
        )
        if priced.total_minor:
            break
    set_amounts(promised, priced)
    shipments, vouchers = promise(quote, promised, priced)
    return Draft(quote, promised, shipments, vouchers)
