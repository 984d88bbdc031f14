"""Reads of carts and quotes."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Prefetch, Q, Sum

from shops.catalog.models import Product, ProductImage, Sku
from shops.checkout.models import Cart, CartLine, Quote, QuoteLine
from shops.checkout.owner import CartOwner
from shops.facts.refused import NotFound
from shops.stock.models import EntryState, Hold, HoldState, WaitlistEntry
from shops.stock.queries import available


@dataclass(frozen=True)
class ShownLine:
    """A cart line as people see it: today's price, and what stands in the way of buying."""

    sku: Sku
    quantity: int
    seen_price_minor: int
    left: int

    @property
    def product(self) -> Product:
        return self.sku.product

    @property
    def image(self) -> ProductImage | None:
        return next(iter(self.sku.product.images.all()), None)

    @property
    def total_minor(self) -> int:
        return self.quantity * self.sku.price_minor

    @property
    def is_price_changed(self) -> bool:
        return self.seen_price_minor != self.sku.price_minor

    @property
    def is_for_sale(self) -> bool:
        product = self.sku.product
        return self.sku.is_active and product.is_active and product.shop.is_active

    @property
    def is_sold_out(self) -> bool:
        return self.left <= 0

    @property
    def is_short(self) -> bool:
        return 0 < self.left < self.quantity

    @property
    def is_fine(self) -> bool:
        return self.is_for_sale and self.quantity <= self.left


@dataclass(frozen=True)
class ShownCart:
    version: int = 0
    lines: Sequence[ShownLine] = field(default_factory=list)

    @property
    def units(self) -> int:
        return sum(line.quantity for line in self.lines)

    @property
    def currency(self) -> str:
        return self.lines[0].sku.currency if self.lines else ""

    @property
    def total_minor(self) -> int:
        return sum(line.total_minor for line in self.lines)

    @property
    def can_check_out(self) -> bool:
        return bool(self.lines) and all(line.is_fine for line in self.lines)


def cart_of(*, owner: CartOwner) -> Cart | None:
    if owner.user_id is not None:
        return Cart.objects.filter(user_id=owner.user_id).first()
    if owner.token is not None:
        return Cart.objects.filter(token=owner.token).first()
    return None


def carts_of(owners: Collection[CartOwner]) -> dict[CartOwner, tuple[int, int]]:
    """Find (version, units) of the carts of several owners; who has none is left out."""
    users = {owner.user_id for owner in owners if owner.user_id is not None}
    tokens = {owner.token for owner in owners if owner.user_id is None and owner.token}
    rows = (
        Cart.objects.filter(Q(user__in=users) | Q(token__in=tokens))
        .annotate(units=Sum("lines__quantity"))
        .values_list("user_id", "token", "version", "units")
    )
    return {
        CartOwner(user_id=user_id, token=token): (version, units or 0)
        for user_id, token, version, units in rows
    }


def shown_cart(*, owner: CartOwner) -> ShownCart:
    """Read a cart for its page; an empty one for who has none."""
    cart = cart_of(owner=owner)
    if cart is None:
        return ShownCart()
    lines = list(
        CartLine.objects.filter(cart=cart)
        .select_related("sku__product__shop")
        .prefetch_related(_images())
        .order_by("added_at", "pk")
    )
    left = units_left(owner=owner, sku_ids=[line.sku_id for line in lines])
    return ShownCart(
        version=cart.version,
        lines=[
            ShownLine(
                sku=line.sku,
                quantity=line.quantity,
                seen_price_minor=line.seen_price_minor,
                left=left.get(line.sku_id, 0),
            )
            for line in lines
        ],
    )


def unit_count(*, owner: CartOwner) -> int:
    """Count the units in an owner's cart."""
    cart = cart_of(owner=owner)
    if cart is None:
        return 0
    return cart.lines.aggregate(units=Sum("quantity"))["units"] or 0


def units_left(*, owner: CartOwner, sku_ids: Sequence[int]) -> dict[int, int]:
    """Count by SKU what an owner can buy: what nobody keeps, and what is kept for them."""
    left = available(sku_ids=sku_ids)
    mine = Q(pk__in=CartLine.objects.filter(**_line_of(owner)).values("hold_id"))
    if owner.user_id is not None:
        quoted = QuoteLine.objects.filter(
            quote__buyer_id=owner.user_id, quote__state=Quote.State.OPEN
        )
        offered = WaitlistEntry.objects.filter(user_id=owner.user_id, state=EntryState.OFFERED)
        mine |= Q(pk__in=quoted.values("hold_id")) | Q(pk__in=offered.values("hold_id"))
    kept = Hold.objects.filter(mine, state=HoldState.HELD, sku_id__in=list(sku_ids))
    for sku_id, quantity in kept.values_list("sku_id", "quantity"):
        left[sku_id] += quantity
    return left


def _line_of(owner: CartOwner) -> dict[str, Any]:
    if owner.user_id is not None:
        return {"cart__user_id": owner.user_id}
    return {"cart__token": owner.token, "cart__token__isnull": False}


def open_quote(*, buyer_id: int) -> Quote | None:
    return Quote.objects.filter(buyer_id=buyer_id, state=Quote.State.OPEN).first()


def quote_of(*, quote_id: uuid.UUID, buyer_id: int) -> Quote:
    """Find a quote; somebody else's does not exist."""
    quote = Quote.objects.filter(pk=quote_id, buyer_id=buyer_id).first()
    if quote is None:
        raise NotFound
    return quote


def quote_lines(*, quote: Quote) -> list[QuoteLine]:
    """List what a quote promises, with what its page shows of each SKU."""
    return list(
        quote.lines.select_related("sku__product__shop").prefetch_related(_images()).order_by("pk")
    )


def _images() -> "Prefetch[str]":
    images = ProductImage.objects.order_by("position", "pk")
    return Prefetch("sku__product__images", images)
