"""Naming moderators, of one show or of all of a creator's, and taking the role back."""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.chat.events import ModeratorsChanged
from creators.chat.models import Moderator
from creators.chat.moderation.actions import ActionKind, record
from creators.chat.moderation.authority import (
    TO_GOVERN,
    Place,
    lock,
    need,
    place_again,
    place_of_creator,
)
from creators.chat.moderation.queries import is_sanctioned
from creators.profiles.queries import is_operator
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotFound, Refused

MOST: Final = 50


class NobodyToAdd(Refused):
    code = "nobody_to_add"
    message = _("Nobody with this address can be added. Choose them from the chat, or ask them.")
    status = 404


class StillSanctioned(Refused):
    code = "still_sanctioned"
    message = _("They are muted or banned: lift that first.")


class TooManyModerators(Refused):
    code = "too_many_moderators"
    message = _("50 moderators are the most.")


def user_by_email(email: str) -> User:
    """Find whom a host means by an address.

    :raises NobodyToAdd: nobody who could be a moderator has it
    """
    user = User.objects.filter(email__iexact=email.strip(), is_active=True).first()
    if user is None:
        raise NobodyToAdd
    return user


def put(place: Place, *, user_id: int, by: User, now: datetime) -> Moderator | None:
    """Make somebody a moderator; None when they are one already.

    :raises StillSanctioned: they are muted or banned where they would moderate
    :raises TooManyModerators: there are 50
    """
    known = Moderator.objects.filter(place.exactly)
    if known.filter(user_id=user_id).exists():
        return None
    if is_sanctioned(user_id=user_id, place=place, now=now):
        raise StillSanctioned
    if known.count() >= MOST:
        raise TooManyModerators
    moderator = Moderator.objects.create(
        creator_id=place.creator_id, piece_id=place.piece_id, user_id=user_id, added_by=by, at=now
    )
    _changed(place, user_id)
    return moderator


def take_away(place: Place, *, user_id: int) -> bool:
    """Take somebody's role in exactly this place; False when they did not have it."""
    gone, _rows = Moderator.objects.filter(place.exactly, user_id=user_id).delete()
    if gone:
        _changed(place, user_id)
    return bool(gone)


def _changed(place: Place, user_id: int) -> None:
    publish(
        ModeratorsChanged(creator_id=place.creator_id, piece_id=place.piece_id, user_id=user_id)
    )


def need_to_name(place: Place, *, by: User) -> None:
    """Let the host and operators go on.

    :raises NotAllowed: `by` is neither
    """
    need(by, place, TO_GOVERN)


def moderator_for(moderator_id: int, *, by: User) -> Moderator:
    """Find a moderator for who may take their role.

    :raises NotFound: there is none (any more)
    :raises NotAllowed: `by` is neither the host nor an operator
    """
    moderator = Moderator.objects.select_related("user").filter(pk=moderator_id).first()
    if moderator is None:
        raise NotFound
    need(by, place_of_creator(moderator.creator_id), TO_GOVERN)
    return moderator


@transaction.atomic
def add_moderator(
    *, place: Place, user_id: int, by: User, now: datetime, reason: str = ""
) -> Moderator:
    """Let somebody moderate a show, or all of a creator's; adding them again changes nothing.

    :raises NotAllowed: `by` is neither the host nor an operator
    :raises NotFound: there is no such user
    :raises Invalid: they may do all that a moderator may already
    :raises StillSanctioned: they are muted or banned where they would moderate
    :raises TooManyModerators: there are 50
    """
    lock(place)
    need(by, place, TO_GOVERN)
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None:
        raise NotFound
    if user.pk == place.host_id or is_operator(user):
        raise Invalid(_("They may do all that a moderator may already."))
    moderator = put(place, user_id=user_id, by=by, now=now)
    if moderator is None:
        return Moderator.objects.get(place.exactly, user_id=user_id)
    record(
        kind=ActionKind.ADD_MODERATOR,
        place=place,
        by=by,
        subject_id=user_id,
        reason=reason,
        now=now,
    )
    return moderator


@transaction.atomic
def remove_moderator(*, moderator_id: int, by: User, now: datetime, reason: str = "") -> None:
    """Take a moderator's role back; they lose it on their open sockets, too.

    :raises NotAllowed: `by` is neither the host nor an operator
    :raises NotFound: there is no such moderator (any more)
    """
    row = (
        Moderator.objects.filter(pk=moderator_id)
        .values_list("creator_id", "piece_id", "user_id")
        .first()
    )
    if row is None:
        raise NotFound
    creator_id, piece_id, user_id = row
    place = place_again(creator_id=creator_id, piece_id=piece_id)
    lock(place)
    need(by, place_of_creator(creator_id), TO_GOVERN)
    if not take_away(place, user_id=user_id):
        raise NotFound
    record(
        kind=ActionKind.REMOVE_MODERATOR,
        place=place,
        by=by,
        subject_id=user_id,
        reason=reason,
        now=now,
    )
