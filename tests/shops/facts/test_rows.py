"""Models that are made of rows: as Django's querysets make them."""

from datetime import UTC, datetime

import pytest
from django.apps import apps

from shops.accounts.models import User
from shops.facts.rows import ask, columns, joined, models
from shops.orders.models import Order, OrderLine
from shops.stock.models import Hold
from tests.factories.catalog import ShopFactory
from tests.factories.returns import sent_order

OURS = [model for model in apps.get_models() if model.__module__.startswith(("shops", "creators"))]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_no_model_of_ours_does_more_when_it_is_made_than_hold_its_columns(model):
    """What Django's `from_db` does besides is left out."""
    assert "__init__" not in vars(model)
    assert "from_db" not in vars(model)


@pytest.mark.django_db
def test_they_are_equal_to_what_a_queryset_gives_and_can_be_saved(alice):
    sent_order(alice, ShopFactory(), now=datetime.now(UTC))
    for model in (Order, OrderLine):
        [rows] = ask(f"SELECT {columns(model, 'one')}, 'more' FROM {model._meta.db_table} one", {})
        for one in models(model, rows):
            other = model.objects.get(pk=one.pk)
            assert vars(one) | {"_state": None} == vars(other) | {"_state": None}
            assert (one._state.adding, one._state.db) == (False, other._state.db)
            assert one == other
        one.save()
        one.refresh_from_db()
    [rows] = ask(
        f"SELECT {columns(Order, 'o')}, {columns(Hold, 'h')}"
        " FROM orders_order o LEFT JOIN stock_hold h ON h.quantity < 0",
        {},
    )
    [(order, nobody)] = joined(rows, Order, Hold)
    assert nobody is None
    assert order.buyer == alice
    order.buyer_id += 1
    with pytest.raises(User.DoesNotExist):
        _ = order.buyer
