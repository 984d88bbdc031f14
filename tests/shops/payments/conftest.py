import pytest

from tests import stripe_like
from tests.provider import Provider
from tests.shops.payments.sayings import serve

__all__ = ["serve"]


@pytest.fixture(scope="session")
def provider(tmp_path_factory):
    """A running sandbox provider whose webhooks reach nobody."""
    running = Provider(tmp_path_factory.mktemp("provider"))
    try:
        yield running.start()
    finally:
        running.kill()


@pytest.fixture
def charging(provider, settings):
    """The site pays at `provider`."""
    settings.PAYMENTS_SANDBOX_URL = provider.url
    return provider


SIGNING = "whsec_stripe_test_secret"


@pytest.fixture(scope="session")
def stripe_server():
    with stripe_like.running() as server:
        yield server


@pytest.fixture
def stripe(stripe_server, settings):
    """The site pays at a server that speaks as Stripe does."""
    stripe_server.forget()
    settings.PAYMENT_PROVIDER = "stripe"
    settings.STRIPE_SECRET_KEY = stripe_like.SECRET
    settings.STRIPE_WEBHOOK_SECRET = SIGNING
    settings.STRIPE_API_BASE = stripe_server.url
    return stripe_server
