"""Tokens: shown once, kept as a hash, good for what they say and no longer than they should be."""

import re
from datetime import timedelta

import pytest
from django.core import mail

from shops.facts.models import Event
from shops.facts.publishing import read
from shops.webhooks.models import ApiToken
from shops.webhooks.reactions import mail_tokens_revoked
from shops.webhooks.services import tokens
from tests.factories.accounts import PASSWORD
from tests.factories.catalog import ShopFactory, ShopStaffFactory
from tests.factories.webhooks import bearer, token_for

pytestmark = pytest.mark.django_db


def test_only_the_hash_of_a_token_is_kept(alice, now):
    text = token_for(alice)
    token = ApiToken.objects.get()
    assert text not in str(vars(token))
    assert token.sha256 == tokens.hashed(text)
    assert text.startswith(token.prefix)
    assert tokens.find_token(text=text, now=now) == token


def test_a_token_opens_what_its_scopes_name(client, alice):
    text = token_for(alice, scopes=["cart:read"])
    assert client.get("/api/v1/cart", **bearer(text)).status_code == 200
    refused = client.get("/api/v1/tokens", **bearer(text))
    assert refused.status_code == 403
    assert refused.headers["Content-Type"] == "application/problem+json"


def test_without_a_token_one_is_asked_for(client, db):
    answer = client.get("/api/v1/cart")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["code"] == "not_authenticated"


@pytest.mark.parametrize("text", ["", "lst_", "lst_" + "x" * 43, "é", "x" * 5000])
def test_a_made_up_token_opens_nothing(client, db, text):
    answer = client.get("/api/v1/products", HTTP_AUTHORIZATION=f"Bearer {text}")
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_token")


def test_a_token_ends(client, alice, now):
    text = token_for(alice, days=1)
    assert tokens.find_token(text=text, now=now + timedelta(days=2)) is None


def test_a_revoked_token_is_refused_at_once(client, alice, now):
    text = token_for(alice)
    token = ApiToken.objects.get()
    tokens.revoke_token(token_id=token.pk, user=alice, shop=None, now=now)
    assert client.get("/api/v1/cart", **bearer(text)).status_code == 401


NEW = "another long secret 9"


def change_password(client, user):
    client.force_login(user)
    fields = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    return client.post("/accounts/password/change/", fields)


def test_a_new_password_ends_all_tokens_of_its_user_and_nobody_elses(client, carol, alice, now):
    shop = ShopStaffFactory(user=carol).shop
    mine = [token_for(carol), token_for(carol, shop=shop, scopes=["orders:read"])]
    other = token_for(alice)
    assert change_password(client, carol).status_code == 302
    assert [tokens.find_token(text=text, now=now) for text in mine] == [None, None]
    assert tokens.find_token(text=other, now=now) is not None
    [event] = Event.objects.filter(kind="TokensRevoked")
    mail_tokens_revoked(read(event), event_id=event.pk, now=now)
    (letter,) = [one for one in mail.outbox if "token" in one.subject]
    assert letter.to == [carol.email]
    assert shop.name in letter.body
    assert "/account/tokens/" in letter.body


def test_a_forgotten_password_ends_them_too(client, alice, now):
    text = token_for(alice)
    client.post("/accounts/password/reset/", {"email": alice.email})
    link = re.search(r"/accounts/password/reset/key/\S+", mail.outbox[-1].body)[0]
    page = client.get(link, follow=True)
    assert "API tokens" in page.content.decode()
    form = page.redirect_chain[-1][0]
    assert client.post(form, {"password1": NEW, "password2": NEW}).status_code == 302
    assert tokens.find_token(text=text, now=now) is None


def test_an_operators_new_password_for_somebody_ends_them_too(client, alice, olga, now):
    text = token_for(alice)
    olga.is_staff = olga.is_superuser = True
    olga.save()
    client.force_login(olga)
    fields = {"usable_password": "true", "password1": NEW, "password2": NEW}
    answer = client.post(f"/admin/accounts/user/{alice.pk}/password/", fields)
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert tokens.find_token(text=text, now=now) is None


def test_without_tokens_nobody_is_written_to_about_them(client, alice):
    assert change_password(client, alice).status_code == 302
    assert not Event.objects.filter(kind="TokensRevoked").exists()


def test_nobody_revokes_anothers_token(client, alice, erin):
    token_for(alice)
    client.force_login(erin)
    answer = client.post(f"/account/tokens/{ApiToken.objects.get().pk}/revoke/")
    assert answer.status_code == 404
    assert ApiToken.objects.get().revoked_at is None


def test_its_use_is_noted_at_most_once_a_minute(alice, now, django_assert_num_queries):
    text = token_for(alice)
    tokens.find_token(text=text, now=now)
    with django_assert_num_queries(1):
        tokens.find_token(text=text, now=now + timedelta(seconds=59))
    assert ApiToken.objects.get().last_used_at == now
    tokens.find_token(text=text, now=now + timedelta(seconds=60))
    assert ApiToken.objects.get().last_used_at == now + timedelta(seconds=60)


def test_a_shops_token_ends_with_its_makers_being_staff(carol, shop, now):
    text = token_for(carol, shop=shop)
    assert tokens.find_token(text=text, now=now) is not None
    carol.staff_of.all().delete()
    assert tokens.find_token(text=text, now=now) is None


def test_a_shops_token_is_no_key_to_another_shop_nor_to_its_makers_cart(client, carol, shop):
    other = ShopFactory(slug="other")
    ShopStaffFactory(shop=other, user=carol)
    text = token_for(carol, shop=shop)
    assert client.get("/api/v1/shops/carols/webhooks", **bearer(text)).status_code == 200
    assert client.get("/api/v1/shops/other/webhooks", **bearer(text)).status_code == 403
    assert client.get("/api/v1/cart", **bearer(text)).status_code == 403


def test_a_users_token_is_no_key_to_a_shop_of_theirs(client, carol, shop):
    text = token_for(carol)
    assert client.get("/api/v1/shops/carols/webhooks", **bearer(text)).status_code == 403


def test_a_scope_that_is_not_offered_is_refused(alice, now):
    with pytest.raises(tokens.UnknownScope):
        token_for(alice, scopes=["payouts:read"])


def test_there_is_an_end_to_tokens(alice, now, monkeypatch):
    monkeypatch.setattr(tokens, "MOST_TOKENS", 1)
    token_for(alice)
    with pytest.raises(tokens.TooManyTokens):
        token_for(alice)


def test_a_browsers_session_needs_the_csrf_token_to_change_something(alice):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post(
        "/api/v1/cart/lines", {"sku_id": 1}, "application/json", HTTP_IDEMPOTENCY_KEY="k" * 8
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")


def test_the_page_shows_a_new_token_once(client, alice):
    client.force_login(alice)
    made = client.post(
        "/account/tokens/new/", {"name": "Robot", "scopes": ["cart:read"], "days": "30"}
    )
    token = ApiToken.objects.get()
    text = made.context["text"]
    assert made.status_code == 201
    assert text in made.content.decode()
    assert made.headers["Cache-Control"] == "no-store"
    page = client.get("/account/tokens/").content.decode()
    assert "Robot" in page
    assert token.prefix in page
    assert text not in page


def test_a_token_is_revoked_after_a_question(client, carol, shop):
    token_for(carol, shop=shop)
    token = ApiToken.objects.get()
    client.force_login(carol)
    question = client.get(f"/seller/carols/tokens/{token.pk}/revoke/")
    assert "can't be undone" in question.content.decode()
    client.post(f"/seller/carols/tokens/{token.pk}/revoke/")
    assert "Revoked" in client.get("/seller/carols/tokens/").content.decode()


def test_tokens_are_listed_without_their_text(client, alice):
    text = token_for(alice)
    answer = client.get("/api/v1/tokens", **bearer(text))
    [shown] = answer.json()["results"]
    assert shown["prefix"] == text[:12]
    assert text not in answer.content.decode()
