"""What a seller types in about a SKU."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Sku
from shops.catalog.services import MOST_PRICE_MINOR
from shops.ledger.money import Money, digits, parse_minor
from shops.stock.services import MOST_ON_HAND


class MoneyField(forms.CharField):
    """An amount as people write it, cleaned to minor units; a comma may stand for the point."""

    def __init__(self, *, currency: str, **options: Any) -> None:
        self.currency = currency
        super().__init__(max_length=20, **options)

    def clean(self, value: Any) -> Any:
        text: str = super().clean(value)
        if not text:
            return None
        if "." not in text:
            text = text.replace(",", ".")
        try:
            minor = parse_minor(text, self.currency)
        except ValueError:
            raise forms.ValidationError(
                _("Write an amount like %(example)s."),
                params={"example": Decimal(1990).scaleb(-digits(self.currency))},
            ) from None
        if minor >= MOST_PRICE_MINOR:
            raise forms.ValidationError(_("That is too much."))
        return minor


class SkuForm(forms.Form):
    """`on_hand`, `price` and `was` (before a reduction), the last two in minor units."""

    def __init__(self, data: Any = None, *, sku: Sku, on_hand: int) -> None:
        super().__init__(
            data,
            auto_id=f"sku{sku.pk}_%s",
            initial={
                "on_hand": on_hand,
                "price": Money(sku.price_minor, sku.currency).plain,
                "was": ""
                if sku.compare_at_minor is None
                else Money(sku.compare_at_minor, sku.currency).plain,
            },
        )
        form = f"sku{sku.pk}"
        self.fields["on_hand"] = forms.IntegerField(
            min_value=0, max_value=MOST_ON_HAND, label=_("On hand")
        )
        self.fields["price"] = MoneyField(currency=sku.currency, label=_("Price"))
        self.fields["was"] = MoneyField(
            currency=sku.currency, required=False, label=_("Price before")
        )
        for field in self.fields.values():
            field.widget.attrs["form"] = form
            field.widget.attrs["aria-label"] = f"{field.label}: {sku}"
        for name in ("price", "was"):
            self.fields[name].widget.attrs.update({"inputmode": "decimal", "size": 8})
