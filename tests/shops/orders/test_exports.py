"""A shop's orders as CSV: what a spreadsheet can read and nothing that it would run."""

import csv
import io

import pytest

from shops.orders.models import Order, OrderLine
from tests.shops.orders.life import TRACKING, sent

pytestmark = pytest.mark.django_db


def _rows(client, shop, query=""):
    answer = client.get(f"/seller/{shop.slug}/orders.csv{query}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_a_line_has_its_order_its_amounts_and_its_parcel(client, carol, shop, paid, now):
    sent(paid, now=now)
    client.force_login(carol)
    (row,) = _rows(client, shop)
    assert row["order"] == paid.number
    assert (row["state"], row["quantity"], row["unit_price"]) == ("in_transit", "2", "19.90")
    assert (row["order_total"], row["currency"]) == ("39.80", "EUR")
    assert (row["full_name"], row["country"]) == ("Alice Rossi", "IT")
    assert (row["carrier"], row["tracking_number"]) == ("ups", TRACKING)


@pytest.mark.parametrize("letter", ["=", "+", "-", "@", "\t"], ids=repr)
def test_names_are_not_run_as_formulas(client, carol, shop, paid, letter):
    name = f'{letter}HYPERLINK("https://evil.example")'
    Order.objects.filter(pk=paid.pk).update(address={**paid.address, "full_name": name})
    OrderLine.objects.filter(order=paid).update(title=name)
    client.force_login(carol)
    (row,) = _rows(client, shop)
    assert (row["full_name"], row["title"]) == (f"'{name}", f"'{name}")


@pytest.mark.parametrize(("currency", "price"), [("JPY", "1990"), ("KWD", "1.990")])
def test_amounts_have_the_places_of_their_currency(client, carol, shop, paid, currency, price):
    Order.objects.filter(pk=paid.pk).update(currency=currency)
    client.force_login(carol)
    (row,) = _rows(client, shop)
    assert row["unit_price"] == price


def test_it_has_what_the_list_shows(client, carol, bob, shop, paid):
    client.force_login(carol)
    assert _rows(client, shop, "?state=delivered") == []
    assert _rows(client, shop, "?q=nothing") == []
    assert len(_rows(client, shop, f"?q={paid.number}")) == 1
    client.force_login(bob)
    assert client.get(f"/seller/{shop.slug}/orders.csv").status_code == 403
