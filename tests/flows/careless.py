"""The site with one guard of its money switched off: `CARELESS` names it.

Only the controls of the races use it: each shows what happens without the guard, so that a race
that finds nothing has looked. Production code has no such switches.
"""

import os
import time

from liveshop.asgi import application  # noqa: F401  # first: it sets Django up

from django.db import connection  # isort: skip
from django.db.models import QuerySet  # isort: skip
from shops.checkout.services import placing  # isort: skip
from shops.facts.batching import Heat  # isort: skip
from shops.orders import paying_statements as paying  # isort: skip
from shops.orders import statements as orders  # isort: skip
from shops.payments import applying  # isort: skip
from shops.payments import statements as payments  # isort: skip
from shops.stock import reserving  # isort: skip


def without_keys():
    """Do what is asked as often as it is asked."""
    placing.Claim.of = lambda **_: None


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
    lock = payments.lock

    def read(*args, **kwargs):
        found = lock(*args, **kwargs)
        time.sleep(0.05)
        return found

    payments.lock = read
    # Those who wait for each other in a batch need no locks.
    applying.heat = Heat(above=1_000)
    for room, name in ((payments, "_LOCK"), (paying, "_LOCK"), (orders, "_LOCK")):
        setattr(room, name, getattr(room, name).replace("FOR UPDATE", ""))


GUARDS = {"keys": without_keys, "order": without_an_order, "locks": without_row_locks}
GUARDS[os.environ["CARELESS"]]()
