"""A buyer whose bank asks first: out to its page and back, under our content policy."""

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from shops.payments import services
from shops.payments.models import Payment
from tests.factories.payments import make_payment

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize(
    ("answer", "words", "state"),
    [
        ("Confirm", "Paid. Thank you!", "captured"),
        ("Refuse", "Your bank did not confirm the payment.", "failed"),
    ],
)
def test_out_to_the_bank_and_back(visit, site, settings, alice, answer, words, state):
    settings.SITE_URL = site.url
    settings.PAYMENTS_SANDBOX_URL = f"http://127.0.0.1:{site.provider_port}"
    now = datetime.now(UTC)
    payment = make_payment(alice, now=now, card_token="tok_3ds", prices=(700,))
    services.start(payment_id=payment.pk, now=now)
    number = payment.purchase.orders.get().number

    page = visit(alice)
    page.goto(f"/orders/{number}/")
    page.get_by_role("link", name="Confirm the payment").click()
    page.get_by_role("button", name=answer).click()
    expect(page).to_have_url(f"{site.url}/orders/{number}/")
    expect(page.get_by_text(words)).to_be_visible()
    assert Payment.objects.get().state == state
    assert visit.errors == []
