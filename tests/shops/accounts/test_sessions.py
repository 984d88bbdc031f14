"""Who is signed in is read with the session, and is true at once."""

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session

from shops.accounts import sessions
from shops.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_seen_yet():
    sessions._whose.clear()


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def is_signed_in(client):
    return client.get("/account/").status_code == 200


def test_one_statement_tells_the_session_and_its_user(browser, django_assert_num_queries):
    request = type("Request", (), {})()
    request.session = sessions.SessionStore(browser.cookies[settings.SESSION_COOKIE_NAME].value)
    with django_assert_num_queries(2):
        assert sessions._user_of(request).pk
    request.session = sessions.SessionStore(request.session.session_key)
    with django_assert_num_queries(1):
        assert sessions._user_of(request).pk


@pytest.mark.parametrize("is_seen", [True, False], ids=["seen", "not seen"])
@pytest.mark.parametrize(
    "end",
    [
        lambda: User.objects.update(is_active=False),
        lambda: User.objects.update(password="another"),
        lambda: Session.objects.all().delete(),
        lambda: Session.objects.update(expire_date="2001-01-01T00:00:00Z"),
    ],
    ids=["closed account", "new password", "signed out elsewhere", "over"],
)
def test_whoever_is_not_signed_in_any_more_is_nobody_at_once(browser, end, is_seen):
    if is_seen:
        assert is_signed_in(browser)

    end()

    assert not is_signed_in(browser)


def test_a_session_that_is_somebody_elses_by_now_is_theirs(browser, bob):
    key = browser.cookies[settings.SESSION_COOKIE_NAME].value
    assert is_signed_in(browser)
    theirs = browser.session
    theirs["_auth_user_id"], theirs["_auth_user_hash"] = str(bob.pk), bob.get_session_auth_hash()
    theirs.save()

    request = type("Request", (), {"session": sessions.SessionStore(key)})()

    assert sessions._user_of(request) == bob


def test_what_one_request_changes_in_its_session_stays_its_own(browser):
    key = browser.cookies[settings.SESSION_COOKIE_NAME].value
    one, other = sessions.SessionStore(key), sessions.SessionStore(key)
    one["seen"] = {"deep": []}
    one.save()
    one = sessions.SessionStore(key)
    one["seen"]["deep"].append("mine")

    assert other.get("seen") in (None, {"deep": []})
    assert sessions.SessionStore(key)["seen"] == {"deep": []}
