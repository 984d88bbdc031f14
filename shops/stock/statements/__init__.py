"""The SQL of the stock room: each change of units is one statement that writes its movements.

A lock order that is the same everywhere (holds by id, then stock by SKU, then the waitlist) leaves
no deadlock.
"""

from shops.stock.statements.counting import add, count, open_books
from shops.stock.statements.holding import (
    EXPIRE,
    FREE,
    RELEASE,
    SELL,
    commit,
    let_go,
    let_go_due,
    renew,
)
from shops.stock.statements.levels import Level, Shortage
from shops.stock.statements.waiting import (
    Ended,
    Turn,
    end,
    end_ran_out,
    offer,
    stranded,
    turns,
    waited_for,
)

__all__ = [
    "EXPIRE",
    "FREE",
    "RELEASE",
    "SELL",
    "Ended",
    "Level",
    "Shortage",
    "Turn",
    "add",
    "commit",
    "count",
    "end",
    "end_ran_out",
    "let_go",
    "let_go_due",
    "offer",
    "open_books",
    "renew",
    "stranded",
    "turns",
    "waited_for",
]
