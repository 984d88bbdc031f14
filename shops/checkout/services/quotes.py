"""Quotes: prices that are honoured and stock that is kept until a time."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from django.db.models.functions import Now
from django.utils.translation import get_language

from shops.checkout.models import Quote
from shops.checkout.owner import CartOwner
from shops.checkout.services.keeping import close
from shops.checkout.services.starting import Asked, start_quotes
from shops.facts.batching import Batcher, Heat, together
from shops.facts.refused import NotAllowed, NotFound, Refused
from shops.stock import services as stock

# So many are done in a few dozen milliseconds, which is what the next ones wait.
_AT_MOST: Final = 100


def _take(asks: Sequence[Asked], then: Callable[[Sequence[Quote | Refused]], None]) -> None:
    then(start_quotes(asks))


batcher: Batcher[Asked, Quote] = Batcher(_take, name="quote-batcher", at_most=_AT_MOST)
heat = Heat()


def start_quote(
    *, owner: CartOwner, country: str = "", is_shown: bool = False, now: datetime
) -> Quote:
    """Promise a user the cart as it is now: today's prices, and its stock kept for them.

    An unchanged cart gets the quote that it had, while its stock is kept. A changed one gets a new
    quote, and what the old one kept is let go first; what was chosen in it (country, shipping,
    vouchers) is chosen in the new one. Call it outside a transaction: the stock is held in one of
    its own, so that a SKU's row is locked for as short as possible. Who dies in between leaves a
    hold that runs out by itself. Many buyers at once share their transactions.

    :param country: where it goes to; else to the buyer's first address, else the shop's country
    :param is_shown: it is shown next, so what that needs is read for all of them together
    :raises EmptyCart: there is nothing to buy
    :raises NotForSale: a product in it is no longer sold
    :raises LimitReached: it is more of a product than one buyer may have
    :raises ShortOfStock: not all units are left; nothing is kept then
    :raises OtherCurrency: it holds two currencies
    :raises CartMoved: it was changed in this very moment
    :raises Busy: more want one than we can serve
    """
    if owner.user_id is None:
        raise NotAllowed
    return together(
        Asked(owner.user_id, country, now, get_language(), is_shown),
        batcher=batcher,
        heat=heat,
        keys=["quotes"],
        alone=_alone,
    )


def _alone(asked: Asked) -> Quote:
    [answer] = start_quotes([asked])
    if isinstance(answer, Refused):
        raise answer
    return answer


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
