"""What the home page shows of shows that are over: their replays, and the best moments of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.urls import reverse

from creators.live.replays import lists
from creators.live.replays.queries import file_url

MOST_REPLAYS: Final = 8
MOST_MOMENTS: Final = 10


@dataclass(frozen=True)
class ReplayCard:
    """A replay as `home/parts/replay_card.html` draws it."""

    title: str
    url: str
    ended_at: datetime | None
    creator_name: str
    avatar_path: str
    still_url: str
    preview_url: str
    products: int
    duration_ms: int


def replay_cards() -> Sequence[ReplayCard]:
    """List the replays that everybody may watch, the newest first, in one query."""
    return [
        ReplayCard(
            title=one.replay.session.piece.title,
            url=reverse("live:show", args=[one.replay.session_id]),
            ended_at=one.replay.session.ended_at,
            creator_name=one.replay.session.piece.creator.name,
            avatar_path=one.replay.session.piece.creator.avatar_path,
            still_url=file_url(one.replay.still) or one.replay.session.cover_url,
            preview_url=file_url(one.replay.preview),
            products=one.products,
            duration_ms=one.replay.duration_ms,
        )
        for one in lists.public_replays(limit=MOST_REPLAYS)
    ]


def moments() -> Sequence[lists.ClipCard]:
    """List the newest clips, in two lists."""
    return lists.public_clips(limit=MOST_MOMENTS)
