"""Give a replay its still, its moving preview and its clips, from the recorded segments."""

import logging
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from django.core.files import File
from django.core.files.storage import default_storage, storages
from django.db import transaction

from creators.live.models import Clip, LiveSession, Pin, Replay
from creators.live.replays import pictures, queries
from creators.live.replays.playlist import is_break
from creators.live.replays.queries import Recording
from creators.media.models import Segment
from creators.pieces import referral
from shops.orders.models import OrderLine

log = logging.getLogger(__name__)

MOST_CLIPS: Final = 3
# Milliseconds. A host begins to speak of a product a little before they pin it.
BEFORE_PIN: Final = 4_000
CLIP_LENGTH: Final = 22_000
SHORTEST_CLIP: Final = 3_000
_INTO_PIN: Final = 3_000
_MOMENTS: Final = 4


@dataclass(frozen=True)
class Cut:
    """A stretch worth a clip; places in the playlist."""

    pin: Pin
    starts: int
    ends: int
    clicks: int


class Unfinished(Exception):
    """Something could not be made, or the replay was trimmed meanwhile; worth another try."""


def illustrate(*, piece_id: int, now: datetime) -> None:
    """Make what a replay still lacks of its still, preview and clips.

    What can't be made is left out for now and does not keep the rest from being made.

    :raises Unfinished: something is still missing
    """
    replay = Replay.objects.select_related("session__piece").filter(session_id=piece_id).first()
    if replay is None:
        return
    shown = queries.of_replay(replay)
    if shown.length <= 0:
        return
    cuts = choose_cuts(replay.session, shown)
    moments = choose_moments(cuts, shown)
    done = set(Clip.objects.filter(session_id=piece_id).values_list("pin_id", flat=True))
    wanted: dict[str, Callable[[], None]] = {
        f"clip of pin {cut.pin.pk}": partial(_make_clip, replay, shown, cut, now)
        for cut in cuts
        if cut.pin.pk not in done
    }
    if not replay.still:
        wanted["still"] = partial(_make_still, replay, shown, moments)
    if not replay.preview:
        wanted["preview"] = partial(_make_preview, replay, shown, moments)
    missing = []
    for what, make in wanted.items():
        try:
            make()
        except (pictures.NoPicture, Unfinished, OSError) as why:
            log.warning("show %s has no %s yet: %s", piece_id, what, why)
            missing.append(what)
    if missing:
        raise Unfinished(f"show {piece_id}: {', '.join(missing)}")


# --- What is worth seeing -----------------------------------------------------------------------


def choose_cuts(session: LiveSession, shown: Recording) -> Sequence[Cut]:
    """Choose at most three stretches, around the pins whose product was clicked most.

    Sales decide between equals, and alone when nobody clicked. A product is taken once, and no two
    stretches overlap; a pin that nobody cared for is none of them.
    """
    clicks, sold = queries.clicks_by_pin(session), _sold_by_pin(session)
    pins = Pin.objects.select_related("product").filter(session=session).order_by("pinned_at", "pk")
    ranked = sorted(pins, key=lambda pin: (-clicks[pin.pk], -sold[pin.pk], pin.pinned_at))
    chosen: list[Cut] = []
    for pin in ranked:
        if len(chosen) == MOST_CLIPS or not (clicks[pin.pk] or sold[pin.pk]):
            break
        cut = _cut(pin, shown, clicks[pin.pk])
        if cut is not None and not any(
            pin.product_id == one.pin.product_id
            or (cut.starts < one.ends and one.starts < cut.ends)
            for one in chosen
        ):
            chosen.append(cut)
    return chosen


def _sold_by_pin(session: LiveSession) -> Counter[int]:
    lines = OrderLine.objects.filter(
        referral__startswith=referral.prefix(session.pk), order__paid_at__isnull=False
    ).exclude(referral="")
    units: Counter[int] = Counter()
    for text, quantity in lines.values_list("referral", "quantity"):
        credit = referral.read(text)
        if credit is not None and credit.pin_id is not None:
            units[credit.pin_id] += quantity
    return units


def _cut(pin: Pin, shown: Recording, clicks: int) -> Cut | None:
    if not shown.since <= pin.pinned_at < shown.until:
        return None
    here = shown.timeline.position_ms(pin.pinned_at)
    low, high = _unbroken(shown, here)
    low, high = max(low, shown.starts), min(high, shown.ends)
    ends = min(high, max(low, here - BEFORE_PIN) + CLIP_LENGTH)
    starts = max(low, min(here - BEFORE_PIN, ends - CLIP_LENGTH))
    if ends - starts < SHORTEST_CLIP:
        return None
    return Cut(pin=pin, starts=starts, ends=ends, clicks=clicks)


def _unbroken(shown: Recording, here: int) -> tuple[int, int]:
    """Find the stretch around a place in which the timestamps of the recording go on."""
    starts, at = 0, 0
    for index, segment in enumerate(shown.segments):
        if index and is_break(shown.segments[index - 1], segment):
            if at > here:
                return starts, at
            starts = at
        at += segment.duration_ms
    return starts, at


def choose_moments(cuts: Sequence[Cut], shown: Recording) -> Sequence[int]:
    """Choose up to four places worth a glance, the best first: in the clips, then spread evenly."""
    best = [min(cut.starts + BEFORE_PIN + _INTO_PIN, cut.ends - 1_000) for cut in cuts]
    even = [
        shown.starts + shown.length * (2 * part + 1) // (2 * _MOMENTS) for part in range(_MOMENTS)
    ]
    return [*best, *even[: _MOMENTS - len(best)]]


# --- Making it ----------------------------------------------------------------------------------


@contextmanager
def _source(shown: Recording, starts: int, ends: int) -> Iterator[tuple[Path, float]]:
    """Fetch what is needed of a run between two places: a file, and the seconds into it."""
    segments = _needed(shown, starts, ends)
    into = queries.instant(shown, starts) - segments[0].starts_at
    with TemporaryDirectory(prefix="replay-") as folder:
        path = Path(folder, "source.mp4")
        with path.open("wb") as whole:
            for name in [segments[0].init_name, *(one.name for one in segments)]:
                with storages["recordings"].open(name) as part:
                    shutil.copyfileobj(part, whole)
        yield path, max(0.0, into / timedelta(seconds=1))


def _needed(shown: Recording, starts: int, ends: int) -> Sequence[Segment]:
    found: list[Segment] = []
    at = 0
    for segment in shown.segments:
        begins, at = at, at + segment.duration_ms
        if at <= starts:
            continue
        if begins >= ends or (found and is_break(found[-1], segment)):
            break
        found.append(segment)
    if not found:
        raise Unfinished("nothing was recorded there")
    return found


def _keep(replay: Replay, path: Path, name: str) -> str:
    """Put a file into the storage, under a name that can't be guessed."""
    with path.open("rb") as file:
        return default_storage.save(
            f"replays/{replay.session_id}/{secrets.token_urlsafe(9)}/{name}", File(file)
        )


def _make_still(replay: Replay, shown: Recording, moments: Sequence[int]) -> None:
    with TemporaryDirectory(prefix="still-") as folder:
        path = Path(folder, "still.jpg")
        with _source(shown, moments[0], moments[0] + 1_000) as (source, into):
            pictures.still(source, at=into, to=path)
        _enter(replay, still=_keep(replay, path, "still.jpg"))


def _make_preview(replay: Replay, shown: Recording, moments: Sequence[int]) -> None:
    with TemporaryDirectory(prefix="preview-") as folder:
        taken = 0
        for moment in sorted(moments):
            try:
                with _source(shown, moment, moment + 1_500) as (source, into):
                    taken += pictures.frames(source, at=into, into=Path(folder), first=taken)
            except pictures.NoPicture as why:
                log.info("a moment less in the preview of show %s: %s", replay.session_id, why)
        path = Path(folder, "preview.webp")
        pictures.preview(Path(folder), to=path)
        _enter(replay, preview=_keep(replay, path, "preview.webp"))


def _make_clip(replay: Replay, shown: Recording, cut: Cut, now: datetime) -> None:
    with (
        TemporaryDirectory(prefix="clip-") as folder,
        _source(shown, cut.starts, cut.ends) as (source, into),
    ):
        video, still = Path(folder, "clip.mp4"), Path(folder, "clip.jpg")
        seconds = (cut.ends - cut.starts) / 1000
        pictures.clip(source, at=into, seconds=seconds, to=video)
        pictures.still(source, at=into + seconds / 4, to=still)
        kept = [_keep(replay, video, "clip.mp4"), _keep(replay, still, "clip.jpg")]
    starts_at = queries.instant(shown, cut.starts)
    with transaction.atomic():
        if not _is_as_it_was(replay):
            _drop(kept)
            raise Unfinished("it was trimmed meanwhile")
        Clip.objects.get_or_create(
            session_id=replay.session_id,
            pin=cut.pin,
            defaults={
                "starts_at": starts_at,
                # A cut has no gap in it; the instant of its last place may be behind the next one.
                "ends_at": starts_at + timedelta(milliseconds=cut.ends - cut.starts),
                "clicks": cut.clicks,
                "video": kept[0],
                "still": kept[1],
                "made_at": now,
            },
        )


def _is_as_it_was(replay: Replay) -> bool:
    """Lock a replay, and tell whether its ends are still where they were."""
    return (
        Replay.objects.select_for_update()
        .filter(pk=replay.pk, starts_at=replay.starts_at, ends_at=replay.ends_at)
        .exists()
    )


@transaction.atomic
def _enter(replay: Replay, **names: str) -> None:
    if not _is_as_it_was(replay):
        _drop(list(names.values()))
        raise Unfinished("it was trimmed meanwhile")
    Replay.objects.filter(pk=replay.pk).update(**names)


def _drop(names: Sequence[str]) -> None:
    for name in names:
        default_storage.delete(name)
