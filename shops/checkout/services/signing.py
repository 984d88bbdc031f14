"""Sign what a quote promises, so that nothing of it can be changed behind our back."""

import json
from collections.abc import Iterable
from functools import cache
from hmac import HMAC
from typing import Final

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext_lazy as _

from shops.checkout.models import Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.facts.refused import Refused


class QuoteTampered(Refused):
    code = "quote_tampered"
    message = _("This offer is not as we made it, so it can't be ordered. Load the page again.")


# Making an encoder, and a key of the secret, takes longer than using them.
_encode: Final = json.JSONEncoder(separators=(",", ":")).encode


@cache
def _begun(secret: str) -> HMAC:
    return salted_hmac("checkout.quote", "", secret, algorithm="sha256")


def signature_of(
    quote: Quote,
    lines: Iterable[QuoteLine],
    shipments: Iterable[QuoteShipment],
    vouchers: Iterable[QuoteVoucher],
) -> str:
    """Work out the HMAC-SHA-256 (in hexadecimal) over all that a quote promises and to whom.

    Until when is not part of it: the holds decide that, and they can be extended.
    """
    promise = [
        str(quote.pk), quote.buyer_id, quote.country, quote.currency, quote.goods_minor,
        quote.discount_minor, quote.shipping_minor, quote.tax_minor, quote.total_minor,
        sorted(
            [
                str(line.hold_id), line.sku_id, line.quantity, line.unit_price_minor,
                line.list_price_minor, line.discount_minor, line.tax_minor, line.tax_bps,
                line.is_tax_inclusive, line.is_held, line.most_per_buyer, line.referral,
            ]
            for line in lines
        ),
        sorted(
            [
                one.shop_id, one.name, one.amount_minor, one.tax_minor, one.tax_bps,
                one.is_tax_inclusive, one.is_available,
            ]
            for one in shipments
        ),
        sorted([one.voucher_id, one.discount_minor] for one in vouchers),
    ]  # fmt: skip
    signing = _begun(settings.SECRET_KEY).copy()
    signing.update(_encode(promise).encode())
    return signing.hexdigest()


def check_signature(
    quote: Quote,
    lines: Iterable[QuoteLine],
    shipments: Iterable[QuoteShipment],
    vouchers: Iterable[QuoteVoucher],
) -> None:
    """Make sure that a quote is as it was signed.

    :raises QuoteTampered: it is not
    """
    if not constant_time_compare(quote.signature, signature_of(quote, lines, shipments, vouchers)):
        raise QuoteTampered
