"""What a browser put in its cart is there after sign-in and sign-up."""

import pytest

from shops.checkout.models import Cart
from shops.checkout.owner import SESSION_KEY
from tests.factories.accounts import PASSWORD

pytestmark = pytest.mark.django_db


def test_the_cart_of_the_browser_becomes_the_users(client, alice, mug):
    client.post("/cart/add/", {"sku": mug.pk, "quantity": 2, "referral": "pin"})
    assert SESSION_KEY in client.session
    answer = client.post(
        "/accounts/login/", {"login": alice.email, "password": PASSWORD, "next": "/cart/"}
    )
    assert answer.headers["Location"] == "/cart/"
    line = alice.cart.lines.get()
    assert (line.quantity, line.referral) == (2, "pin")
    assert SESSION_KEY not in client.session
    assert Cart.objects.count() == 1
    assert "Mug" in client.get("/cart/").text


def test_signing_up_keeps_the_cart_too(client, mug):
    client.post("/cart/add/", {"sku": mug.pk, "quantity": 1})
    client.post(
        "/accounts/signup/",
        {
            "email": "zoe@test.example",
            "display_name": "Zoe",
            "password1": PASSWORD,
            "password2": PASSWORD,
        },
    )
    assert Cart.objects.get().user.email == "zoe@test.example"


def test_a_failed_sign_in_leaves_the_browsers_cart_alone(client, alice, mug):
    client.post("/cart/add/", {"sku": mug.pk, "quantity": 1})
    client.post("/accounts/login/", {"login": alice.email, "password": "wrong"})
    assert Cart.objects.get().token is not None


def test_a_guest_who_wants_to_order_is_told_so_and_led_to_an_account(client):
    page = client.get("/accounts/login/?next=/checkout/").text.partition("<main")[2]

    assert "Sign in to order" in page
    assert page.count('href="/accounts/signup/?next=%2Fcheckout%2F"') == 1
    assert "Sign in to order" not in client.get("/accounts/login/").text
