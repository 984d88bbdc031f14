"""Following a creator, and stopping."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from creators.profiles.models import Creator
from creators.social.events import Followed, Unfollowed
from creators.social.models import Follow
from shops.accounts.models import User
from shops.facts.publishing import publish
from shops.facts.refused import Invalid, NotFound


class FollowsOneself(Invalid):
    code = "follows_oneself"
    message = _("You can't follow yourself.")


@transaction.atomic
def follow(*, creator_id: int, user: User, now: datetime) -> Follow:
    """Have a user follow a creator; doing it twice changes nothing.

    :raises NotFound: there is no such creator
    :raises FollowsOneself: it is the user's own profile
    """
    host_id = Creator.objects.filter(pk=creator_id).values_list("user_id", flat=True).first()
    if host_id is None:
        raise NotFound
    if host_id == user.pk:
        raise FollowsOneself
    followed, is_new = Follow.objects.get_or_create(
        creator_id=creator_id, user=user, defaults={"since": now}
    )
    if is_new:
        publish(Followed(creator_id=creator_id, user_id=user.pk))
    return followed


@transaction.atomic
def unfollow(*, creator_id: int, user: User) -> None:
    """Have a user stop following a creator; nothing changes for one who doesn't."""
    gone, _rows = Follow.objects.filter(creator_id=creator_id, user=user).delete()
    if gone:
        publish(Unfollowed(creator_id=creator_id, user_id=user.pk))
