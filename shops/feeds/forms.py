"""The file that a seller uploads."""

from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

MOST_BYTES: Final = 20 * 1024 * 1024


class UploadForm(forms.Form):
    feed = forms.FileField(
        label=_("Product feed"),
        help_text=_("A product export of Shopify: CSV in UTF-8."),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )

    def clean_feed(self) -> Any:
        file: UploadedFile[bytes] = self.cleaned_data["feed"]
        if (file.size or 0) > MOST_BYTES:
            raise forms.ValidationError(
                _("The file is larger than %(most)s. Split it, or ask for help."),
                params={"most": filesizeformat(MOST_BYTES)},
            )
        return file
