"""Several facts of one transaction: written in their order, with all that must follow on each."""

import pytest
from django.db import transaction
from procrastinate.contrib.django.models import ProcrastinateJob

from shops.checkout.events import CartChanged
from shops.facts.models import Event
from shops.facts.publishing import NotInTransaction, publish_all, read, table
from shops.payments.events import PaymentCaptured, PaymentFailed

pytestmark = pytest.mark.django_db


def captured(number):
    return PaymentCaptured(
        payment_id=f"payment {number}", purchase_id="p", amount_minor=number, currency="EUR"
    )


def test_facts_are_written_in_their_order_with_one_job():
    before = ProcrastinateJob.objects.count()
    facts = [captured(number) for number in range(1, 40)]
    facts.insert(7, CartChanged(room="own:1", version=3, units=2))
    facts.insert(20, PaymentFailed(payment_id="a", purchase_id="b", code='– ‘declined’ \\ "'))
    with transaction.atomic():
        events = publish_all(facts)

    assert [read(event) for event in events] == facts
    assert [read(event) for event in Event.objects.order_by("pk")] == facts
    [job] = ProcrastinateJob.objects.order_by("pk")[before:]
    names = {type(fact): table()[type(fact)].must for fact in facts}
    assert job.args["asked"] == [
        [one.pk, name]
        for one, fact in zip(events, facts, strict=True)
        for name in names[type(fact)]
    ]


def test_none_is_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert publish_all([]) == []


@pytest.mark.django_db(transaction=True)
def test_facts_need_the_transaction_that_makes_them_true():
    with pytest.raises(NotInTransaction):
        publish_all([captured(1)])
    assert not Event.objects.exists()
