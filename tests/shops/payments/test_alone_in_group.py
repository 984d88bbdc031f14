"""One report that waits for a lock in vain: the others of its group are captured and told so."""

import pytest
from django.db import connection

from shops.facts.batching import Busy
from shops.facts.postgresql.base import limit_waits_for_locks
from shops.payments import applying
from shops.payments.models import Payment, PaymentState
from tests.shops.checkout.test_locks_in_groups import Keeper
from tests.shops.payments.test_apply_together import asked, expired, plain

pytestmark = pytest.mark.django_db(transaction=True)


def test_who_is_committed_is_told_so_whatever_becomes_of_one_that_goes_alone(now, settings):
    late, fine = expired(now, settings), plain(now, settings)
    sku_id = late.purchase.orders.first().lines.first().sku_id
    told = []
    connection.close()
    limit_waits_for_locks(0.05)
    try:
        with Keeper(sku_id=sku_id):
            applying.take(
                [asked(late, "succeeded", now), asked(fine, "succeeded", now)], told.extend
            )
    finally:
        limit_waits_for_locks(None)
        connection.close()
    assert Payment.objects.get(pk=fine.pk).state == PaymentState.CAPTURED
    assert isinstance(told[0], Busy)
    assert told[1].state == PaymentState.CAPTURED
