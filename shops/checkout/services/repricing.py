"""Work a quote's price out anew: another country, another way to send, a voucher."""

import uuid
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from shops.checkout.models import Quote, QuoteLine, QuoteShipment, QuoteVoucher
from shops.checkout.services.promising import price_lines, promise
from shops.checkout.services.signing import check_signature
from shops.facts.refused import NotFound, Refused
from shops.facts.throttle import take_turn
from shops.pricing.calculation import Priced
from shops.pricing.services import VoucherRefused

_LINE_AMOUNTS = ["discount_minor", "tax_minor", "tax_bps", "is_tax_inclusive"]
_QUOTE_AMOUNTS = [
    "country", "goods_minor", "discount_minor", "shipping_minor", "tax_minor", "total_minor",
    "signature",
]  # fmt: skip
# Nobody guesses codes: so many a buyer may try in so long.
_MOST_CODES: Final = 20
_CODES_WITHIN: Final = timedelta(minutes=10)


class QuoteOver(Refused):
    code = "quote_over"
    message = _("The time for which this was kept for you is over. Nothing was ordered.")


def count_code(*, buyer_id: int) -> None:
    """Count a voucher's code that a buyer tries, by whichever door.

    :raises TooMany: they have tried enough for a while
    """
    take_turn(f"voucher:{buyer_id}", most=_MOST_CODES, within=_CODES_WITHIN)


@transaction.atomic
def reprice_quote(
    *,
    quote_id: uuid.UUID,
    buyer_id: int,
    country: str | None = None,
    choices: Mapping[int, int | None] | None = None,
    add_code: str = "",
    drop_code: str = "",
    now: datetime,
) -> Quote:
    """Work out an open quote anew; what is not given stays as it was chosen.

    The prices of its goods are honoured, whatever they are by now. The same request twice is the
    same as once.

    :param choices: by shop, the shipping method
    :raises NotFound: there is no such quote, or it is somebody else's
    :raises QuoteOver: it is ordered or closed
    :raises QuoteTampered: it is not as it was signed
    :raises VoucherRefused: `add_code` does not count, and why
    """
    mine = Quote.objects.select_for_update().filter(pk=quote_id, buyer_id=buyer_id)
    quote = mine.first()
    if quote is None:
        raise NotFound
    if quote.state != Quote.State.OPEN:
        raise QuoteOver
    lines = list(quote.lines.select_related("sku__product").order_by("pk"))
    shipments, vouchers = list(quote.shipments.all()), list(quote.vouchers.all())
    check_signature(quote, lines, shipments, vouchers)
    chosen = {one.shop_id: one.method_id for one in shipments} | dict(choices or {})
    if country is not None:
        quote.country = country
    kept = [one.code for one in vouchers if one.code != drop_code.strip().upper()]

    def price(codes: Collection[str], *, is_strict: bool = False) -> Priced:
        return price_lines(
            lines,
            country=quote.country,
            choices=chosen,
            codes=codes,
            buyer_id=buyer_id,
            is_strict=is_strict,
            now=now,
        )

    if add_code.strip():
        # Refused with its reason; those that counted all along just fall away when they are over.
        price([add_code], is_strict=True)
        kept.append(add_code)
    priced = price(kept)
    if add_code.strip() and not priced.total_minor:
        raise VoucherRefused(_("This voucher would leave nothing to pay."), voucher_code=add_code)
    if not priced.total_minor:  # nor does one that counted so far: sent like that, it costs nothing
        priced = price(())
    new_shipments, new_vouchers = promise(quote, lines, priced)
    QuoteLine.objects.bulk_update(lines, _LINE_AMOUNTS)
    QuoteShipment.objects.filter(quote=quote).delete()
    QuoteShipment.objects.bulk_create(new_shipments)
    QuoteVoucher.objects.filter(quote=quote).delete()
    QuoteVoucher.objects.bulk_create(new_vouchers)
    quote.save(update_fields=_QUOTE_AMOUNTS)
    return quote
