"""Addresses: one default, never two or none, and nobody reaches another's."""

import pytest

from shops.accounts import services
from shops.accounts.models import Address
from shops.facts.refused import NotFound
from tests.factories.accounts import AddressFactory, UserFactory

FIELDS = {
    "full_name": "Alice Rossi",
    "line1": "Via Roma 1",
    "line2": "",
    "postal_code": "00100",
    "city": "Roma",
    "region": "",
    "country": "IT",
    "phone": "",
}


def defaults_of(user):
    return list(Address.objects.filter(user=user, is_default=True).values_list("pk", flat=True))


@pytest.mark.django_db
def test_the_first_address_is_the_default_even_if_nobody_asked(now):
    user = UserFactory()
    address = services.add_address(user=user, fields=FIELDS, as_default=False, now=now)
    assert defaults_of(user) == [address.pk]


def test_a_new_default_takes_the_place_of_the_old_one(alice, now):
    address = services.add_address(user=alice, fields=FIELDS, as_default=True, now=now)
    assert defaults_of(alice) == [address.pk]


def test_a_second_address_leaves_the_default_alone(alice, now):
    before = defaults_of(alice)
    services.add_address(user=alice, fields=FIELDS, as_default=False, now=now)
    assert defaults_of(alice) == before


def test_when_the_default_is_deleted_the_newest_left_is_the_default(alice, now):
    (old,) = defaults_of(alice)
    services.add_address(user=alice, fields=FIELDS, as_default=False, now=now)
    newest = services.add_address(user=alice, fields=FIELDS, as_default=False, now=now)
    services.delete_address(user=alice, address_id=old)
    assert defaults_of(alice) == [newest.pk]


def test_an_address_of_somebody_else_is_not_there(alice, now):
    foreign = AddressFactory()
    for act in (
        lambda: services.delete_address(user=alice, address_id=foreign.pk),
        lambda: services.make_default(user=alice, address_id=foreign.pk),
        lambda: services.change_address(
            user=alice, address_id=foreign.pk, fields=FIELDS, as_default=True
        ),
    ):
        with pytest.raises(NotFound):
            act()
    foreign.refresh_from_db()
    assert (foreign.is_default, foreign.full_name) == (True, "Alice Rossi")


def test_there_is_an_end_to_addresses(alice, now):
    for _ in range(services.MOST_ADDRESSES - 1):
        services.add_address(user=alice, fields=FIELDS, as_default=False, now=now)
    with pytest.raises(services.TooManyAddresses):
        services.add_address(user=alice, fields=FIELDS, as_default=True, now=now)
    assert Address.objects.filter(user=alice).count() == services.MOST_ADDRESSES
    assert len(defaults_of(alice)) == 1


def test_the_page_keeps_a_valid_address(client, alice):
    client.force_login(alice)
    answer = client.post("/account/addresses/new/", {**FIELDS, "city": "Milano"})
    assert (answer.status_code, answer["Location"]) == (302, "/account/addresses/")
    assert alice.addresses.filter(city="Milano", is_default=False).exists()


def test_the_page_says_at_each_field_what_is_wrong_and_keeps_nothing(client, alice):
    client.force_login(alice)
    wrong = {**FIELDS, "full_name": "", "country": "ZZ", "phone": "call me"}
    answer = client.post("/account/addresses/new/", wrong)
    assert answer.status_code == 400
    assert set(answer.context["form"].errors) == {"full_name", "country", "phone"}
    html = answer.content.decode()
    assert 'id="id_full_name_error"' in html
    assert 'aria-invalid="true"' in html
    assert alice.addresses.count() == 1


def test_the_page_of_anothers_address_is_not_found(client, alice):
    client.force_login(alice)
    foreign = AddressFactory()
    assert client.get(f"/account/addresses/{foreign.pk}/").status_code == 404
    assert client.post(f"/account/addresses/{foreign.pk}/delete/").status_code == 404
    assert Address.objects.filter(pk=foreign.pk).exists()


def test_deleting_asks_first_and_deletes_on_post_only(client, alice):
    client.force_login(alice)
    address = alice.addresses.get()
    assert client.get(f"/account/addresses/{address.pk}/delete/").status_code == 200
    assert alice.addresses.exists()
    client.post(f"/account/addresses/{address.pk}/delete/")
    assert not alice.addresses.exists()


def test_after_saving_it_does_not_lead_away_from_the_site(client, alice):
    client.force_login(alice)
    answer = client.post("/account/addresses/new/", {**FIELDS, "next": "https://evil.example/"})
    assert answer["Location"] == "/account/addresses/"
    answer = client.post("/account/addresses/new/", {**FIELDS, "next": "/checkout/"})
    assert answer["Location"] == "/checkout/"


def test_one_must_sign_in_to_see_addresses(client, db):
    answer = client.get("/account/addresses/")
    assert answer["Location"] == "/accounts/login/?next=/account/addresses/"
