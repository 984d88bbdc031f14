"""After a test that committed, the database is as migrations left it."""

import pytest
from django.test import TransactionTestCase

from creators.scoring.models import Formula
from shops.accounts.models import User
from tests.factories.accounts import UserFactory


@pytest.mark.django_db(transaction=True)
def test_what_tests_wrote_goes_and_what_migrations_wrote_is_there():
    UserFactory()

    TransactionTestCase()._fixture_teardown()

    assert not User.objects.exists()
    assert [formula.version for formula in Formula.objects.all()] == [1]
