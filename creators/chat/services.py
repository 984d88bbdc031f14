"""Writing in a show's chat, and the host's ways of keeping it friendly."""

import unicodedata
from datetime import datetime, timedelta
from math import ceil
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from creators.chat import limits
from creators.chat.events import ChatDeleted, ChatPosted, UserMuted, UserUnmuted
from creators.chat.models import Message, Mute
from creators.chat.queries import open_mute
from creators.pieces.queries import is_on_air, piece_with_creator
from creators.profiles.queries import is_operator
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotAllowed, NotFound, Refused

MUTE_FOR: Final = timedelta(minutes=10)
LONGEST_MUTE: Final = timedelta(days=1)
# Control, format, surrogate and private characters go; unassigned ones may be new emoji and stay.
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co"})
# Joiners that emoji and several scripts are written with.
_KEPT: Final = frozenset("\u200c\u200d")
# Letters and symbols that leave their place empty: fillers of Hangul, the blank of Braille.
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")


class EmptyMessage(Invalid):
    code = "empty_message"
    message = _("Write something first.")


class MessageTooLong(Invalid):
    code = "message_too_long"
    message = _("That is too long: a line has 300 characters at most.")


class ChatClosed(Refused):
    code = "chat_closed"
    message = _("The chat is open while the show is live.")


class Muted(Refused):
    """`until` in the extra is an ISO 8601 instant."""

    code = "muted"
    message = _("The host has muted you.")
    status = 403


class TooFast(Refused):
    """`retry_after` in the extra is in seconds."""

    code = "too_fast"
    message = _("You are writing too fast.")
    status = 429


def clean(body: str) -> str:
    """Make one line of what was typed: no control characters, single spaces, trimmed.

    Markup stays as it was typed: it is text, and is escaped wherever it is shown.
    """
    kept = "".join(
        c if c in _KEPT or unicodedata.category(c) not in _DROPPED else " " for c in body
    )
    return " ".join(kept.split())


def _is_seen(body: str) -> bool:
    """Tell whether a line has more than blanks, joiners and marks that stand on nothing."""
    return any(
        c not in _KEPT and c not in _BLANK and unicodedata.category(c)[0] not in "MZ" for c in body
    )


@transaction.atomic
def post_message(
    *,
    piece_id: int,
    author: User,
    client_id: UUID,
    body: str,
    now: datetime,
    grace: timedelta = timedelta(),
) -> Message:
    """Write a line in a show's chat; the same `client_id` again gives the same message.

    :param grace: so long after its end a show still takes lines: viewers see its end late
    :raises EmptyMessage: nothing that can be seen is left after trimming
    :raises MessageTooLong: more than 300 characters
    :raises ChatClosed: the show is not live, nor was it within the grace
    :raises Muted: the host muted the author; says until when
    :raises TooFast: more than 5 lines in 10 seconds
    """
    body = clean(body)
    if not _is_seen(body):
        raise EmptyMessage
    if len(body) > settings.CHAT_MAX_LENGTH:
        raise MessageTooLong
    limits.serialise(author_id=author.pk)
    sent = Message.objects.filter(piece_id=piece_id, author=author, client_id=client_id).first()
    if sent is not None:
        return sent
    if not is_on_air(piece_id, since=now - grace):
        raise ChatClosed
    mute = open_mute(piece_id=piece_id, user_id=author.pk, now=now)
    if mute is not None:
        raise Muted(
            _("The host has muted you until %(time)s.")
            % {"time": date_format(timezone.localtime(mute.until), "H:i")},
            until=mute.until.isoformat(),
        )
    wait = limits.wait_before_next(author_id=author.pk, now=now)
    if wait is not None:
        seconds = max(1, ceil(wait.total_seconds()))
        raise TooFast(
            ngettext(
                "You are writing too fast. Wait %(seconds)s second.",
                "You are writing too fast. Wait %(seconds)s seconds.",
                seconds,
            )
            % {"seconds": seconds},
            retry_after=seconds,
        )
    message = Message.objects.create(
        piece_id=piece_id, author=author, client_id=client_id, body=body, sent_at=now
    )
    publish(ChatPosted(piece_id=piece_id, message_ids=[message.pk]))
    return message


@transaction.atomic
def delete_message(*, message_id: int, by: User, now: datetime) -> Message:
    """Take a line out of the chat; its row stays. Deleting it again changes nothing.

    :raises NotFound: there is no such message
    :raises NotAllowed: `by` is not its author, the host or an operator
    """
    message = (
        Message.objects.select_for_update(of=("self",))
        .select_related("piece__creator")
        .filter(pk=message_id)
        .first()
    )
    if message is None:
        raise NotFound
    host_id = message.piece.creator.user_id
    if by.pk not in (message.author_id, host_id) and not is_operator(by):
        raise NotAllowed
    if message.deleted_at is None:
        message.deleted_at, message.deleted_by = now, by
        message.rev += 1
        message.save(update_fields=["deleted_at", "deleted_by", "rev"])
        publish(ChatDeleted(message_id=message.pk, piece_id=message.piece_id, by_id=by.pk))
    return message


def _may_mute(*, piece_id: int, user_id: int, by: User) -> None:
    host_id = piece_with_creator(piece_id).creator.user_id
    if user_id == by.pk or user_id == host_id:
        raise Invalid(_("The host can't be muted, nor you yourself."))
    if by.pk != host_id and not is_operator(by):
        raise NotAllowed


@transaction.atomic
def mute(
    *,
    piece_id: int,
    user_id: int,
    by: User,
    now: datetime,
    lasts: timedelta = MUTE_FOR,
    reason: str = "",
) -> Mute:
    """Stop a user from writing in a show for a while (10 minutes unless told, a day at most).

    A user who is muted already is muted until the later of both times.

    :raises NotAllowed: `by` is neither the host nor an operator
    :raises Invalid: the host or oneself, or not a length of time from a second to a day
    :raises NotFound: there is no such piece or user
    """
    _may_mute(piece_id=piece_id, user_id=user_id, by=by)
    if not timedelta(seconds=1) <= lasts <= LONGEST_MUTE:
        raise Invalid(_("A mute lasts a day at most."))
    limits.serialise(author_id=user_id)
    if not User.objects.filter(pk=user_id).exists():
        raise NotFound
    until = now + lasts
    muted = open_mute(piece_id=piece_id, user_id=user_id, now=now)
    if muted is not None and muted.until >= until:
        return muted
    muted = Mute.objects.create(
        piece_id=piece_id,
        user_id=user_id,
        muted_by=by,
        reason=reason.strip()[:200],
        at=now,
        until=until,
    )
    publish(
        UserMuted(mute_id=muted.pk, piece_id=piece_id, user_id=user_id, until=until.isoformat())
    )
    return muted


@transaction.atomic
def unmute(*, piece_id: int, user_id: int, by: User, now: datetime) -> None:
    """Let a muted user write again; nothing changes for one who is not muted.

    :raises NotAllowed: `by` is neither the host nor an operator
    """
    _may_mute(piece_id=piece_id, user_id=user_id, by=by)
    limits.serialise(author_id=user_id)
    muted = open_mute(piece_id=piece_id, user_id=user_id, now=now)
    if muted is None:
        return
    Mute.objects.filter(
        piece_id=piece_id, user_id=user_id, lifted_at__isnull=True, until__gt=now
    ).update(lifted_at=now)
    publish(UserUnmuted(mute_id=muted.pk, piece_id=piece_id, user_id=user_id))


@transaction.atomic
def erase(*, piece_id: int) -> None:
    """Delete what was said in a piece and who was muted there: it was a rehearsal."""
    Message.objects.filter(piece_id=piece_id).delete()
    Mute.objects.filter(piece_id=piece_id).delete()
