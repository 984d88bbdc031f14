"""What a seller sets: ways to send with their rates, deals, vouchers."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from shops.accounts.countries import COUNTRIES
from shops.catalog.models import Shop, Sku
from shops.ledger.money import Money
from shops.pricing.models import Deal, ShippingMethod, ShippingRate, Voucher
from shops.pricing.services import RateFields
from shops.pricing.services.vouchers import VoucherFields
from shops.stock.forms import MoneyField

# One row more than there are rates, so that there is always an empty one; without scripts.
_MOST_RATES: Final = 30
_SPARE_RATES: Final = 2
_INPUT: Final = "%Y-%m-%dT%H:%M"


class InstantField(forms.DateTimeField):
    """A date and time in UTC, as browsers' own fields write it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            widget=forms.DateTimeInput(format=_INPUT, attrs={"type": "datetime-local"}),
            input_formats=[_INPUT, "%Y-%m-%dT%H:%M:%S"],
            help_text=options.pop("help_text", _("In UTC.")),
            **options,
        )

    def prepare_value(self, value: Any) -> Any:
        return value.astimezone(UTC) if isinstance(value, datetime) and value.tzinfo else value

    def to_python(self, value: Any) -> datetime | None:
        found = super().to_python(value)
        return found.replace(tzinfo=UTC) if found else None


class PercentField(forms.CharField):
    """A percentage as people write it, cleaned to basis points."""

    def clean(self, value: Any) -> Any:
        text: str = super().clean(value)
        if not text:
            return 0
        found = re.fullmatch(r"([0-9]{1,3})(?:[.,]([0-9]{1,2}))?\s*%?", text.strip())
        bps = int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")) if found else 0
        if not 1 <= bps <= 10_000:
            raise forms.ValidationError(_("Write a percentage from 0.01 to 100."))
        return bps


class RateForm(forms.Form):
    """What a method costs to one country; an empty row is no rate."""

    country = forms.ChoiceField(
        label=_("To"),
        required=False,
        choices=[("-", "—"), ("", _("Everywhere else")), *COUNTRIES.items()],
    )

    def __init__(self, *args: Any, currency: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["base"] = MoneyField(currency=currency, label=_("Price"), required=False)
        self.fields["per_item"] = MoneyField(
            currency=currency, label=_("More per piece"), required=False
        )
        self.fields["free_from"] = MoneyField(
            currency=currency, label=_("Free from"), required=False
        )
        for name in ("base", "per_item", "free_from"):
            self.fields[name].widget.attrs.update({"inputmode": "decimal", "size": 8})

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("country") == "-":
            if data.get("base") is not None:
                self.add_error("country", _("Choose where this price is for."))
        elif "base" in data and data["base"] is None:
            self.add_error("base", _("Write a price; 0 is free."))
        return data

    @property
    def rate(self) -> RateFields | None:
        data = self.cleaned_data
        if data["country"] == "-":
            return None
        return RateFields(
            country=data["country"],
            base_minor=data["base"],
            per_item_minor=data["per_item"] or 0,
            free_from_minor=data["free_from"],
        )


class MethodForm(forms.Form):
    """A way to send; `rates` are forms of their own."""

    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("As buyers see it."))
    days_min = forms.IntegerField(label=_("Days, at least"), min_value=0, max_value=120)
    days_max = forms.IntegerField(label=_("Days, at most"), min_value=0, max_value=120)
    is_active = forms.BooleanField(label=_("Offer it to buyers"), required=False, initial=True)

    def __init__(
        self, data: Any = None, *, shop: Shop, method: ShippingMethod | None = None
    ) -> None:
        known: Sequence[ShippingRate] = list(method.rates.order_by("country")) if method else []
        super().__init__(data, initial=_of_method(method) if method else {"is_active": True})
        if not method:
            self.fields["days_min"].initial, self.fields["days_max"].initial = 2, 5
        rows = min(len(known) + _SPARE_RATES, _MOST_RATES)
        if data is not None:
            rows = sum(f"rate{i}-country" in data for i in range(_MOST_RATES))
        self.rates = [
            RateForm(
                data,
                prefix=f"rate{number}",
                currency=shop.currency,
                initial=_of_rate(known[number], shop.currency)
                if number < len(known)
                else {"country": "" if not known and not number else "-"},
            )
            for number in range(rows)
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        least, most = data.get("days_min"), data.get("days_max")
        if least is not None and most is not None and least > most:
            self.add_error("days_max", _("At most can't be less than at least."))
        return data

    def is_valid(self) -> bool:
        fine = [form.is_valid() for form in self.rates]
        return super().is_valid() and all(fine)

    @property
    def rate_fields(self) -> list[RateFields]:
        return [rate for form in self.rates if (rate := form.rate) is not None]


def _of_method(method: ShippingMethod) -> dict[str, Any]:
    return {
        "name": method.name,
        "days_min": method.days_min,
        "days_max": method.days_max,
        "is_active": method.is_active,
    }


def _of_rate(rate: ShippingRate, currency: str) -> dict[str, Any]:
    free = rate.free_from_minor
    return {
        "country": rate.country,
        "base": Money(rate.base_minor, currency).plain,
        "per_item": Money(rate.per_item_minor, currency).plain if rate.per_item_minor else "",
        "free_from": "" if free is None else Money(free, currency).plain,
    }


class DealForm(forms.Form):
    """A lower price of a SKU for a while."""

    def __init__(
        self, data: Any = None, *, shop: Shop, skus: Sequence[Sku], deal: Deal | None, now: datetime
    ) -> None:
        initial = (
            {
                "sku": deal.sku_id,
                "price": Money(deal.price_minor, shop.currency).plain,
                "starts_at": deal.starts_at,
                "ends_at": deal.ends_at,
            }
            if deal
            else {"starts_at": now}
        )
        super().__init__(data, initial=initial)
        self.fields["sku"] = forms.TypedChoiceField(
            label=_("Product"),
            coerce=int,
            choices=[("", _("Choose a product"))]
            + [(sku.pk, f"{sku} · {Money(sku.price_minor, sku.currency)}") for sku in skus],
        )
        self.fields["price"] = MoneyField(
            currency=shop.currency,
            label=_("Price in the deal (%(currency)s)") % {"currency": shop.currency},
        )
        self.fields["price"].widget.attrs["inputmode"] = "decimal"
        self.fields["starts_at"] = InstantField(label=_("From"))
        self.fields["ends_at"] = InstantField(label=_("Until"))


class VoucherForm(forms.Form):
    """A code that takes something off."""

    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("What buyers type in: letters, digits, “-” and “_”."),
        widget=forms.TextInput(attrs={"autocapitalize": "characters", "autocomplete": "off"}),
    )
    kind = forms.ChoiceField(
        label=_("It takes off"), choices=Voucher.Kind.choices, widget=forms.RadioSelect
    )

    def __init__(
        self, data: Any = None, *, shop: Shop, voucher: Voucher | None, now: datetime
    ) -> None:
        super().__init__(
            data,
            initial=_of_voucher(voucher, shop.currency)
            if voucher
            else {"kind": Voucher.Kind.PERCENT, "starts_at": now},
        )
        self.fields["percent"] = PercentField(label=_("Per cent"), required=False, max_length=8)
        self.fields["amount"] = MoneyField(
            currency=shop.currency,
            label=_("Amount (%(currency)s)") % {"currency": shop.currency},
            required=False,
        )
        self.fields["least"] = MoneyField(
            currency=shop.currency,
            label=_("Counts from goods worth (%(currency)s)") % {"currency": shop.currency},
            required=False,
        )
        self.fields["starts_at"] = InstantField(label=_("From"))
        self.fields["ends_at"] = InstantField(label=_("Until"), required=False)
        self.fields["most_uses"] = forms.IntegerField(
            label=_("How often in all"), required=False, min_value=1, max_value=10_000_000
        )
        self.fields["most_per_buyer"] = forms.IntegerField(
            label=_("How often per buyer"), required=False, min_value=1, max_value=1000
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        is_percent = data.get("kind") == Voucher.Kind.PERCENT
        name = "percent" if is_percent else "amount"
        if name not in self.errors and not data.get(name):
            self.add_error(name, _("Write how much it takes off."))
        return data

    @property
    def voucher_fields(self) -> VoucherFields:
        data = self.cleaned_data
        return VoucherFields(
            code=data["code"],
            kind=data["kind"],
            bps=data["percent"] or 0,
            amount_minor=data["amount"] or 0,
            min_minor=data["least"] or 0,
            starts_at=data["starts_at"],
            ends_at=data["ends_at"],
            most_uses=data["most_uses"],
            most_per_buyer=data["most_per_buyer"],
        )


def _of_voucher(voucher: Voucher, currency: str) -> dict[str, Any]:
    whole, part = divmod(voucher.bps, 100)
    return {
        "code": voucher.code,
        "kind": voucher.kind,
        "percent": (f"{whole}.{part:02d}" if part else str(whole)) if voucher.bps else "",
        "amount": Money(voucher.amount_minor, currency).plain if voucher.amount_minor else "",
        "least": Money(voucher.min_minor, currency).plain if voucher.min_minor else "",
        "starts_at": voucher.starts_at,
        "ends_at": voucher.ends_at,
        "most_uses": voucher.most_uses,
        "most_per_buyer": voucher.most_per_buyer,
    }
