"""What a buyer fills in to order and to pay."""

from collections.abc import Sequence
from typing import Any, Final, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from shops.accounts.forms import AddressForm
from shops.accounts.models import Address
from shops.accounts.services import AddressFields
from shops.payments.sandbox.cards import CARDS

NEW: Final = "new"


class NewAddressForm(AddressForm):
    """An address that is typed in at checkout."""

    class Meta(AddressForm.Meta):
        exclude = ("is_default",)

    # With addresses to choose from, the browser must not insist on a new one.
    use_required_attribute = False


class CardForm(forms.Form):
    """Which of the provider's test cards pays."""

    card_token = forms.ChoiceField(
        label=_("Pay with"),
        choices=[(card.token, card.label) for card in CARDS],
        initial=CARDS[0].token,
        widget=forms.RadioSelect,
    )


class PlaceForm(CardForm):
    """Where to, and how it is paid. `address()` gives the one that was chosen or typed in."""

    address_choice = forms.ChoiceField(label=_("Send it to"), widget=forms.RadioSelect)
    idempotency_key = forms.CharField(required=False, widget=forms.HiddenInput)
    field_order = ["address_choice", "card_token", "idempotency_key"]

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        addresses: Sequence[Address],
        initial: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=initial)
        self.addresses = {str(address.pk): address for address in addresses}
        choice = cast(forms.ChoiceField, self.fields["address_choice"])
        choice.choices = [(key, str(address)) for key, address in self.addresses.items()] + [
            (NEW, _("Another address"))
        ]
        choice.initial = next(iter(self.addresses), NEW)
        # Who has no address yet sends none of the choices.
        choice.required = bool(self.addresses)
        self.new_address = NewAddressForm(data)

    @property
    def is_new(self) -> bool:
        chosen = self.data.get("address_choice") if self.is_bound else self.initial_choice
        return not self.addresses or chosen == NEW

    @property
    def is_typed_in(self) -> bool:
        """Tell whether something was typed in as a new address, chosen or not."""
        return any(self.data.get(name, "").strip() for name in ("line1", "postal_code", "city"))

    @property
    def initial_choice(self) -> Any:
        return self.fields["address_choice"].initial

    def clean_address_choice(self) -> str:
        chosen: str = self.cleaned_data["address_choice"]
        # Nobody's parcel goes to the old address because they overlooked a choice.
        if self.is_typed_in and not self.is_new:
            raise forms.ValidationError(
                _("You have typed in another address, too. Choose where it goes, or empty that.")
            )
        return chosen

    def is_valid(self) -> bool:
        fine = super().is_valid()
        if self.is_new:
            return self.new_address.is_valid() and fine
        # Nothing of it was meant to be filled in: no errors beside it.
        self.new_address = NewAddressForm(initial=dict(self.data.items()))
        return fine

    def address(self) -> AddressFields:
        if self.is_new:
            return self.new_address.address_fields
        chosen = self.addresses[self.cleaned_data["address_choice"]]
        return AddressFields(
            full_name=chosen.full_name,
            line1=chosen.line1,
            line2=chosen.line2,
            postal_code=chosen.postal_code,
            city=chosen.city,
            region=chosen.region,
            country=chosen.country,
            phone=chosen.phone,
        )

    def all_errors(self) -> dict[str, Any]:
        """Name what is wrong, by field, for programs."""
        errors = dict(self.errors.get_json_data())
        if self.is_new:
            errors.update(self.new_address.errors.get_json_data())
        return errors
