"""The site with one guard of its money switched off: `CARELESS` names it.

Only the controls of the races use it: each shows what happens without the guard, so that a race
that finds nothing has looked. Production code has no such switches.
"""

import os
import time

from liveshop.asgi import application  # noqa: F401  # first: it sets Django up

from django.db import connection  # isort: skip
from django.db.models import QuerySet  # isort: skip
from shops.checkout import quote_views  # isort: skip
from shops.stock import reserving  # isort: skip


def without_keys():
    """Do what is asked as often as it is asked."""

    def at_once(*, effect, **_):
        return effect()

    quote_views.with_key = at_once


def without_an_order():
    """Lock the SKUs of a cart as they come."""
    look = reserving._look

    def in_any_order(wanted, **more):
        for one in wanted:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT sku_id FROM stock_stock WHERE sku_id = %s FOR UPDATE", [one.sku_id]
                )
            time.sleep(0.02)
        return look(wanted, **more)

    reserving._look = in_any_order


def without_row_locks():
    """Read without FOR UPDATE, and take a moment before writing."""

    def unlocked(self, *args, **kwargs):
        time.sleep(0.05)
        return self._chain()

    QuerySet.select_for_update = unlocked


GUARDS = {"keys": without_keys, "order": without_an_order, "locks": without_row_locks}
GUARDS[os.environ["CARELESS"]]()
