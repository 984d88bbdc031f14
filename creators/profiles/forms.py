"""The form with which a viewer becomes a creator."""

from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from shops.catalog.models import Category


class JoinForm(forms.Form):
    name = forms.CharField(
        label=_("Your name on the shows"),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    handle = forms.CharField(
        label=_("Handle"),
        max_length=40,
        help_text=_("Small letters, digits and hyphens; it becomes your address here."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "autocomplete": "off"}),
    )
    category: "ClassVar[forms.ModelChoiceField[Category]]" = forms.ModelChoiceField(
        label=_("What you mostly show"),
        queryset=Category.objects.order_by("position", "name"),
        required=False,
        empty_label=_("Something else"),
    )
    bio = forms.CharField(
        label=_("About you"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
