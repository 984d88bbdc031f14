"""Payouts by the sandbox provider itself."""

import uuid

import pytest

from shops.payouts import checks, paying, settling
from shops.payouts.accounts import save_account
from tests.factories.payouts import delivered, line
from tests.provider import Provider


@pytest.fixture
def provider(tmp_path, settings):
    running = Provider(tmp_path)
    settings.PAYOUT_WAY = "sandbox"
    try:
        settings.PAYMENTS_SANDBOX_URL = running.start().url
        yield running
    finally:
        running.kill()


@pytest.mark.django_db(transaction=True)
def test_it_pays_a_balance_once(provider, shop, carol, now):
    settling.settle(order_id=delivered(now=now, shop=shop, lines=[line(10_000)]).pk, now=now)
    save_account(
        owner=f"shop:{shop.pk}", holder="Carol", number="ACCOUNT01", bic="", by=carol, now=now
    )

    run = paying.start_run(run_id=uuid.uuid4(), now=now)
    payout = run.payouts.get()
    assert paying.send(payout_id=payout.pk, now=now).state == payout.state
    paying.carry_on_all(now=now)

    payout.refresh_from_db()
    assert payout.state == "paid"
    assert payout.provider_ref
    assert list(checks.off(now=now)) == []
