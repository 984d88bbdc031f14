"""Forms of sign-up."""

from typing import Any

from allauth.account.forms import SignupForm as AllauthSignupForm
from django import forms
from django.utils.translation import gettext_lazy as _


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
