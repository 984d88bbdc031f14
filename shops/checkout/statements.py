"""The SQL of the checkout room: what every order does, in one round trip each."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.db import connection

# The first statement waits for the cart's lock; the others begin under it and see its lines as they
# are. What kept the ordered units of a line is the order's now.
_TAKE_OUT: Final = """
SELECT id FROM checkout_cart WHERE user_id = %(user)s FOR UPDATE;

WITH ordered AS (
    SELECT line.id, line.quantity - taken.units AS more
    FROM unnest(%(skus)s::bigint[], %(units)s::int[]) AS taken (sku_id, units)
    JOIN checkout_cart cart ON cart.user_id = %(user)s
    JOIN checkout_cartline line ON line.cart_id = cart.id AND line.sku_id = taken.sku_id
), gone AS (
    DELETE FROM checkout_cartline line USING ordered
    WHERE line.id = ordered.id AND ordered.more <= 0
), fewer AS (
    UPDATE checkout_cartline line SET quantity = ordered.more, hold_id = NULL
    FROM ordered WHERE line.id = ordered.id AND ordered.more > 0
)
UPDATE checkout_cart SET version = version + 1, updated_at = %(now)s
WHERE user_id = %(user)s RETURNING version;

SELECT coalesce(sum(line.quantity), 0)::int FROM checkout_cartline line
JOIN checkout_cart cart ON cart.id = line.cart_id WHERE cart.user_id = %(user)s
"""


def take_out(*, user_id: int, ordered: Mapping[int, int], now: datetime) -> tuple[int, int] | None:
    """Take ordered units (SKU id → units) out of a user's cart.

    Returns its version and the units that are left in it; None when the user has no cart.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _TAKE_OUT,
            {
                "user": user_id,
                "skus": list(ordered),
                "units": list(ordered.values()),
                "now": now,
            },
        )
        cursor.nextset()
        changed = cursor.fetchone()
        cursor.nextset()
        left = cursor.fetchone()
    return None if changed is None or left is None else (changed[0], left[0])
