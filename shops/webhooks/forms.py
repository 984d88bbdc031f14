"""Forms of a token and of an endpoint."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shops.webhooks.models import Endpoint
from shops.webhooks.scopes import BUYER_SCOPES, SHOP_SCOPES
from shops.webhooks.sending import MOST_URL
from shops.webhooks.types import TYPES, matches

_LIFETIMES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("A year")), ("0", _("No end"))]


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=80, help_text=_("What it is for, so that you know it again.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"), widget=forms.CheckboxSelectMultiple, choices=()
    )
    days = forms.ChoiceField(label=_("Good for"), choices=_LIFETIMES, initial="90")

    def __init__(self, *args: Any, is_for_shop: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = SHOP_SCOPES if is_for_shop else BUYER_SCOPES
        scopes = self.fields["scopes"]
        assert isinstance(scopes, forms.MultipleChoiceField)  # noqa: S101  # declared above
        scopes.choices = list(offered.items())

    def expires_at(self, *, now: datetime) -> datetime | None:
        days = int(self.cleaned_data["days"])
        return now + timedelta(days=days) if days else None


class EndpointForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=MOST_URL,
        widget=forms.URLInput(attrs={"placeholder": "https://…", "autocomplete": "off"}),
        help_text=_("Where your server takes the messages; on the internet, by https."),
    )
    description = forms.CharField(label=_("Note"), max_length=120, required=False)
    events = forms.MultipleChoiceField(
        label=_("Events"),
        widget=forms.CheckboxSelectMultiple,
        choices=[(name, text) for name, text in TYPES.items()],
    )

    @classmethod
    def of(cls, endpoint: Endpoint) -> "EndpointForm":
        chosen = [name for name in TYPES if matches(endpoint.events, name)]
        return cls(
            initial={
                "url": endpoint.url,
                "description": endpoint.description,
                "events": chosen,
            }
        )
