"""What a buyer may get back: shares of what was paid, exact to the last minor unit.

The rule: units that come back bring their share of the line's price with its discount and taxes.
The shipping comes back whole, once per order, when nothing of the order stays with the buyer or
when the shop is at fault (damaged, wrong, not as described, never arrived).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shops.returns.states import SHOPS_FAULT, ReturnReason


@dataclass(frozen=True)
class Bought:
    """A line of an order, and what its returns have taken of it so far."""

    line_id: int
    quantity: int
    paid_minor: int
    # Units of returns that were not taken back, and what these ask for.
    taken: int = 0
    taken_minor: int = 0

    @property
    def left(self) -> int:
        return self.quantity - self.taken


@dataclass(frozen=True)
class Asked:
    """What a return may give back: by line, and of the shipping."""

    lines: dict[int, int]
    goods_minor: int
    shipping_minor: int


def share(bought: Bought, units: int) -> int:
    """Take the share of `units` in what is left of a line's price.

    Rounded down to a whole minor unit; the last units take what is left, so that all shares of a
    line, in whatever order they are asked for, add up to its price and never to more.
    """
    left_minor = max(0, bought.paid_minor - bought.taken_minor)
    return left_minor * units // bought.left


def asked_for(
    *,
    bought: Sequence[Bought],
    units: dict[int, int],
    reason: ReturnReason,
    stays: bool,
    shipping_left_minor: int,
    rest_minor: int,
) -> Asked:
    """Compute what may go back for `units` (by line), of `rest_minor` at most.

    `bought` are the lines that were sent; `stays` tells of units besides them that the buyer has,
    or will get; `shipping_left_minor` is what no other return asks for.
    """
    lines = {
        line.line_id: share(line, units[line.line_id]) for line in bought if line.line_id in units
    }
    is_whole = not stays and all(units.get(line.line_id, 0) == line.left for line in bought)
    goods = min(sum(lines.values()), rest_minor)
    shipping = shipping_left_minor if is_whole or reason in SHOPS_FAULT else 0
    return Asked(
        lines=lines, goods_minor=goods, shipping_minor=max(0, min(shipping, rest_minor - goods))
    )
