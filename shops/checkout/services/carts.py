"""Change carts. Every change takes the cart's row and raises its version."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q, Sum
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Sku
from shops.checkout import cart_statements
from shops.checkout.events import CartChanged
from shops.checkout.models import Cart, CartLine, Quote
from shops.checkout.owner import CartOwner
from shops.checkout.policies import keeps_in_cart, policy_of
from shops.checkout.queries import cart_of, units_left
from shops.checkout.services.filling import (
    MOST_PER_LINE,
    Put,
    ToPut,
    check_left,
    put_each,
    sold,
)
from shops.checkout.services.keeping import drop_cart_hold, fit_cart_hold, live_holds
from shops.checkout.services.limits import check_limits
from shops.facts.batching import Batcher, Heat, Unavailable, together
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.stock import services as stock
from shops.stock.services import BadQuantity

_POLICY: Final = ("sku__product__reservation_policy",)


class CartMoved(Refused):
    """`extra`: the cart's `version` now."""

    code = "cart_changed"
    message = _("Your cart was changed in another tab. This is how it is now.")


def add_to_cart(
    *,
    owner: CartOwner,
    sku_id: int,
    quantity: int,
    referral: str = "",
    is_top_up: bool = False,
    now: datetime,
) -> CartLine:
    """Put units of a SKU into a cart, on top of those that are in it; a top-up counts them in.

    The last referral that is not empty earns the sale. Units of a product that is kept from the
    cart on are held; call it outside a transaction, as for all holds. Many owners at once share
    their transactions.

    :raises BadQuantity: the quantity is not 1 to 99
    :raises NotForSale: the product, the variant or its shop is not active
    :raises LimitReached: one buyer may not have that many
    :raises OutOfStock: fewer units are left than would be in the cart
    :raises OtherCurrency: the cart holds another currency
    :raises CartFull: it has as many lines as it can have
    :raises Busy, Unavailable: too many fill their carts at once, or the database does not answer
    """
    if not 1 <= quantity <= MOST_PER_LINE:
        raise BadQuantity
    line, before = together(
        ToPut(owner, sku_id, quantity, referral, is_top_up, now, get_language()),
        batcher=batcher,
        heat=heat,
        keys=["carts"],
        alone=_put_alone,
    )
    try:
        fit_cart_hold(line, buyer_id=owner.user_id, now=now)
    except Refused:
        _put_back(owner=owner, line=line, quantity=before, now=now)
        raise
    return line


def _put_alone(ask: ToPut) -> Put:
    answers: list[Put | Refused] = []
    put_each([ask], answers)
    [answer] = answers
    if isinstance(answer, Refused):
        raise answer
    return answer


def _take(asks: Sequence[ToPut], then: Callable[[Sequence[Put | Refused]], None]) -> None:
    answers: list[Put | Refused] = []
    try:
        put_each(asks, answers, then=then)
    except (OperationalError, InterfaceError):
        if not answers:
            raise
        # It may be committed. To be asked again could put it in twice, so nobody is.
        connection.close()
        then([Unavailable() for _ask in asks])


batcher: Batcher[ToPut, Put] = Batcher(_take, name="cart-batcher")
heat = Heat()


def set_quantity(
    *, owner: CartOwner, sku_id: int, quantity: int, version: int, now: datetime
) -> CartLine:
    """Set the units of a line, 0 takes it out; returns the line as it was before.

    What the cart keeps of it is made to fit; call it outside a transaction, as for all holds.

    :raises CartMoved: `version` is not the cart's: it was changed meanwhile
    :raises BadQuantity: the quantity is not 0 to 99
    :raises LimitReached: one buyer may not have that many
    :raises OutOfStock: more units are asked for than are left
    """
    if not 0 <= quantity <= MOST_PER_LINE:
        raise BadQuantity(_("The quantity must be a whole number from 0 to 99."))
    line = _set(owner=owner, sku_id=sku_id, quantity=quantity, version=version, now=now)
    before = line.quantity
    if quantity == 0:
        drop_cart_hold(line.hold_id, now=now)
    elif quantity != before:
        line.quantity = quantity
        try:
            fit_cart_hold(line, buyer_id=owner.user_id, now=now)
        except Refused:
            _put_back(owner=owner, line=line, quantity=before, now=now)
            raise
        line.quantity = before
    return line


@transaction.atomic
def _set(*, owner: CartOwner, sku_id: int, quantity: int, version: int, now: datetime) -> CartLine:
    cart = cart_statements.lock_cart(owner, now=now)
    if cart.version != version:
        raise CartMoved(version=cart.version)
    # Under its lock: what keeps it is noted without the cart's, and must not be lost with it.
    lines = cart.lines.select_related(*_POLICY).select_for_update(of=["self"])
    line = lines.filter(sku_id=sku_id).first()
    if line is None:
        raise NotFound
    if quantity > line.quantity:
        sku = _for_sale(sku_id)
        left = units_left(owner=owner, sku_ids=[sku_id])
        check_left(left.get(sku_id, 0), sku_id=sku_id, wanted=quantity)
        _check_limit(cart, sku, wanted=quantity)
    if quantity == 0:
        CartLine.objects.filter(pk=line.pk).delete()
    else:
        CartLine.objects.filter(pk=line.pk).update(quantity=quantity)
    line.cart = _changed(cart, owner=owner, now=now)
    return line


@transaction.atomic
def _put_back(*, owner: CartOwner, line: CartLine, quantity: int, now: datetime) -> None:
    """Undo a change of a line whose units could not be kept, unless the cart has moved on."""
    cart = cart_statements.lock_cart(owner, now=now)
    if cart.version != line.cart.version:
        return
    if quantity:
        CartLine.objects.filter(pk=line.pk).update(quantity=quantity)
    elif not CartLine.objects.filter(pk=line.pk, hold_id=line.hold_id).delete()[0]:
        # Another tab has kept its units meanwhile.
        return
    _changed(cart, owner=owner, now=now)


def keep_cart(*, owner: CartOwner, now: datetime) -> None:
    """Keep for longer what a cart keeps, up to the hard cap, or anew what it keeps no longer.

    :raises OutOfStock: somebody else has got it meanwhile
    :raises NoMoreTime: it is kept as long as it may be already
    """
    cart = cart_of(owner=owner)
    if cart is None:
        return
    lines = [
        line for line in cart.lines.select_related(*_POLICY) if keeps_in_cart(line.sku.product)
    ]
    alive = live_holds(hold_ids=[line.hold_id for line in lines if line.hold_id])
    if alive:
        until = min(one.expires_at for one in stock.extend(hold_ids=list(alive), now=now))
        told = Quote.objects.filter(state=Quote.State.OPEN, lines__hold_id__in=list(alive))
        for quote in told.distinct():
            own = live_holds(hold_ids=list(quote.lines.values_list("hold_id", flat=True)))
            ends = min((one.expires_at for one in own.values()), default=until)
            Quote.objects.filter(pk=quote.pk).update(expires_at=ends)
    for line in lines:
        if line.hold_id not in alive:
            fit_cart_hold(line, buyer_id=owner.user_id, now=now)


def merge_carts(*, token: uuid.UUID, user_id: int, now: datetime) -> None:
    """Move what a browser's cart holds into its user's, at most what is left or 99 of each.

    Nothing that the user had put in becomes less. What the browser's cart kept goes along.
    """
    owner = CartOwner(user_id=user_id)
    for hold_id in _merge(token=token, user_id=user_id, now=now):
        drop_cart_hold(hold_id, now=now)
    cart = cart_of(owner=owner)
    if cart is None:
        return
    for line in cart.lines.select_related(*_POLICY).exclude(hold_id=None):
        # A line whose units can't all be kept is told of at checkout.
        with suppress(Refused):
            fit_cart_hold(line, buyer_id=user_id, now=now)


@transaction.atomic
def _merge(*, token: uuid.UUID, user_id: int, now: datetime) -> list[uuid.UUID]:
    """Move the lines; returns the holds that are left over."""
    mine = CartOwner(user_id=user_id)
    # Both in the order of their ids, as all who take several.
    both = Cart.objects.select_for_update().filter(Q(token=token) | Q(user=user_id))
    theirs = next((cart for cart in both.order_by("pk") if cart.user_id is None), None)
    if theirs is None:
        return []
    # Under their locks: what keeps one is noted without the cart's, and must not be lost with it.
    brought = list(theirs.lines.select_for_update().order_by("sku_id"))
    over = []
    if brought:
        cart = cart_statements.lock_cart(mine, now=now)
        left = units_left(owner=mine, sku_ids=[line.sku_id for line in brought])
        had = {line.sku_id: line for line in cart.lines.select_for_update().order_by("sku_id")}
        for line in brought:
            old = had.get(line.sku_id)
            before = old.quantity if old else 0
            most = max(left.get(line.sku_id, 0), before, 1)
            units = min(before + line.quantity, most, MOST_PER_LINE)
            if line.hold_id:
                # It can stand on one line only.
                CartLine.objects.filter(pk=line.pk).update(hold_id=None)
            if old and old.hold_id and line.hold_id:
                over.append(line.hold_id)
            CartLine.objects.update_or_create(
                cart=cart,
                sku_id=line.sku_id,
                defaults={
                    "quantity": units,
                    "referral": line.referral or (old.referral if old else ""),
                    "seen_price_minor": line.seen_price_minor,
                    "hold_id": (old.hold_id if old else None) or line.hold_id,
                },
                create_defaults={
                    "quantity": units,
                    "referral": line.referral,
                    "seen_price_minor": line.seen_price_minor,
                    "added_at": line.added_at,
                    "hold_id": line.hold_id,
                },
            )
        _changed(cart, owner=mine, now=now)
    theirs.delete()
    return over


def changed_carts(rows: Iterable[tuple[int, int, int]]) -> list[CartChanged]:
    """Tell what has happened by `statements.taking_out`."""
    return [
        CartChanged(room=CartOwner(user_id=user_id).room, version=version, units=units)
        for user_id, version, units in rows
    ]


def take_out_referred(*, referral_prefix: str, now: datetime) -> None:
    """Take what was put in under referrals with this beginning out of everybody's carts."""
    for hold_id in _take_out_referred(referral_prefix=referral_prefix, now=now):
        drop_cart_hold(hold_id, now=now)


@transaction.atomic
def _take_out_referred(*, referral_prefix: str, now: datetime) -> list[uuid.UUID]:
    """Take the lines out; returns what kept them."""
    lines = CartLine.objects.filter(referral__startswith=referral_prefix)
    carts = Cart.objects.select_for_update().filter(pk__in=lines.values("cart_id"))
    over = []
    for cart in carts.order_by("pk"):
        referred = cart.lines.filter(referral__startswith=referral_prefix).order_by("sku_id")
        # Under their locks, as `_merge`.
        over += [one.hold_id for one in referred.select_for_update() if one.hold_id]
        referred.delete()
        _changed(cart, owner=CartOwner(user_id=cart.user_id, token=cart.token), now=now)
    return over


def _changed(cart: Cart, *, owner: CartOwner, now: datetime) -> Cart:
    cart.version += 1
    cart.updated_at = now
    cart.counted = cart_statements.note_change(cart)
    publish(CartChanged(room=owner.room, version=cart.version, units=cart.counted))
    return cart


def _for_sale(sku_id: int) -> Sku:
    return sold(cart_statements.sku_of(sku_id), sku_id)


def _check_limit(cart: Cart, sku: Sku, *, wanted: int) -> None:
    """Say early what would be refused at checkout, counting the product's other variants."""
    most = policy_of(sku.product).most_per_buyer
    if most is None:
        return
    others = cart.lines.filter(sku__product=sku.product_id).exclude(sku=sku)
    units = others.aggregate(units=Sum("quantity"))["units"] or 0
    check_limits(
        wanted={sku.product_id: wanted + units},
        most={sku.product_id: most},
        buyer_id=cart.user_id,
    )
