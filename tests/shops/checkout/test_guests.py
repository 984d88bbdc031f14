"""Ordering without an account: by a mailed link, once, and into nobody's account."""

import re
import uuid
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from shops.accounts.models import User
from shops.checkout import services
from shops.checkout.models import GuestLink
from shops.orders.links import path_of, token_of
from shops.orders.models import Order
from tests.factories.checkout import ADDRESS, purchase_of

pytestmark = pytest.mark.django_db

EMAIL = "gina@test.example"
FORM = {**ADDRESS, "email": EMAIL}


@pytest.fixture(autouse=True)
def forgetful(settings):
    """Turns are counted anew in each test."""
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": uuid.uuid4().hex,
        }
    }


@pytest.fixture
def ask(client, mug, carried_out):
    """Ask for a link from a cart; gives the path in the mail."""

    def asked(email=EMAIL):
        client.post("/cart/add/", {"sku": mug.pk})
        page = client.post("/checkout/guest/", {**FORM, "email": email}, follow=True)
        assert page.redirect_chain == [("/checkout/guest/sent/", 302)]
        assert email in page.text
        carried_out("GuestLinkAsked")
        return re.search(r"http://[^/]+(\S+)", mail.outbox[-1].body)[1]

    return asked


def test_from_a_cart_to_a_paid_order_without_an_account(client, ask, mug, provider):
    path = ask()
    assert mail.outbox[-1].to == [EMAIL]
    # A mail system that looks at links uses nothing up.
    assert EMAIL in client.get(path).text
    assert client.get(path).status_code == 200
    page = client.post(path, follow=True)
    assert page.redirect_chain == [("/checkout/", 302)]
    guest = User.objects.get(email=EMAIL)
    assert not guest.has_usable_password()
    assert EmailAddress.objects.get(user=guest).verified
    form = page.context["form"]
    client.post(
        f"/checkout/{page.context['quote'].pk}/place/",
        {
            "address_choice": guest.addresses.get().pk,
            "card_token": "tok_success",
            "idempotency_key": form.initial["idempotency_key"],
            "signature": form.initial["signature"],
        },
    )
    order = Order.objects.select_related("buyer").get()
    assert (order.buyer, order.is_paid) == (guest, True)
    assert path_of(order) == f"/o/{token_of(order)}/"


def test_the_link_goes_on_with_the_cart_on_another_device(client, ask, django_user_model):
    path = ask()
    other = client.__class__()
    page = other.post(path, follow=True)
    assert page.redirect_chain == [("/checkout/", 302)]
    assert User.objects.get(email=EMAIL).cart.lines.get().quantity == 1


def test_it_works_once_and_for_a_day(client, ask):
    path = ask()
    client.post(path)
    client.logout()
    again = client.post(path, follow=True)
    assert "used already" in again.text
    assert not again.context["user"].is_authenticated
    GuestLink.objects.update(used_at=None)
    GuestLink.objects.update(expires_at=GuestLink.objects.get().created_at)
    assert "used already" in client.get(path, follow=True).text


@pytest.mark.parametrize("token", ["x", "a:b:c", "é" * 40])
def test_a_forged_link_lets_nobody_in(client, token):
    assert client.post(f"/checkout/guest/{token}/").status_code == 302
    assert not User.objects.exists()


def test_who_has_an_account_is_asked_to_sign_in_and_the_page_says_nothing_of_it(client, ask, alice):
    path = ask(alice.email)
    assert "You have an account" in mail.outbox[-1].body
    assert path == "/accounts/login/?next=/checkout/"
    link = GuestLink.objects.get()
    page = client.post(f"/checkout/guest/{services.guests.token_of(link)}/", follow=True)
    assert not page.context["user"].is_authenticated
    assert "Sign in to go on" in page.text
    link.refresh_from_db()
    assert link.used_at is None


def test_a_second_order_of_a_guest_is_the_same_guests(client, ask):
    client.post(ask())
    client.logout()
    client.post(ask())
    assert User.objects.filter(email=EMAIL).count() == 1
    assert User.objects.get(email=EMAIL).addresses.count() == 1


def test_another_address_that_is_shown_to_be_an_accounts_is_nobody_elses(client, ask, alice):
    EmailAddress.objects.create(user=alice, email=EMAIL, verified=True)
    assert ask() == "/accounts/login/?next=/checkout/"
    token = services.guests.token_of(GuestLink.objects.get())
    page = client.post(f"/checkout/guest/{token}/", follow=True)
    assert "Sign in to go on" in page.text
    assert User.objects.get() == alice


def test_a_guest_gets_in_by_their_other_address(client, ask, now):
    guest = User.objects.create_user("first@test.example")
    EmailAddress.objects.create(user=guest, email=guest.email, verified=True, primary=True)
    EmailAddress.objects.create(user=guest, email=EMAIL, verified=True)
    assert client.post(ask(), follow=True).context["user"] == guest


def test_a_link_that_somebody_else_asked_for_does_not_send_a_guests_parcels_elsewhere(
    client, ask, mug
):
    client.post(ask())
    mine = User.objects.get(email=EMAIL).addresses.get()
    theirs = client.__class__()
    theirs.post("/cart/add/", {"sku": mug.pk})
    theirs.post("/checkout/guest/", {**FORM, "line1": "Via Altrove 9"})
    link = GuestLink.objects.get(used_at=None)
    page = client.__class__().post(f"/checkout/guest/{services.guests.token_of(link)}/")
    assert page.status_code == 302
    assert User.objects.get(email=EMAIL).addresses.get(is_default=True) == mine


def test_what_a_guest_typed_in_anew_in_this_browser_is_offered_first(client, ask, mug):
    client.post(ask())
    client.logout()
    client.post("/cart/add/", {"sku": mug.pk})
    client.post("/checkout/guest/", {**FORM, "line1": "Via Nuova 2"})
    link = GuestLink.objects.get(used_at=None)
    client.post(f"/checkout/guest/{services.guests.token_of(link)}/")
    default = User.objects.get(email=EMAIL).addresses.get(is_default=True)
    assert default.line1 == "Via Nuova 2"


@pytest.mark.parametrize(
    ("domain", "why"),
    [
        (".".join(["\u0130" * 60] * 4) + ".com", "too long"),
        ("\u00fc" * 60 + ".com", "no such domain"),
    ],
    ids=["longer-in-lower-case", "no-such-label"],
)
def test_nothing_is_mailed_where_no_mail_can_go(client, mug, domain, why):
    client.post("/cart/add/", {"sku": mug.pk})
    page = client.post("/checkout/guest/", {**FORM, "email": f"a@{domain}"})
    assert page.status_code == 422
    assert why in page.text


def test_a_banned_guest_does_not_get_in(client, ask):
    path = ask()
    User.objects.create_user(EMAIL, is_active=False)
    page = client.post(path, follow=True)
    assert not page.context["user"].is_authenticated


def test_mails_are_counted_by_address_and_by_client(client, mug):
    client.post("/cart/add/", {"sku": mug.pk})
    answers = [client.post("/checkout/guest/", FORM).status_code for _ in range(4)]
    assert answers == [302, 302, 302, 429]
    for number in range(17):
        client.post("/checkout/guest/", {**FORM, "email": f"g{number}@test.example"})
    last = client.post("/checkout/guest/", {**FORM, "email": "last@test.example"})
    assert last.status_code == 429
    assert "too often" in last.text


def test_an_address_that_can_not_be_is_told_field_by_field_and_mails_nobody(client, mug):
    client.post("/cart/add/", {"sku": mug.pk})
    page = client.post("/checkout/guest/", {**FORM, "postal_code": "1", "email": "no"})
    assert page.status_code == 422
    assert "looks like 00144" in page.text
    assert re.search(r'name="email"[^>]*autofocus', page.text)
    assert not GuestLink.objects.exists()


def test_an_empty_cart_and_who_is_signed_in_need_no_link(client, alice, mug):
    assert client.get("/checkout/guest/").headers["Location"] == "/cart/"
    client.force_login(alice)
    assert client.get("/checkout/guest/").headers["Location"] == "/checkout/"


def test_an_orders_link_shows_it_without_its_address_and_mails_who_may_do_more(
    client, alice, mug, now, carried_out
):
    order = purchase_of(alice, mug, now=now).orders.get()
    path = f"/o/{token_of(order)}/"
    page = client.get(path)
    assert order.number in page.text
    assert ADDRESS["line1"] not in page.text
    assert client.get(path[:-3] + "xx/").status_code == 404
    client.post(f"{path}let-me-in/")
    carried_out("GuestLinkAsked")
    assert mail.outbox[-1].to == [alice.email]
    assert f"next=/orders/{order.number}/" in mail.outbox[-1].body
    client.force_login(alice)
    assert client.get(path).headers["Location"] == f"/orders/{order.number}/"


def test_old_links_are_forgotten(now):
    old = now - timedelta(days=30)
    services.ask_guest_link(email=EMAIL, cart_token=None, now=old)
    services.ask_guest_link(email=EMAIL, cart_token=None, now=now)
    assert services.forget_old_links(now=now) == 1
