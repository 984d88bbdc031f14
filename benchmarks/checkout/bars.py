"""What the checkout must reach in the bench."""

from typing import Final

from benchmarks.stage.bars import Bar, least, most

# Of every round that was asked for.
EXACT: Final = (
    most("oversold", 0),
    most("false_sold_out", 0),
    most("unexplained", 0),
    most("wrong", 0),
)
PARTS: Final[dict[str, tuple[Bar, ...]]] = {
    "reservations": (
        least("reservations_per_s", 10_000),
        most("reservation_p50_ms", 25),
    ),
    "orders": (least("orders_service_per_s", 400),),
    "http": (least("orders_per_s", 100),),
}
