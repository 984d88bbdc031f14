"""What follows for its replay when a show has ended."""

from datetime import datetime

from creators.live.events import ShowEnded
from creators.live.replays import services


def make_replay_soon(fact: ShowEnded, *, event_id: int, now: datetime) -> None:
    services.make_soon(piece_id=fact.piece_id)
