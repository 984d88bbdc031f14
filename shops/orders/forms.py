"""What a shop fills in about its parcels."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from shops.orders import carriers
from shops.orders.models import PARCEL_TRANSITIONS, Parcel, ParcelState


class ShipForm(forms.Form):
    """With whom a parcel travels, and under which number."""

    carrier = forms.ChoiceField(label=_("Carrier"), choices=carriers.choices)
    tracking_number = forms.CharField(
        label=_("Tracking number"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "carrier" in data and "tracking_number" in data:
            try:
                number = carriers.checked(data["carrier"], data["tracking_number"])
            except carriers.BadTracking as refused:
                self.add_error("tracking_number", str(refused))
            else:
                data["tracking_number"] = number
        return data


class ParcelStateForm(forms.Form):
    """How a parcel stands now; only what can follow on how it stood."""

    state = forms.ChoiceField(label=_("It is now"))
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=200,
        help_text=_("The buyer reads it."),
    )

    def __init__(self, *args: Any, parcel: Parcel, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        after = PARCEL_TRANSITIONS[ParcelState(parcel.state)]
        field = self.fields["state"]
        if isinstance(field, forms.ChoiceField):
            # Nothing is chosen beforehand: "delivered" by mistake could not be taken back.
            field.choices = [
                ("", _("Choose…")),
                *((state.value, state.label) for state in ParcelState if state in after),
            ]
