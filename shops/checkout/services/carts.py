"""Change carts. Every change takes the cart's row and raises its version."""

import uuid
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from shops.catalog.models import Sku
from shops.checkout.events import CartChanged
from shops.checkout.models import Cart, CartLine
from shops.checkout.owner import CartOwner
from shops.checkout.queries import units_left
from shops.facts.publishing import publish
from shops.facts.refused import NotFound, Refused
from shops.stock.services import BadQuantity, OutOfStock

MOST_PER_LINE: Final = 99
# "No more than 99" is a check of the database, too; the referral's length is the column's.
REFERRAL_LENGTH: Final = 255


class NotForSale(Refused):
    code = "not_for_sale"
    message = _("This product is no longer sold.")


class OtherCurrency(Refused):
    code = "other_currency"
    message = _("Your cart is in another currency. Order what is in it first.")


class CartMoved(Refused):
    """`extra`: the cart's `version` now."""

    code = "cart_changed"
    message = _("Your cart was changed in another tab. This is how it is now.")


@transaction.atomic
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

    The last referral that is not empty earns the sale.

    :raises BadQuantity: the quantity is not 1 to 99
    :raises NotForSale: the product, the variant or its shop is not active
    :raises OutOfStock: fewer units are left than would be in the cart
    :raises OtherCurrency: the cart holds another currency
    """
    if not 1 <= quantity <= MOST_PER_LINE:
        raise BadQuantity
    sku = _for_sale(sku_id)
    cart = _lock(owner, now=now)
    if cart.lines.exclude(sku__currency=sku.currency).exists():
        raise OtherCurrency
    line = cart.lines.filter(sku=sku).first() or CartLine(cart=cart, sku=sku, quantity=0)
    line.quantity = max(line.quantity, quantity) if is_top_up else line.quantity + quantity
    if line.quantity > MOST_PER_LINE:
        raise BadQuantity
    _check_left(owner, sku_id=sku.pk, wanted=line.quantity)
    line.referral = referral[:REFERRAL_LENGTH] or line.referral
    line.seen_price_minor = sku.price_minor
    line.added_at = line.added_at or now
    line.save()
    line.cart = _changed(cart, owner=owner, now=now)
    return line


@transaction.atomic
def set_quantity(
    *, owner: CartOwner, sku_id: int, quantity: int, version: int, now: datetime
) -> CartLine:
    """Set the units of a line, 0 takes it out; returns the line as it was before.

    :raises CartMoved: `version` is not the cart's: it was changed meanwhile
    :raises BadQuantity: the quantity is not 0 to 99
    :raises OutOfStock: more units are asked for than are left
    """
    if not 0 <= quantity <= MOST_PER_LINE:
        raise BadQuantity(_("The quantity must be a whole number from 0 to 99."))
    cart = _lock(owner, now=now)
    if cart.version != version:
        raise CartMoved(version=cart.version)
    line = cart.lines.select_related("sku__product").filter(sku_id=sku_id).first()
    if line is None:
        raise NotFound
    if quantity > line.quantity:
        _for_sale(sku_id)
        _check_left(owner, sku_id=sku_id, wanted=quantity)
    if quantity == 0:
        CartLine.objects.filter(pk=line.pk).delete()
    else:
        CartLine.objects.filter(pk=line.pk).update(quantity=quantity)
    line.cart = _changed(cart, owner=owner, now=now)
    return line


@transaction.atomic
def merge_carts(*, token: uuid.UUID, user_id: int, now: datetime) -> None:
    """Move what a browser's cart holds into its user's, at most what is left or 99 of each.

    Nothing that the user had put in becomes less.
    """
    mine = CartOwner(user_id=user_id)
    theirs = Cart.objects.select_for_update().filter(token=token).first()
    if theirs is None:
        return
    brought = list(theirs.lines.order_by("sku_id"))
    if brought:
        cart = _lock(mine, now=now)
        left = units_left(owner=mine, sku_ids=[line.sku_id for line in brought])
        had = {line.sku_id: line for line in cart.lines.all()}
        for line in brought:
            old = had.get(line.sku_id)
            before = old.quantity if old else 0
            most = max(left.get(line.sku_id, 0), before, 1)
            units = min(before + line.quantity, most, MOST_PER_LINE)
            CartLine.objects.update_or_create(
                cart=cart,
                sku_id=line.sku_id,
                defaults={
                    "quantity": units,
                    "referral": line.referral or (old.referral if old else ""),
                    "seen_price_minor": line.seen_price_minor,
                },
                create_defaults={
                    "quantity": units,
                    "referral": line.referral,
                    "seen_price_minor": line.seen_price_minor,
                    "added_at": line.added_at,
                },
            )
        _changed(cart, owner=mine, now=now)
    theirs.delete()


def take_out(*, user_id: int, ordered: dict[int, int], now: datetime) -> None:
    """Take ordered units (SKU id → units) out of a user's cart; call it in a transaction."""
    owner = CartOwner(user_id=user_id)
    cart = _lock(owner, now=now)
    for line in cart.lines.filter(sku_id__in=ordered):
        more = line.quantity - ordered[line.sku_id]
        if more > 0:
            CartLine.objects.filter(pk=line.pk).update(quantity=more)
        else:
            CartLine.objects.filter(pk=line.pk).delete()
    _changed(cart, owner=owner, now=now)


@transaction.atomic
def take_out_referred(*, referral_prefix: str, now: datetime) -> None:
    """Take what was put in under referrals with this beginning out of everybody's carts."""
    lines = CartLine.objects.filter(referral__startswith=referral_prefix)
    carts = Cart.objects.select_for_update().filter(pk__in=lines.values("cart_id"))
    for cart in carts.order_by("pk"):
        cart.lines.filter(referral__startswith=referral_prefix).delete()
        _changed(cart, owner=CartOwner(user_id=cart.user_id, token=cart.token), now=now)


def _lock(owner: CartOwner, *, now: datetime) -> Cart:
    who = {"user_id": owner.user_id} if owner.user_id is not None else {"token": owner.token}
    carts = Cart.objects.select_for_update().filter(**who)
    found = carts.first()
    if found is None:
        Cart.objects.bulk_create([Cart(**who, updated_at=now)], ignore_conflicts=True)
        found = carts.get()
    return found


def _changed(cart: Cart, *, owner: CartOwner, now: datetime) -> Cart:
    cart.version += 1
    cart.updated_at = now
    cart.save(update_fields=["version", "updated_at"])
    units = cart.lines.aggregate(units=Sum("quantity"))["units"] or 0
    publish(CartChanged(room=owner.room, version=cart.version, units=units))
    return cart


def _for_sale(sku_id: int) -> Sku:
    sku = Sku.objects.select_related("product__shop").filter(pk=sku_id).first()
    if sku is None:
        raise NotFound
    if not (sku.is_active and sku.product.is_active and sku.product.shop.is_active):
        raise NotForSale(sku_id=sku_id)
    return sku


def _check_left(owner: CartOwner, *, sku_id: int, wanted: int) -> None:
    """Say early what would be refused at checkout; the hold is what guards."""
    left = units_left(owner=owner, sku_ids=[sku_id]).get(sku_id, 0)
    if left <= 0:
        raise OutOfStock(_("This is sold out."), sku_id=sku_id, left=0)
    if wanted > left:
        text = ngettext("Only %(left)d is left.", "Only %(left)d are left.", left)
        raise OutOfStock(text % {"left": left}, sku_id=sku_id, left=left)
