import pytest

from tests.provider import Provider


@pytest.fixture(scope="module")
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
