"""A NUL, which no text has and no text column takes, is the sender's mistake and not ours."""

import pytest

from shops.checkout.models import CartLine
from tests.factories.catalog import SkuFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "address",
    ["/shops/carols/?q=%00", "/shops/carols/%00/", "/seller/carols/products/?q=lamp%00"],
)
def test_in_an_address(client, carol, address):
    client.force_login(carol)
    assert client.get(address).status_code == 400


def test_in_a_form(client, shop):
    sku = SkuFactory(product__shop=shop)
    answer = client.post("/cart/add/", {"sku": sku.pk, "referral": "a\0b"})
    assert answer.status_code == 400
    assert not CartLine.objects.exists()


@pytest.mark.parametrize("address", ["/cart/", "/account/", "/api/v1/cart"])
def test_in_a_cookie(client, address):
    nobodys = client.get(address)
    assert nobodys.status_code < 500

    for name in ("sessionid", "csrftoken", "messages", "django_language"):
        answer = client.get(address, headers={"Cookie": rf'{name}="abcdefgh\000ijk"'})

        assert answer.status_code == nobodys.status_code, name
