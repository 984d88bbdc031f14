"""The SQL of what browsers are told at every sale."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from creators.live.models import ShowState
from shops.facts.rows import ask

_SHOWS: Final = """
SELECT DISTINCT bag.product_id, bag.piece_id FROM pieces_pieceproduct bag
JOIN live_livesession show ON show.piece_id = bag.piece_id
WHERE bag.product_id = ANY(%(products)s::bigint[]) AND bag.removed_at IS NULL
    AND (show.state = ANY(%(states)s) OR show.ended_at > %(lately)s)
"""


def shows_with(*, product_ids: Collection[int], lately: datetime) -> list[tuple[int, int]]:
    """Find the shows with products in their bags that somebody may sit in, as (product, show).

    They are to come, on the air, or have ended after `lately`.
    """
    states = [ShowState.SCHEDULED.value, ShowState.LIVE.value]
    [rows] = ask(_SHOWS, {"products": list(product_ids), "states": states, "lately": lately})
    return [(product_id, piece_id) for product_id, piece_id in rows]
