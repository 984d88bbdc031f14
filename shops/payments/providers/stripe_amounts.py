"""Amounts as Stripe counts them, which for a few currencies is not as ISO 4217 does.

Source: docs.stripe.com/currencies: zero-decimal currencies, the special cases ISK and UGX (sent
with two decimals that must be 00), and three-decimal ones (the last digit must be 0).
"""

from typing import Final

from shops.ledger.money import digits

_ZERO: Final = frozenset("BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split())
_THREE: Final = frozenset("BHD JOD KWD OMR TND".split())


class NotPossible(ValueError):
    """Stripe can't move this amount of this currency exactly."""


def to_stripe(amount_minor: int, currency: str) -> int:
    """Turn our minor units into Stripe's, exactly.

    :raises NotPossible: Stripe's are coarser and something would be left
    """
    ours, theirs = digits(currency), _digits(currency)
    if theirs >= ours:
        amount = amount_minor * _power(theirs - ours)
    else:
        amount, left = divmod(amount_minor, _power(ours - theirs))
        if left:
            raise NotPossible(f"{amount_minor} {currency}")
    if currency in _THREE and amount % 10:
        raise NotPossible(f"{amount_minor} {currency}")
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Turn Stripe's minor units into ours, exactly.

    :raises NotPossible: ours are coarser and something would be left
    """
    ours, theirs = digits(currency), _digits(currency)
    if ours >= theirs:
        return amount * _power(ours - theirs)
    minor, left = divmod(amount, _power(theirs - ours))
    if left:
        raise NotPossible(f"{amount} {currency} of Stripe's")
    return minor


def _digits(currency: str) -> int:
    if currency in _ZERO:
        return 0
    return 3 if currency in _THREE else 2


def _power(places: int) -> int:
    return int(10**places)
