"""What a seller types in about a SKU."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Sku
from shops.catalog.services import MOST_PRICE_MINOR
from shops.ledger.money import Money, digits, parse_minor
from shops.stock.models import LONGEST_HOLD, MOST_PER_BUYER, SHORTEST_HOLD, Mode
from shops.stock.queries import Policy
from shops.stock.services import MOST_ON_HAND

_REASON = 200


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


class DeliveryForm(forms.Form):
    """Units that came in, and why."""

    prefix = "delivery"
    quantity = forms.IntegerField(min_value=1, max_value=MOST_ON_HAND, label=_("Units"))
    reason = forms.CharField(
        max_length=_REASON,
        required=False,
        label=_("Reason"),
        help_text=_("A delivery note, for example."),
    )


class CorrectionForm(forms.Form):
    """A count, why it differs, and what was there when it was typed in (`seen`)."""

    prefix = "correction"
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    on_hand = forms.IntegerField(min_value=0, max_value=MOST_ON_HAND, label=_("Units on hand"))
    reason = forms.CharField(
        max_length=_REASON,
        label=_("Reason"),
        help_text=_("Counted, broken, lost… It stays in the history."),
    )


class PolicyForm(forms.Form):
    """How a product is reserved; `hold_seconds` comes from whole minutes."""

    prefix = "policy"
    mode = forms.ChoiceField(choices=Mode, widget=forms.RadioSelect, label=_("Units are kept"))
    minutes = forms.IntegerField(
        min_value=SHORTEST_HOLD // 60,
        max_value=LONGEST_HOLD // 60,
        required=False,
        label=_("Minutes"),
        help_text=_("How long they are kept. Empty: as everywhere."),
    )
    most_per_buyer = forms.IntegerField(
        min_value=1,
        max_value=MOST_PER_BUYER,
        required=False,
        label=_("Most per buyer"),
        help_text=_("Of all variants together. Empty: no limit."),
    )

    def __init__(self, data: Any = None, *, policy: Policy) -> None:
        minutes = policy.hold_seconds // 60 if policy.hold_seconds else None
        super().__init__(
            data,
            initial={
                "mode": policy.mode,
                "minutes": minutes,
                "most_per_buyer": policy.most_per_buyer,
            },
        )

    @property
    def hold_seconds(self) -> int | None:
        minutes: int | None = self.cleaned_data["minutes"]
        return minutes * 60 if minutes else None
