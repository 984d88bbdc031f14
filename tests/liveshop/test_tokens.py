"""CSRF tokens are Django's but for how their masks come about."""

import re

import pytest
from django.middleware.csrf import (
    CSRF_ALLOWED_CHARS,
    CSRF_SECRET_LENGTH,
    _check_token_format,
    _does_token_match,
)
from django.template import Context, engines
from django.test import Client
from django.utils.crypto import get_random_string

from liveshop import tokens
from liveshop.tokens import masked

SECRET = get_random_string(CSRF_SECRET_LENGTH, CSRF_ALLOWED_CHARS)
OTHER = get_random_string(CSRF_SECRET_LENGTH, CSRF_ALLOWED_CHARS)


def test_django_reads_each_token_as_its_secret_and_as_no_other():
    for _ in range(200):
        token = masked(SECRET)
        _check_token_format(token)
        assert _does_token_match(token, SECRET)
        assert not _does_token_match(token, OTHER)


def test_no_two_tokens_share_a_mask_and_all_letters_are_as_likely():
    found = [masked(SECRET) for _ in range(2000)]

    assert len({token[:CSRF_SECRET_LENGTH] for token in found}) == len(found)
    # 64,000 letters: each of the 62 some 1,032 times, give or take 32; ten times that is never.
    for half in (slice(CSRF_SECRET_LENGTH), slice(CSRF_SECRET_LENGTH, None)):
        letters = "".join(token[half] for token in found)
        for letter in CSRF_ALLOWED_CHARS:
            assert abs(letters.count(letter) - 1032) < 320, letter


def test_bytes_that_would_favour_some_letters_are_left_out(monkeypatch):
    drawn = iter([b"\xff\xf8" * CSRF_SECRET_LENGTH, bytes(range(186, 250))])
    monkeypatch.setattr(tokens.os, "urandom", lambda count: next(drawn))

    assert tokens._random_places() == list(range(32))


@pytest.mark.django_db
def test_forms_are_taken_with_their_pages_token_and_with_no_other():
    browser = Client(enforce_csrf_checks=True)
    page = browser.get("/cart/")
    assert page.cookies["csrftoken"].value
    assert "Cookie" in page.headers["Vary"]
    [token, *others] = re.findall(
        r'csrf-token" content="(\w+)"|csrfmiddlewaretoken" value="(\w+)"', page.text
    )
    token = token[0]
    # A page has one token, wherever it stands on it; the next page has another.
    assert {"".join(one) for one in others} == {token}
    assert token not in browser.get("/cart/").text

    sent = {"country": "IT", "csrfmiddlewaretoken": token}
    assert browser.post("/cart/country/", sent).status_code == 302
    wrong = {**sent, "csrfmiddlewaretoken": masked(OTHER)}
    assert browser.post("/cart/country/", wrong).status_code == 403


@pytest.mark.parametrize("secret", [None, SECRET], ids=["none yet", "has one"])
def test_only_a_page_that_shows_a_token_asks_for_its_cookie(rf, secret):
    request = rf.get("/")
    if secret:
        request.META["CSRF_COOKIE"] = secret
    bare, form = (engines["django"].from_string(text) for text in ("-", "{% csrf_token %}"))

    context = tokens.csrf(request)
    assert bare.template.render(Context(context)) == "-"
    assert "CSRF_COOKIE_NEEDS_UPDATE" not in request.META
    shown = form.template.render(Context(context))
    assert request.META["CSRF_COOKIE_NEEDS_UPDATE"]
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w{64})"', shown)
    assert _does_token_match(token, request.META["CSRF_COOKIE"])
    assert secret in (None, request.META["CSRF_COOKIE"])
