"""Valkey goes away: who wants to buy signs in, fills the cart and orders as before."""

import re

import pytest

from shops.orders.models import Order
from tests.factories.accounts import PASSWORD
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def away(settings, tmp_path):
    """Nothing answers where Valkey should be; sign-in counts attempts, as in production."""
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock?db=0"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": settings.REDIS_URL}}
    settings.PAYMENTS_SANDBOX_URL = "http://127.0.0.1:9"
    settings.ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/300s/key", "signup": "20/m/ip"}


def test_a_buyer_signs_in_and_orders(alice, client, shop):
    sku = SkuFactory(product__shop=shop)
    wrong = client.post("/accounts/login/", {"login": alice.email, "password": "wrong"})
    assert wrong.status_code == 200
    client.post("/cart/add/", {"sku": sku.pk})
    right = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert right.status_code == 302

    page = client.get("/checkout/")
    action = re.search(r'action="(/checkout/[^"]+/place/)"', page.text)[1]
    key = re.search(r'name="idempotency_key" value="([^"]+)"', page.text)[1]
    answer = client.post(
        action,
        {
            "address_choice": alice.addresses.get().pk,
            "card_token": "tok_success",
            "idempotency_key": key,
        },
    )
    assert answer.status_code == 302
    assert Order.objects.get().buyer == alice


def test_somebody_new_signs_up(client):
    answer = client.post(
        "/accounts/signup/",
        {
            "email": "new@test.example",
            "display_name": "New",
            "password1": "correct horse battery",
            "password2": "correct horse battery",
        },
    )
    assert answer.status_code == 302
