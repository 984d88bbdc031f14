"""What a cart costs, to the last minor unit: a pure function of its lines and the rules for them.

Rounding, everywhere: what is to be shared out is rounded once, half up, for a whole shop, and its
lines get their parts by largest remainder (Hamilton's method; the first of equals wins). So the
parts always add up to the whole, and nothing is taken or given twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

_WHOLE_BPS: Final = 10_000


@dataclass(frozen=True)
class Tax:
    """`bps` in basis points; inclusive when the price contains it already."""

    bps: int = 0
    is_inclusive: bool = True

    def of(self, minor: int) -> int:
        """Take the tax that is in (inclusive) or comes on top of (exclusive) an amount ≥ 0."""
        whole = _WHOLE_BPS + (self.bps if self.is_inclusive else 0)
        return (2 * minor * self.bps + whole) // (2 * whole)


@dataclass(frozen=True)
class Line:
    """Units of one SKU at the price that is asked; `key` is the caller's."""

    key: int
    shop_id: int
    quantity: int
    unit_minor: int
    tax: Tax = field(default_factory=Tax)

    @property
    def goods_minor(self) -> int:
        return self.quantity * self.unit_minor


@dataclass(frozen=True)
class Option:
    """A way to send a shop's goods to the buyer's country, and what it asks for it."""

    method_id: int | None
    name: str
    days_min: int
    days_max: int
    base_minor: int = 0
    per_item_minor: int = 0
    free_from_minor: int | None = None

    def cost(self, *, units: int, goods_minor: int) -> int:
        """Cost of sending units that are worth `goods_minor` after vouchers."""
        if self.free_from_minor is not None and goods_minor >= self.free_from_minor:
            return 0
        return self.base_minor + units * self.per_item_minor


@dataclass(frozen=True)
class Reduction:
    """A voucher of one shop: a share of its goods (`bps`) or an amount, at most all of it."""

    voucher_id: int
    shop_id: int
    code: str
    bps: int = 0
    amount_minor: int = 0

    def of(self, goods_minor: int) -> int:
        if self.bps:
            return (goods_minor * self.bps + _WHOLE_BPS // 2) // _WHOLE_BPS
        return min(self.amount_minor, goods_minor)


@dataclass(frozen=True)
class PricedLine:
    key: int
    goods_minor: int
    discount_minor: int
    tax_minor: int
    tax: Tax


@dataclass(frozen=True)
class PricedOption:
    option: Option
    amount_minor: int


@dataclass(frozen=True)
class PricedShipment:
    """`chosen` is None when the shop does not send there; `options` are all that it offers."""

    shop_id: int
    chosen: Option | None
    amount_minor: int
    tax_minor: int
    tax: Tax
    options: Sequence[PricedOption]

    @property
    def is_available(self) -> bool:
        return self.chosen is not None


@dataclass(frozen=True)
class PricedVoucher:
    reduction: Reduction
    discount_minor: int


@dataclass(frozen=True)
class Priced:
    """`tax_minor` is all taxes; `added_tax_minor` those of them that come on top."""

    lines: Sequence[PricedLine]
    shipments: Sequence[PricedShipment]
    vouchers: Sequence[PricedVoucher]

    @cached_property
    def goods_minor(self) -> int:
        return sum(line.goods_minor for line in self.lines)

    @cached_property
    def discount_minor(self) -> int:
        return sum(line.discount_minor for line in self.lines)

    @cached_property
    def shipping_minor(self) -> int:
        return sum(one.amount_minor for one in self.shipments)

    @cached_property
    def tax_minor(self) -> int:
        return sum(line.tax_minor for line in self.lines) + sum(
            one.tax_minor for one in self.shipments
        )

    @cached_property
    def added_tax_minor(self) -> int:
        return sum(line.tax_minor for line in self.lines if not line.tax.is_inclusive) + sum(
            one.tax_minor for one in self.shipments if not one.tax.is_inclusive
        )

    @cached_property
    def total_minor(self) -> int:
        return self.goods_minor - self.discount_minor + self.shipping_minor + self.added_tax_minor

    @cached_property
    def is_available(self) -> bool:
        """Tell whether every shop sends its goods there."""
        return all(one.is_available for one in self.shipments)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """Share `total` ≥ 0 out by weights ≥ 0, exactly, by largest remainder; all 0 gives all 0."""
    whole = sum(weights)
    if not whole:
        return [0 for _one in weights]
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts


def price(
    *,
    lines: Sequence[Line],
    options: Mapping[int, Sequence[Option]],
    choices: Mapping[int, int | None],
    reductions: Mapping[int, Reduction],
    shipping_tax: Tax,
) -> Priced:
    """Work out what everything costs.

    :param options: by shop, the ways in which it sends to the buyer's country (none: it doesn't)
    :param choices: by shop, the method that the buyer chose; else it is the cheapest one
    :param reductions: by shop, the voucher that counts there
    """
    by_shop: dict[int, list[Line]] = {}
    for line in lines:
        by_shop.setdefault(line.shop_id, []).append(line)
    priced: dict[int, PricedLine] = {}
    shipments, vouchers = [], []
    for shop_id, own in sorted(by_shop.items()):
        goods = sum(line.goods_minor for line in own)
        reduction = reductions.get(shop_id)
        discount = reduction.of(goods) if reduction else 0
        if reduction:
            vouchers.append(PricedVoucher(reduction, discount))
        discounts = split(discount, [line.goods_minor for line in own])
        for line, part, tax in zip(own, discounts, _taxes(own, discounts), strict=True):
            priced[line.key] = PricedLine(line.key, line.goods_minor, part, tax, line.tax)
        shipments.append(
            _shipment(
                shop_id=shop_id,
                units=sum(line.quantity for line in own),
                goods_minor=goods - discount,
                options=options.get(shop_id, ()),
                choice=choices.get(shop_id),
                tax=shipping_tax,
            )
        )
    return Priced([priced[line.key] for line in lines], shipments, vouchers)


def _taxes(lines: Sequence[Line], discounts: Sequence[int]) -> list[int]:
    """Find each line's tax: one sum per rate for the shop, shared out by what is taxed."""
    taxed = [line.goods_minor - discount for line, discount in zip(lines, discounts, strict=True)]
    found = [0 for _line in lines]
    for tax in dict.fromkeys(line.tax for line in lines):
        own = [i for i, line in enumerate(lines) if line.tax == tax]
        weights = [taxed[i] for i in own]
        for i, part in zip(own, split(tax.of(sum(weights)), weights), strict=True):
            found[i] = part
    return found


def _shipment(
    *,
    shop_id: int,
    units: int,
    goods_minor: int,
    options: Sequence[Option],
    choice: int | None,
    tax: Tax,
) -> PricedShipment:
    costs = [PricedOption(one, one.cost(units=units, goods_minor=goods_minor)) for one in options]
    wanted = [one for one in costs if choice is not None and one.option.method_id == choice]
    best = next(iter(wanted or sorted(costs, key=lambda one: one.amount_minor)), None)
    if best is None:
        return PricedShipment(shop_id, None, 0, 0, Tax(), ())
    return PricedShipment(
        shop_id=shop_id,
        chosen=best.option,
        amount_minor=best.amount_minor,
        tax_minor=tax.of(best.amount_minor),
        tax=tax,
        options=costs,
    )
