"""A replay from the end of its show: made, trimmed, hidden or published, deleted; and its clips."""

from datetime import datetime, timedelta
from typing import Final

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from procrastinate.contrib.django import app as jobs

from creators.live.models import Clip, LiveSession, Replay
from creators.live.replays import queries
from creators.live.services.row import hosted
from creators.media import services as media
from shops.accounts.models import User
from shops.facts.refused import NotFound, Refused

# The jobs of creators.live.tasks; by their names, because that one stands on this module.
MAKE: Final = "live.make_replay"
ILLUSTRATE: Final = "live.illustrate_replay"
FORGET: Final = "live.forget_files"

SHORTEST: Final = timedelta(seconds=5)
# The recorder writes whole stretches: what is missing at the end may just not be written yet.
_TOLERANCE: Final = timedelta(seconds=3)


class NothingRecorded(Refused):
    code = "nothing_recorded"
    message = _("Nothing was recorded of this show.")


class TooShort(Refused):
    code = "replay_too_short"
    message = _("A replay lasts 5 seconds at least.")


def make_soon(*, piece_id: int) -> None:
    """Queue the making of a replay, in the caller's transaction."""
    jobs.configure_task(MAKE, allow_unknown=False, schedule_in={"seconds": 2}).defer(
        piece_id=piece_id
    )


def is_all_there(session: LiveSession) -> bool:
    """Tell whether all that came in of a show that is over stands in the storage by now."""
    span, stream = queries.on_air(session), session.stream
    if span is None or stream is None:
        return True
    if stream.is_receiving:
        return False
    segments = queries.whole(session).segments
    last = stream.lost_at if stream.lost_at is not None else span[1]
    if not segments:
        return last < span[0]
    return segments[-1].ends_at >= min(last, span[1]) - _TOLERANCE


@transaction.atomic
def make_replay(*, piece_id: int, now: datetime) -> Replay | None:
    """Make the replay of a show that is over from what was recorded by now; None without any.

    A public show's is published at once, a private one's is its host's until they publish it. One
    that is there stays as it is: what was recorded late is part of it by its time.
    """
    session = queries.ended_show(piece_id)
    span = queries.on_air(session) if session is not None else None
    if session is None or span is None:
        return None
    shown = queries.recording(session, *span)
    if shown.length <= 0:
        return None
    replay, is_new = Replay.objects.get_or_create(
        session=session,
        defaults={
            "state": Replay.State.HIDDEN if session.is_private else Replay.State.PUBLISHED,
            "starts_at": span[0],
            "ends_at": span[1],
            "made_at": now,
            "duration_ms": shown.length,
        },
    )
    if not is_new:
        _measure(replay)
    return replay


def illustrate_soon(*, piece_id: int) -> None:
    """Queue the making of a replay's still, preview and clips, behind what buyers wait for."""
    jobs.configure_task(
        ILLUSTRATE, allow_unknown=False, priority=-10, lock=f"replay:{piece_id}"
    ).defer(piece_id=piece_id)


def _measure(replay: Replay) -> None:
    length = queries.of_replay(replay).length
    if length != replay.duration_ms:
        replay.duration_ms = length
        replay.save(update_fields=["duration_ms"])


def _taken(*, piece_id: int, by: User) -> Replay:
    """Lock the replay of a show that a user hosts, for this transaction.

    :raises NotFound: there is none
    :raises NotHost: it is somebody else's show
    """
    hosted(piece_id=piece_id, by=by)
    replay = Replay.objects.select_for_update(of=("self",)).filter(session_id=piece_id).first()
    if replay is None:
        raise NotFound
    return replay


@transaction.atomic
def set_state(*, piece_id: int, state: Replay.State, by: User) -> None:
    """Publish or hide a replay.

    :raises NotFound: there is none
    :raises NotHost: it is somebody else's show
    """
    replay = _taken(piece_id=piece_id, by=by)
    replay.state = state
    replay.save(update_fields=["state"])


@transaction.atomic
def trim_replay(*, piece_id: int, starts: int, ends: int, by: User) -> Replay:
    """Set where a replay begins and ends; its pictures and clips are made anew from what is left.

    What they showed may have been cut out, so nobody sees the old ones from now on.

    :param starts: milliseconds of the whole recording, as `ends`
    :raises NotFound: there is none
    :raises NotHost: it is somebody else's show
    :raises NothingRecorded: there is nothing to trim
    :raises TooShort: less than 5 s would be left
    """
    replay = _taken(piece_id=piece_id, by=by)
    whole = queries.whole(replay.session)
    first, last = whole.starts + max(0, starts), whole.starts + min(ends, whole.length)
    if not whole.segments:
        raise NothingRecorded
    if last - first < SHORTEST // timedelta(milliseconds=1):
        raise TooShort
    span = queries.on_air(replay.session)
    since, until = queries.instant(whole, first), queries.instant(whole, last)
    if span is not None:
        # At the edges by the show's own times, so that what is recorded late belongs to it.
        since = span[0] if first <= whole.starts else since
        until = span[1] if last >= whole.ends else until
    if (since, until) == (replay.starts_at, replay.ends_at):
        return replay
    _forget([replay.still, replay.preview])
    # One that was hidden stays so: made anew it would be shown.
    outside = Clip.objects.filter(session_id=piece_id, is_hidden=False).exclude(
        starts_at__gte=since, ends_at__lte=until
    )
    _forget([name for pair in outside.values_list("video", "still") for name in pair])
    outside.delete()
    replay.starts_at, replay.ends_at = since, until
    replay.still = replay.preview = ""
    replay.duration_ms = queries.of_replay(replay).length
    replay.save(update_fields=["starts_at", "ends_at", "still", "preview", "duration_ms"])
    illustrate_soon(piece_id=piece_id)
    return replay


@transaction.atomic
def delete_replay(*, piece_id: int, by: User, now: datetime) -> None:
    """Delete a replay with its clips, and erase the recording; nothing brings it back.

    :raises NotFound: there is none
    :raises NotHost: it is somebody else's show
    """
    replay = _taken(piece_id=piece_id, by=by)
    clips = Clip.objects.filter(session_id=piece_id)
    names = [name for pair in clips.values_list("video", "still") for name in pair]
    _forget([replay.still, replay.preview, *names])
    clips.delete()
    replay.delete()
    if replay.session.stream_id is not None:
        media.erase_stream(stream_id=replay.session.stream_id, now=now)


@transaction.atomic
def set_clip_hidden(*, piece_id: int, clip_id: int, is_hidden: bool, by: User) -> None:
    """Hide a clip, or show it again.

    :raises NotFound: the show has no such clip
    :raises NotHost: it is somebody else's show
    """
    hosted(piece_id=piece_id, by=by)
    if not Clip.objects.filter(pk=clip_id, session_id=piece_id).update(is_hidden=is_hidden):
        raise NotFound


def _forget(names: list[str]) -> None:
    """Queue the deletion of files that no row will name once this transaction is committed."""
    wanted = [name for name in names if name]
    if wanted:
        jobs.configure_task(FORGET, allow_unknown=False).defer(names=[*wanted])


def forget_files(*, names: list[str]) -> None:
    """Delete stills, previews and clips."""
    for name in names:
        default_storage.delete(name)
