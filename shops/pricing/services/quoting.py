"""Price a cart as shops, countries and vouchers have it now."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shops.pricing import queries
from shops.pricing.calculation import Line, Priced, price
from shops.pricing.services.vouchers import applicable


@dataclass(frozen=True)
class ToPrice:
    """Units of one SKU at the price that is asked for them; `key` is the caller's."""

    key: int
    shop_id: int
    category_id: int | None
    quantity: int
    unit_minor: int


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
    shop_ids = list(dict.fromkeys(line.shop_id for line in lines))
    taxes = queries.taxes_in(country=country, category_ids=[line.category_id for line in lines])
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
                tax=taxes.of(line.category_id),
            )
            for line in lines
        ],
        options=queries.options_to(country=country, shop_ids=shop_ids),
        choices=choices or {},
        reductions=applicable(
            codes=codes, goods=goods, buyer_id=buyer_id, is_strict=is_strict, now=now
        ),
        shipping_tax=taxes.general,
    )
