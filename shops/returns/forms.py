"""What a buyer fills in to send something back."""

from django import forms
from django.utils.translation import gettext_lazy as _

from shops.facts.refused import Invalid
from shops.returns.models import MOST_WORDS
from shops.returns.states import ReturnReason


class ReasonForm(forms.Form):
    """Why; the units and the photos beside it are read by the view."""

    reason = forms.ChoiceField(
        label=_("What is wrong?"), choices=ReturnReason.choices, widget=forms.RadioSelect
    )
    words = forms.CharField(
        label=_("In your words"),
        required=False,
        max_length=MOST_WORDS,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("The shop reads this. Needed for “something else”."),
    )

    def check(self) -> None:
        """Refuse what is not valid.

        :raises Invalid: `extra`: `errors` by field
        """
        if not self.is_valid():
            raise Invalid(_("Choose a reason."), errors=self.errors.get_json_data())
