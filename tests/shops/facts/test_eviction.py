"""A statement that is thrown out of the prepared ones by another of its own trip."""

import pytest
from django.db import connection

from shops.facts.postgresql import pooled
from shops.facts.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_is_asked_is_not_thrown_away_by_what_is_asked_with_it(monkeypatch):
    monkeypatch.setattr(pooled, "_MOST_PREPARED", 4)
    options = connection.settings_dict["OPTIONS"] | {
        "pool": {"min_size": 1, "max_size": 1},
        "prepare_threshold": 5,
    }
    wrapper = DatabaseWrapper(connection.settings_dict | {"OPTIONS": options}, alias="default")
    try:
        for n in range(4):
            assert wrapper.ask(f"SELECT {n}", {}) == [[(n,)]]
        assert wrapper.ask_each([("SELECT 0", {}), ("SELECT 77", {})]) == [[(0,)], [(77,)]]
    finally:
        wrapper.close()
        wrapper.close_pool()
