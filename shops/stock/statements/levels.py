"""What the statements of the stock room share: a SKU's figures, and who falls short."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True)
class Level:
    """The units of a SKU as they stand after a statement."""

    sku_id: int
    product_id: int
    on_hand: int
    reserved: int
    rev: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


@dataclass(frozen=True)
class Shortage:
    """A SKU of which fewer units are left than were asked for."""

    sku_id: int
    wanted: int
    left: int


def interval(span: timedelta) -> str:
    """Write a time span as PostgreSQL reads it."""
    return f"{span.total_seconds()} seconds"


# Waited for in a statement of its own: the next one begins under the lock, so it counts by the rows
# as they are. One that waits and counts at once may count by an older version of a row.
LOCK: Final = """
SELECT sku_id FROM stock_stock WHERE sku_id = ANY(%(skus)s::bigint[]) ORDER BY sku_id FOR UPDATE
"""
