"""What a buyer fills in to order and to pay."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, cast

from django import forms
from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from shops.accounts.emails import MOST_EMAIL, checked_email
from shops.accounts.forms import AddressForm
from shops.accounts.models import Address
from shops.accounts.services import AddressFields
from shops.payments import providers

NEW: Final = "new"
# What of a page's form is its own before anything was typed in: none of it is drawn of these.
_OWN: Final = frozenset({"idempotency_key", "signature", "country", "address_choice"})


class NewAddressForm(AddressForm):
    """An address that is typed in at checkout."""

    class Meta(AddressForm.Meta):
        exclude = ("is_default",)

    # With addresses to choose from, the browser must not insist on a new one.
    use_required_attribute = False


class CardForm(forms.Form):
    """Which of the provider's ways to pay is taken."""

    card_token = forms.ChoiceField(label=_("Pay with"), widget=forms.RadioSelect)
    idempotency_key = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        card = cast(forms.ChoiceField, self.fields["card_token"])
        ways = providers.current().choices()
        card.choices = [(one.token, one.label) for one in ways]
        card.initial = ways[0].token


class PlaceForm(CardForm):
    """Where to, and how it is paid. `address()` gives the one that was chosen or typed in."""

    address_choice = forms.ChoiceField(label=_("Send it to"), widget=forms.RadioSelect)
    signature = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    field_order = ["address_choice", "card_token", "idempotency_key", "signature"]

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
        choice.initial = (initial or {}).get("address_choice") or next(iter(self.addresses), NEW)
        # Who has no address yet sends none of the choices.
        choice.required = bool(self.addresses)

    @cached_property
    def new_address(self) -> NewAddressForm:
        if not self.is_bound:
            return NewAddressForm(initial=self.initial)
        if self.is_new:
            return NewAddressForm(self.data)
        # Nothing of it was meant to be filled in: no errors beside it.
        return NewAddressForm(initial=dict(self.data.items()))

    @property
    def is_untouched(self) -> bool:
        """Tell whether nothing was typed in or chosen yet."""
        return not self.is_bound and self.initial.keys() <= _OWN

    @property
    def new_address_fields(self) -> SafeString:
        """Draw the fields of a new address."""
        if self.is_untouched:
            return _empty_address(str(self.initial.get("country", "")), get_language())
        return _drawn("parts/address_fields.html", form=self.new_address)

    @property
    def ways_to_pay(self) -> SafeString:
        """Draw the ways to pay."""
        if self.is_untouched:
            tokens = tuple(one.token for one in providers.current().choices())
            return _untouched_ways(tokens, get_language())
        return _drawn("parts/field.html", field=self["card_token"])

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

    @property
    def country(self) -> str:
        """Tell where it goes to as far as that is known yet: "" for nowhere."""
        if self.is_new:
            return str(self.new_address["country"].value() or "")
        chosen = self.data.get("address_choice") if self.is_bound else self.initial_choice
        address = self.addresses.get(str(chosen))
        return address.country if address else ""

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
        return (not self.is_new or self.new_address.is_valid()) and fine

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

    def wrong_fields(self) -> list[forms.BoundField]:
        """List the fields with a mistake in the order of the page; the first one gets the focus."""
        forms_in_order = [self, self.new_address] if self.is_new else [self]
        wrong = [field for form in forms_in_order for field in form if field.errors]
        if wrong:
            wrong[0].field.widget.attrs["autofocus"] = True
        return wrong


class GuestForm(NewAddressForm):
    """Where a buyer without an account wants it, and where we write to."""

    email = forms.EmailField(
        label=_("E-mail address"),
        max_length=MOST_EMAIL,
        help_text=_("We mail you a link to go on with. No password, no account."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    field_order = ["email"]

    def clean_email(self) -> str:
        return checked_email(self.cleaned_data["email"])


def _drawn(template: str, **context: object) -> SafeString:
    return SafeString(render_to_string(template, context))


# What nobody has touched looks the same to all who read the same language. Drawing it for each was
# most of what a checkout page took.
@lru_cache(maxsize=64)
def _empty_address(country: str, language: str | None) -> SafeString:
    form = NewAddressForm(initial={"country": country})
    return _drawn("parts/address_fields.html", form=form)


@lru_cache(maxsize=64)
def _untouched_ways(tokens: tuple[str, ...], language: str | None) -> SafeString:
    return _drawn("parts/field.html", field=CardForm()["card_token"])
