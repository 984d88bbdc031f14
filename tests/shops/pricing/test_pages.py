"""The seller's pages of shipping, deals and vouchers."""

import re
from datetime import timedelta

import pytest

from shops.pricing.models import Deal, ShippingMethod, Voucher
from tests.factories.catalog import SkuFactory
from tests.factories.pricing import deal, sends, tax, voucher

pytestmark = pytest.mark.django_db

URL = "/seller/carols/pricing/"


@pytest.fixture
def seller(client, carol):
    client.force_login(carol)
    return client


def _when(moment):
    return moment.strftime("%Y-%m-%dT%H:%M")


def test_empty_it_says_what_that_means(seller):
    page = seller.get(URL).text
    assert "everything for free, everywhere" in page
    assert "No deals yet" in page
    assert "No vouchers yet" in page


def test_all_of_it_is_listed(seller, shop, now):
    tax("IT", 2200)
    sends(shop, "Courier", IT=(490, 50, 5000))
    deal(SkuFactory(product__shop=shop, product__title="Mug"), 1500, now=now)
    voucher(shop, bps=1250, most_uses=5, now=now)
    page = seller.get(URL).text
    for text in ("Courier", "€4.90", "free from €50.00", "22 %", "Mug", "12.5 %", "0 / 5"):
        assert text in page, text


def test_a_way_to_send_is_added_and_changed_with_its_rates(seller):
    fields = {
        "name": "Courier", "days_min": 1, "days_max": 2, "is_active": "on",
        "rate0-country": "", "rate0-base": "9,90", "rate0-per_item": "", "rate0-free_from": "",
        "rate1-country": "IT", "rate1-base": "4.90", "rate1-per_item": "0.50",
        "rate1-free_from": "50",
    }  # fmt: skip
    assert seller.post(f"{URL}shipping/new/", fields).status_code == 302
    method = ShippingMethod.objects.get()
    rates = dict(method.rates.values_list("country", "base_minor"))
    assert rates == {"": 990, "IT": 490}
    assert 'value="4.90"' in seller.get(f"{URL}shipping/{method.pk}/").text
    seller.post(f"{URL}shipping/{method.pk}/", {**fields, "rate1-country": "-", "rate1-base": ""})
    assert method.rates.get().country == ""


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"days_max": 0}, "can&#x27;t be less"),
        ({"rate0-base": "x"}, "amount like"),
        ({"rate0-base": ""}, "0 is free"),
        ({"rate0-country": "-", "rate0-base": ""}, "at least one country"),
        ({"name": "x" * 10_000}, "at most 60"),
    ],
    ids=["days", "amount", "none", "nowhere", "long"],
)
def test_a_way_to_send_that_makes_no_sense_is_told_where(seller, change, error):
    fields = {"name": "Courier", "days_min": 1, "days_max": 2, "rate0-country": "",
              "rate0-base": "4.90"}  # fmt: skip
    page = seller.post(f"{URL}shipping/new/", {**fields, **change})
    assert page.status_code == 422
    assert error in page.text
    assert not ShippingMethod.objects.exists()


def test_a_deal_is_added_changed_and_ended(seller, shop, now):
    sku = SkuFactory(product__shop=shop)
    until = now + timedelta(hours=2)
    fields = {"sku": sku.pk, "price": "15", "starts_at": _when(now), "ends_at": _when(until)}
    assert seller.post(f"{URL}deals/new/", fields).status_code == 302
    made = Deal.objects.get()
    assert (made.price_minor, made.ends_at) == (1500, until.replace(second=0, microsecond=0))
    seller.post(f"{URL}deals/{made.pk}/", {**fields, "price": "14"})
    seller.post(f"{URL}deals/{made.pk}/end/")
    made.refresh_from_db()
    assert (made.price_minor, made.ends_at < until) == (1400, True)
    page = seller.post(f"{URL}deals/new/", {**fields, "price": "99"})
    assert page.status_code == 422
    assert "lower than the price" in page.text


def test_a_voucher_is_added_changed_and_ended(seller, shop, now):
    fields = {"code": "spring-24", "kind": "percent", "percent": "12,5", "starts_at": _when(now)}
    assert seller.post(f"{URL}vouchers/new/", fields).status_code == 302
    made = Voucher.objects.get()
    assert (made.code, made.bps, made.amount_minor) == ("SPRING-24", 1250, 0)
    again = seller.post(f"{URL}vouchers/new/", fields)
    assert (again.status_code, "has a voucher with this code" in again.text) == (422, True)
    changed = {**fields, "kind": "amount", "amount": "5"}
    assert seller.post(f"{URL}vouchers/{made.pk}/", changed).status_code == 302
    seller.post(f"{URL}vouchers/{made.pk}/end/")
    made.refresh_from_db()
    assert (made.amount_minor, made.bps, made.ends_at is not None) == (500, 0, True)


@pytest.mark.parametrize(
    "change",
    [{"percent": ""}, {"percent": "101"}, {"code": "é"}, {"kind": "amount"}, {"starts_at": "x"}],
    ids=["empty", "much", "letters", "no-amount", "when"],
)
def test_a_voucher_that_makes_no_sense_is_told(seller, now, change):
    fields = {"code": "SPRING", "kind": "percent", "percent": "10", "starts_at": _when(now)}
    answer = seller.post(f"{URL}vouchers/new/", {**fields, **change})
    assert answer.status_code == 422
    # Above a long form, each wrong field is named, with a link to it; or what else is wrong is.
    wrong = re.findall(r'<a href="#(id_[a-z_]+)">', answer.text)
    assert wrong or change == {"code": "é"}
    assert all(f'id="{name}"' in answer.text for name in wrong)
    assert not Voucher.objects.exists()


def test_nobody_else_gets_in(client, alice, shop, now):
    made = voucher(shop, bps=100, now=now)
    client.force_login(alice)
    for path in ("", "shipping/new/", "deals/new/", f"vouchers/{made.pk}/"):
        assert client.get(URL + path).status_code == 403, path
    assert client.post(f"{URL}vouchers/{made.pk}/end/").status_code == 403


def test_a_deal_is_shown_with_the_price_before_where_the_product_is(client, shop, now):
    sku = SkuFactory(product__shop=shop, product__title="Mug")
    deal(sku, 1490, now=now)
    page = client.get(sku.product.url).text
    assert "€14.90" in page
    assert "<s>€19.90</s>" in page
