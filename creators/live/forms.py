"""The form with which a creator plans a show."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from creators.live.queries import partner_products
from creators.live.services import LARGEST_BAG, LONGEST_SHOW_MINUTES
from creators.profiles.models import Creator
from shops.catalog.models import Category, Product


class ShowForm(forms.Form):
    """`zone` is the browser's time zone, filled in by the page's script; UTC without it."""

    title = forms.CharField(
        label=_("Title"), max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    category = forms.ModelChoiceField(
        label=_("Category"),
        queryset=Category.objects.order_by("position", "name"),
        required=False,
        empty_label=_("None"),
    )
    starts_at = forms.CharField(
        label=_("Starts at"),
        required=False,
        help_text=_("In UTC. Leave it empty to go live as soon as you like."),
        widget=forms.TextInput(attrs={"type": "datetime-local", "data-zone-time": ""}),
    )
    zone = forms.CharField(
        required=False, max_length=60, widget=forms.HiddenInput(attrs={"data-zone": ""})
    )
    planned_minutes = forms.IntegerField(
        label=_("Planned length in minutes"),
        min_value=5,
        max_value=LONGEST_SHOW_MINUTES,
        initial=60,
    )
    products = forms.ModelMultipleChoiceField(
        label=_("Products in the bag"),
        queryset=Product.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("One of the products can't be shown by you.")},
    )

    def __init__(self, *args: Any, creator: Creator, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        products = self.fields["products"]
        assert isinstance(products, forms.ModelMultipleChoiceField)  # noqa: S101  # for mypy
        products.queryset = partner_products(creator)

    def clean_zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.cleaned_data["zone"] or "UTC")
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo("UTC")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        typed = data.get("starts_at", "")
        now = timezone.now()
        data["starts_at"] = now
        if typed:
            try:
                local = datetime.fromisoformat(typed)
                zone = data.get("zone") or ZoneInfo("UTC")
                at = (local if local.tzinfo else local.replace(tzinfo=zone)).astimezone(UTC)
            except (ValueError, OverflowError):
                self.add_error("starts_at", _("That is not a date and time."))
                return data
            if not now - timedelta(minutes=5) <= at <= now + timedelta(days=365):
                self.add_error("starts_at", _("Choose a time from now on, within a year."))
            data["starts_at"] = at
        if len(data.get("products") or ()) > LARGEST_BAG:
            self.add_error("products", _("A bag has 100 products at most."))
        return data
