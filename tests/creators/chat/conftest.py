"""A live show that bob hosts."""

import pytest

from tests.factories.creators import LiveSessionFactory


@pytest.fixture
def show(bob):
    return LiveSessionFactory(piece__creator=bob.creator)
