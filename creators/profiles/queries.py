"""Reads of creators: whose profile it is, which shops they may show, who operates the site."""

from collections.abc import Collection, Sequence

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q

from creators.profiles.models import Creator
from shops.accounts.models import Grant, Role, User
from shops.catalog.models import Shop
from shops.facts.refused import NotFound


def creator_of(user: User | AnonymousUser) -> Creator | None:
    """Find the creator that a user is, if they are one."""
    if not user.is_authenticated:
        return None
    return Creator.objects.filter(user_id=user.pk).first()


def payee_of_user(user: User | AnonymousUser) -> str:
    """Name a creator as the shops' books know them; "" for everybody else."""
    creator = creator_of(user)
    return f"creator:{creator.pk}" if creator else ""


def payee_names(payees: Collection[str]) -> dict[str, str]:
    """Name creators for people, by how the shops' books know them."""
    keys = [int(payee.partition(":")[2]) for payee in payees if payee.startswith("creator:")]
    names = Creator.objects.filter(pk__in=keys).values_list("pk", "name")
    return {f"creator:{key}": name for key, name in names}


def creator_by_handle(handle: str) -> Creator:
    """Find a creator by their public handle.

    :raises NotFound: nobody has it
    """
    creator = Creator.objects.select_related("category").filter(handle=handle).first()
    if creator is None:
        raise NotFound
    return creator


def is_operator(user: User | AnonymousUser) -> bool:
    """Tell whether a user operates the site (and may moderate anywhere)."""
    if not user.is_authenticated:
        return False
    return user.is_superuser or user.grants.filter(role=Role.OPERATOR).exists()


def operators_among(user_ids: Collection[int]) -> frozenset[int]:
    """Select those users who operate the site."""
    rows = User.objects.filter(
        Q(is_superuser=True)
        | Q(Exists(Grant.objects.filter(user=OuterRef("pk"), role=Role.OPERATOR))),
        pk__in=user_ids,
    )
    return frozenset(rows.values_list("pk", flat=True))


def sees_all_scores(user: User | AnonymousUser) -> bool:
    """Tell whether a user may see every creator's scores: operators and brands."""
    if not user.is_authenticated:
        return False
    roles = [Role.OPERATOR, Role.BRAND]
    return user.is_superuser or user.grants.filter(role__in=roles).exists()


def shops_of(creator: Creator) -> Sequence[Shop]:
    """List the active shops whose products a creator may show."""
    return list(Shop.objects.filter(partners__creator=creator, is_active=True).order_by("name"))
