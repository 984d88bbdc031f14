"""Inputs look as Django's templates have them; what is the same for all has nothing of anybody."""

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.http import QueryDict
from django.template import Context, Template
from django.utils import translation
from django.utils.functional import lazy
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy

from liveshop.drawing import Inputs
from shops.checkout.forms import GuestForm, PlaceForm

ODD = "x\"<&>'"


class Every(forms.Form):
    text = forms.CharField(initial=ODD, max_length=5)
    number = forms.IntegerField(min_value=1, initial=1_000_000)
    part = forms.FloatField(localize=True, initial=1234.5)
    day = forms.DateField(initial="2026-01-01")
    yes = forms.BooleanField(initial=True)
    some = forms.MultipleChoiceField(
        choices=[(1, "one"), ("<2>", ODD)], widget=forms.CheckboxSelectMultiple, initial=["<2>"]
    )
    one = forms.ChoiceField(choices=[(1, "one"), ("<2>", ODD)], widget=forms.RadioSelect)
    mail = forms.EmailField()
    secret = forms.CharField(widget=forms.PasswordInput)
    hidden = forms.CharField(
        widget=forms.HiddenInput(attrs={"data-a": 0, "data-b": False, "data-c": True}), initial=0
    )
    long = forms.CharField(widget=forms.Textarea)


class Html(str):
    """What says of itself that it need not be escaped, as other libraries' text does."""

    def __html__(self):
        return str(self)


def drawn(form, renderer):
    form.renderer = renderer
    found = []
    for field in form:
        found.append(str(field))
        found += [str(choice.tag()) for choice in field] if field.use_fieldset else []
    return found


@pytest.mark.parametrize("language", ["en", "it"])
@pytest.mark.parametrize(
    "make",
    [
        Every,
        lambda: Every(QueryDict("text=%22%3C&number=1000&yes=on&some=1&one=1")),
        GuestForm,
        lambda: PlaceForm(addresses=[]),
    ],
    ids=["untouched", "typed in", "guest", "place"],
)
def test_inputs_are_as_djangos_templates_have_them(make, language):
    with translation.override(language):
        assert drawn(make(), Inputs()) == drawn(make(), DjangoTemplates())


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", 0, False, True, 1.5, (1, 2), ODD, mark_safe("<b>"), gettext_lazy("Cart")),
        *(lazy(lambda: mark_safe("<b>"), SafeString)(), lazy(lambda: ODD, str)(), Html(ODD)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("where", ["value", "attribute"])
def test_any_value_is_escaped_as_by_djangos_templates(value, where):
    widget = {"type": "text", "name": "n", "value": "v", "attrs": {"id": "i"}}
    widget |= {"value": value} if where == "value" else {"attrs": {"title": value}}
    asked = ("django/forms/widgets/text.html", {"widget": widget})

    assert Inputs().render(*asked) == DjangoTemplates().render(*asked)


def test_what_is_the_same_for_all_knows_nobody():
    page = Template("{% load same %}{% same %}[{{ name }}]{% endsame %}{{ name }}")

    assert page.render(Context({"name": "alice"})) == "[]alice"
    assert page.render(Context({"name": "bob"})) == "[]bob"


def test_what_is_the_same_for_all_is_drawn_for_each_language():
    said = "{% get_current_language as language %}{{ language }}"
    page = Template(f"{{% load i18n same %}}{{% same %}}{said}{{% endsame %}}")

    found = []
    for language in ("en", "it", "en"):
        with translation.override(language):
            found.append(page.render(Context()))

    assert found == ["en", "it", "en"]


def test_an_untouched_form_shows_what_it_would_without_being_kept():
    fresh = PlaceForm(addresses=[], initial={"country": "IT", "signature": "s"})
    again = PlaceForm(addresses=[], initial={"country": "IT", "signature": "t"})
    typed = PlaceForm(addresses=[], initial={"country": "IT", "line1": ODD})

    assert fresh.new_address_fields == again.new_address_fields
    assert fresh.new_address_fields != typed.new_address_fields
    assert "&quot;&lt;&amp;" in typed.new_address_fields
    assert fresh.ways_to_pay == typed.ways_to_pay
