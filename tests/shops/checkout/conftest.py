"""A provider that answers in this process what its cards say, and asks for no network."""

import pytest

from shops.checkout.owner import CartOwner
from shops.facts.models import Event
from shops.facts.publishing import read, table
from shops.facts.reacting import carry_out
from shops.payments import providers
from shops.payments.sandbox.cards import BY_TOKEN, CARDS
from shops.payments.wire import ChargeReport, RefundReport
from tests.factories.catalog import ProductFactory, SkuFactory


class Provider:
    name = "sandbox"

    def __init__(self):
        self.charges = []
        self.refuses_refunds = False

    def choices(self):
        return [providers.Choice(card.token, card.label) for card in CARDS]

    def prepare(self, ask):
        return ""

    def charge(self, ask):
        self.charges.append(ask.key)
        card = BY_TOKEN[ask.card_token]
        if card.stalls:
            raise providers.NoAnswer("timed out")
        state = "pending" if card.is_slow else "failed" if card.failure_code else "succeeded"
        return ChargeReport(
            key=str(ask.key),
            ref=f"ch_{ask.key}",
            state=state,
            amount_minor=ask.amount_minor,
            currency=ask.currency,
            failure_code=card.failure_code,
        )

    def refund(self, *, key, charge_key, charge_ref, amount_minor, currency):
        if self.refuses_refunds:
            raise providers.Rejected("charge_disputed")
        return RefundReport(
            key=str(key),
            ref=f"re_{key}",
            state="succeeded",
            amount_minor=amount_minor,
            currency=currency,
        )


@pytest.fixture
def provider(monkeypatch):
    fake = Provider()
    monkeypatch.setattr(providers, "provider_of", lambda name: fake)
    return fake


@pytest.fixture
def mine(alice):
    """Alice as the owner of her cart."""
    return CartOwner(user_id=alice.pk)


@pytest.fixture
def mug(shop):
    """19.90, ten of them."""
    return SkuFactory(product=ProductFactory(shop=shop, title="Mug"), options=["red"])


@pytest.fixture
def scarf(shop):
    """25.00, three of them."""
    product = ProductFactory(shop=shop, title="Scarf")
    return SkuFactory(product=product, price_minor=2500, on_hand=3)


@pytest.fixture
def carried_out(now):
    """Let what must follow facts of a kind follow, in the checkout room."""

    def run(kind):
        for event in Event.objects.filter(kind=kind).order_by("pk"):
            fact = read(event)
            for path in table()[type(fact)].must:
                if path.startswith("shops.checkout."):
                    carry_out(event_id=event.pk, reaction=path, now=now)

    return run
