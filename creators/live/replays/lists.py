"""Lists of replays and clips, for the home page and for the creator's page of a replay."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse

from creators.live.models import Clip, LiveSession, Replay
from creators.live.replays.queries import file_url
from creators.pieces.models import PieceProduct


@dataclass(frozen=True)
class ClipCard:
    """A clip as a page shows it; `url` is the same moment of its replay."""

    clip: Clip
    title: str
    video_url: str
    still_url: str
    url: str
    duration_ms: int


def _card(clip: Clip) -> ClipCard:
    return ClipCard(
        clip=clip,
        title=clip.pin.product.title,
        video_url=file_url(clip.video),
        still_url=file_url(clip.still),
        url=f"{reverse('live:show', args=[clip.session_id])}?clip={clip.pk}",
        duration_ms=(clip.ends_at - clip.starts_at) // timedelta(milliseconds=1),
    )


def clips_of(session: LiveSession) -> Sequence[ClipCard]:
    """List a show's clips, hidden ones too, by their time."""
    clips = Clip.objects.select_related("pin__product").filter(session=session)
    return [_card(clip) for clip in clips.order_by("starts_at", "pk")]


@dataclass(frozen=True)
class Listed:
    """A replay, and how many products its show had."""

    replay: Replay
    products: int


def public_replays(*, limit: int) -> Sequence[Listed]:
    """List the replays that everybody may watch, of the shows that ended last first."""
    # Counted for those that are listed: a join would be counted for all before the first is known.
    in_bag = (
        PieceProduct.objects.filter(piece_id=OuterRef("session_id"), removed_at__isnull=True)
        .order_by()
        .values("piece_id")
        .annotate(n=Count("pk"))
        .values("n")
    )
    found = (
        Replay.objects.select_related("session__piece__creator")
        .filter(_public(), state=Replay.State.PUBLISHED)
        .order_by("-session__ended_at", "-pk")
        .annotate(products=Coalesce(Subquery(in_bag), 0))
    )
    return [Listed(replay=one, products=one.products) for one in found[:limit]]


def public_clips(*, limit: int) -> Sequence[ClipCard]:
    """List the clips of the newest replays that everybody may watch, a show's most clicked first.

    Not those that stand outside of what is left of a trimmed replay.
    """
    clips = (
        Clip.objects.select_related("pin__product")
        .filter(
            _public(),
            session__replay__state=Replay.State.PUBLISHED,
            session__replay__starts_at__lte=F("starts_at"),
            session__replay__ends_at__gte=F("ends_at"),
            is_hidden=False,
        )
        .exclude(video="")
        .order_by("-session__ended_at", "-clicks", "pk")
    )
    return [_card(clip) for clip in clips[:limit]]


def _public() -> Q:
    # (That it has ended is said for the index.)
    return Q(
        session__visibility=LiveSession.Visibility.PUBLIC,
        session__rehearsal_of__isnull=True,
        session__ended_at__isnull=False,
    )
