"""Who may write in a show, and what everybody else is told: why not, and until when."""

from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from creators.chat.models import Badge
from creators.chat.standing import Restriction, Standing, read_standing
from shops.accounts.models import User
from shops.facts.refused import Refused


class ChatClosed(Refused):
    code = "chat_closed"
    message = _("The chat is open while the show is live.")


class Banned(Refused):
    """`until` in the extra is an ISO 8601 instant, or None; `reason` is the moderator's."""

    code = "banned"
    message = _("You were removed from this chat.")
    status = 403


class Muted(Refused):
    """`until` in the extra is an ISO 8601 instant, or None; `reason` is the moderator's."""

    code = "muted"
    message = _("You are muted here.")
    status = 403


class FollowersOnly(Refused):
    """`creator` in the extra is the handle of whom to follow."""

    code = "followers_only"
    message = _("Only followers write here.")
    status = 403


def check_may_write(
    standing: Standing,
    author_id: int,
    *,
    keeps: bool,
    follows: bool,
    at: datetime,
    grace: timedelta = timedelta(),
) -> None:
    """Refuse who may not write in a show now; `keeps`: they moderate it.

    :raises ChatClosed: the show is not live, nor was it within the grace
    :raises Banned: says why and until when
    :raises Muted: the same
    :raises FollowersOnly: says whom to follow
    """
    if not standing.takes_lines(now=at, grace=grace):
        raise ChatClosed
    refuse_banned(standing, author_id, at=at)
    mute = standing.mute_of(author_id, now=at)
    if mute is not None:
        raise Muted(say_muted(mute), until=_iso(mute.until), reason=mute.reason)
    if standing.rules.followers_only and not keeps and not follows:
        raise FollowersOnly(say_follow(standing.creator_name), creator=standing.creator_handle)


def refuse_banned(standing: Standing, user_id: int | None, *, at: datetime) -> None:
    """Refuse who may not be in a show; its host always may.

    :raises Banned: says why and until when
    """
    ban = standing.ban_of(user_id, now=at)
    if ban is not None and user_id != standing.host_id:
        raise Banned(say_banned(ban), until=_iso(ban.until), reason=ban.reason)


def check_ban(*, piece_id: int, user: User | AnonymousUser, now: datetime) -> None:
    """Let who is not banned from a show go on.

    :raises Banned: they are; says why and until when
    :raises NotFound: there is no such piece
    """
    if user.pk is not None:
        refuse_banned(read_standing(piece_id, now=now, of=[user.pk]), user.pk, at=now)


def badge_of(standing: Standing, user_id: int, *, keeps: bool) -> Badge:
    if user_id == standing.host_id:
        return Badge.HOST
    return Badge.MODERATOR if keeps else Badge.NONE


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _when(until: datetime) -> str:
    local = timezone.localtime(until)
    is_near = until - timezone.now() < timedelta(hours=12)
    return date_format(local, "H:i" if is_near else "SHORT_DATETIME_FORMAT")


def _with_reason(text: str, reason: str) -> str:
    return f"{text} {gettext('The reason: %(reason)s') % {'reason': reason}}" if reason else text


def _muted(mute: Restriction) -> str:
    if mute.until is not None:
        text = gettext("You are muted here until %(time)s.") % {"time": _when(mute.until)}
    elif mute.piece_id is not None:
        text = gettext("You are muted for the rest of this show.")
    else:
        text = gettext("You are muted in all shows of this creator.")
    return _with_reason(text, mute.reason)


def _banned(ban: Restriction) -> str:
    if ban.until is not None:
        text = gettext("You were removed from this chat until %(time)s.") % {
            "time": _when(ban.until)
        }
    elif ban.piece_id is not None:
        text = gettext("You were removed from this show.")
    else:
        text = gettext("You were removed from all shows of this creator.")
    return _with_reason(text, ban.reason)


def _follow(name: str) -> str:
    return gettext("Follow %(name)s to write here.") % {"name": name}


# Said in the reader's language, by whichever thread it was found out.
say_muted = lazy(_muted, str)
say_banned = lazy(_banned, str)
say_follow = lazy(_follow, str)
