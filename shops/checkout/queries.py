"""Reads of carts and quotes."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import Prefetch, Q, Sum
from django.db.models.functions import Now

from shops.accounts.models import Address
from shops.accounts.queries import ADDRESSES_TO_CHOOSE
from shops.catalog.models import Product, ProductImage, Sku
from shops.checkout import cart_statements
from shops.checkout.models import Cart, CartLine, Quote
from shops.checkout.owner import CartOwner
from shops.checkout.policies import keeps_in_cart, keeps_nothing, policy_of
from shops.facts.refused import NotFound
from shops.facts.rows import ask, ask_each, columns, models
from shops.pricing.calculation import Priced
from shops.pricing.models import Deal
from shops.pricing.queries import deals_of
from shops.pricing.services import ToPrice, price_cart
from shops.stock.models import Hold, HoldState


@dataclass(frozen=True)
class ShownLine:
    """A cart line as people see it: today's price, and what stands in the way of buying."""

    sku: Sku
    quantity: int
    seen_price_minor: int
    left: int
    deal: Deal | None = None
    kept_until: datetime | None = None

    @property
    def unit_minor(self) -> int:
        """Return the price now: the deal's where one runs."""
        full = self.sku.price_minor
        return min(self.deal.price_minor, full) if self.deal else full

    @property
    def was_minor(self) -> int | None:
        """Return the price that the one now is lower than."""
        if self.unit_minor < self.sku.price_minor:
            return self.sku.price_minor
        return self.sku.compare_at_minor

    @property
    def is_kept_in_cart(self) -> bool:
        return keeps_in_cart(self.product)

    @property
    def is_first_paid(self) -> bool:
        return keeps_nothing(self.product)

    @property
    def most_per_buyer(self) -> int | None:
        return policy_of(self.product).most_per_buyer

    @property
    def product(self) -> Product:
        return self.sku.product

    @property
    def image(self) -> ProductImage | None:
        return next(iter(self.sku.product.images.all()), None)

    @property
    def total_minor(self) -> int:
        return self.quantity * self.unit_minor

    @property
    def list_total_minor(self) -> int:
        return self.quantity * max(self.unit_minor, self.sku.price_minor)

    @property
    def is_price_changed(self) -> bool:
        return self.seen_price_minor != self.unit_minor

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
    """`estimate` is the all-in price to `country`, where the cart has one currency."""

    version: int = 0
    lines: Sequence[ShownLine] = field(default_factory=list)
    country: str = ""
    estimate: Priced | None = None

    @property
    def kept_until(self) -> datetime | None:
        """Tell until when the cart keeps its units; None when nothing is kept from the cart on."""
        return min((one.kept_until for one in self.lines if one.kept_until), default=None)

    @property
    def has_lost_units(self) -> bool:
        """Tell whether something that a cart keeps is kept no longer."""
        return any(one.is_kept_in_cart and not one.kept_until for one in self.lines)

    @property
    def saved_minor(self) -> int:
        """Return what deals take off."""
        return sum(line.list_total_minor - line.total_minor for line in self.lines)

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


def shown_cart(*, owner: CartOwner, country: str = "", now: datetime) -> ShownCart:
    """Read a cart for its page, with an estimate of all that it costs; empty for who has none."""
    cart = cart_of(owner=owner)
    if cart is None:
        return ShownCart()
    rows = list(
        CartLine.objects.filter(cart=cart)
        .select_related("sku__product__shop", "sku__product__reservation_policy")
        .prefetch_related(images())
        .order_by("added_at", "pk")
    )
    sku_ids = [line.sku_id for line in rows]
    left = units_left(owner=owner, sku_ids=sku_ids)
    deals = deals_of(sku_ids=sku_ids, now=now)
    kept = Hold.objects.filter(
        pk__in=[line.hold_id for line in rows if line.hold_id],
        state=HoldState.HELD,
        expires_at__gt=Now(),
    )
    until = dict(kept.values_list("pk", "expires_at"))
    lines = [
        ShownLine(
            sku=line.sku,
            quantity=line.quantity,
            seen_price_minor=line.seen_price_minor,
            left=left.get(line.sku_id, 0),
            deal=deals.get(line.sku_id),
            kept_until=until.get(line.hold_id) if line.hold_id else None,
        )
        for line in rows
    ]
    goes_to = country or country_for(owner=owner, lines=lines)
    return ShownCart(
        version=cart.version,
        lines=lines,
        country=goes_to,
        estimate=_estimate(lines, country=goes_to, now=now),
    )


def cart_of_user(*, user_id: int, now: datetime) -> ShownCart:
    """Read a user's cart without what only its page shows (pictures, what is kept, an estimate)."""
    cart, lines, left, deals = cart_statements.cart_of_user(user_id=user_id, now=now)
    if cart is None:
        return ShownCart()
    return ShownCart(
        version=cart.version,
        lines=[
            ShownLine(
                sku=line.sku,
                quantity=line.quantity,
                seen_price_minor=line.seen_price_minor,
                left=left.get(line.sku_id, 0),
                deal=deals.get(line.sku_id),
            )
            for line in lines
        ],
    )


def country_for(*, owner: CartOwner, lines: Sequence[ShownLine]) -> str:
    """Guess where a cart goes to: to the buyer's first address, else to the shop's country."""
    if owner.user_id is not None:
        addresses = Address.objects.filter(user=owner.user_id).order_by("-is_default", "-pk")
        found = addresses.values_list("country", flat=True).first()
        if found:
            return found
    return lines[0].product.shop.country if lines else ""


def _estimate(lines: Sequence[ShownLine], *, country: str, now: datetime) -> Priced | None:
    if not lines or len({line.sku.currency for line in lines}) > 1:
        return None
    return price_cart(
        lines=[
            ToPrice(
                key=number,
                shop_id=line.product.shop_id,
                category_id=line.product.category_id,
                quantity=line.quantity,
                unit_minor=line.unit_minor,
            )
            for number, line in enumerate(lines)
        ],
        country=country,
        now=now,
    )


def unit_count(*, owner: CartOwner) -> int:
    """Count the units in an owner's cart."""
    return cart_statements.count_units(owner)


def units_left(*, owner: CartOwner, sku_ids: Sequence[int]) -> dict[int, int]:
    """Count by SKU what an owner can buy: what nobody keeps, and what is kept for them."""
    return cart_statements.units_left([owner], sku_ids=sku_ids)[owner.room]


def open_quote(*, buyer_id: int) -> Quote | None:
    return Quote.objects.filter(buyer_id=buyer_id, state=Quote.State.OPEN).first()


_QUOTE: Final = f"""
SELECT {columns(Quote, "q")} FROM checkout_quote q
WHERE q.id = %(quote)s::uuid AND q.buyer_id = %(buyer)s::bigint
"""  # noqa: S608  # columns of a model


def quote_to_place(*, quote_id: uuid.UUID, buyer_id: int) -> tuple[Quote, list[Address]]:
    """Find a quote, and the addresses that its buyer may choose of, in one trip."""
    quotes, addresses = ask_each(
        [
            (_QUOTE, {"quote": quote_id, "buyer": buyer_id}),
            (ADDRESSES_TO_CHOOSE, {"user": buyer_id}),
        ]
    )
    if not quotes:
        raise NotFound
    return models(Quote, quotes)[0], models(Address, addresses)


def quote_of(*, quote_id: uuid.UUID, buyer_id: int) -> Quote:
    """Find a quote; somebody else's does not exist."""
    [rows] = ask(_QUOTE, {"quote": quote_id, "buyer": buyer_id})
    if not rows:
        raise NotFound
    return models(Quote, rows)[0]


def images() -> "Prefetch[str]":
    """Load the pictures of lines' products with them, the first one first."""
    images = ProductImage.objects.order_by("position", "pk")
    return Prefetch("sku__product__images", images)
