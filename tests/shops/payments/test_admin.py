"""Operators look at payments and books in the admin, and can change nothing there."""

import pytest
from django.urls import reverse

from shops.ledger.models import Journal, Kind, Side
from shops.ledger.services import Line, post
from shops.payments.models import Payment
from tests.factories.payments import make_payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def looked_at(alice, now):
    sides = ((Side.DEBIT, Kind.PSP_CLEARING), (Side.CREDIT, Kind.ORDER_ESCROW))
    lines = [Line(kind=kind, side=side, amount_minor=5, currency="EUR") for side, kind in sides]
    post(source="test", key="1", lines=lines, description="", now=now)
    return make_payment(alice, now=now)


@pytest.mark.parametrize(
    "model",
    [
        "payments_payment",
        "payments_refund",
        "payments_providermessage",
        "ledger_journal",
        "ledger_account",
    ],
)
def test_lists_open_and_nothing_is_added(client, olga, looked_at, model):
    client.force_login(olga)
    assert client.get(reverse(f"admin:{model}_changelist")).status_code == 200
    assert client.get(reverse(f"admin:{model}_add")).status_code == 403


@pytest.mark.parametrize(
    ("model", "kind"), [("payments_payment", Payment), ("ledger_journal", Journal)]
)
def test_details_open_but_are_not_changed_or_deleted(client, olga, looked_at, model, kind):
    client.force_login(olga)
    one = [kind.objects.get().pk]
    assert client.get(reverse(f"admin:{model}_change", args=one)).status_code == 200
    assert client.post(reverse(f"admin:{model}_change", args=one), {}).status_code == 403
    assert client.post(reverse(f"admin:{model}_delete", args=one), {}).status_code == 403
