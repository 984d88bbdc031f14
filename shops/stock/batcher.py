"""Reservations of one process, many together: under a flash sale one row's lock is what all want.

A SKU that many requests of this process want at once is hot (`shops.facts.batching`), and up to 200
of them take its lock once. What is asked for again by the same ids is harmless: a hold that exists
is found, not made again. The commit waits for the disk (`synchronous_commit` is on): a hold is a
promise, and one fsync for two hundred of them costs next to nothing.
"""

from collections.abc import Callable, Sequence

from django.utils.translation import gettext_lazy as _

from shops.facts import batching
from shops.facts.batching import Batcher, Heat
from shops.facts.refused import Refused
from shops.stock.reserving import Answer, Ask, Kept, reserve
from shops.stock.telling import teller


class Busy(batching.Busy):
    code = "stock_busy"
    message = _("More people want this at once than we can serve. Try again in a moment.")


class Unavailable(batching.Unavailable):
    """Nothing is known to be kept; the same ids may be asked for again."""

    code = "stock_unavailable"
    message = _("We can't keep goods for you at the moment. Try again.")


def _reserve_now(asks: Sequence[Ask], then: Callable[[Sequence[Answer]], None]) -> None:
    reserve(asks, then=then, show=teller.tell)


batcher: Batcher[Ask, list[Kept]] = Batcher(
    _reserve_now, name="stock-batcher", busy=Busy, unavailable=Unavailable
)
heat = Heat()


def keep(ask: Ask) -> list[Kept]:
    """Keep units on the quickest way: by itself, or with many others who want the same.

    In a transaction it is always by itself: the caller decides what becomes of that.

    :raises Busy: too many requests wait
    :raises Refused: the answer is no
    """
    return batching.together(
        ask,
        batcher=batcher,
        heat=heat,
        keys={one.sku_id for one in ask.wanted},
        alone=_alone,
    )


def _alone(ask: Ask) -> list[Kept]:
    [answer] = reserve([ask])
    if isinstance(answer, Refused):
        raise answer
    return answer
