"""Reads of replays: what was recorded, chapters, goods then and now, the chat, clips."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.core.files.storage import default_storage, storages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce

from creators.audience.models import ProductClick
from creators.chat.queries import answered_questions, lines_between
from creators.live.models import LiveSession, Pin, Replay, ShowState
from creators.live.queries import BagItem, bag, image_url
from creators.media import queries as media
from creators.media.models import Segment
from creators.media.timeline import Timeline
from creators.pieces import referral
from shops.facts.refused import NotFound

# How much of the chat one answer holds: what was said before a place, and what comes after it.
CHAT_BEFORE: Final = 40
CHAT_AFTER: Final = 200
# Whoever marks a question as answered does so when the answer was given.
ANSWER_LEAD_MS: Final = 10_000


@dataclass(frozen=True)
class Chapter:
    """A pin of the show; its place is milliseconds from the beginning of the replay."""

    pin_id: int
    product_id: int
    title: str
    image_url: str
    place: int
    price_minor: int | None
    currency: str

    @property
    def seconds(self) -> int:
        return self.place // 1000


@dataclass(frozen=True)
class Good:
    """A product of the show as it is sold now, and what it cost when it was pinned last.

    `place` is where it was pinned first; None for one that was in the bag only.
    """

    item: BagItem
    then_minor: int | None
    currency: str
    place: int | None

    @property
    def seconds(self) -> int | None:
        return None if self.place is None else self.place // 1000

    @property
    def has_other_price(self) -> bool:
        return (
            self.then_minor is not None
            and self.currency == self.item.cheapest.currency
            and self.then_minor != self.item.cheapest.price_minor
        )


@dataclass(frozen=True)
class Line:
    """A chat line; `at` is its place, milliseconds from the beginning of the replay."""

    id: int
    at: int
    name: str
    text: str
    # "host", "moderator" or "".
    badge: str


@dataclass(frozen=True)
class Answer:
    """A question that was answered; its place is milliseconds from the beginning of the replay."""

    id: int
    name: str
    text: str
    # What it was about, "" for anything.
    product: str
    place: int

    @property
    def seconds(self) -> int:
        return self.place // 1000


@dataclass(frozen=True)
class ChatPart:
    """Lines in order; they are all there are between the places `since` and `until`."""

    lines: Sequence[Line]
    since: int
    until: int


@dataclass(frozen=True)
class Recording:
    """What a replay (or the whole recording) is played from.

    `starts` and `ends` are milliseconds of the playlist, between which it is played: segments are
    whole, so that the first and the last may hold more than is to be shown.
    """

    since: datetime
    until: datetime
    segments: Sequence[Segment]
    timeline: Timeline
    starts: int
    ends: int

    @property
    def length(self) -> int:
        return self.ends - self.starts


def ended_show(piece_id: int) -> LiveSession | None:
    """Find a show that was on and is over, with its stream; no rehearsal."""
    return (
        LiveSession.objects.select_related("stream", "piece__creator")
        .filter(
            pk=piece_id,
            state=ShowState.ENDED,
            rehearsal_of__isnull=True,
            started_at__isnull=False,
            stream__erased_at__isnull=True,
        )
        .first()
    )


def replay_of(session: LiveSession) -> Replay | None:
    """Find the replay of a show, hidden or not."""
    return Replay.objects.filter(session=session).first()


def replay_or_404(session: LiveSession) -> Replay:
    """Find the replay of a show.

    :raises NotFound: there is none
    """
    replay = replay_of(session)
    if replay is None:
        raise NotFound
    return replay


def on_air(session: LiveSession) -> tuple[datetime, datetime] | None:
    """Return when a show began and ended; None when it has not done both."""
    if session.started_at is None or session.ended_at is None:
        return None
    return session.started_at, session.ended_at


def recording(session: LiveSession, since: datetime, until: datetime) -> Recording:
    """Gather what is played between two instants of a show."""
    segments = media.segments(session.stream, since, until) if session.stream else []
    timeline = Timeline(segments)
    return Recording(
        since=since,
        until=until,
        segments=segments,
        timeline=timeline,
        starts=timeline.position_ms(since),
        ends=timeline.position_ms(until),
    )


def instant(shown: Recording, place: int) -> datetime:
    """Tell when the picture at a place was taken.

    :raises NotFound: nothing was recorded
    """
    found = shown.timeline.instant(place)
    if found is None:
        raise NotFound
    return found


def of_replay(replay: Replay) -> Recording:
    return recording(replay.session, replay.starts_at, replay.ends_at)


def whole(session: LiveSession) -> Recording:
    """Gather all that was recorded while a show was on, however its replay is trimmed.

    :raises NotFound: the show has not been on, or is not over
    """
    span = on_air(session)
    if span is None:
        raise NotFound
    return recording(session, *span)


def recording_url(name: str) -> str:
    """Return where a browser finds a recorded file."""
    return storages["recordings"].url(name)


def file_url(name: str) -> str:
    """Return where a browser finds a still, a preview or a clip; "" for none."""
    return default_storage.url(name) if name else ""


# --- Chapters and goods -------------------------------------------------------------------------


def _pins(session: LiveSession) -> Sequence[Pin]:
    return list(
        Pin.objects.select_related("product")
        .prefetch_related("product__images")
        .filter(session=session)
        .order_by("pinned_at", "pk")
    )


def chapters(session: LiveSession, shown: Recording) -> Sequence[Chapter]:
    """List the pins of a show that its replay shows, in order; one before it begins with it."""
    found = []
    for pin in _pins(session):
        place = shown.timeline.position_ms(pin.pinned_at)
        ends = shown.timeline.position_ms(pin.unpinned_at) if pin.unpinned_at else shown.ends
        if place >= shown.ends or ends <= shown.starts:
            continue
        images = sorted(pin.product.images.all(), key=lambda image: (image.position, image.pk))
        found.append(
            Chapter(
                pin_id=pin.pk,
                product_id=pin.product_id,
                title=pin.product.title,
                image_url=image_url(images[0]) if images else "",
                place=max(place - shown.starts, 0),
                price_minor=pin.price_minor,
                currency=pin.currency,
            )
        )
    return found


def goods(session: LiveSession, listed: Sequence[Chapter]) -> Sequence[Good]:
    """List what a show had in its bag, as it is sold now: what was pinned first, in that order.

    A sale is credited to the pin that showed the product, as it was live.
    """
    first: dict[int, Chapter] = {}
    last: dict[int, Chapter] = {}
    for chapter in listed:
        first.setdefault(chapter.product_id, chapter)
        last[chapter.product_id] = chapter
    found = []
    for item in bag(session):
        pinned = last.get(item.product_id)
        if pinned is None:
            found.append(Good(item=item, then_minor=None, currency="", place=None))
            continue
        credit = referral.make(session.pk, session.piece.creator_id, pinned.pin_id)
        found.append(
            Good(
                item=replace(item, pin_id=None, referral=credit),
                then_minor=pinned.price_minor,
                currency=pinned.currency,
                place=first[item.product_id].place,
            )
        )
    found.sort(key=lambda good: (good.place is None, good.place or 0))
    return found


# --- The chat and what was said -----------------------------------------------------------------


def chat_part(session: LiveSession, shown: Recording, *, place: int) -> ChatPart:
    """List the chat around a place: some lines before it, more after it."""
    if not shown.segments:
        return ChatPart(lines=[], since=0, until=0)
    timeline = shown.timeline
    first, last = instant(shown, shown.starts), instant(shown, shown.ends)
    here = instant(shown, shown.starts + max(0, min(place, shown.length)))
    before, after = lines_between(
        piece_id=session.pk,
        since=first,
        here=here,
        until=last,
        before=CHAT_BEFORE,
        after=CHAT_AFTER,
    )
    lines = [
        Line(
            id=message.pk,
            at=timeline.position_ms(message.sent_at) - shown.starts,
            name=message.author.display_name,
            text=message.body,
            badge=message.badge,
        )
        for message in [*before, *after]
    ]
    return ChatPart(
        lines=lines,
        since=0 if len(before) < CHAT_BEFORE else lines[0].at,
        until=shown.length if len(after) < CHAT_AFTER else lines[-1].at,
    )


def answers(session: LiveSession, shown: Recording) -> Sequence[Answer]:
    """List the questions that were answered in what is shown, each where its answer is heard."""
    found = []
    for question in answered_questions(piece_id=session.pk):
        if question.answered_at is None:
            continue
        place = shown.timeline.position_ms(question.answered_at)
        if not shown.starts <= place <= shown.ends:
            continue
        found.append(
            Answer(
                id=question.pk,
                name=question.author.display_name,
                text=question.body,
                product="" if question.product is None else question.product.title,
                place=max(place - shown.starts - ANSWER_LEAD_MS, 0),
            )
        )
    return found


def caption_languages(session: LiveSession, since: datetime, until: datetime) -> Sequence[str]:
    """List the languages that a stretch of a show has captions in, the show's own first."""
    if session.stream is None:
        return []
    found = media.caption_languages(session.stream, since, until)
    return sorted(found, key=lambda one: (one != session.piece.language, one))


# --- What was clicked ---------------------------------------------------------------------------


def clicks_by_pin(session: LiveSession) -> dict[int, int]:
    """Count, for each pin of a show, who opened its product while it was pinned."""
    clicked = (
        ProductClick.objects.filter(
            piece_id=OuterRef("session_id"),
            product_id=OuterRef("product_id"),
            at__gte=OuterRef("pinned_at"),
            at__lt=Coalesce(OuterRef("unpinned_at"), OuterRef("session__ended_at")),
        )
        .order_by()
        .values("piece_id")
        .annotate(n=Count("pk"))
        .values("n")
    )
    pins = Pin.objects.filter(session=session).annotate(clicks=Coalesce(Subquery(clicked), 0))
    return dict(pins.values_list("pk", "clicks"))
