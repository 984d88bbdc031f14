"""A show from schedule to end."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.live.covers import cover_from
from creators.live.events import (
    RehearsalEnded,
    ShowCancelled,
    ShowChanged,
    ShowEnded,
    ShowScheduled,
    ShowStarted,
)
from creators.live.models import SHOW_TRANSITIONS, LiveSession, Replay, ShowEvent, ShowState
from creators.live.services.bag import LARGEST_BAG, BagFull, check_sellable
from creators.live.services.row import OPEN, close_pin, hosted, take
from creators.media import services as media
from creators.pieces.models import Piece, PieceProduct
from creators.profiles.models import Creator
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, Refused

LONGEST_SHOW_MINUTES: Final = 720


class WrongState(Refused):
    code = "wrong_state"
    message = _("The show is no longer in a state in which that is possible.")


class AlreadyLive(Refused):
    """`piece_id` in the extra is the show that is live."""

    code = "already_live"
    message = _("You are live in another show. End it first.")


def move(session: LiveSession, *, to: ShowState, now: datetime) -> int:
    """Change a show's state when the transition table has it, and write that down.

    :raises WrongState: it does not, or somebody was faster
    """
    for state, reachable in SHOW_TRANSITIONS.items():
        if to not in reachable:
            continue
        rev = take(session.pk, states=[state])
        if rev is None:
            continue
        session.state, session.rev = to, rev
        changed = ["state"]
        if to == ShowState.LIVE:
            session.started_at = session.host_seen_at = now
            changed += ["started_at", "host_seen_at"]
        elif to == ShowState.ENDED:
            session.ended_at = now
            changed.append("ended_at")
        session.save(update_fields=changed)
        ShowEvent.objects.create(session=session, from_state=state, to_state=to, at=now)
        return rev
    raise WrongState


def _checked(*, title: str, planned_minutes: int, language: str, visibility: str) -> str:
    """Return the title as it is kept.

    :raises Invalid: something of it is no show's
    """
    title = " ".join(title.split())
    if not title or len(title) > 120:
        raise Invalid(_("A title of 1 to 120 characters is needed."))
    if not 5 <= planned_minutes <= LONGEST_SHOW_MINUTES:
        raise Invalid(_("A show lasts from 5 minutes to 12 hours."))
    is_known = language in dict(settings.LANGUAGES)
    if not is_known or visibility not in LiveSession.Visibility.values:
        raise Invalid
    return title


@transaction.atomic
def schedule_show(
    *,
    creator: Creator,
    title: str,
    scheduled_at: datetime,
    now: datetime,
    category_id: int | None = None,
    planned_minutes: int = 60,
    product_ids: Sequence[int] = (),
    language: str = "en",
    visibility: str = LiveSession.Visibility.PUBLIC,
    cover: "UploadedFile[Any] | None" = None,
    poster_path: str = "",
) -> LiveSession:
    """Announce a show with its shopping bag, in the order given, and a stream for its picture.

    The creator's stream key is aimed at it unless another show of theirs is open.

    :raises Invalid: no title, a length that is not 5 minutes to 12 hours, no language of ours
    :raises BadCover: the cover is no picture, or too large
    :raises ProductGone: a product does not exist or is not sold
    :raises NotPartner: a product is of a shop that is not the creator's partner
    :raises BagFull: more than 100 products
    """
    title = _checked(
        title=title, planned_minutes=planned_minutes, language=language, visibility=visibility
    )
    piece = Piece.objects.create(
        kind=Piece.Kind.LIVE,
        creator=creator,
        category_id=category_id,
        title=title,
        language=language,
        created_at=now,
    )
    is_only_one = not LiveSession.objects.filter(piece__creator=creator, state__in=OPEN).exists()
    session = LiveSession.objects.create(
        piece=piece,
        scheduled_at=scheduled_at,
        planned_minutes=planned_minutes,
        visibility=visibility,
        stream=media.open_stream(creator=creator, is_private=True, now=now),
        poster_path=poster_path,
    )
    ShowEvent.objects.create(session=session, to_state=ShowState.SCHEDULED, at=now)
    wanted = list(dict.fromkeys(product_ids))
    if len(wanted) > LARGEST_BAG:
        raise BagFull
    for product_id in wanted:
        check_sellable(creator_id=creator.pk, product_id=product_id)
    PieceProduct.objects.bulk_create(
        PieceProduct(piece=piece, product_id=product_id, position=position, added_at=now)
        for position, product_id in enumerate(wanted, start=1)
    )
    if is_only_one:
        aim(session, now=now)
    if cover is not None:
        session.cover = cover_from(cover)
        session.save(update_fields=["cover"])
    publish(ShowScheduled(piece_id=piece.pk, creator_id=creator.pk, rev=session.rev))
    return session


@transaction.atomic
def change_show(
    *,
    piece_id: int,
    by: User,
    title: str,
    scheduled_at: datetime,
    planned_minutes: int,
    category_id: int | None,
    language: str,
    visibility: str,
    cover: "UploadedFile[Any] | None" = None,
    drop_cover: bool = False,
    now: datetime,
) -> LiveSession:
    """Change what was announced of a show that has not begun; without a new cover the old stays.

    :raises NotHost: it is somebody else's show
    :raises WrongState: it has begun, or was cancelled
    :raises Invalid: no title, a length that is not 5 minutes to 12 hours, no language of ours
    :raises BadCover: the cover is no picture, or too large
    """
    title = _checked(
        title=title, planned_minutes=planned_minutes, language=language, visibility=visibility
    )
    session = hosted(piece_id=piece_id, by=by)
    rev = take(piece_id, states=[ShowState.SCHEDULED])
    if rev is None:
        raise WrongState
    piece = session.piece
    piece.title, piece.category_id, piece.language = title, category_id, language
    piece.save(update_fields=["title", "category_id", "language"])
    session.rev = rev
    session.scheduled_at, session.planned_minutes = scheduled_at, planned_minutes
    session.visibility = visibility
    before = session.cover.name
    if cover is not None:
        session.cover = cover_from(cover)
    elif drop_cover:
        session.cover = ""
    session.save(update_fields=["scheduled_at", "planned_minutes", "visibility", "cover"])
    if before and before != session.cover.name:
        transaction.on_commit(partial(session.cover.storage.delete, before), robust=True)
    publish(ShowChanged(piece_id=piece_id, creator_id=piece.creator_id, rev=rev))
    return session


def aim(session: LiveSession, *, now: datetime) -> None:
    """Have what the creator's encoder sends become this show's picture."""
    if session.stream_id is not None:
        media.aim_key(creator=session.piece.creator, stream_id=session.stream_id, now=now)


@transaction.atomic
def aim_key(*, piece_id: int, by: User, now: datetime) -> None:
    """Have the host's encoder send to this show, from its next connection on.

    :raises NotHost: it is somebody else's show
    :raises WrongState: it is over
    """
    session = hosted(piece_id=piece_id, by=by)
    if session.is_over:
        raise WrongState
    put_stream(session, now=now)
    aim(session, now=now)


@transaction.atomic
def make_key(*, piece_id: int, by: User, now: datetime) -> str:
    """Give the host a new stream key, aimed at this show, and return it: it is readable only now.

    Who sends by the key before is cut off within seconds.

    :raises NotHost: it is somebody else's show
    :raises WrongState: it is over
    """
    session = hosted(piece_id=piece_id, by=by)
    if session.is_over:
        raise WrongState
    put_stream(session, now=now)
    key = media.make_key(creator=session.piece.creator, now=now)
    aim(session, now=now)
    return key


@transaction.atomic
def upload_captions(*, piece_id: int, by: User, language: str, vtt: str, now: datetime) -> int:
    """Take a WebVTT file as the captions of a show's replay; returns how many there are.

    :raises NotHost: it is somebody else's show
    :raises WrongState: it has not ended, or has no recording any more
    :raises BadCaptions: the file can't be read
    """
    session = hosted(piece_id=piece_id, by=by)
    stream = session.stream
    if not session.is_ended or stream is None or stream.on_air_from is None:
        raise WrongState
    if stream.erased_at is not None:
        raise WrongState
    replay = Replay.objects.filter(session=session).first()
    return media.replace_captions(
        stream_id=stream.pk,
        language=language,
        vtt=vtt,
        starts_at=replay.starts_at if replay else stream.on_air_from,
        now=now,
    )


def put_stream(session: LiveSession, *, now: datetime) -> None:
    """Give a show that was made before there was video its stream."""
    if session.stream_id is not None:
        return
    session.stream = media.open_stream(creator=session.piece.creator, is_private=True, now=now)
    session.save(update_fields=["stream"])
    if session.is_live:
        _open_to_viewers(session, now=now)


def _open_to_viewers(session: LiveSession, *, now: datetime) -> None:
    stream_id = session.stream_id
    assert stream_id is not None  # noqa: S101  # for mypy
    is_private = session.is_private or session.is_rehearsal
    media.set_privacy(stream_id=stream_id, is_private=is_private, now=now)
    media.go_on_air(stream_id=stream_id, now=now)


def in_turn(creator_id: int) -> None:
    """Have what a creator starts at once begin one after the other; call it in a transaction."""
    Creator.objects.select_for_update().get(pk=creator_id)


def only_live(session: LiveSession) -> LiveSession | None:
    """Find the show that its creator is live in, None for none; call it in a transaction.

    :raises AlreadyLive: it is another one
    """
    creator_id = session.piece.creator_id
    in_turn(creator_id)
    live = LiveSession.objects.filter(piece__creator_id=creator_id, state=ShowState.LIVE).first()
    if live is not None and live.pk != session.pk:
        raise AlreadyLive(
            _("You are in a rehearsal. End it first.") if live.is_rehearsal else None,
            piece_id=live.pk,
        )
    return live


def put_on_air(session: LiveSession, *, now: datetime) -> int:
    """Make a show live, with its stream on the air and the creator's key aimed at it."""
    put_stream(session, now=now)
    rev = move(session, to=ShowState.LIVE, now=now)
    # Its row is taken now: who may watch could have been changed since it was read.
    session.refresh_from_db(fields=["visibility"])
    _open_to_viewers(session, now=now)
    aim(session, now=now)
    return rev


@transaction.atomic
def start_show(*, piece_id: int, by: User, now: datetime) -> LiveSession:
    """Go live; starting a show that is live changes nothing.

    :raises NotHost: it is somebody else's show
    :raises AlreadyLive: the creator is live in another show, or in a rehearsal
    :raises WrongState: it has ended or was cancelled
    """
    session = hosted(piece_id=piece_id, by=by)
    live = only_live(session)
    if live is not None:
        return live
    rev = put_on_air(session, now=now)
    publish(ShowStarted(piece_id=piece_id, creator_id=session.piece.creator_id, rev=rev))
    return session


def end(session: LiveSession, *, now: datetime) -> None:
    """End a live show, its open pin and its picture; call it in a transaction.

    What came of a rehearsal is erased by who hears that it has ended. Its row stays, hidden from
    everybody: orders that were given back and facts go on naming it.

    :raises WrongState: it is not live
    """
    creator_id = session.piece.creator_id
    rev = move(session, to=ShowState.ENDED, now=now)
    close_pin(session.pk, now=now)
    _close_stream(session, now=now)
    ended: dict[str, Any] = {"piece_id": session.pk, "creator_id": creator_id, "rev": rev}
    publish(RehearsalEnded(**ended) if session.is_rehearsal else ShowEnded(**ended))


def _close_stream(session: LiveSession, *, now: datetime) -> None:
    if session.stream_id is None:
        return
    media.go_off_air(stream_id=session.stream_id, now=now)
    if session.is_rehearsal:
        media.erase_stream(stream_id=session.stream_id, now=now)
    # The encoder's next picture is the next show's: the one that was rehearsed, else by time.
    creator = session.piece.creator
    open_shows = LiveSession.objects.filter(
        piece__creator=creator, state__in=OPEN, stream__closed_at__isnull=True
    ).select_related("piece__creator")
    live = open_shows.filter(state=ShowState.LIVE).first()
    rehearsed = open_shows.filter(pk=session.rehearsal_of_id).first()
    following = live or rehearsed or open_shows.order_by("scheduled_at", "pk").first()
    if following is not None:
        aim(following, now=now)


@transaction.atomic
def end_show(*, piece_id: int, by: User, now: datetime) -> LiveSession:
    """End a live show and its open pin; the bag stays for the replay.

    Of a rehearsal nothing stays.

    :raises NotHost: it is somebody else's show
    :raises WrongState: it is not live
    """
    session = hosted(piece_id=piece_id, by=by)
    end(session, now=now)
    return session


@transaction.atomic
def cancel_show(*, piece_id: int, by: User, now: datetime) -> LiveSession:
    """Call off a show that has not begun.

    :raises NotHost: it is somebody else's show
    :raises WrongState: it has begun
    """
    session = hosted(piece_id=piece_id, by=by)
    rev = move(session, to=ShowState.CANCELLED, now=now)
    _close_stream(session, now=now)
    publish(ShowCancelled(piece_id=piece_id, creator_id=session.piece.creator_id, rev=rev))
    return session
