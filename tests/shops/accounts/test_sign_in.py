"""Signing up, in and out by e-mail and password."""

import hashlib
import re

import pytest
from django.core import mail

from shops.accounts.models import User
from shops.facts.models import Event
from tests.factories.accounts import PASSWORD

NEW = {
    "email": "Frida@test.example",
    "display_name": "Frida",
    "birth_date": "",
    "password1": "a long new secret 7",
    "password2": "a long new secret 7",
}


def test_one_signs_up_with_email_name_and_password(client, db):
    answer = client.post("/accounts/signup/", NEW)
    assert answer.status_code == 302
    user = User.objects.get(email="frida@test.example")
    assert user.display_name == "Frida"
    assert client.session["_auth_user_id"] == str(user.pk)


def test_sign_up_says_what_is_wrong(client, db):
    answer = client.post("/accounts/signup/", {**NEW, "display_name": "", "password2": "other"})
    assert set(answer.context["form"].errors) == {"display_name", "password2"}
    assert not User.objects.exists()


@pytest.mark.parametrize("path", ["signup", "password/reset"])
@pytest.mark.parametrize(
    "domain",
    [".".join(["\u0130" * 60] * 4) + ".com", "\u00fc" * 60 + ".com"],
    ids=["longer-in-lower-case", "no-such-label"],
)
def test_an_address_that_no_mail_can_go_to_is_refused(client, db, path, domain):
    answer = client.post(f"/accounts/{path}/", {**NEW, "email": f"frida@{domain}"})
    assert "email" in answer.context["form"].errors
    assert not mail.outbox


def test_one_signs_in_and_goes_on_where_one_was(client, alice):
    answer = client.post(
        "/accounts/login/?next=/account/addresses/",
        {"login": "ALICE@test.example", "password": PASSWORD, "next": "/account/addresses/"},
    )
    assert answer["Location"] == "/account/addresses/"


def test_a_wrong_password_does_not_sign_in(client, alice):
    answer = client.post("/accounts/login/", {"login": alice.email, "password": "wrong"})
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert "_auth_user_id" not in client.session


def test_signing_out_ends_the_session_and_says_so(client, alice):
    client.force_login(alice)
    key = client.session.session_key
    answer = client.post("/accounts/logout/")
    assert answer.status_code == 302
    assert "_auth_user_id" not in client.session
    fact = Event.objects.get(kind="SignedOut")
    assert fact.payload == {
        "user_id": alice.pk,
        "session_hash": hashlib.sha256(key.encode()).hexdigest(),
    }


def test_signing_out_asks_first_when_it_is_only_a_link(client, alice):
    client.force_login(alice)
    assert client.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in client.session
    assert not Event.objects.filter(kind="SignedOut").exists()


def test_signing_out_twice_tells_it_once(client, alice):
    client.force_login(alice)
    client.post("/accounts/logout/")
    assert client.post("/accounts/logout/").status_code == 302
    assert Event.objects.filter(kind="SignedOut").count() == 1


def test_a_forgotten_password_is_replaced_by_mail(client, alice):
    assert client.get("/accounts/password/reset/").status_code == 200
    client.post("/accounts/password/reset/", {"email": alice.email})
    link = re.search(r"http://[^/]+(/accounts/password/reset/key/\S+)", mail.outbox[0].body)[1]
    form = client.get(link, follow=True)
    new = "quite another secret 9"
    answer = client.post(form.request["PATH_INFO"], {"password1": new, "password2": new})
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(new)
    assert "no longer works" in client.get(link, follow=True).content.decode()


def test_an_address_is_confirmed_by_mail(client, db):
    client.post("/accounts/signup/", NEW)
    link = re.search(r"http://[^/]+(/accounts/confirm-email/\S+)", mail.outbox[0].body)[1]
    assert client.get(link).status_code == 200
    assert client.post(link).status_code == 302
    assert User.objects.get().emailaddress_set.get().verified


@pytest.mark.parametrize(
    "page",
    [
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/confirm-email/",
        "/accounts/confirm-email/nothing/",
        "/accounts/inactive/",
    ],
)
def test_pages_before_sign_in_wear_our_look(client, db, page):
    answer = client.get(page)
    assert answer.status_code == 200
    assert "base.html" in {template.name for template in answer.templates}


@pytest.mark.parametrize(
    "page", ["/account/", "/account/addresses/", "/accounts/email/", "/accounts/password/change/"]
)
def test_pages_after_sign_in_wear_our_look(client, alice, page):
    client.force_login(alice)
    answer = client.get(page)
    assert answer.status_code == 200
    assert "base.html" in {template.name for template in answer.templates}


def test_operators_see_users_in_the_administration(client, olga, alice):
    client.force_login(olga)
    assert client.get("/admin/accounts/user/").status_code == 200
    assert client.get(f"/admin/accounts/user/{alice.pk}/change/").status_code == 200
    new = {
        "email": "new@test.example",
        "display_name": "New",
        "usable_password": "true",
        "password1": "a long new secret 7",
        "password2": "a long new secret 7",
    }
    assert client.post("/admin/accounts/user/add/", new).status_code == 302
    assert User.objects.get(email="new@test.example").check_password(new["password1"])
