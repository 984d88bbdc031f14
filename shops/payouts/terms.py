"""Who is to get what of an order: pure arithmetic over what was frozen when it was placed.

The base of the fee and of the commission is the same, per line: the price of the goods after the
line's discount, without tax and without shipping. Shipping is the seller's, taxes are the state's.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from shops.ledger.models import Kind
from shops.ledger.money import basis_points
from shops.ledger.shares import largest_remainder
from shops.orders.models import Order, OrderLine

_WHOLE = 10_000

# (kind, owner) of an account, and what it gets.
Parts = Mapping[tuple[Kind, str], int]


@dataclass(frozen=True)
class LineTerms:
    """What one line earns whom; seller + commission + fee = base."""

    base_minor: int
    seller_minor: int
    commission_minor: int
    fee_minor: int
    payee: str


def shop_owner(shop_id: int) -> str:
    """Name a shop in the books."""
    return f"shop:{shop_id}"


def shop_of(owner: str) -> int | None:
    """Read a shop's id out of an owner; None for somebody who is not a shop."""
    kind, _, number = owner.partition(":")
    return int(number) if kind == "shop" and number.isdecimal() else None


def payable_kind(owner: str) -> Kind:
    """Name the kind of account that an owner is paid out of."""
    is_shop = shop_of(owner) is not None
    return Kind.SELLER_PAYABLE if is_shop else Kind.CREATOR_COMMISSION_PAYABLE


def line_terms(line: OrderLine, *, payee_of: Callable[[str], str]) -> LineTerms:
    """Split a line's base by its frozen rates, by largest remainder; on a tie the seller comes
    first, then the commission.

    A commission that nobody is known for stays with the seller.
    """
    tax_within = line.tax_minor if line.is_tax_inclusive else 0
    base = max(line.total_minor - line.discount_minor - tax_within, 0)
    payee = payee_of(line.referral) if line.referral and line.commission_bps else ""
    fee_bps = min(line.fee_bps, _WHOLE)
    commission_bps = min(line.commission_bps, _WHOLE - fee_bps) if payee else 0
    seller, commission, fee = largest_remainder(
        base, [_WHOLE - fee_bps - commission_bps, commission_bps, fee_bps]
    )
    return LineTerms(base, seller, commission, fee, payee)


def parts_of(
    order: Order, lines: Iterable[OrderLine], *, payee_of: Callable[[str], str], fund_bps: int
) -> Parts:
    """Split an order's whole price: taxes, commissions, fee and fund; the seller gets the rest.

    The creators' fund gets its share of the order's fee, rounded half up.
    """
    tax, fee = order.shipping_tax_minor, 0
    commissions: Counter[str] = Counter()
    for line in lines:
        terms = line_terms(line, payee_of=payee_of)
        tax += line.tax_minor
        fee += terms.fee_minor
        if terms.commission_minor:
            commissions[terms.payee] += terms.commission_minor
    fund = basis_points(fee, min(fund_bps, _WHOLE))
    parts: dict[tuple[Kind, str], int] = {
        (Kind.SELLER_PAYABLE, shop_owner(order.shop_id)): order.total_minor
        - tax
        - fee
        - commissions.total(),
        **{
            (Kind.CREATOR_COMMISSION_PAYABLE, payee): amount
            for payee, amount in sorted(commissions.items())
        },
        (Kind.PLATFORM_FEE, ""): fee - fund,
        (Kind.CREATOR_FUND, ""): fund,
        (Kind.TAX_PAYABLE, ""): tax,
    }
    return {key: amount for key, amount in parts.items() if amount}


def scaled(parts: Parts, amount_minor: int) -> Parts:
    """Split what is left of an order in the proportion of its parts (largest remainder)."""
    shares = largest_remainder(amount_minor, list(parts.values()))
    return dict(zip(parts, shares, strict=True))
