"""Forms of sign-up, the profile and addresses."""

from typing import Any, cast

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.core.validators import RegexValidator
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from shops.accounts.address_check import checked, shape_of
from shops.accounts.countries import COUNTRIES
from shops.accounts.models import Address, User
from shops.accounts.services import AddressFields
from shops.accounts.widgets import LongSelect


class SignupForm(AllauthSignupForm):  # type: ignore[misc]  # allauth has no types
    """E-mail and password as allauth asks, and the name that others see."""

    display_name = forms.CharField(
        label=_("Name shown to others"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    birth_date = forms.DateField(
        label=_("Birth date"),
        required=False,
        help_text=_("Needed only if you want to earn money here."),
        widget=forms.DateInput(attrs={"type": "date", "autocomplete": "bday"}),
    )
    field_order = ["email", "display_name", "birth_date", "password1", "password2"]

    def custom_signup(self, request: Any, user: Any) -> None:
        user.display_name = self.cleaned_data["display_name"]
        user.birth_date = self.cleaned_data["birth_date"]
        user.save(update_fields=["display_name", "birth_date"])


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What a user may change of themselves."""

    class Meta:
        model = User
        fields = ["display_name", "birth_date"]
        help_texts = {"birth_date": _("Needed only if you want to earn money here.")}
        widgets = {
            "display_name": forms.TextInput(attrs={"autocomplete": "nickname"}),
            # HTML's date fields speak ISO 8601, whatever the language of the page.
            "birth_date": forms.DateInput(
                format="%Y-%m-%d", attrs={"type": "date", "autocomplete": "bday"}
            ),
        }


def _countries() -> list[tuple[str, str | Promise]]:
    return [("", _("Choose a country")), *COUNTRIES.items()]


class AddressForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where parcels go, with what browsers need to fill it in.

    What the fields are called, which are needed and what is right in them depends on the country.
    """

    country = forms.ChoiceField(
        label=_("Country"),
        # Asked for and not given: a list would be copied for each form.
        choices=_countries,
        widget=LongSelect(attrs={"autocomplete": "country"}),
    )
    phone = forms.CharField(
        label=_("Phone"),
        required=False,
        max_length=30,
        help_text=_("For the carrier, if a parcel can't be handed over."),
        validators=[
            RegexValidator(r"^\+?[0-9 ()./-]{5,29}$", _("Write a phone number, like +39 06 1234."))
        ],
        widget=forms.TextInput(attrs={"autocomplete": "tel", "type": "tel"}),
    )

    class Meta:
        model = Address
        fields = [
            "full_name", "line1", "line2", "postal_code", "city", "region", "country", "phone",
            "is_default",
        ]  # fmt: skip
        labels = {"is_default": _("Use this address first")}
        widgets = {
            "full_name": forms.TextInput(attrs={"autocomplete": "name"}),
            "line1": forms.TextInput(attrs={"autocomplete": "address-line1"}),
            "line2": forms.TextInput(attrs={"autocomplete": "address-line2"}),
            "postal_code": forms.TextInput(attrs={"autocomplete": "postal-code"}),
            "city": forms.TextInput(attrs={"autocomplete": "address-level2"}),
            "region": forms.TextInput(attrs={"autocomplete": "address-level1"}),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        country = self["country"].value()
        self.shape = shape_of(country if isinstance(country, str) else "")
        for name, label, is_needed in (
            ("region", self.shape.region, self.shape.needs_region),
            ("postal_code", self.shape.postal_code, self.shape.needs_postal_code),
            ("city", self.shape.city, self.shape.needs_city),
        ):
            field = self.fields[name]
            field.label = capfirst(str(label))
            field.required = is_needed and bool(country)
            # The country may be changed before the form is sent: then we ask, not the browser.
            field.widget.is_required = False
        self.fields["postal_code"].widget.attrs["autocapitalize"] = "characters"

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        typed = {name: data.get(name, "") for name in AddressFields.__annotations__}
        found = checked(cast(AddressFields, typed))
        for name, error in found.errors.items():
            # One mistake of a field is enough to tell.
            if name not in self.errors:
                self.add_error(name, forms.ValidationError(str(error), code="bad_address"))
        return data | {name: value for name, value in found.fields.items() if name in data}

    @property
    def address_fields(self) -> AddressFields:
        """Return the valid fields as the services take them."""
        data = self.cleaned_data
        return AddressFields(
            full_name=data["full_name"],
            line1=data["line1"],
            line2=data["line2"],
            postal_code=data["postal_code"],
            city=data["city"],
            region=data["region"],
            country=data["country"],
            phone=data["phone"],
        )
