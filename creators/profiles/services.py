"""Becoming a creator, and the shops that a creator may show."""

import re
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from creators.profiles.models import Creator, PartnerShop
from creators.profiles.queries import is_operator
from shops.accounts.models import Grant, Role, User
from shops.catalog.models import ShopStaff
from shops.facts.refused import Invalid, NotAllowed, Refused

_HANDLE: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class HandleTaken(Refused):
    code = "handle_taken"
    message = _("Another creator has this handle.")


class AlreadyCreator(Refused):
    code = "already_creator"
    message = _("You are a creator already.")


@transaction.atomic
def become_creator(
    *,
    user: User,
    handle: str,
    name: str,
    now: datetime,
    bio: str = "",
    category_id: int | None = None,
) -> Creator:
    """Give a user a public profile and the creator's role.

    :raises AlreadyCreator: the user has a profile
    :raises HandleTaken: another creator has the handle
    :raises Invalid: the handle is not small letters, digits and single hyphens, or no name is given
    """
    handle, name, bio = handle.strip().lower(), name.strip(), bio.strip()
    if not _HANDLE.fullmatch(handle) or len(handle) > 40:
        raise Invalid(_("A handle has small letters, digits and hyphens, 40 at most."))
    if not name or len(name) > 60:
        raise Invalid(_("A name of 1 to 60 characters is needed."))
    if len(bio) > 500:
        raise Invalid(_("At most 500 characters about yourself."))
    try:
        with transaction.atomic():
            creator = Creator.objects.create(
                user=user,
                handle=handle,
                name=name,
                bio=bio,
                category_id=category_id,
                created_at=now,
            )
    except IntegrityError as error:
        if Creator.objects.filter(user=user).exists():
            raise AlreadyCreator from error
        raise HandleTaken from error
    Grant.objects.bulk_create(
        [Grant(user=user, role=Role.CREATOR, granted_at=now)], ignore_conflicts=True
    )
    return creator


@transaction.atomic
def add_partner(*, creator_id: int, shop_id: int, by: User, now: datetime) -> PartnerShop:
    """Let a creator show a shop's products; doing it twice changes nothing.

    :raises NotAllowed: `by` is neither staff of the shop nor an operator
    """
    is_staff = ShopStaff.objects.filter(shop_id=shop_id, user=by).exists()
    if not is_staff and not is_operator(by):
        raise NotAllowed
    partner, _created = PartnerShop.objects.get_or_create(
        creator_id=creator_id, shop_id=shop_id, defaults={"since": now}
    )
    return partner
