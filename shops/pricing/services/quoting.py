"""Price carts as shops, countries and vouchers have it now."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from shops.pricing import statements
from shops.pricing.calculation import Line, Priced, Tax, price
from shops.pricing.models import Deal, Voucher
from shops.pricing.queries import uses_by, vouchers_by_code
from shops.pricing.services.vouchers import applicable
from shops.pricing.statements import Found
from shops.pricing.ways import Ways


class ToPrice(NamedTuple):
    """Units of one SKU at the price that is asked for them; `key` is the caller's."""

    key: int
    shop_id: int
    category_id: int | None
    quantity: int
    unit_minor: int


class Rules:
    """What carts are priced by, read once for all of them; see `rules_for`."""

    def __init__(
        self,
        found: Found,
        *,
        vouchers: Sequence[Voucher],
        uses: Mapping[tuple[int, int], int],
    ) -> None:
        self._deals = found.deals
        self._taxes = {
            (country, category_id): Tax(bps, is_inclusive)
            for country, category_id, bps, is_inclusive in found.taxes
        }
        self._ways = Ways(found.ways)
        self._vouchers = vouchers
        self._uses = uses

    def deals_of(self, *, now: datetime) -> dict[int, Deal]:
        """Find the running deal of each SKU that has one; of several the lowest."""
        return {deal.sku_id: deal for deal in self._deals if deal.is_running(now)}

    def price(
        self,
        *,
        lines: Sequence[ToPrice],
        country: str,
        choices: Mapping[int, int | None] | None = None,
        codes: Collection[str] = (),
        buyer_id: int | None = None,
        is_strict: bool = False,
        now: datetime,
    ) -> Priced:
        """Work out the all-in price of a cart that these rules were read for; see `price_cart`."""
        # One that nobody has set is 0.
        general = self._taxes.get((country, None)) or Tax()
        goods: dict[int, int] = {}
        for line in lines:
            goods[line.shop_id] = goods.get(line.shop_id, 0) + line.quantity * line.unit_minor
        return price(
            lines=[
                Line(
                    key=line.key,
                    shop_id=line.shop_id,
                    quantity=line.quantity,
                    unit_minor=line.unit_minor,
                    tax=self._taxes.get((country, line.category_id), general),
                )
                for line in lines
            ],
            options={shop_id: self._ways.of(shop_id, country=country) for shop_id in goods},
            choices=choices or {},
            reductions=applicable(
                codes=codes,
                goods=goods,
                vouchers=self._vouchers,
                used={pk: count for (by, pk), count in self._uses.items() if by == buyer_id},
                is_strict=is_strict,
                now=now,
            )
            if codes
            else {},
            shipping_tax=general,
        )


def rules_for(
    *,
    countries: Collection[str],
    shop_ids: Collection[int],
    category_ids: Iterable[int | None],
    sku_ids: Collection[int] = (),
    codes: Collection[str] = (),
    buyer_ids: Collection[int] = (),
    first: datetime,
    last: datetime,
) -> Rules:
    """Read what carts are priced by, for any number of them in as few queries as for one.

    :param sku_ids: to find their deals
    :param first: when the first of the carts is priced, and `last` the last one
    """
    found = statements.rules(
        sku_ids=sku_ids,
        first=first,
        last=last,
        countries=countries,
        category_ids={one for one in category_ids if one is not None},
        shop_ids=shop_ids,
    )
    vouchers = vouchers_by_code(codes=codes, shop_ids=shop_ids)
    limited = [voucher.pk for voucher in vouchers if voucher.most_per_buyer is not None]
    return Rules(found, vouchers=vouchers, uses=uses_by(buyer_ids=buyer_ids, voucher_ids=limited))


def price_cart(
    *,
    lines: Sequence[ToPrice],
    country: str,
    choices: Mapping[int, int | None] | None = None,
    codes: Collection[str] = (),
    buyer_id: int | None = None,
    is_strict: bool = False,
    now: datetime,
) -> Priced:
    """Work out the all-in price of lines that go to a country, in as few queries as it takes.

    Codes that don't count are left out; strictly, they are refused.

    :param choices: by shop, the shipping method that was chosen
    :raises VoucherRefused: strictly, a code does not count, and why
    """
    rules = rules_for(
        countries=[country],
        shop_ids=list(dict.fromkeys(line.shop_id for line in lines)),
        category_ids=[line.category_id for line in lines],
        codes=codes,
        buyer_ids=[] if buyer_id is None else [buyer_id],
        first=now,
        last=now,
    )
    return rules.price(
        lines=lines,
        country=country,
        choices=choices,
        codes=codes,
        buyer_id=buyer_id,
        is_strict=is_strict,
        now=now,
    )
