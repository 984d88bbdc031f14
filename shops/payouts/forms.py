"""Forms of the payouts room: where the money is to go."""

from django import forms
from django.utils.translation import gettext_lazy as _


class AccountForm(forms.Form):
    """A bank account; the service says what is wrong with it."""

    holder = forms.CharField(label=_("Account holder"), max_length=120)
    number = forms.CharField(
        label=_("IBAN or account number"),
        max_length=60,
        help_text=_("Later only its last four characters are shown."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )
    bic = forms.CharField(
        label=_("BIC"),
        max_length=20,
        required=False,
        help_text=_("Only needed for banks outside of the SEPA countries."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
