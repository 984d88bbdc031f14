"""After a test that committed, the database is as migrations left it."""

import pytest
from django.test import TransactionTestCase
from procrastinate.contrib.django.models import ProcrastinateJob

from creators.scoring.models import Formula
from shops.accounts.models import User
from shops.payments.tasks import settle
from tests.factories.accounts import UserFactory


@pytest.mark.django_db(transaction=True)
def test_what_tests_wrote_goes_and_what_migrations_wrote_is_there():
    UserFactory()
    settle.defer(timestamp=0)

    TransactionTestCase()._fixture_teardown()

    assert not User.objects.exists()
    assert not ProcrastinateJob.objects.filter(status="todo").exists()
    assert [formula.version for formula in Formula.objects.all()] == [1]
