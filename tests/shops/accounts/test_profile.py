"""The account page, and roles."""

from datetime import date, timedelta

import pytest

from shops.accounts import queries, services
from shops.accounts.countries import COUNTRIES
from shops.accounts.models import Grant, Role


def test_name_and_birth_date_can_be_changed(client, alice):
    client.force_login(alice)
    answer = client.post("/account/", {"display_name": "Alice R.", "birth_date": "1990-02-28"})
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.display_name, alice.birth_date) == ("Alice R.", date(1990, 2, 28))


@pytest.mark.parametrize("days", [1, 400])
def test_nobody_is_born_tomorrow(client, alice, now, days):
    client.force_login(alice)
    day = (now + timedelta(days=days)).date().isoformat()
    answer = client.post("/account/", {"display_name": "Alice", "birth_date": day})
    assert answer.status_code == 400
    assert "birth_date" in answer.context["form"].errors
    alice.refresh_from_db()
    assert alice.birth_date is None


def test_a_rejected_name_is_not_shown_in_the_header(client, alice):
    client.force_login(alice)
    answer = client.post("/account/", {"display_name": "x" * 41})
    assert answer.status_code == 400
    assert answer.context["user"].display_name == "Alice"


def test_a_role_is_given_once(alice, now):
    services.grant_role(user=alice, role=Role.BRAND, now=now)
    services.grant_role(user=alice, role=Role.BRAND, now=now)
    assert Grant.objects.filter(user=alice).count() == 1
    assert queries.roles_of(alice) == [Role.VIEWER, Role.BRAND]
    assert queries.has_role(alice, Role.BRAND)
    assert not queries.has_role(alice, Role.OPERATOR)


def test_countries_are_those_of_iso_3166():
    assert len(COUNTRIES) == 249
    assert all(len(code) == 2 and code.isupper() and name for code, name in COUNTRIES.items())
    assert COUNTRIES["IT"] == "Italy"
