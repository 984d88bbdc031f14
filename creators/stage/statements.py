"""The SQL of what browsers are told at every sale."""

from datetime import datetime
from typing import Final

from creators.live.models import ShowState
from shops.facts.rows import ask

_SHOWS: Final = """
SELECT DISTINCT bag.piece_id FROM pieces_pieceproduct bag
JOIN live_livesession show ON show.piece_id = bag.piece_id
WHERE bag.product_id = %(product)s AND bag.removed_at IS NULL
    AND (show.state = ANY(%(states)s) OR show.ended_at > %(lately)s)
"""


def shows_with(*, product_id: int, lately: datetime) -> list[int]:
    """Find the shows with a product in their bag that somebody may sit in.

    They are to come, on the air, or have ended after `lately`.
    """
    states = [ShowState.SCHEDULED.value, ShowState.LIVE.value]
    [rows] = ask(_SHOWS, {"product": product_id, "states": states, "lately": lately})
    return [piece_id for (piece_id,) in rows]
