"""Addresses by the rules of their countries."""

import pytest

from shops.accounts.address_check import BadAddress, checked, correct, shape_of
from shops.accounts.countries import COUNTRIES
from shops.accounts.forms import AddressForm

GOOD = {
    "full_name": "Alice Rossi", "line1": "Via Roma 1", "line2": "", "postal_code": "00100",
    "city": "Roma", "region": "", "country": "IT", "phone": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ({}, ("00100", "Roma", "RM")),
        ({"country": "DE", "postal_code": "10 115", "city": "Berlin"}, ("10115", "Berlin", "")),
        ({"country": "CH", "postal_code": "CH-3000", "city": "Bern"}, ("3000", "Bern", "")),
        ({"country": "US", "postal_code": "10001", "city": "NYC"}, ("10001", "NYC", "NY")),
        ({"country": "GB", "postal_code": "sw1a 1aa", "city": "London"},
         ("SW1A 1AA", "London", "")),
        ({"country": "HK", "postal_code": "", "city": "", "region": "Kowloon"},
         ("", "", "Kowloon")),
        ({"country": "JP", "postal_code": "100-0001", "city": "千代田区", "region": "東京都"},
         ("100-0001", "千代田区", "東京都")),
    ],
    ids=["it", "de", "ch", "us", "gb", "hk", "jp"],
)  # fmt: skip
def test_an_address_is_written_as_its_country_does(fields, written):
    found = correct({**GOOD, **fields})
    assert (found["postal_code"], found["city"], found["region"]) == written
    assert correct(found) == found


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"postal_code": "001"}, {"postal_code": "looks like 00144"}),
        ({"region": "MI"}, {"postal_code": "does not belong to MI"}),
        ({"region": "Narnia"}, {"region": "no such province in Italy"}),
        ({"city": ""}, {"city": "needs: town"}),
        ({"line1": " "}, {"line1": "needs: street"}),
        ({"country": "US", "postal_code": ""}, {"postal_code": "needs: ZIP code"}),
        ({"country": "XX"}, {"country": "Choose a country"}),
        # Longer in capitals than as it was typed in.
        ({"country": "AE", "postal_code": "\u00df" * 20}, {"postal_code": "too long"}),
    ],
    ids=["code", "elsewhere", "region", "town", "street", "zip", "country", "capitals"],
)
def test_what_is_wrong_is_told_by_field(fields, wrong):
    found = checked({**GOOD, **fields})
    assert list(found.errors) == list(wrong)
    for name, text in wrong.items():
        assert text in str(found.errors[name])
    with pytest.raises(BadAddress) as refused:
        correct({**GOOD, **fields})
    assert list(refused.value.extra["errors"]) == list(wrong)


@pytest.mark.django_db
def test_the_form_calls_its_fields_as_the_country_does():
    form = AddressForm(initial={"country": "US"})
    assert (form.fields["postal_code"].label, form.fields["region"].label) == ("ZIP code", "State")
    assert form.shape.is_city_first
    wrong = AddressForm({**GOOD, "postal_code": "1", "full_name": ""})
    assert sorted(wrong.errors) == ["full_name", "postal_code"]


def test_every_country_has_a_shape():
    assert all(shape_of(country).city for country in COUNTRIES)


def test_what_is_no_country_is_not_kept():
    assert shape_of("X" * 10_000) is shape_of("Y" * 10_000)
