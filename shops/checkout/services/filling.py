"""Put units into the carts of any number of owners, in one transaction.

Who is refused is nothing to the others: nothing of theirs is written, and they get the refusal. One
owner's second wish is looked at with the first one done.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, override

from shops.catalog.models import Sku
from shops.checkout import cart_statements
from shops.checkout.cart_statements import Line, OpenCart, Shelf
from shops.checkout.events import CartChanged
from shops.checkout.models import Cart, CartLine
from shops.checkout.owner import CartOwner
from shops.checkout.policies import policy_of
from shops.checkout.services.limits import refuse_over, units_bought
from shops.facts.batching import Busy
from shops.facts.publishing import publish_behind
from shops.facts.refused import NotFound, Refused
from shops.stock.services import BadQuantity, OutOfStock

MOST_PER_LINE: Final = 99
MOST_LINES: Final = 100
# "No more than 99" is a check of the database, too; the referral's length is the column's.
REFERRAL_LENGTH: Final = 255
# An owner's first cart is made by two at once; each try finds at least one of them.
_TRIES: Final = 4


class NotForSale(Refused):
    code = "not_for_sale"
    message = _("This product is no longer sold.")


class OtherCurrency(Refused):
    code = "other_currency"
    message = _("Your cart is in another currency. Order what is in it first.")


class CartFull(Refused):
    code = "cart_full"
    message = _("Your cart is full. Order what is in it first.")


class ToPut(NamedTuple):
    """What is put into whose cart, when, and in whose language it is answered."""

    owner: CartOwner
    sku_id: int
    quantity: int
    referral: str
    is_top_up: bool
    now: datetime
    language: str | None


class Put(NamedTuple):
    """A line as it is now, with its cart, and how many units were in it before."""

    line: CartLine
    before: int


class _MadeMeanwhile(Exception):
    """Somebody else has made a cart that we were about to make."""


Then = Callable[[Sequence[Put | Refused]], None]


def put_each(
    asks: Sequence[ToPut],
    answers: list[Put | Refused],
    *,
    then: Then | None = None,
) -> None:
    """Put into each cart what is asked for; the answers are in the order of the asks.

    As long as there are no answers, nothing is committed. `then` gets them after the commit, before
    anything else that waits for it.

    :raises Busy: others make the same carts again and again
    """
    for _try in range(_TRIES):
        try:
            with transaction.atomic():
                if then is not None:
                    transaction.on_commit(partial(then, answers))
                answers += _put_all(asks)
        except _MadeMeanwhile:
            continue
        return
    raise Busy


def _put_all(asks: Sequence[ToPut]) -> list[Put | Refused]:
    times = [ask.now for ask in asks]
    owners = {ask.owner.room: ask.owner for ask in asks}
    carts, shelf = cart_statements.lock(
        owners.values(),
        sku_ids={ask.sku_id for ask in asks},
        first=min(times),
        last=max(times),
    )
    rules = _Rules(asks, shelf)
    granted: list[_Granted | Refused] = []
    for ask in asks:
        try:
            with override(ask.language):
                granted.append(_put(ask, carts[ask.owner.room], rules))
        except Refused as refused:
            granted.append(refused)
    _write(granted)
    return [one if isinstance(one, Refused) else one.told() for one in granted]


class _Granted(NamedTuple):
    """What is put into a cart; the cart may be changed again by the next one."""

    cart: OpenCart
    sku: Sku
    line: Line
    version: int
    units: int
    before: int
    at: datetime

    def told(self) -> Put:
        """Make the answer, when all is written."""
        owner = self.cart.owner
        cart = Cart(
            id=self.cart.pk,
            user_id=owner.user_id,
            token=owner.token,
            version=self.version,
            updated_at=self.at,
        )
        cart.counted = self.units
        line = CartLine(
            id=self.cart.lines[self.sku.pk].pk,
            cart=cart,
            sku=self.sku,
            quantity=self.line.quantity,
            referral=self.line.referral,
            seen_price_minor=self.line.seen_price_minor,
            added_at=self.line.added_at,
            hold_id=self.line.hold_id,
        )
        return Put(line, self.before)


class _Rules:
    """What may be put into carts, and at which price."""

    def __init__(self, asks: Sequence[ToPut], shelf: Shelf) -> None:
        self._asks = asks
        self._shelf = shelf
        self._left: Mapping[str, Mapping[int, int]] | None = None
        self._most = {
            sku.product_id: most
            for sku in shelf.skus.values()
            if (most := policy_of(sku.product).most_per_buyer) is not None
        }
        buyers = {ask.owner.user_id for ask in asks if ask.owner.user_id is not None}
        self._bought: Mapping[tuple[int, int], int] = {}
        if self._most and buyers:
            self._bought = units_bought(buyer_ids=buyers, product_ids=self._most)

    def sku(self, sku_id: int) -> Sku:
        return sold(self._shelf.skus.get(sku_id), sku_id)

    def price_minor(self, sku: Sku, *, now: datetime) -> int:
        prices = [
            deal.price_minor
            for deal in self._shelf.deals
            if deal.sku_id == sku.pk and deal.starts_at <= now < deal.ends_at
        ]
        return min([sku.price_minor, *prices])

    def check_left(self, owner: CartOwner, *, sku_id: int, wanted: int) -> None:
        if wanted <= self._shelf.free[sku_id]:
            return
        if self._left is None:
            # What is kept for somebody is asked for only where it matters.
            owners = {ask.owner.room: ask.owner for ask in self._asks}
            self._left = cart_statements.units_left(owners.values(), sku_ids=self._shelf.skus)
        check_left(self._left[owner.room][sku_id], sku_id=sku_id, wanted=wanted)

    def check_limit(self, owner: CartOwner, *, product_id: int, lines: Collection[Line]) -> None:
        """Say early what would be refused at checkout, counting all variants of a product."""
        if product_id in self._most:
            units = sum(line.quantity for line in lines if line.product_id == product_id)
            refuse_over(
                wanted={product_id: units},
                most=self._most,
                bought=self._bought,
                buyer_id=owner.user_id,
            )


def _put(ask: ToPut, cart: OpenCart, rules: _Rules) -> _Granted:
    """Put into an open cart what is asked for; what is refused changes nothing."""
    sku = rules.sku(ask.sku_id)
    if any(line.currency != sku.currency for line in cart.lines.values()):
        raise OtherCurrency
    old = cart.lines.get(sku.pk)
    if old is None and len(cart.lines) >= MOST_LINES:
        raise CartFull
    before = old.quantity if old else 0
    units = max(before, ask.quantity) if ask.is_top_up else before + ask.quantity
    if units > MOST_PER_LINE:
        raise BadQuantity
    rules.check_left(ask.owner, sku_id=sku.pk, wanted=units)
    line = Line(
        pk=old.pk if old else None,
        sku_id=sku.pk,
        product_id=sku.product_id,
        currency=sku.currency,
        quantity=units,
        referral=ask.referral[:REFERRAL_LENGTH] or (old.referral if old else ""),
        seen_price_minor=rules.price_minor(sku, now=ask.now),
        added_at=old.added_at if old else ask.now,
        hold_id=old.hold_id if old else None,
    )
    lines = {**cart.lines, sku.pk: line}
    rules.check_limit(ask.owner, product_id=sku.product_id, lines=lines.values())
    cart.lines = lines
    cart.changed.add(sku.pk)
    cart.version += 1
    cart.updated_at = ask.now
    return _Granted(cart, sku, line, cart.version, cart.units, before, ask.now)


def _write(granted: Sequence[_Granted | Refused]) -> None:
    """Write the carts that are changed, and the fact of each change."""
    changes = [one for one in granted if not isinstance(one, Refused)]
    if not changes:
        return
    carts = list({one.cart.owner.room: one.cart for one in changes}.values())
    facts = [
        CartChanged(room=one.cart.owner.room, version=one.version, units=one.units)
        for one in changes
    ]
    rows = publish_behind(cart_statements.writing(carts), facts)
    if not cart_statements.note_written(carts, *rows):
        raise _MadeMeanwhile


def sold(sku: Sku | None, sku_id: int) -> Sku:
    """Make sure that there is a SKU, and that it is sold.

    :raises NotFound: there is none
    :raises NotForSale: it, its product or its shop is not active
    """
    if sku is None:
        raise NotFound
    if not (sku.is_active and sku.product.is_active and sku.product.shop.is_active):
        raise NotForSale(sku_id=sku_id)
    return sku


def check_left(left: int, *, sku_id: int, wanted: int) -> None:
    """Say early what would be refused at checkout; the hold is what guards.

    :raises OutOfStock: fewer are left than are wanted
    """
    if left <= 0:
        raise OutOfStock(_("This is sold out."), sku_id=sku_id, left=0)
    if wanted > left:
        text = ngettext("Only %(left)d is left.", "Only %(left)d are left.", left)
        raise OutOfStock(text % {"left": left}, sku_id=sku_id, left=left)
