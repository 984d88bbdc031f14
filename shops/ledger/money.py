"""Money: integer minor units with an ISO 4217 currency. Never a float."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from django.utils.formats import number_format

# Minor units per ISO 4217 where they are not 2.
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = {
    **{currency: 0 for currency in _NONE.split()},
    **{currency: 3 for currency in _THREE.split()},
}
_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were combined."""


def digits(currency: str) -> int:
    """Count the decimal places of a currency."""
    return _DIGITS.get(currency, 2)


@dataclass(frozen=True, order=False)
class Money:
    """An amount in minor units (cents for EUR) of one currency."""

    minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} + {other.currency}")
        return Money(self.minor + other.minor, self.currency)

    def __str__(self) -> str:
        places = digits(self.currency)
        number = number_format(
            Decimal(abs(self.minor)).scaleb(-places), decimal_pos=places, force_grouping=True
        )
        minus = "−" if self.minor < 0 else ""
        sign = _SIGNS.get(self.currency)
        return f"{minus}{sign}{number}" if sign else f"{minus}{number} {self.currency}"

    @property
    def plain(self) -> str:
        """Write the amount for machines: digits and a point, no sign."""
        places = digits(self.currency)
        return f"{Decimal(self.minor).scaleb(-places):.{places}f}"


def parse_minor(text: str, currency: str) -> int:
    """Read a feed's amount ("19.90") into minor units, exactly.

    :raises ValueError: not a plain number, negative, too large or with more places than the
        currency has
    """
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"not a price: {text[:40]!r}") from None
    if not amount.is_finite() or amount < 0 or amount > 10**12:
        raise ValueError(f"not a price: {text[:40]!r}")
    minor = amount.scaleb(digits(currency))
    if minor != minor.to_integral_value():
        raise ValueError(f"more decimals than {currency} has: {text[:40]!r}")
    return int(minor)


def basis_points(minor: int, bps: int) -> int:
    """Take a share in basis points, rounded half up to a whole minor unit (amounts ≥ 0)."""
    return (minor * bps + 5_000) // 10_000
