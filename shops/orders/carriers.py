"""Carriers: how their tracking numbers look, and where a parcel is followed."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from shops.facts.refused import Refused


class BadTracking(Refused):
    code = "bad_tracking_number"
    message = _("That is not a tracking number of this carrier.")
    status = 422


@dataclass(frozen=True)
class Carrier:
    """`pattern` is what a whole number looks like; `follow` has `{}` in its place."""

    name: str | Promise
    pattern: str = r"[0-9A-Z]{6,40}"
    follow: str = ""


# Posts number what goes abroad by UPU S10: two letters, eight digits, a check digit, the country.
_S10: Final = r"[A-Z]{2}[0-9]{9}[A-Z]{2}"

CARRIERS: Final[dict[str, Carrier]] = {
    "dhl": Carrier(
        "DHL",
        rf"[0-9]{{8,20}}|JJD[0-9]{{10,30}}|{_S10}",
        "https://www.dhl.com/global-en/home/tracking.html?tracking-id={}",
    ),
    "dpd": Carrier("DPD", r"[0-9]{14}[0-9A-Z]?"),
    "fedex": Carrier(
        "FedEx", r"[0-9]{12}|[0-9]{15}|[0-9]{20,22}", "https://www.fedex.com/fedextrack/?trknbr={}"
    ),
    "gls": Carrier("GLS", r"[0-9A-Z]{8,20}"),
    "la_poste": Carrier(
        "La Poste, Colissimo",
        rf"[0-9A-Z]{{11,15}}|{_S10}",
        "https://www.laposte.fr/outils/suivre-vos-envois?code={}",
    ),
    "poste_italiane": Carrier("Poste Italiane", rf"[0-9A-Z]{{10,20}}|{_S10}"),
    "royal_mail": Carrier(
        "Royal Mail",
        rf"[0-9A-Z]{{9,16}}|{_S10}",
        "https://www.royalmail.com/track-your-item#/tracking-results/{}",
    ),
    "ups": Carrier("UPS", r"1Z[0-9A-Z]{16}", "https://www.ups.com/track?tracknum={}"),
    "usps": Carrier(
        "USPS",
        rf"[0-9]{{20,22}}|[0-9]{{26}}|{_S10}",
        "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    ),
    "other": Carrier(_("Another carrier")),
}
_WEIGHTS: Final = (8, 6, 4, 2, 3, 5, 9, 7)


def choices() -> list[tuple[str, str | Promise]]:
    return [(key, carrier.name) for key, carrier in CARRIERS.items()]


def name_of(carrier: str) -> str:
    known = CARRIERS.get(carrier)
    return str(known.name) if known else carrier


def follow_url(carrier: str, tracking_number: str) -> str:
    """Return where a parcel is followed; "" when the carrier has no such page that we know."""
    known = CARRIERS.get(carrier)
    return known.follow.format(quote(tracking_number)) if known and known.follow else ""


def checked(carrier: str, tracking_number: str) -> str:
    """Return a tracking number as its carrier writes it: capitals, no spaces or dashes.

    :raises BadTracking: unknown carrier, not the shape of its numbers, or a wrong check digit
    """
    known = CARRIERS.get(carrier)
    number = re.sub(r"[\s\-.]", "", tracking_number).upper()
    if known is None or not re.fullmatch(known.pattern, number, re.ASCII):
        raise BadTracking
    if carrier != "other" and re.fullmatch(_S10, number) and not _is_s10(number):
        raise BadTracking(_("A digit of this tracking number is wrong: its check digit differs."))
    return number


def _is_s10(number: str) -> bool:
    """Check the ninth digit: 11 − (weighted sum mod 11), 10 → 0, 11 → 5 (UPU S10)."""
    digits = [int(digit) for digit in number[2:11]]
    rest = 11 - sum(w * d for w, d in zip(_WEIGHTS, digits[:8], strict=True)) % 11
    return digits[8] == {10: 0, 11: 5}.get(rest, rest)
