"""Taxes, ways to send, deals and vouchers for tests."""

from datetime import timedelta

from shops.pricing import services
from shops.pricing.models import TaxRate, Voucher


def tax(country, bps, *, is_inclusive=True, category=None):
    return TaxRate.objects.create(
        country=country, bps=bps, is_inclusive=is_inclusive, category=category
    )


def sends(shop, name="Standard", *, is_active=True, **rates):
    """Let a shop send: `IT=490` costs 4.90 to Italy, `anywhere=990` everywhere else."""
    return services.save_method(
        shop=shop,
        name=name,
        days_min=2,
        days_max=5,
        is_active=is_active,
        rates=[
            services.RateFields("" if country == "anywhere" else country, *_three(rate))
            for country, rate in rates.items()
        ],
    )


def _three(rate):
    return (rate, 0, None) if isinstance(rate, int) else rate


def deal(sku, price_minor, *, now, hours=1):
    return services.save_deal(
        shop=sku.product.shop,
        sku_id=sku.pk,
        price_minor=price_minor,
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(hours=hours),
        now=now,
    )


def voucher(shop, code="SPRING", *, now, bps=0, amount_minor=0, **fields):
    return Voucher.objects.create(
        shop=shop,
        code=code,
        kind="percent" if bps else "amount",
        bps=bps,
        amount_minor=amount_minor,
        starts_at=now - timedelta(minutes=1),
        **fields,
    )
