"""Reads of follows. Who follows is between the two of them: others get the count at most."""

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser

from creators.social.models import Follow
from shops.accounts.models import User


def is_following(*, creator_id: int, user: User | AnonymousUser) -> bool:
    """Tell whether a user follows a creator."""
    if not user.is_authenticated:
        return False
    return Follow.objects.filter(creator_id=creator_id, user_id=user.pk).exists()


def followers_among(*, creator_id: int, user_ids: Collection[int]) -> frozenset[int]:
    """Select those users who follow a creator."""
    rows = Follow.objects.filter(creator_id=creator_id, user_id__in=user_ids)
    return frozenset(rows.values_list("user_id", flat=True))


def count_followers(creator_id: int) -> int:
    return Follow.objects.filter(creator_id=creator_id).count()
