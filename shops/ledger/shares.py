"""Splitting an amount so that nothing is lost and nothing is made."""

from collections.abc import Sequence


def largest_remainder(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Split an amount (≥ 0) in proportion to weights (≥ 0), exactly.

    Each share is its quota rounded down; the units that are left go to the largest remainders,
    of equal ones to the earlier (Hamilton's method). A share differs from its quota by less than
    one unit, a weight of 0 gets 0, and the shares of `sum(weights)` are the weights themselves.

    :raises ValueError: something to split, but no weight above zero
    """
    whole = sum(weights)
    if not amount_minor:
        return [0] * len(weights)
    if whole <= 0 or amount_minor < 0 or min(weights) < 0:
        raise ValueError(f"{amount_minor} can't be split by {list(weights)}")
    shares = [amount_minor * weight // whole for weight in weights]
    remainders = [amount_minor * weight % whole for weight in weights]
    left = amount_minor - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda at: (-remainders[at], at))
    for at in by_remainder[:left]:
        shares[at] += 1
    return shares
